"""Tables of trials with several hypotheses: what the family claims, and each hypothesis look by look."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtri

from trialsim.design.group_sequential import group_sequential_design
from trialsim.errors import DesignError
from trialsim.protocol.declared import DeclaredTrial, GroupSequentialDesign
from trialsim.protocol.declared.several.hypotheses import Hypothesis
from trialsim.study.declared.bounds import efficacy_rule
from trialsim.study.declared.several.testing import Tested, Testing
from trialsim.study.designs.sequential_characteristics import SequentialCharacteristics, SequentialTally

# What is counted for these tables, and means nothing as a mean of one hypothesis.
OF_FAMILY = ("claims", "true_claim", "every_claim", "false_claim", "look_month", "information")
POWER, ERROR = "power", "type I error"


def measure_of(testing: Testing, hypothesis: str) -> str:
    """Return what a share of claims of a hypothesis is: power where there is something to claim."""
    return POWER if _tested(testing, hypothesis).works else ERROR


def family_rows(testing: Testing, stopping: Mapping[str, SequentialTally]) -> list[dict[str, Any]]:
    """Return one row on all hypotheses of a cell.

    Parameters
    ----------
    testing : Testing
        How they are tested.
    stopping : mapping of str to SequentialTally
        Sums of each hypothesis.

    Returns
    -------
    list of dict
        ``with_effect`` hypotheses out of ``hypotheses``; ``disjunctive_power`` (any of those is claimed),
        ``conjunctive_power`` (all of them), ``family_wise_error`` (any other is), NaN where there are none;
        ``expected_claims``, ``expected_size`` and ``expected_months`` at the end of the trial. All with Monte
        Carlo errors.
    """
    one = next(iter(stopping.values()))
    seen = SequentialCharacteristics("", one)
    true = sum(tested.works for tested in testing.tested)
    row: dict[str, Any] = {"hypotheses": len(testing.tested), "with_effect": true, "trials": one.trials}
    for name, key, told in (
        ("disjunctive_power", "true_claim", true > 0),
        ("conjunctive_power", "every_claim", true > 0),
        ("family_wise_error", "false_claim", true < len(testing.tested)),
    ):
        row |= dict(
            zip((name, f"{name}_mcse"), seen.share(key) if told else (math.nan, math.nan), strict=True)
        )
    for name in ("claims", "size", "months"):
        row |= dict(zip((f"expected_{name}", f"expected_{name}_mcse"), seen.mean(name), strict=True))
    return [row]


def hypothesis_rows(testing: Testing, stopping: Mapping[str, SequentialTally]) -> list[dict[str, Any]]:
    """Return one row a hypothesis and look.

    Parameters
    ----------
    testing, stopping
        As of `family_rows`.

    Returns
    -------
    list of dict
        The `measure` of a claim; ``claimed`` by the look, with its error; the mean ``month`` and
        ``information`` of the look, were it held; ``weight`` at the start, and the z bounds at that share of
        alpha and at the whole of it, planned or at the mean information.
    """
    rows = []
    for name, tally in stopping.items():
        tested, seen = _tested(testing, name), SequentialCharacteristics("", tally)
        looks = len(tally.efficacy)
        weight = float(testing.graph.weights[[one.name for one in testing.tested].index(name)])
        information = np.array([seen.mean_at_look("information", k)[0] for k in range(looks)])
        at_weight, at_whole = (_bounds(testing.trial, tested, information, share) for share in (weight, 1.0))
        for k in range(looks):
            by_now = int(tally.efficacy[: k + 1].sum())
            month, error = seen.mean_at_look("look_month", k)
            rows.append(
                {
                    "hypothesis": name, "look": k + 1, "measure": measure_of(testing, name),
                    "claimed": by_now / tally.trials, "claimed_mcse": _error(by_now, tally.trials),
                    "month": month, "month_mcse": error, "information": float(information[k]),
                    "weight": weight, "z_at_weight": at_weight[k], "z_at_whole_alpha": at_whole[k],
                }
            )  # fmt: skip
    return rows


def _tested(testing: Testing, name: str) -> Tested:
    return next(one for one in testing.tested if one.name == name)


def _error(successes: int, trials: int) -> float:
    rate = min(max(successes, 0.5), trials - 0.5) / trials
    return math.sqrt(rate * (1 - rate) / trials)


def _bounds(trial: DeclaredTrial, tested: Tested, information: np.ndarray, share: float) -> list[float]:
    """Return z bounds of the looks; NaN without alpha, and where the mean information gives none."""
    level, looks = share * trial.design.alpha, len(information)
    if level <= 0:
        return [math.nan] * looks
    if looks == 1:
        return [float(-ndtri(level))]
    design = trial.design
    assert isinstance(design, GroupSequentialDesign)
    planned = tested.members[0].planned
    times = np.asarray(planned) if planned else np.maximum.accumulate(information)
    last = int((times >= min(1.0, times[-1]) - 1e-9).argmax()) + 1
    return [*_of_rule(tested.hypothesis, design, times[:last], level), *[math.nan] * (looks - last)]


def _of_rule(one: Hypothesis, design: GroupSequentialDesign, times: np.ndarray, level: float) -> list[float]:
    rule = efficacy_rule(one.efficacy or design.efficacy)
    try:
        plan = group_sequential_design([1.0], efficacy=rule, alpha=level)
        if abs(times[-1] - 1) < 1e-9:
            plan = group_sequential_design(times.tolist(), efficacy=rule, alpha=level)
            return list(plan.upper)
        return list(plan.at_observed(times.tolist(), final=True).upper)
    except DesignError:
        return [math.nan] * len(times)

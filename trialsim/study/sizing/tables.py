"""Sizes that were found, and what a score saves, as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialsim.protocol.declared import DeclaredTrial
from trialsim.rates import PlannedAccrual
from trialsim.study.declared.drawing.accrual import accrual_of, spread_of
from trialsim.study.sizing.formulas.door import FormulaSize
from trialsim.study.sizing.rivals import Sized
from trialsim.study.sizing.search import FoundSize
from trialsim.study.sizing.varied import Varied

AS_DECLARED, DISCOUNTED, WORST_PLAUSIBLE = "as declared", "discounted", "worst plausible"
_Z90 = 1.6448536269514722
_Z95 = 1.959963984540054

Found = Mapping[tuple[str, str], FoundSize]


def size_table(
    varied: Varied, rows: Sequence[Sized], found: Found, formulas: Mapping[tuple[str, str], FormulaSize]
) -> pd.DataFrame:
    """Return one row an analysis and strength of the score; all sizes are of whole trials."""
    made = []
    for (strength, name), one in found.items():
        row = next(each for each in rows if each.analysis.label == name)
        formula = formulas[strength, name]
        participants = round(sum(varied.arms(one.size)))
        made.append(
            {
                "analysis": name,
                "score": strength if row.scored else "not used",
                "why": row.why,
                "participants": participants,
                "participants_lower_95": sum(varied.arms(one.lower)),
                # A size is rounded up to whole blocks, which in a small trial can be beyond the exact bound.
                "participants_upper_95": max(sum(varied.arms(one.upper)), participants),
                "controls": varied.arms(one.size)[0],
                "participants_by_formula": sum(varied.arms(formula.size)),
                "formula": formula.name,
                "power": one.power,
                "power_mcse": one.power_mcse,
                "searched_at": round(sum(varied.arms(one.searched_at))),
                "trials": one.trials,
            }
        )
    return pd.DataFrame(made)


def savings_table(varied: Varied, trial: DeclaredTrial, rows: Sequence[Sized], found: Found) -> pd.DataFrame:
    """Return one row a scored analysis, strength and rival that claims the same; empty without scores."""
    made = []
    for (strength, name), one in found.items():
        scored = next(each for each in rows if each.analysis.label == name)
        if not scored.scored:
            continue
        rivals = [each for each in rows if not each.scored and each.analysis.null == scored.analysis.null]
        best = min(rivals, key=lambda each: found[AS_DECLARED, each.analysis.label].exact, default=None)
        for rival in rivals:
            other = found[AS_DECLARED, rival.analysis.label]
            row = {
                "analysis": name, "score": strength, "beyond": rival.analysis.label, "best": rival is best,
            }  # fmt: skip
            made.append(row | _saved(varied, other, one) | _worth(varied, trial, other, one))
    return pd.DataFrame(made)


def _saved(varied: Varied, other: FoundSize, one: FoundSize) -> dict[str, float]:
    """Return participants and controls saved, and the share of the rival's trial that they are."""
    fewer = [
        before - after for before, after in zip(varied.arms(other.exact), varied.arms(one.exact), strict=True)
    ]
    saved, whole = sum(fewer), sum(varied.arms(other.exact))
    each = sum(varied.arms(2.0)) - sum(varied.arms(1.0))
    error = each * math.hypot(_error(other), _error(one))
    return {
        "participants_saved": saved,
        "participants_saved_mcse": error,
        "controls_saved": fewer[0],
        "share_saved": saved / whole,
        "share_saved_lower_90": (saved - _Z90 * error) / whole,
    }


def _worth(varied: Varied, trial: DeclaredTrial, other: FoundSize, one: FoundSize) -> dict[str, Any]:
    """Return months of enrolment saved, where participants enter by a plan, and money, by the costs."""
    accrual = None if trial.enrolment is None else accrual_of(varied.at(one.size))
    if not isinstance(accrual, PlannedAccrual) or spread_of(trial) == "uniform":
        return {}
    arms = [varied.arms(each.exact) for each in (other, one)]
    months = [float(accrual.expected_entries(math.ceil(sum(each)))[-1]) for each in arms]
    found = {"months_saved": months[0] - months[1]}
    costs = trial.costs
    # Sites and screening are priced by the sizes by formula, which know how many there are.
    if costs is not None and not (costs.site_month or costs.screening):
        cost = [
            costs.control * controls + costs.active * active + costs.month * month
            for (controls, active), month in zip(arms, months, strict=True)
        ]
        found["cost_saved"] = cost[0] - cost[1]
    return found


def _error(one: FoundSize) -> float:
    return (one.upper - one.lower) / (2 * _Z95)

"""Would synthetic participants have led to the same trial? Sizes and power on synthetic and on real.

A synthetic population may look like the real one and still plan another trial: what counts is the SD of
the outcome, its correlation with the baseline, and what other covariates explain beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from trialsim.data import Covariates, Floats
from trialsim.design import PlanningMoments, SizingQuestion, power_of_size, size_for_power
from trialsim.errors import InputError

_BOOTSTRAPS = 400
_LEVELS = (0.025, 0.975)
_LARGEST_CORRELATION = 0.999


@dataclass(frozen=True)
class Decision:
    """What a population says a trial needs.

    Parameters
    ----------
    sd : float
        Of the outcome.
    baseline_correlation : float
        Of the outcome with the baseline.
    partial_correlation : float
        Of the outcome with its best linear score, given the baseline.
    total_ancova, total_adjusted : int
        Size for the asked power with baseline ANCOVA, and with the score as well.
    power_ancova : float
        Power of ANCOVA at the size that the real participants ask for.
    """

    sd: float
    baseline_correlation: float
    partial_correlation: float
    total_ancova: float
    total_adjusted: float
    power_ancova: float


def decision_fidelity(
    real: Covariates,
    synthetic: Covariates,
    outcome: str,
    baseline: str,
    covariates: Sequence[str],
    question: SizingQuestion,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """Compare what real and synthetic participants say of a trial's size and power.

    Parameters
    ----------
    real, synthetic : Covariates
        Control participants; both hold the outcome (a change), its baseline and the covariates.
    outcome, baseline : str
        Their names.
    covariates : sequence of str
        What the score may use besides the baseline.
    question : SizingQuestion
        Effect, power and α.
    generator : Generator
        For the bootstrap of the real participants.

    Returns
    -------
    DataFrame
        One row a quantity: ``real``, ``low`` and ``high`` (95 % bootstrap interval of the real
        participants), ``synthetic``, ``ratio``, and ``agrees`` (the synthetic value lies inside).

    Raises
    ------
    InputError
        If a column is missing, or fewer than 30 complete participants are left on a side.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> def people(n):
    ...     x = rng.normal(size=(n, 2))
    ...     change = 0.5 * x[:, 0] + 0.5 * x[:, 1] + rng.normal(size=n)
    ...     return Covariates(("score0", "age", "change"), np.column_stack([x, change]))
    >>> frame = decision_fidelity(
    ...     people(400), people(4000), "change", "score0", ["age"], SizingQuestion(effect=0.4), rng
    ... )
    >>> bool(frame["agrees"].mean() > 0.5)
    True
    """
    wanted = (outcome, baseline, *covariates)
    first, second = (
        _complete(people, wanted, side) for people, side in ((real, "real"), (synthetic, "synthetic"))
    )
    with threadpool_limits(1):
        own = _decision(first, question, None)
        made = _decision(second, question, own.total_ancova)
        samples = [
            _decision(first[generator.integers(len(first), size=len(first))], question, own.total_ancova)
            for _ in range(_BOOTSTRAPS)
        ]
    rows = []
    for one in fields(Decision):
        draws = np.array([getattr(sample, one.name) for sample in samples], dtype=float)
        low, high = (float(np.nanquantile(draws, level)) for level in _LEVELS)
        asked, got = float(getattr(own, one.name)), float(getattr(made, one.name))
        rows.append(
            {
                "quantity": one.name,
                "real": asked,
                "low": low,
                "high": high,
                "synthetic": got,
                "ratio": got / asked if asked else float("nan"),
                "agrees": low <= got <= high,
            }
        )
    return pd.DataFrame(rows)


def _complete(people: Covariates, wanted: Sequence[str], side: str) -> Floats:
    for name in wanted:
        if name not in people.names:
            raise InputError(f"the {side} participants have no such column", field=name, mend="mend its name")
    values = people.select(wanted).values
    values = values[~np.isnan(values).any(axis=1)]
    if len(values) < 30:
        raise InputError(
            f"fewer than 30 complete {side} participants",
            value=len(values),
            mend="leave out sparse covariates",
        )
    return values


def _decision(values: Floats, question: SizingQuestion, real_total: float | None) -> Decision:
    outcome, baseline, others = values[:, 0], values[:, 1], values[:, 2:]
    sd = float(outcome.std(ddof=1))
    rho = _correlation(outcome, baseline)
    partial = _partial_correlation(outcome, baseline, others)
    moments = PlanningMoments((sd, sd), (rho, rho), (partial, partial))
    ancova = size_for_power(moments, "ancova", question)
    adjusted = size_for_power(moments, "prognostic", question)
    total = ancova.total if real_total is None else round(real_total)
    controls = round(total * question.allocation[0])
    power = power_of_size(controls, total - controls, moments, "ancova", question)
    return Decision(sd, rho, partial, float(ancova.total), float(adjusted.total), float(power))


def _partial_correlation(outcome: Floats, baseline: Floats, others: Floats) -> float:
    """Return the multiple correlation with the outcome given the baseline, corrected for chance.

    ρ² = 1 − (1 − R²)(n − 2)/(n − 2 − p), not below 0 (Ezekiel): many covariates explain something by luck.
    """
    if others.shape[1] == 0:
        return 0.0
    base = np.column_stack([np.ones(len(outcome)), baseline])
    y = outcome - base @ np.linalg.lstsq(base, outcome, rcond=None)[0]
    x = others - base @ np.linalg.lstsq(base, others, rcond=None)[0]
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    free, used = len(y) - 2, np.linalg.matrix_rank(x)
    share = 1 - float(residual @ residual) / float(y @ y) * free / (free - used)
    return float(np.sqrt(np.clip(share, 0.0, _LARGEST_CORRELATION**2)))


def _correlation(first: Floats, second: Floats) -> float:
    if first.std() == 0 or second.std() == 0:
        return 0.0
    r = float(np.asarray(np.corrcoef(first, second))[0, 1])
    return float(np.clip(r, -_LARGEST_CORRELATION, _LARGEST_CORRELATION))

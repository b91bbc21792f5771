"""What the twin would be under another covariate, or under a treatment term that is brought from outside.

A covariate's contrast is the history's association between people who differ in it, all else equal; it says
what the twin of such a person is, not what changing the person would do. A placebo history knows nothing
of any treatment: its term, with its uncertainty, must come with a source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialsim.data import Covariates, Floats, Twins
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook
from trialsim.prognosis.models.regression import Regression
from trialsim.prognosis.twins.longitudinal import Prognosis

ASSOCIATION = (
    "A covariate's contrast is an association in the history, not the effect of changing it. "
    "A treatment term is an assumption from outside the history."
)
_FARTHEST_SD = 4.0
_CHUNK_NUMBERS = 4_000_000


@dataclass(frozen=True)
class TreatmentTerm:
    """What a drug, a dose or a way of life is assumed to add to the outcome.

    The term at week w is ``dose * effect * min(w / full_by_week, 1)``; its uncertainty is one normal for
    all participants.

    Parameters
    ----------
    name, source : str
        What it is, and where the numbers come from.
    effect, effect_sd : float
        Points of the endpoint a unit of dose, and the standard deviation of its uncertainty, at least 0. In
        `outcome_what_if` the log of an odds, rate or hazard ratio.
    dose : float
        Units of dose.
    full_by_week : float
        Week from which it acts in full; 0 for at once.
    """

    name: str
    source: str
    effect: float
    effect_sd: float
    dose: float = 1.0
    full_by_week: float = 0.0

    def at(self, weeks: Floats) -> Floats:
        """Return the share of the effect (V,) that acts at each week, dose included."""
        ramp = np.ones_like(weeks) if self.full_by_week <= 0 else np.minimum(weeks / self.full_by_week, 1.0)
        return np.asarray(self.dose * ramp)

    def effects(self, draws: int, generator: np.random.Generator) -> Floats:
        """Return the effect of a unit of dose by posterior draw: exact mean and SD, in an order by chance.

        Evenly spaced quantiles of the normal, so that an assumed effect comes back as it was assumed.
        """
        normal = ndtri((np.arange(draws) + 0.5) / draws)
        normal /= normal.std() or 1.0
        return np.asarray(self.effect + self.effect_sd * generator.permutation(normal))


@dataclass(frozen=True)
class WhatIf(InNotebook):
    """Twins as they are and as they would be.

    Parameters
    ----------
    before, after : Twins
        Of N participants.
    difference, difference_sd : ndarray (N, V)
        Score after minus before, and its posterior standard deviation: the noise of an outcome is in neither.
    mean, low, high : ndarray (V,)
        Mean difference over the participants, and its central 90 % posterior interval.
    outside : dict of str to float
        Share of participants whose changed value lies outside the history's mean +/- 4 SD.
    """

    before: Twins
    after: Twins
    difference: Floats
    difference_sd: Floats
    mean: Floats
    low: Floats
    high: Floats
    outside: dict[str, float]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a week."""
        return pd.DataFrame(
            {
                "week": self.before.weeks,
                "twin_before": self.before.score.mean(axis=0),
                "twin_after": self.after.score.mean(axis=0),
                "difference": self.mean,
                "low_90": self.low,
                "high_90": self.high,
                "one_twin_sd": self.after.sd.mean(axis=0),
            }
        )


def what_if(
    prognosis: Prognosis,
    covariates: Covariates,
    baseline: Floats,
    weeks: Sequence[float] | Floats,
    *,
    set_to: Mapping[str, float] | None = None,
    add: Mapping[str, float] | None = None,
    treatment: TreatmentTerm | None = None,
    generator: np.random.Generator,
) -> WhatIf:
    """Return the twins under a change, beside the twins as they are.

    Parameters
    ----------
    prognosis : Prognosis
        Fitted to a history.
    covariates, baseline, weeks
        As in `Prognosis.predict`.
    set_to, add : mapping of str to float
        New values, and amounts to add, by covariate; ``baseline`` names the measured baseline, whose own
        difference counts in the outcome. A missing value stays missing under `add`.
    treatment : TreatmentTerm, optional
        What is added to the outcome.
    generator : Generator
        Of the component ``twins``: the order of the treatment's effects among the posterior draws.

    Returns
    -------
    WhatIf

    Raises
    ------
    HistoryError
        Nothing is changed, a covariate is unknown or named twice, a value is not finite, or as in
        `Prognosis.predict`.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, History
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> history = History("score", "example", True, people, np.array([12.0, 24.0]), rng.normal(20, 3, 60),
    ...                   rng.normal(22, 4, (60, 2)), np.zeros(60, dtype=int))
    >>> from trialsim.prognosis.validation.predictive import prior_prognosis
    >>> prognosis = prior_prognosis(history, generator=rng, draws=50)
    >>> found = what_if(prognosis, people, history.baseline, [24.0], add={"age": 5.0}, generator=rng)
    >>> found.difference.shape
    (60, 1)
    """
    changes, shifts = dict(set_to or {}), dict(add or {})
    require_changes(("baseline", *prognosis.names), changes, shifts, treatment)
    weeks, baseline = np.asarray(weeks, dtype=float), np.asarray(baseline, dtype=float)
    now = covariates.select(prognosis.names).values
    then, then_baseline = now.copy(), baseline.copy()
    for name in (*changes, *shifts):
        column = then_baseline if name == "baseline" else then[:, prognosis.names.index(name)]
        column[:] = changes[name] if name in changes else column + shifts[name]
    other = Covariates(prognosis.names, then)
    before = prognosis.predict(covariates, baseline, weeks)
    after = prognosis.predict(other, then_baseline, weeks)
    s = prognosis.standardisation
    regression = Regression.at(s, weeks)
    x, other_x = s.matrix(covariates, baseline), s.matrix(other, then_baseline)
    theta = prognosis.coefficients.T * s.unit
    term = np.zeros((len(weeks), theta.shape[1]))
    if treatment is not None:
        term = treatment.at(weeks)[:, None] * treatment.effects(theta.shape[1], generator)
    difference, difference_sd = np.empty_like(before.score), np.empty_like(before.score)
    total = np.zeros_like(term)
    size = max(1, _CHUNK_NUMBERS // term.size)
    for start in range(0, len(x), size):
        part = slice(start, start + size)
        rows = regression.rows(other_x[part]) - regression.rows(x[part])
        by_draw = rows @ theta + term + (then_baseline - baseline)[part, None, None]
        difference[part], difference_sd[part] = by_draw.mean(axis=2), by_draw.std(axis=2)
        total += by_draw.sum(axis=0)
    average = total / len(x)
    low, high = np.quantile(average, [0.05, 0.95], axis=1)
    added = term.mean(axis=1), term.var(axis=1)
    after = Twins(weeks, after.score + added[0], np.sqrt(after.sd**2 + added[1]))
    outside = {name: _outside(prognosis, name, then, then_baseline) for name in (*changes, *shifts)}
    return WhatIf(before, after, difference, difference_sd, average.mean(axis=1), low, high, outside)


def require_changes(
    names: tuple[str, ...],
    changes: dict[str, float],
    shifts: dict[str, float],
    treatment: TreatmentTerm | None,
) -> None:
    """Raise if nothing is changed, or something that cannot be; `names` are those that can."""
    if not changes and not shifts and treatment is None:
        raise HistoryError(
            "nothing is changed", field="what-if", mend="change a covariate or add a treatment"
        )
    if both := sorted(set(changes) & set(shifts)):
        raise HistoryError("is set and added to", field=both[0], mend="do one of the two")
    for name, value in (changes | shifts).items():
        if name not in names:
            raise HistoryError(
                "is no covariate of the prognosis",
                field=name,
                mend=f"change one of {', '.join(names)}",
            )
        if not np.isfinite(value):
            raise HistoryError("must be a finite number", field=name, value=value, mend="give a number")
    if treatment is not None and not (np.isfinite(treatment.effect) and 0 <= treatment.effect_sd < np.inf):
        raise HistoryError(
            "needs a finite effect and a standard deviation of 0 or more",
            field=f"treatment {treatment.name}",
            mend="give both with their source",
        )
    if treatment is not None and not (np.isfinite(treatment.dose) and np.isfinite(treatment.full_by_week)):
        raise HistoryError(
            "needs a finite dose, and a finite week from which it acts in full",
            field=f"treatment {treatment.name}",
            mend="give the units of dose",
        )


def _outside(prognosis: Prognosis, name: str, values: Floats, baseline: Floats) -> float:
    """Return the share of changed values that are far from the history's."""
    s = prognosis.standardisation
    column = baseline if name == "baseline" else values[:, prognosis.names.index(name)]
    place = s.labels.index(name)
    return far_share(column, s.mean[place], s.sd[place])


def far_share(values: Floats, mean: float, sd: float) -> float:
    """Return the share of values beyond the history's mean +/- 4 SD."""
    return float((np.abs(values - mean) > _FARTHEST_SD * sd).mean())

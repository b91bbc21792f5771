"""A score beside its rivals: the best single covariate, and the same covariates entered directly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.data import Bools, Covariates, Floats
from trialsim.errors import HistoryError
from trialsim.prognosis.models.columns import Columns
from trialsim.prognosis.validation.gain import FEWEST_REPLICATES, interval_of, scaled, weighted_press

REFERENCE, SINGLE, DIRECT, TWIN = "reference", "best single covariate", "covariates", "twin"
# Thousands of participants leave little to resample for: a quarter of the samples gives the same interval.
_MANY = 2000
_CHUNK_NUMBERS = 1_000_000


@dataclass(frozen=True)
class AdjustmentRow:
    """What one way to adjust leaves of the variance, out of sample.

    Parameters
    ----------
    name : str
        ``best single covariate``, ``covariates`` or ``twin``.
    adjusts_for : tuple of str
        What it adjusts for beyond the reference.
    degrees_of_freedom : int
        Columns beyond the reference, indicators of missingness among them.
    relative_variance : float
        PRESS(reference and these) / PRESS(reference): leave-one-out, so that each column pays for itself.
        Above 1 where the columns add noise, and for a score that goes the wrong way.
    interval_90, interval_95 : tuple of float
        Two-sided percentile bootstrap intervals over participants.
    """

    name: str
    adjusts_for: tuple[str, ...]
    degrees_of_freedom: int
    relative_variance: float
    interval_90: tuple[float, float]
    interval_95: tuple[float, float]


@dataclass(frozen=True)
class Rivals:
    """Every way to adjust, and what the twin saves beyond the best of those without it.

    Parameters
    ----------
    participants : int
        Those with outcome, reference and score.
    reference : str
        What every row adjusts for already, such as ``baseline``; ``nothing`` where there is no such value.
    rows : tuple of AdjustmentRow
        Best single covariate, the covariates directly, the twin.
    best_without_twin : str
        Name of the row with the least variance without a twin; ``reference`` where none is under 1.
    saving : float
        1 − variance with the twin / variance of that row: the share of participants that it saves.
    saving_90 : tuple of float
        Its bootstrap interval; in each sample against the row that is the best there.
    replicates : int
        Bootstrap samples. The best single covariate is chosen anew in each.
    """

    participants: int
    reference: str
    rows: tuple[AdjustmentRow, ...]
    best_without_twin: str
    saving: float
    saving_90: tuple[float, float]
    replicates: int

    def row(self, name: str) -> AdjustmentRow:
        """Return a row by its name."""
        return next(row for row in self.rows if row.name == name)

    def supported(self, smallest: float = 0.0) -> bool:
        """Return whether the twin saves more than a share beyond its best rival, at its lower 90 % bound."""
        return self.saving_90[0] > smallest

    def to_frame(self) -> pd.DataFrame:
        """Return one row a way to adjust."""
        return pd.DataFrame(
            {
                "adjusts for": [", ".join(row.adjusts_for) for row in self.rows],
                "degrees of freedom": [row.degrees_of_freedom for row in self.rows],
                "relative variance": [row.relative_variance for row in self.rows],
                "low_90": [row.interval_90[0] for row in self.rows],
                "high_90": [row.interval_90[1] for row in self.rows],
            },
            index=[row.name for row in self.rows],
        )


def compare_rivals(
    outcome: Floats,
    reference: Floats,
    covariates: Covariates,
    score: Floats,
    *,
    generator: np.random.Generator,
    reference_name: str = "baseline",
    replicates: int | None = None,
) -> Rivals:
    """Return what each way to adjust leaves of the variance of a treatment effect, out of sample.

    The variance of an adjusted difference is that of what the columns leave of the outcome. It is taken from
    leave-one-out residuals (`trialsim.prognosis.validation.gain`), the score being out of fold already.

    Parameters
    ----------
    outcome : ndarray (N,)
        On the linear scale of the analysis: the last visit, the response, counts beyond what follow-up
        explains, martingale residuals.
    reference : ndarray (N, Q)
        What every analysis adjusts for anyway; Q may be 0.
    covariates : Covariates
        Those that the score was made from; a missing one is the mean with an indicator.
    score : ndarray (N,)
        Out of fold.
    generator : Generator
        Of the component ``bootstrap``.
    reference_name : str
        For the answer.
    replicates : int, optional
        2,000, or 500 with more than 2,000 participants.

    Raises
    ------
    HistoryError
        Too few participants, or an outcome that does not vary.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.standard_normal((400, 3))
    >>> outcome = x @ [0.8, 0.0, 0.0] + rng.standard_normal(400)
    >>> found = compare_rivals(outcome, np.empty((400, 0)), Covariates(("a", "b", "c"), x), x[:, 0],
    ...                        generator=rng, reference_name="nothing", replicates=200)
    >>> found.best_without_twin, found.row("best single covariate").adjusts_for, found.supported()
    ('best single covariate', ('a',), False)
    """
    kept: Bools = np.asarray(np.isfinite(np.column_stack([outcome, reference, score])).all(axis=1))
    n = int(kept.sum())
    columns = Columns.of(covariates.take(kept))
    x, owner = columns.matrix(covariates.take(kept)), _owner(columns)
    y, m = scaled(outcome[kept]), scaled(score[kept])
    if n <= x.shape[1] + reference.shape[1] + 4 or not y.any():
        raise HistoryError(
            f"ways to adjust cannot be compared on {n} participants or on an outcome that is constant",
            field="outcome", mend="give more participants, or fewer covariates",
        )  # fmt: skip
    base = np.column_stack([np.ones(n), *(scaled(one) for one in reference[kept].T)])
    designs = _designs(base, x, owner, m)
    observed = _ratios(np.ones((1, n)), base, designs, m, y)[:, 0]
    count = replicates or (FEWEST_REPLICATES if n <= _MANY else FEWEST_REPLICATES // 4)
    resampled = _bootstrap(base, designs, m, y, generator, count)
    single = int(observed[:-2].argmin())
    point = {SINGLE: observed[single], DIRECT: observed[-2], TWIN: observed[-1]}
    drawn = {SINGLE: resampled[:-2].min(axis=0), DIRECT: resampled[-2], TWIN: resampled[-1]}
    names = covariates.names
    told = {SINGLE: (names[single],), DIRECT: names, TWIN: ("score",)}
    freedom = {SINGLE: int((owner == single).sum()), DIRECT: x.shape[1], TWIN: 1}
    rows = tuple(
        AdjustmentRow(name, told[name], freedom[name], float(point[name]),
                      interval_of(drawn[name], 0.9), interval_of(drawn[name], 0.95))
        for name in (SINGLE, DIRECT, TWIN)
    )  # fmt: skip
    without = {REFERENCE: 1.0, SINGLE: point[SINGLE], DIRECT: point[DIRECT]}
    best = min(without, key=lambda name: float(without[name]))
    rival = np.minimum(np.minimum(drawn[SINGLE], drawn[DIRECT]), 1.0)
    return Rivals(
        n, reference_name, rows, best, float(1 - point[TWIN] / without[best]),
        interval_of(1 - drawn[TWIN] / rival, 0.9), count,
    )  # fmt: skip


def _owner(columns: Columns) -> np.ndarray:
    """Return which covariate (K,) each column belongs to."""
    return np.concatenate([np.arange(len(columns.names)), np.flatnonzero(columns.indicators)])


def _designs(base: Floats, x: Floats, owner: np.ndarray, score: Floats) -> list[Floats]:
    """Return the columns of each covariate alone, of all together, and of the score."""
    alone = [np.column_stack([base, x[:, owner == k]]) for k in range(int(owner.max()) + 1)]
    return [*alone, np.column_stack([base, x]), np.column_stack([base, score])]


def _ratios(w: Floats, base: Floats, designs: list[Floats], score: Floats, y: Floats) -> Floats:
    """Return the variance that each design leaves, relative to the base (designs, B), for weights (B, N)."""
    left, press, _ = weighted_press(w, base, y)
    found = np.array([weighted_press(w, design, y)[1] / press for design in designs])
    with_score = (w * left * weighted_press(w, base, score)[0]).sum(axis=1)
    # A score that goes the wrong way would be turned round by its coefficient: that is no gain.
    found[-1] = np.where(with_score < 0, 1 + np.abs(1 - found[-1]), found[-1])
    return found


def _bootstrap(
    base: Floats, designs: list[Floats], score: Floats, y: Floats, generator: np.random.Generator, count: int
) -> Floats:
    n = len(y)
    size = max(1, _CHUNK_NUMBERS // (n * designs[-2].shape[1]))
    parts = []
    for start in range(0, count, size):
        samples = min(size, count - start)
        weights = generator.multinomial(n, np.full(n, 1 / n), size=samples).astype(float)
        parts.append(_ratios(weights, base, designs, score, y))
    return np.concatenate(parts, axis=1)

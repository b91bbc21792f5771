"""What a prognostic score adds to the baseline value that every analysis adjusts for anyway."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialsim.data import Floats
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook

FEWEST_REPLICATES = 2000
_CHUNK_NUMBERS = 2_000_000
_NOTHING = 1e-10


@dataclass(frozen=True)
class Gain(InNotebook):
    """The gain of a score beyond the baseline, with bootstrap intervals over participants.

    All intervals are two-sided percentile intervals, so the *lower 90 % bound* is ``gain_90[0]``, which
    a one-sided test at 5 % would use, and the *lower 95 % bound* is ``partial_correlation_95[0]``, which
    a one-sided test at 2.5 % would use.

    Parameters
    ----------
    participants : int
        With outcome, baseline and score.
    partial_correlation : float
        Signed correlation of score and outcome given the baseline (and `extra`).
    partial_correlation_90, partial_correlation_95 : tuple of float
        Its intervals.
    gain : float
        1 - PRESS(baseline, score) / PRESS(baseline): the share of the error variance left by the
        baseline that the score removes, that is of the participants that it saves, each predicted
        without itself. Negative where the score adds noise, and where the partial correlation is negative.
    gain_90, gain_95 : tuple of float
        Its intervals.
    incremental_r2 : float
        R2(baseline, score) - R2(baseline), in sample, of the outcome.
    baseline_r2, baseline_r2_loo : float
        R2 of the baseline (and `extra`) alone, in sample and leave-one-out: what adjustment gives anyway.
    replicates : int
        Bootstrap replicates.
    """

    participants: int
    partial_correlation: float
    partial_correlation_90: tuple[float, float]
    partial_correlation_95: tuple[float, float]
    gain: float
    gain_90: tuple[float, float]
    gain_95: tuple[float, float]
    incremental_r2: float
    baseline_r2: float
    baseline_r2_loo: float
    replicates: int


def gain_beyond_baseline(
    outcome: Floats,
    baseline: Floats,
    score: Floats,
    extra: Floats | None = None,
    *,
    generator: np.random.Generator,
    replicates: int = FEWEST_REPLICATES,
) -> Gain:
    """Return what an out-of-fold score adds to the baseline.

    Leave-one-out residuals come from ``e_i / (1 - w_i h_i)``, h the leverage and w_i how often a bootstrap
    sample holds participant i: all its copies are left out together, or a copy would predict itself.
    A score from cross-validation that knows nothing is *negatively* correlated with the outcome, since
    a fold of high outcomes leaves the others low; a regression would turn that into a gain by
    a negative slope, so a gain counts as negative where the partial correlation is.

    Parameters
    ----------
    outcome, baseline, score : ndarray (N,)
        Of the last visit; participants with a missing value are left out.
    extra : ndarray (N, P), optional
        Further columns that the analysis adjusts for, such as strata as 0 and 1.
    generator : Generator
        Of the component ``bootstrap``.
    replicates : int
        Bootstrap replicates.

    Returns
    -------
    Gain
        R² without and with the score, the gain and partial correlation, with intervals.

    Raises
    ------
    HistoryError
        Too few participants, an outcome that does not vary, or no replicates.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> baseline, signal = rng.standard_normal((2, 500))
    >>> outcome = baseline + 0.5 * signal + rng.standard_normal(500)
    >>> result = gain_beyond_baseline(outcome, baseline, signal, generator=rng)
    >>> 0.1 < result.gain < 0.3, result.gain_90[0] > 0
    (True, True)
    """
    if replicates < 1:
        raise HistoryError(
            "must be at least 1", field="replicates", value=replicates, mend=f"ask for {FEWEST_REPLICATES}"
        )
    columns = np.empty((len(outcome), 0)) if extra is None else np.asarray(extra, dtype=float)
    kept = np.isfinite(np.column_stack([outcome, baseline, score, columns])).all(axis=1)
    y, m = scaled(outcome[kept]), scaled(score[kept])
    n = int(kept.sum())
    if n <= columns.shape[1] + 4 or not y.any():
        raise HistoryError(
            f"the gain of a score cannot be judged from {n} participants or from an outcome that is constant",
            field="outcome",
            mend="give more participants",
        )
    x = np.column_stack([np.ones(n), scaled(baseline[kept]), columns[kept]])
    correlation, gain, r2, r2_with = (value[0] for value in _measure(np.ones((1, n)), x, m, y))
    resampled = _bootstrap(x, m, y, generator, replicates)
    return Gain(
        participants=n,
        partial_correlation=float(correlation),
        partial_correlation_90=interval_of(resampled[0], 0.90),
        partial_correlation_95=interval_of(resampled[0], 0.95),
        gain=float(gain),
        gain_90=interval_of(resampled[1], 0.90),
        gain_95=interval_of(resampled[1], 0.95),
        incremental_r2=float(r2_with - r2),
        baseline_r2=float(r2),
        baseline_r2_loo=leave_one_out_r2(y, x[:, 1:]),
        replicates=replicates,
    )


def leave_one_out_r2(outcome: ArrayLike, columns: ArrayLike) -> float:
    """Return 1 - PRESS / SS of least squares on columns (N, P) with intercept, from complete rows.

    SS is the sum of squares around the mean. Below 0 where the columns predict worse than the mean.

    Parameters
    ----------
    outcome : array (N,)
        NaN where missing.
    columns : array (N, P)
        NaN where missing; without an intercept.

    Returns
    -------
    float
        At most 1.

    Examples
    --------
    >>> round(leave_one_out_r2(np.arange(6.0), np.arange(6.0)[:, None]), 6)
    1.0
    """
    outcome = np.asarray(outcome, dtype=np.float64)
    columns = np.asarray(columns, dtype=np.float64)
    kept = np.isfinite(np.column_stack([outcome, columns])).all(axis=1)
    y = outcome[kept]
    x = np.column_stack([np.ones(len(y)), *(scaled(column) for column in columns[kept].T)])
    press = weighted_press(np.ones((1, len(y))), x, y)[1][0]
    return float(1 - press / ((y - y.mean()) ** 2).sum())


def _bootstrap(x: Floats, m: Floats, y: Floats, generator: np.random.Generator, replicates: int) -> Floats:
    """Return partial correlation and gain (2, B) of samples of participants with replacement."""
    n = len(y)
    size = max(1, _CHUNK_NUMBERS // (n * (x.shape[1] + 1)))
    results = []
    for start in range(0, replicates, size):
        count = min(size, replicates - start)
        weights = generator.multinomial(n, np.full(n, 1 / n), size=count).astype(float)
        results.append(np.stack(_measure(weights, x, m, y)[:2]))
    return np.concatenate(results, axis=1)


def _measure(w: Floats, x: Floats, m: Floats, y: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return partial correlation, signed gain, R2 without and with the score (B,) for weights (B, N)."""
    y_left, press, sse = weighted_press(w, x, y)
    m_left, _, m_sse = weighted_press(w, x, m)
    _, press_with, sse_with = weighted_press(w, np.column_stack([x, m]), y)
    # A score that the baseline determines adds nothing; rounding must not make something of it.
    adds = m_sse > _NOTHING * w.sum(axis=1)
    correlation = np.where(
        adds, (w * y_left * m_left).sum(axis=1) / np.sqrt(np.where(adds, sse * m_sse, 1.0)), 0.0
    )
    gain = np.where(adds, 1 - press_with / press, 0.0)
    gain = np.where(correlation < 0, -np.abs(gain), gain)
    total = w @ y**2 - (w @ y) ** 2 / w.sum(axis=1)
    return correlation, gain, 1 - sse / total, 1 - sse_with / total


def weighted_press(w: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Return residuals (B, N), PRESS (B,) and error sums of squares (B,) of weighted fits to x (N, P)."""
    p = x.shape[1]
    gram = (w @ (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)).reshape(-1, p, p)
    inverse = np.linalg.pinv(gram, hermitian=True)
    coefficients = np.einsum("bpq,bq->bp", inverse, w @ (x * y[:, None]))
    residual = y - coefficients @ x.T
    leverage = ((x @ inverse) * x).sum(axis=2)
    # A participant alone in its stratum has leverage 1 and residual 0, with the score or without.
    left_out = residual / np.maximum(1 - w * leverage, _NOTHING)
    return residual, (w * left_out**2).sum(axis=1), (w * residual**2).sum(axis=1)


def interval_of(values: Floats, confidence: float) -> tuple[float, float]:
    """Return the central percentile interval of bootstrap values."""
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def scaled(values: Floats) -> Floats:
    """Return values with mean 0 and standard deviation 1; all 0 where they are constant."""
    centred = values - values.mean()
    spread = centred.std()
    return centred / spread if spread > _NOTHING * (1 + np.abs(values).max()) else np.zeros_like(centred)

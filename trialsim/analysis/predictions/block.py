"""AIPW with predictions over a block of trials."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from trialsim.analysis.linear.block import block_array, fit_linear, label_array
from trialsim.analysis.one_trial.deciding import decide, own
from trialsim.analysis.predictions.kernel import (
    Candidate,
    Mixture,
    as_it_stands,
    best_mixture,
    leave_one_out,
)
from trialsim.data import Bools, Estimates, Floats, Ints
from trialsim.errors import AnalysisError

REASONS = ("ok", "arm_empty", "too_few_participants", "constant_outcome", "no_residual_variance")
_ROUNDING = 1e-24


def aipw_block(
    outcome: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None = None,
    scores: ArrayLike | None = None,
) -> Estimates:
    r"""Return the difference in means of every trial, active minus control, by AIPW with predictions.

    The best mixture of a linear model of the covariates in each arm, or the arm means where there are none,
    and of every score as it stands, as a prediction of the outcome. A score on another scale than the outcome
    belongs among the covariates. Formulas: `trialsim.analysis.predictions.kernel`.

    Parameters
    ----------
    outcome : array (R, N)
        Numbers, or 0 and 1; NaN where missing: such a participant is left out of that trial.
    arm : array of int (R, N)
        0 control, 1 active.
    covariates : array (R, N, P), optional
        Baseline covariates; finite wherever the outcome is observed.
    scores : array (R, N, K), optional
        Anybody's predictions, fixed before the outcomes were seen; finite wherever the outcome is observed.

    Returns
    -------
    Estimates
        Student's t with Welch's degrees of freedom, less one a weight beyond the first. Named statuses:
        arm_empty, too_few_participants, constant_outcome and no_residual_variance, after which the score
        test of two means decides.

    Raises
    ------
    AnalysisError
        If shapes or arms do not fit together, or a used value is not finite.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> arm, score = np.arange(200) % 2, rng.normal(size=200)
    >>> y = score + 0.5 * arm + rng.normal(size=200)
    >>> found = aipw_block([y], [arm], scores=score[None, :, None])
    >>> plain = aipw_block([y], [arm])
    >>> bool(found.standard_error[0] < 0.8 * plain.standard_error[0])
    True
    """
    y, active, seen, x, z = _arrays(outcome, arm, covariates, scores)
    mixture = best_mixture(candidates_of(y, active, seen, x, z), active, seen)
    df = mixture.df
    status = _status(y, active, seen, mixture, seen.sum(1) - 1 - mixture.weights.shape[1])
    failed = status > 0
    estimate = np.where(failed, np.nan, mixture.estimate)
    error = np.sqrt(np.where(failed, np.nan, mixture.variance))
    df = np.where(failed, np.nan, df)
    statistic = estimate / error
    p_value = 2.0 * special.stdtr(df, -np.abs(statistic))
    found = Estimates("aipw", estimate, error, df, statistic, p_value, status, REASONS)
    return decide(found, {"t": own(found), "score": _score_test(status, y, active, seen)})


def mixture_of(outcome: Floats, active: Bools, x: Floats, z: Floats) -> Mixture:
    """Return the mixture of one trial (1, N), everybody seen."""
    seen = np.ones(outcome.shape, dtype=bool)
    return best_mixture(candidates_of(outcome, active, seen, x, z), active, seen)


def candidates_of(y: Floats, active: Bools, seen: Bools, x: Floats, z: Floats) -> list[Candidate]:
    """Return the candidates in their order: the covariates, then each score as it stands."""
    first = leave_one_out(y, active, x, seen) if x.shape[2] else as_it_stands(y, 0.0, seen)
    return [first, *(as_it_stands(y, one, seen) for one in np.moveaxis(z, 2, 0))]


def _arrays(
    outcome: ArrayLike, arm: ArrayLike, covariates: ArrayLike | None, scores: ArrayLike | None
) -> tuple[Floats, Bools, Bools, Floats, Floats]:
    y = block_array("outcome", outcome, 2)
    R, N = y.shape
    active = label_array("arm", arm, (R, N), 2, np.int8) == 1
    seen = ~np.isnan(y)
    parts = []
    for name, values in (("covariates", covariates), ("scores", scores)):
        part = np.empty((R, N, 0)) if values is None else block_array(name, values, 3, (R, N))
        if not np.isfinite(part[seen]).all():
            raise AnalysisError(
                "is not finite where the outcome is observed", field=name, mend="give a number for everybody"
            )
        parts.append(np.where(seen[..., None], part, 0.0))
    if not np.isfinite(y[seen]).all():
        raise AnalysisError("is infinite", field="outcome", mend="leave it missing, or correct it")
    return np.where(seen, y, 0.0), active, seen, parts[0], parts[1]


def _status(y: Floats, active: Bools, seen: Bools, mixture: Mixture, room: Ints) -> np.ndarray:
    sizes = np.stack([(seen & ~active).sum(1), (seen & active).sum(1)])
    high = np.where(seen, y, -np.inf).max(1, initial=-np.inf)
    low = np.where(seen, y, np.inf).min(1, initial=np.inf)
    largest = np.square(np.where(seen, y, 0.0)).max(1, initial=0.0)
    # Later rules win: an empty arm is named before anything that follows from it.
    status = np.zeros(len(y), dtype=np.int8)
    status[mixture.variance <= _ROUNDING * largest] = REASONS.index("no_residual_variance")
    status[high <= low] = REASONS.index("constant_outcome")
    status[(sizes.min(0) < 2) | (room < 1)] = REASONS.index("too_few_participants")
    status[sizes.min(0) < 1] = REASONS.index("arm_empty")
    return status


def _score_test(status: np.ndarray, y: Floats, active: Bools, seen: Bools) -> Floats:
    """Return the deviate of two means' score test (R,) where arms differ without any spread."""
    z = np.full(len(y), np.nan)
    extreme = np.flatnonzero(status == REASONS.index("no_residual_variance"))
    if len(extreme):
        values = np.where(seen[extreme], y[extreme], np.nan)
        decision = fit_linear(values, active[extreme].astype(np.int8)).decision
        assert decision is not None
        z[extreme] = decision.z
    return z

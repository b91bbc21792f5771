"""Marginal effects by g-computation, for binary, count and continuous outcomes of a block of trials.

The estimand is a contrast of the means that everyone would have under each arm, whatever the working
model: it only buys precision. The variance is that of the population estimand (Ye, Bannick, Yi, Shao
2023, Stat. Theory Relat. Fields 7:159; Bannick, Shao, Liu, Du, Yi, Ye 2025, Biometrics), not the one
that is conditional on the covariates (Ge et al. 2011), which is smaller. Formulas: `marginal_effects_kernel`.

Permuted blocks take off the variance what the blocks fix; after minimisation (Pocock and Simon) the mean
residual is added within strata instead. Separation is met by Firth's penalty, and said in the status.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from trialsim.analysis.linear import kernel as linear_kernel
from trialsim.analysis.linear.block import (
    Slopes,
    block_array,
    check_choice,
    label_array,
    not_finite,
    strata_array,
)
from trialsim.analysis.marginal import kernel
from trialsim.analysis.marginal import working_model as working
from trialsim.analysis.marginal.score_kernel import score_replicates
from trialsim.analysis.one_trial.deciding import decide, own
from trialsim.analysis.one_trial.empty_levels import without_empty_levels
from trialsim.analysis.ordinal.small_samples import exact_where
from trialsim.data import STATUS_OK, Bools, Estimates, Floats, Ints, for_kernel
from trialsim.errors import AnalysisError

Family = Literal["gaussian", "binomial", "poisson", "negative_binomial"]
Contrast = Literal["difference", "ratio", "log_ratio", "odds_ratio", "log_odds_ratio"]
Separation = Literal["penalise", "limit"]
Scheme = Literal["simple", "permuted_blocks", "pocock_simon"]
Test = Literal["wald", "score"]

FAMILIES = {
    "gaussian": working.GAUSSIAN,
    "binomial": working.BINOMIAL,
    "poisson": working.POISSON,
    "negative_binomial": working.NEGATIVE_BINOMIAL,
}
SCHEMES = {
    "simple": kernel.SIMPLE,
    "permuted_blocks": kernel.PERMUTED_BLOCKS,
    "pocock_simon": kernel.POCOCK_SIMON,
}


@dataclass(frozen=True)
class MarginalEstimates(Estimates):
    """Estimates of a marginal effect; a fit that met separation has numbers, a status, and may reject.

    Fields are those of `trialsim.data.Estimates`. Where maximum likelihood of the working model ran to
    infinity, `status` names ``penalised_for_separation`` or ``limit_of_separation``, and the numbers are
    those of Firth's penalty or of the limit.
    """

    @property
    def separated(self) -> Bools:
        """Return whether each replicate's working model met separation, and was fitted all the same (R,)."""
        return np.isin(self.status, kernel.SEPARATED)


@dataclass(frozen=True)
class MarginalMeans:
    """Standardised means of every arm, for every replicate.

    Parameters
    ----------
    means : ndarray (R, A)
        Mean outcome if everyone were in each arm; NaN where the fit failed.
    covariance : ndarray (R, A, A)
        Robust covariance of the means.
    observed : ndarray (R, A)
        Mean outcome of each arm as it was observed; a ratio needs it to be possible too.
    theta : ndarray (R,)
        θ of the negative binomial working model, Var = μ + μ²/θ; NaN for other families.
    status : ndarray of int8 (R,)
        Position in `marginal_effects_kernel.REASONS`.
    dependent : ndarray of int64 (R,)
        The first column that depends on those before it, where collinear; where the outcome is separated,
        the column whose coefficient runs to infinity fastest. Else -1.
    """

    means: Floats
    covariance: Floats
    observed: Floats
    theta: Floats
    status: NDArray[np.int8]
    dependent: Ints


def fit_marginal(
    outcome: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    family: Family,
    contrast: Contrast = "difference",
    slopes: Slopes = "common",
    strata: ArrayLike | None = None,
    randomisation: Scheme = "simple",
    separation: Separation = "penalise",
    theta: float | None = None,
    test: Test = "wald",
    analysis: str = "g_computation",
) -> MarginalEstimates:
    """Return the standardised effect of every replicate, active against control, with a robust z test.

    Parameters
    ----------
    outcome : array (R, N)
        0 or 1 for "binomial", counts for "poisson" and "negative_binomial"; NaN where missing: such a
        participant is left out of that replicate.
    arm : array of int (R, N)
        0 control, 1 active.
    covariates : array (R, N, P), optional
        Baseline covariates and prognostic scores; finite wherever the outcome is observed.
    family : {"gaussian", "binomial", "poisson", "negative_binomial"}
        Working model, with its usual link (identity, logit, log, log).
    contrast : {"difference", "ratio", "log_ratio", "odds_ratio", "log_odds_ratio"}
        Of the two means: risk or mean difference, risk or rate ratio, odds ratio. Tests of ratios are
        best on the log scale.
    slopes : {"common", "interacted"}
        One slope a covariate, or one a covariate and arm.
    strata : array of int (R, N), optional
        Stratum of randomisation from 0. It is not a covariate of the model: name it among those too.
    randomisation : {"simple", "permuted_blocks", "pocock_simon"}
        How the arms were given, within the strata.
    separation : {"penalise", "limit"}
        Where maximum likelihood runs to infinity: Firth's penalty, or the limit of the fitted means if
        they settle (what R's glm gives), else the penalty.
    theta : float, optional
        θ of the negative binomial, above 0; estimated by maximum likelihood if not given.
    test : {"wald", "score"}
        What decides. Wald's test of a ratio of overdispersed counts rejects too often in trials of a few
        hundred (.057 for .05 at 200); the robust score test of the arm in the working model does not.
    analysis : str
        Name carried into the result.

    Returns
    -------
    MarginalEstimates
        Infinite degrees of freedom. Named statuses: too_few_participants, arm_empty,
        collinear_covariate, constant_outcome, not_converged, no_residual_variance, mean_out_of_range
        (a ratio of a mean that is not positive, or odds of one not in (0, 1)). Two more have numbers:
        penalised_for_separation and limit_of_separation. What decides is the first that exists of: wald,
        exact (the permutation test of the outcomes, where an arm has fewer than 10 participants and there
        are no covariates), score (of the working model without the arm, with a robust variance),
        unadjusted_score (without the covariates); with ``test="score"`` wald is the last of them. Levels
        that nobody in a replicate has are left out.

    Raises
    ------
    AnalysisError
        If shapes do not fit together, or an outcome is impossible under the family.

    Examples
    --------
    >>> y, arm = [[0, 0, 0, 1, 0, 1, 1, 1.0]], [[0, 0, 0, 0, 1, 1, 1, 1]]
    >>> effect = fit_marginal(y, arm, family="binomial")
    >>> print(effect.estimate, effect.standard_error.round(4))
    [0.5] [0.3536]
    """

    def fit(rows: Ints | slice, x: ArrayLike | None) -> MarginalEstimates:
        y, a = np.asarray(outcome)[rows], np.asarray(arm)[rows]
        z = None if strata is None else np.asarray(strata)[rows]
        fits = standardise(
            y, a, 2, x, family=family, slopes=slopes, strata=z,
            randomisation=randomisation, separation=separation, theta=theta,
        )  # fmt: skip
        return _decided(as_marginal_estimates(analysis, fits, contrast), y, a, x, family, theta, test)

    check_choice("test", test, ("wald", "score"))
    seen = ~np.isnan(np.asarray(outcome, dtype=np.float64))
    return without_empty_levels(fit(slice(None), covariates), covariates, seen, fit)


def _decided(
    found: MarginalEstimates,
    outcome: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | None,
    family: Family,
    theta: float | None,
    test: Test,
) -> MarginalEstimates:
    """Return estimates with the test that decides: see `fit_marginal`."""
    y, a = for_kernel(outcome, dtype=np.float64), for_kernel(arm, dtype=np.int8)
    nothing = np.empty((*y.shape, 0))
    x = nothing if covariates is None else for_kernel(covariates, dtype=np.float64)
    extreme = np.flatnonzero(np.isin(found.status, kernel.WITHOUT_ESTIMATE))
    score, unadjusted = np.full(len(y), np.nan), np.full(len(y), np.nan)
    separated = np.zeros(len(y), np.bool_)
    asked = np.arange(len(y)) if test == "score" else extreme
    score_replicates(asked, y, a, x, FAMILIES[family], theta or 0.0, score, separated)
    rest = np.flatnonzero(separated)
    score_replicates(rest, y, a, nothing, FAMILIES[family], theta or 0.0, unadjusted, separated)
    exact = exact_where(extreme if x.shape[2] == 0 else extreme[:0], y, a)
    rule = {"exact": exact, "score": score, "unadjusted_score": unadjusted}
    own_test = {"wald": own(found)}
    return decide(found, rule | own_test if test == "score" else own_test | rule)


def standardise(
    outcome: ArrayLike,
    arm: ArrayLike,
    arms: int,
    covariates: ArrayLike | None = None,
    *,
    family: Family,
    slopes: Slopes = "common",
    interact: Bools | None = None,
    strata: ArrayLike | None = None,
    randomisation: Scheme = "simple",
    separation: Separation = "penalise",
    theta: float | None = None,
) -> MarginalMeans:
    """Return the standardised means of any number of arms; parameters as in `fit_marginal`.

    `interact` (P,) can pick the covariates that have a slope in each arm.
    """
    check_choice("family", family, tuple(FAMILIES))
    check_choice("slopes", slopes, ("common", "interacted"))
    check_choice("randomisation", randomisation, tuple(SCHEMES))
    check_choice("separation", separation, ("penalise", "limit"))
    y = block_array("outcome", outcome, 2)
    R, N = y.shape
    _check_outcome(y, family)
    a = label_array("arm", arm, (R, N), arms, np.int8)
    x = np.empty((R, N, 0)) if covariates is None else block_array("covariates", covariates, 3, (R, N))
    z, levels = strata_array(strata, (R, N))
    if randomisation != "simple" and levels < 1:
        raise AnalysisError("this randomisation needs its strata", field="strata", mend="give the strata")
    if theta is not None and not 0.0 < theta < np.inf:
        raise AnalysisError("is not above 0", field="theta", value=theta)
    interact = np.full(x.shape[2], slopes == "interacted") if interact is None else interact
    fits = MarginalMeans(
        np.full((R, arms), np.nan),
        np.full((R, arms, arms), np.nan),
        _observed_means(y, a, arms),
        np.full(R, np.nan),
        np.zeros(R, np.int8),
        np.full(R, -1, np.int64),
    )
    kernel.standardise_replicates(
        y, a, arms, x, interact, z, levels, FAMILIES[family], theta or 0.0, separation == "limit",
        SCHEMES[randomisation],
        fits.means, fits.covariance, fits.theta, fits.status, fits.dependent,
    )  # fmt: skip
    if (fits.status == linear_kernel.NOT_FINITE).any():
        raise not_finite(y, x, np.empty((0, 0)))
    if family != "negative_binomial":
        fits.theta[:] = np.nan
    return fits


def as_marginal_estimates(analysis: str, fits: MarginalMeans, contrast: Contrast) -> MarginalEstimates:
    """Return the contrast of arm 1 against arm 0 with its z test against no effect."""
    estimate, gradient, possible = contrast_of(contrast, fits.means[:, 1], fits.means[:, 0])
    possible &= contrast_of(contrast, fits.observed[:, 1], fits.observed[:, 0])[2]
    variance = np.einsum("ri,rij,rj->r", gradient, fits.covariance[:, [1, 0]][:, :, [1, 0]], gradient)
    status = fits.status.copy()
    numbers = (status == STATUS_OK) | np.isin(status, kernel.SEPARATED)
    status[numbers & ~possible] = kernel.MEAN_OUT_OF_RANGE
    status[numbers & possible & ~(variance > rounding_variance(fits.means))] = (
        linear_kernel.NO_RESIDUAL_VARIANCE
    )
    failed = (status != STATUS_OK) & ~np.isin(status, kernel.SEPARATED)
    estimate = np.where(failed, np.nan, estimate)
    standard_error = np.sqrt(np.where(failed, np.nan, variance))
    statistic = (estimate - no_effect(contrast)) / standard_error
    return MarginalEstimates(
        analysis,
        estimate,
        standard_error,
        np.where(failed, np.nan, np.inf),
        statistic,
        2.0 * special.ndtr(-np.abs(statistic)),
        status,
        kernel.REASONS,
    )


def _observed_means(y: Floats, arm: NDArray[np.int8], arms: int) -> Floats:
    seen = np.isfinite(y)
    inside = [seen & (arm == a) for a in range(arms)]
    count = np.stack([rows.sum(1) for rows in inside], 1)
    total = np.stack([np.where(rows, y, 0.0).sum(1) for rows in inside], 1)
    return np.asarray(np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0))


def no_effect(contrast: Contrast) -> float:
    """Return the value of a contrast of equal means."""
    return 1.0 if contrast in ("ratio", "odds_ratio") else 0.0


def contrast_of(contrast: Contrast, active: Floats, control: Floats) -> tuple[Floats, Floats, Bools]:
    """Return a contrast of two means, its gradient (..., 2) in (active, control), and whether it exists."""
    check_choice("contrast", contrast, tuple(_CONTRASTS))
    everywhere = np.isfinite(active) & np.isfinite(control)
    if contrast == "difference":
        possible = everywhere
    elif contrast in ("ratio", "log_ratio"):
        possible = everywhere & (active > 0) & (control > 0)
    elif contrast in ("odds_ratio", "log_odds_ratio"):
        possible = everywhere & (active > 0) & (control > 0) & (active < 1) & (control < 1)
    else:
        raise AnalysisError("is no contrast", field="contrast", value=contrast)
    one, zero = np.where(possible, active, 0.5), np.where(possible, control, 0.5)
    value, by_active, by_control = _CONTRASTS[contrast](one, zero)
    return value, np.stack([by_active, by_control], -1), possible


def _difference(one: Floats, zero: Floats) -> tuple[Floats, Floats, Floats]:
    return one - zero, np.ones_like(one), -np.ones_like(one)


def _log_ratio(one: Floats, zero: Floats) -> tuple[Floats, Floats, Floats]:
    return np.log(one / zero), 1.0 / one, -1.0 / zero


def _log_odds_ratio(one: Floats, zero: Floats) -> tuple[Floats, Floats, Floats]:
    return special.logit(one) - special.logit(zero), 1.0 / (one * (1.0 - one)), -1.0 / (zero * (1.0 - zero))


def _exponential(log_contrast: _Formula) -> _Formula:
    def contrast(one: Floats, zero: Floats) -> tuple[Floats, Floats, Floats]:
        value, by_active, by_control = log_contrast(one, zero)
        return np.exp(value), np.exp(value) * by_active, np.exp(value) * by_control

    return contrast


_Formula = Callable[[Floats, Floats], tuple[Floats, Floats, Floats]]
_CONTRASTS: dict[str, _Formula] = {
    "difference": _difference,
    "ratio": _exponential(_log_ratio),
    "log_ratio": _log_ratio,
    "odds_ratio": _exponential(_log_odds_ratio),
    "log_odds_ratio": _log_odds_ratio,
}


def rounding_variance(means: Floats) -> Floats:
    """Return the variance that rounding alone can make of means (..., A)."""
    return np.asarray(1e-28 * np.square(means).max(-1))


def _check_outcome(y: Floats, family: Family) -> None:
    seen = np.isfinite(y)
    if family == "binomial":
        bad, need = seen & (y != 0) & (y != 1), "0 or 1"
    elif family == "poisson":
        bad, need = seen & (y < 0), "0 or above"
    elif family == "negative_binomial":
        bad, need = seen & ((y < 0) | (y != np.floor(y))), "a whole number from 0"
    elif family == "gaussian":
        return
    else:
        assert_never(family)
    if bad.any():
        replicate, row = (int(i) for i in np.argwhere(bad)[0])
        raise AnalysisError(
            f"is not {need} for participant {row} of replicate {replicate}",
            field="outcome",
            mend="code the outcome so, or choose another family",
        )

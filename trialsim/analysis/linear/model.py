"""From a design to the printable result of its linear model."""

from __future__ import annotations

from typing import Literal

import numpy as np

from trialsim.analysis.linear import kernel
from trialsim.analysis.linear.block import (
    LinearFits,
    Randomisation,
    Slopes,
    Variance,
    fit_columns,
    fit_linear,
)
from trialsim.analysis.linear.design import Design
from trialsim.analysis.linear.result import LinearResult
from trialsim.analysis.linear.safety import warn_where_unsafe
from trialsim.analysis.one_trial.deciding import StandsIn, stands_in
from trialsim.analysis.one_trial.tidy_frame import check_level, collinear
from trialsim.data import Bools, Floats
from trialsim.errors import AnalysisError

MeanWeights = Literal["equal", "observed"]


def analyse(
    design: Design,
    title: str,
    *,
    slopes: Slopes = "common",
    interact: Bools | None = None,
    variance: Variance = "hc3",
    randomisation: Randomisation = "simple",
    means: MeanWeights = "equal",
    level: float = 0.95,
    weights: Floats | None = None,
) -> LinearResult:
    """Return the fitted linear model of a design, arms against the control, as a printable result."""
    check_level(level)
    if means not in ("equal", "observed"):
        raise AnalysisError("is not a known choice", field="means", value=means, mend="use equal or observed")
    interact = np.zeros(len(design.columns), dtype=bool) if interact is None else interact
    arms = len(design.arms)
    strata = None if design.strata is None else design.strata[None]
    fits = fit_columns(
        design.outcome[None], design.arm[None], arms, design.covariates[None],
        slopes=slopes, interact=interact, variance=variance,
        weights=None if weights is None else weights[None],
        strata=strata, strata_in_model=False, randomisation=randomisation,
    )  # fmt: skip
    names = coefficient_names(design, interact)
    instead = _instead(fits, design, variance, weights)
    if instead is None:
        refuse_failure(fits, names, design)
    if variance == "model":
        warn_where_unsafe(fits.residuals, design.arm[None], arms)
    rows = _mean_rows(design, interact, means)
    centred, spread = fits.coefficients[0], fits.covariance[0]
    beta, covariance = uncentred(fits, arms, len(design.columns))
    residual_sd, r_squared = fit_quality(fits, design, weights)
    return LinearResult(
        title=title,
        model=formula(design, slopes),
        variance=variance_name(variance, randomisation),
        counts={name: int(n) for name, n in zip(design.arms, design.counts, strict=True)},
        left_out=design.left_out,
        df=float(fits.df[0]),
        level=level,
        comparisons=tuple(f"{name} - {design.arms[0]}" for name in design.arms[1:]),
        effects=beta[1:arms],
        effect_covariance=covariance[1:arms, 1:arms],
        arm_means=fits.means[0, -1] + rows @ centred,
        arm_mean_covariance=rows @ spread @ rows.T,
        mean_weights=means,
        coefficient_names=names,
        coefficients=beta,
        coefficient_covariance=covariance,
        residual_sd=residual_sd,
        r_squared=r_squared,
        notes=() if weights is None else ("weighted by the variance that the twins' SD foretells",),
        instead=instead,
    )


def _instead(fits: LinearFits, design: Design, variance: Variance, weights: Floats | None) -> StandsIn | None:
    """Return the score test of two arms that data too extreme for the fit still have: see `fit_linear`."""
    if fits.status[0] not in (kernel.FULL_LEVERAGE, kernel.NO_RESIDUAL_VARIANCE) or len(design.arms) > 2:
        return None
    found = fit_linear(
        design.outcome[None], design.arm[None], design.covariates[None],
        variance=variance, weights=None if weights is None else weights[None],
    )  # fmt: skip
    return stands_in(found)


def coefficient_names(design: Design, interact: Bools) -> tuple[str, ...]:
    """Return the labels of all columns of the model, in the order of the kernel."""
    arm = design.names["arm"][0]
    effects = [f"{arm}[{name}]" for name in design.arms[1:]]
    crossed = [
        f"{a}:{c}" for c, crosses in zip(design.columns, interact, strict=True) if crosses for a in effects
    ]
    return ("(intercept)", *effects, *design.columns, *crossed)


def _mean_rows(design: Design, interact: Bools, means: MeanWeights) -> Floats:
    """Return the design rows (A, K) at which the least-squares means are taken."""
    arms = len(design.arms)
    at = design.reference_row(means)
    indicator = np.eye(arms)[:, 1:]
    crossed = [at[k] * indicator for k in np.flatnonzero(interact)]
    return np.column_stack([np.ones(arms), indicator, np.tile(at, (arms, 1)), *crossed])


def uncentred(fits: LinearFits, arms: int, covariates: int) -> tuple[Floats, Floats]:
    """Return coefficients and covariance with the intercept at covariates of 0."""
    T = np.eye(fits.coefficients.shape[1])
    T[0, arms : arms + covariates] = -fits.means[0, :covariates]
    beta = T @ fits.coefficients[0]
    beta[0] += fits.means[0, -1]
    return beta, T @ fits.covariance[0] @ T.T


def fit_quality(fits: LinearFits, design: Design, weights: Floats | None) -> tuple[float, float]:
    """Return the residual standard deviation and the share of variance explained."""
    w = np.ones(len(design.outcome)) if weights is None else weights
    rss = float((w * fits.residuals[0] ** 2).sum())
    tss = float((w * (design.outcome - np.average(design.outcome, weights=w)) ** 2).sum())
    return float(np.sqrt(rss / fits.df[0])), 1.0 - rss / tss


def refuse_failure(fits: LinearFits, names: tuple[str, ...], design: Design) -> None:
    """Raise the error that names why a fit failed, if it did."""
    reason = kernel.REASONS[fits.status[0]]
    outcome = design.names["outcome"][0]
    if reason == "collinear_covariate":
        raise collinear(names[fits.dependent[0]])
    problems = {
        "too_few_participants": f"{len(design.outcome)} participants cannot carry {len(names)} columns",
        "constant_outcome": "is the same for every participant",
        "full_leverage": "one participant alone fixes an effect, so HC2 to HC4 are not defined",
        "no_residual_variance": "is fitted perfectly by the covariates, so there is no standard error",
    }
    if reason in problems:
        raise AnalysisError(f"{reason}: {problems[reason]}", field=outcome)


def formula(design: Design, slopes: Slopes) -> str:
    """Return the model in one line."""
    names = design.names
    text = f"{names['outcome'][0]} ~ {' + '.join([*names['arm'], *names['strata'], *names['covariates']])}"
    return f"{text}; {slopes} slopes" if names["covariates"] else text


def variance_name(variance: Variance, randomisation: Randomisation) -> str:
    """Return the kind of covariance in words."""
    name = "model-based" if variance == "model" else variance.upper()
    return f"{name}, permuted blocks within strata" if randomisation == "permuted_blocks" else name

"""Linear models of a statistician's own trial: a tidy data frame in, a printed table out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from trialsim.analysis.linear.block import Randomisation, Slopes, Variance, fit_columns
from trialsim.analysis.linear.design import Design, read_design
from trialsim.analysis.linear.model import (
    MeanWeights,
    analyse,
    coefficient_names,
    fit_quality,
    formula,
    refuse_failure,
    uncentred,
    variance_name,
)
from trialsim.analysis.linear.result import LinearResult
from trialsim.analysis.linear.twin_weights import variance_function_weights
from trialsim.analysis.one_trial.tidy_frame import Columns, as_names
from trialsim.data import Bools, Floats
from trialsim.errors import AnalysisError


def unadjusted(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    control: Hashable | None = None,
    variance: Variance = "hc3",
    level: float = 0.95,
) -> LinearResult:
    """Return the difference in mean outcome of each arm to the control, without covariates.

    Parameters are those of `ancova`.

    Parameters
    ----------
    data : DataFrame
        A row a participant.
    outcome, arm : str
        Columns.
    control : value of the arm, optional
        The control arm; the first if not given.
    variance : {"hc0", "hc1", "hc2", "hc3", "model"}
        Standard error.
    level : float
        Of the confidence intervals, in (0, 1).

    Returns
    -------
    LinearResult
        A row for each other arm.

    Examples
    --------
    >>> trial = pd.DataFrame({"arm": list("ppppdddd"), "chg": [1.0, 2.0, 3.0, 4.0, 2.0, 4.0, 5.0, 7.0]})
    >>> result = unadjusted(trial, outcome="chg", arm="arm", control="p")
    >>> print(result.to_frame()[["comparison", "estimate", "df"]].to_string(index=False))
    comparison  estimate  df
         d - p       2.0 6.0
    """
    design = read_design(data, outcome=outcome, arm=arm, control=control)
    return analyse(design, "Difference in means", variance=variance, level=level)


def ancova(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    covariates: Columns = (),
    strata: Columns = (),
    control: Hashable | None = None,
    slopes: Slopes = "common",
    variance: Variance = "hc3",
    randomisation: Randomisation = "simple",
    means: MeanWeights = "equal",
    level: float = 0.95,
) -> LinearResult:
    """Return the effect of each arm against the control, adjusted for baseline covariates.

    Parameters
    ----------
    data : DataFrame
        One row a participant.
    outcome : str
        Numeric column; rows where it is missing are left out.
    arm : str
        Column of the arm, of two levels or more.
    covariates : str or sequence of str
        Baseline columns: numbers enter as they are, text, booleans and categories as factors.
    strata : str or sequence of str
        Factors of the randomisation, whatever their type; main effects.
    control : optional
        Level of the control; by default the first (of a category, else the smallest).
    slopes : {"common", "interacted"}
        With "interacted" every covariate has a slope in each arm (ANHECOVA), centred over all arms.
    variance : {"hc0", "hc1", "hc2", "hc3", "hc4", "model"}
        Kind of standard error.
    randomisation : {"simple", "permuted_blocks"}
        Permuted blocks within the joint strata take off the variance what the blocks fix.
    means : {"equal", "observed"}
        Weights of factor levels in the least-squares means.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    LinearResult
        Prints as a table; `to_frame`, `means_frame`, `coefficients_frame`, `plot`.

    Raises
    ------
    AnalysisError
        If a column cannot be used, the outcome is constant, or a covariate depends on the others (named).

    Warns
    -----
    UnsafeStandardErrorWarning
        If the variance is model-based, and arms of unequal size differ in residual spread.

    Notes
    -----
    Formulas and sources are those of `trialsim.analysis.linear.fit_linear`, which serves simulated trials
    with the same code. Standard errors of least-squares means are given the covariates.

    Examples
    --------
    >>> trial = pd.DataFrame({
    ...     "arm": ["placebo", "drug"] * 6, "base": [20.0, 22, 25, 21, 30, 28, 24, 23, 26, 27, 19, 29],
    ...     "chg": [1.0, 0.2, 2.1, 0.4, 3.3, 1.9, 1.2, 0.5, 2.0, 1.1, 0.6, 1.5]})
    >>> print(ancova(trial, outcome="chg", arm="arm", covariates=["base"], control="placebo"))
    ANCOVA of chg
      model     chg ~ arm + base; common slopes
      variance  HC3, Student's t
      analysed  12 (placebo 6, drug 6); 0 without outcome left out
      residual  SD 0.2972, R² 0.910
    <BLANKLINE>
    Effects, 95% intervals
          comparison estimate standard_error  df statistic p_value   lower   upper
      drug - placebo  -0.9781         0.2114 9.0    -4.628  0.0012 -1.4562 -0.5000
    <BLANKLINE>
    Least-squares means (numeric covariates at their mean, equal weights of factor levels)
          arm participants estimate standard_error  df  lower  upper
      placebo            6   1.8057         0.1583 9.0 1.4476 2.1639
         drug            6   0.8276         0.1322 9.0 0.5285 1.1268
    """
    design = read_design(
        data, outcome=outcome, arm=arm, covariates=covariates, strata=strata, control=control
    )
    interact = design.from_columns(as_names(covariates)) & (slopes == "interacted")
    title = f"{'ANHECOVA' if slopes == 'interacted' else 'ANCOVA'} of {outcome}"
    return analyse(
        design, title, slopes=slopes, interact=interact, variance=variance, randomisation=randomisation,
        means=means, level=level,
    )  # fmt: skip


def prognostic_adjustment(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    score: Columns,
    score_sd: str | None = None,
    covariates: Columns = (),
    strata: Columns = (),
    control: Hashable | None = None,
    slopes: Slopes = "common",
    variance: Variance = "hc3",
    randomisation: Randomisation = "simple",
    means: MeanWeights = "equal",
    level: float = 0.95,
) -> LinearResult:
    """Return the effect of each arm against the control, adjusted for a prognostic score.

    Parameters
    ----------
    score : str or sequence of str
        Column of the score, such as a placebo twin's mean, fixed before the outcomes were seen.
    score_sd : str, optional
        Column of the twin's predictive standard deviation: participants are then weighted by the
        variance that it foretells, see `trialsim.analysis.linear.fit_twin_weighted`.
    data, outcome, arm, covariates, strata, control, slopes, variance, randomisation, means, level
        As in `ancova`. Name the outcome's baseline value among the covariates: a score rarely replaces it.

    Returns
    -------
    LinearResult
        As from `ancova`.

    Raises
    ------
    AnalysisError
        As `ancova`; also if weights meet a model-based variance or permuted blocks.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> trial = pd.DataFrame({"arm": np.arange(60) % 2, "twin": rng.normal(5, 2, 60)})
    >>> trial["chg"] = trial["twin"] - trial["arm"] + rng.normal(size=60)
    >>> result = prognostic_adjustment(trial, outcome="chg", arm="arm", score="twin")
    >>> print(result.effects.round(2))
    [-1.03]
    """
    scores, covariates = as_names(score), as_names(covariates)
    extra = () if score_sd is None else (score_sd,)
    design = read_design(
        data,
        outcome=outcome,
        arm=arm,
        covariates=[*scores, *covariates],
        strata=strata,
        control=control,
        extra=extra,
    )
    interact = design.from_columns([*scores, *covariates]) & (slopes == "interacted")
    weights = None if score_sd is None else _twin_weights(design, interact, variance)
    return analyse(
        design, f"Prognostic adjustment of {outcome}", slopes=slopes, interact=interact, variance=variance,
        randomisation=randomisation, means=means, level=level, weights=weights,
    )  # fmt: skip


def dose_response(
    data: pd.DataFrame,
    *,
    outcome: str,
    dose: str,
    covariates: Columns = (),
    strata: Columns = (),
    variance: Variance = "hc3",
    level: float = 0.95,
) -> LinearResult:
    """Return the slope of the outcome on a numeric dose, adjusted as in `ancova`.

    Parameters
    ----------
    dose : str
        Numeric column of dose levels, two participants or more at each; the effect is per unit of dose.
    data, outcome, covariates, strata, variance, level
        As in `ancova`.

    Returns
    -------
    LinearResult
        One effect, no least-squares means.

    Raises
    ------
    AnalysisError
        Doses that are no numbers, or data that `ancova` refuses.

    Examples
    --------
    >>> trial = pd.DataFrame({"dose": [0, 0, 0, 1, 1, 1, 2, 2, 2], "y": [0.0, 1, 2, 2, 3, 4, 4, 5, 6]})
    >>> print(dose_response(trial, outcome="y", dose="dose").effects)
    [2.]
    """
    design = read_design(data, outcome=outcome, arm=dose, covariates=covariates, strata=strata)
    doses = np.array([float(label) for label in design.arms]) if _are_numbers(design.arms) else None
    if doses is None:
        raise AnalysisError("is not numeric", field=dose, mend="give the dose as numbers, or use ancova")
    x = np.column_stack([doses[design.arm], design.covariates])
    fits = fit_columns(
        design.outcome[None], np.zeros((1, len(x)), np.int8), 1, x[None], variance=variance
    )  # arm effects are none: the dose is the first covariate
    names = ("(intercept)", dose, *design.columns)
    refuse_failure(fits, names, design)
    beta, covariance = uncentred(fits, 1, x.shape[1])
    residual_sd, r_squared = fit_quality(fits, design, None)
    return LinearResult(
        title=f"Dose response of {outcome}",
        model=formula(design, "common"),
        variance=variance_name(variance, "simple"),
        counts={name: int(n) for name, n in zip(design.arms, design.counts, strict=True)},
        left_out=design.left_out,
        df=float(fits.df[0]),
        level=level,
        comparisons=(f"per unit of {dose}",),
        effects=beta[1:2],
        effect_covariance=covariance[1:2, 1:2],
        arm_means=np.empty(0),
        arm_mean_covariance=np.empty((0, 0)),
        mean_weights="equal",
        coefficient_names=names,
        coefficients=beta,
        coefficient_covariance=covariance,
        residual_sd=residual_sd,
        r_squared=r_squared,
    )


def _twin_weights(design: Design, interact: Bools, variance: Variance) -> Floats:
    if variance == "model":
        raise AnalysisError(
            "weights estimated from the twins need a robust variance", field="variance", mend="use hc3"
        )
    first = fit_columns(
        design.outcome[None], design.arm[None], len(design.arms), design.covariates[None],
        interact=interact, variance="hc0",
    )  # fmt: skip
    refuse_failure(first, coefficient_names(design, interact), design)
    return np.asarray(variance_function_weights(first.residuals, design.extra[:, 0][None])[0])


def _are_numbers(labels: Sequence[str]) -> bool:
    try:
        return bool(np.isfinite([float(label) for label in labels]).all())
    except ValueError:
        return False

"""g-computation for a statistician's own trial: a tidy data frame in, a printed table out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from trialsim.analysis.linear import kernel as linear_kernel
from trialsim.analysis.linear.block import check_choice, fit_columns
from trialsim.analysis.linear.design import Design, read_design
from trialsim.analysis.linear.model import coefficient_names
from trialsim.analysis.linear.result import forest, inference
from trialsim.analysis.marginal import kernel
from trialsim.analysis.marginal.block import (
    Contrast,
    Family,
    MarginalMeans,
    Scheme,
    Separation,
    as_marginal_estimates,
    contrast_of,
    fit_marginal,
    no_effect,
    rounding_variance,
    standardise,
)
from trialsim.analysis.marginal.delta_variance import delta_covariance
from trialsim.analysis.one_trial.deciding import StandsIn, stands_in
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, counts_text
from trialsim.analysis.one_trial.tidy_frame import Columns, as_names, check_level, collinear
from trialsim.data import STATUS_OK, Bools, Floats
from trialsim.errors import AnalysisError

if TYPE_CHECKING:
    import plotly.graph_objects as go

Comparisons = Literal["control", "pairwise"]
MeanVariance = Literal["population", "sandwich", "ge", "hc3"]

_WORDS = {
    "difference": "Difference in means",
    "ratio": "Ratio of means",
    "log_ratio": "Log ratio of means",
    "odds_ratio": "Odds ratio",
    "log_odds_ratio": "Log odds ratio",
}


@dataclass(frozen=True, repr=False)
class MarginalResult(Printed):
    """Standardised means of the arms of one trial, and their contrasts.

    Parameters
    ----------
    title, model, variance : str
        What was done, each in one line.
    counts : dict
        Analysed participants of each arm, control first.
    left_out : int
        Rows without an outcome.
    level : float
        Confidence level, in (0, 1).
    means, mean_covariance : ndarray (A,), (A, A)
        Mean outcome if everyone were in each arm.
    contrast : str
        Scale of the effects, such as ``"log_ratio"``.
    comparisons : tuple of str
        What each effect compares.
    effects, effect_covariance : ndarray (C,), (C, C)
        The contrasts.
    theta : float
        θ of a negative binomial working model, else NaN.
    status : str
        "ok", "penalised_for_separation" or "limit_of_separation".
    separated_by : str
        Column of the model whose coefficient would be infinite; empty where none is.
    instead : StandsIn, optional
        The test that decides two arms where data too extreme leave no estimate: see `fit_marginal`.
    """

    title: str
    model: str
    variance: str
    counts: dict[str, int]
    left_out: int
    level: float
    means: Floats
    mean_covariance: Floats
    contrast: Contrast
    comparisons: tuple[str, ...]
    effects: Floats
    effect_covariance: Floats
    theta: float
    status: str
    separated_by: str
    instead: StandsIn | None = None

    def to_frame(self) -> pd.DataFrame:
        """Return one row a comparison: estimate, error, statistic, p value against no effect, limits."""
        frame = inference(
            self.comparisons, self.effects, self.effect_covariance, np.inf, self.level, "comparison",
            null=no_effect(self.contrast),
        ).drop(columns="df")  # fmt: skip
        return frame if self.instead is None else self.instead.on(frame)

    @property
    def decided_by(self) -> str:
        """The test of the p value: ``"wald"``, or the one that stands in."""
        return "wald" if self.instead is None else self.instead.test

    def means_frame(self) -> pd.DataFrame:
        """Return one row an arm: standardised mean, standard error, confidence limits, participants."""
        frame = inference(tuple(self.counts), self.means, self.mean_covariance, np.inf, self.level, "arm")
        frame.insert(1, "participants", list(self.counts.values()))
        return frame.drop(columns=["df", "statistic", "p_value"])

    def _title(self) -> str:
        return self.title

    def _facts(self) -> Facts:
        return {
            "model": self.model,
            "variance": f"{self.variance}, normal",
            "analysed": f"{counts_text(self.counts)}; {self.left_out} without outcome left out",
        }

    def _tables(self) -> Tables:
        return {
            f"Effects, {self.level:.0%} intervals": self.to_frame(),
            "Means if everyone were in each arm": self.means_frame(),
        }

    def _notes(self) -> Sequence[str]:
        if self.status == "ok":
            return ()
        if self.instead is not None:
            return (self.instead.note,)
        met = "carries Firth's penalty" if self.status.startswith("penalised") else "is taken at its limit"
        return (f"the outcome is separated by {self.separated_by}, so the working model {met}",)

    def plot(self) -> go.Figure:
        """Return a plotly figure of the effects with their confidence intervals."""
        return forest(self.to_frame(), self.title, null=no_effect(self.contrast))


def g_computation(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    family: Family,
    contrast: Contrast = "difference",
    covariates: Columns = (),
    by_arm: Columns = (),
    strata: Columns = (),
    strata_in_model: bool = True,
    randomisation: Scheme = "simple",
    control: Hashable | None = None,
    comparisons: Comparisons = "control",
    variance: MeanVariance = "population",
    separation: Separation = "penalise",
    theta: float | None = None,
    level: float = 0.95,
) -> MarginalResult:
    """Return the effect of each arm on the mean outcome of everyone, by g-computation.

    Parameters
    ----------
    data : DataFrame
        One row a participant.
    outcome : str
        Numeric column; rows where it is missing are left out.
    arm : str
        Column of the arm, of two levels or more.
    family : {"gaussian", "binomial", "poisson", "negative_binomial"}
        Working model, with its usual link.
    contrast : {"difference", "ratio", "log_ratio", "odds_ratio", "log_odds_ratio"}
        Scale of the effects: risk difference, risk or rate ratio, odds ratio.
    covariates : str or sequence of str
        Baseline columns: numbers enter as they are, text, booleans and categories as factors.
    by_arm : str or sequence of str
        Those covariates (or strata) that have a slope in each arm.
    strata : str or sequence of str
        Factors of the randomisation, whatever their type.
    strata_in_model : bool
        Whether the strata are main effects of the working model.
    randomisation : {"simple", "permuted_blocks", "pocock_simon"}
        How the arms were given, within the joint strata.
    control : optional
        Level of the control; by default the first (of a category, else the smallest).
    comparisons : {"control", "pairwise"}
        Each arm against the control, or every pair.
    variance : {"population", "sandwich", "ge", "hc3"}
        That of the population's estimand, by Ye et al. or as the sandwich of the delta method; conditional
        on the covariates as by Ge et al.; or, for the linear model without `by_arm`, HC3 given them.
    separation : {"penalise", "limit"}
        Where maximum likelihood runs to infinity: Firth's penalty, or the limit of the means (as R's glm).
    theta : float, optional
        θ of the negative binomial; estimated by maximum likelihood if not given.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    MarginalResult
        Prints as a table; `to_frame`, `means_frame`, `plot`.

    Raises
    ------
    AnalysisError
        If a column cannot be used, the outcome is constant or impossible under the family, a covariate
        depends on the others (named), or the contrast does not exist and no test of two arms stands in.

    Notes
    -----
    Formulas and sources: `trialsim.analysis.marginal.fit_marginal`, which serves simulated trials with the
    same code.

    Examples
    --------
    >>> trial = pd.DataFrame({"arm": ["p"] * 5 + ["d"] * 5, "relapse": [1, 1, 1, 0, 1, 0, 1, 0, 0, 1]})
    >>> result = g_computation(trial, outcome="relapse", arm="arm", family="binomial", control="p")
    >>> print(result.to_frame()[["comparison", "estimate", "standard_error"]].round(4).to_string(index=False))
    comparison  estimate  standard_error
         d - p      -0.4          0.3162
    """
    check_level(level)
    check_choice("comparisons", comparisons, ("control", "pairwise"))
    check_choice("variance", variance, ("population", "sandwich", "ge", "hc3"))
    covariates, by_arm, strata = as_names(covariates), as_names(by_arm), as_names(strata)
    design = read_design(
        data, outcome=outcome, arm=arm, covariates=covariates, strata=strata, control=control
    )
    absent = [name for name in by_arm if name not in (*strata, *covariates)]
    if absent:
        raise AnalysisError("is not a covariate of the model", field="by_arm", value=absent[0])
    design = design if strata_in_model else design.without_strata()
    interact = design.from_columns(by_arm)
    fits = standardise(
        design.outcome[None], design.arm[None], len(design.arms), design.covariates[None], family=family,
        interact=interact, strata=None if design.strata is None else design.strata[None],
        randomisation=randomisation, separation=separation, theta=theta,
    )  # fmt: skip
    names = coefficient_names(design, interact)
    instead = _instead(fits, design, family, contrast, theta)
    means, covariance = fits.means[0], fits.covariance[0]
    pairs = _pairs(len(design.arms), comparisons)
    effects, spread = np.full(len(pairs), np.nan), np.full((len(pairs), len(pairs)), np.nan)
    if instead is None:
        _refuse_failure(fits, names, design)
        if variance in ("sandwich", "ge"):
            if randomisation != "simple":
                raise AnalysisError("serves simple randomisation", field="variance", mend="use population")
            covariance = delta_covariance(design, family, interact, variance)
        if variance == "hc3":
            covariance = _hc3_covariance(design, family, interact, randomisation)
        effects, gradient = _contrast(contrast, means, fits.observed[0], pairs, outcome)
        spread = gradient @ covariance @ gradient.T
        if not (np.diagonal(spread) > rounding_variance(means)).all():
            raise AnalysisError("does not vary within the arms, so there is no standard error", field=outcome)
    return MarginalResult(
        title=f"{_WORDS[contrast]} of {outcome}, standardised over everyone",
        model=_formula(design, family, by_arm),
        variance=_variance_name(variance, randomisation),
        counts={name: int(n) for name, n in zip(design.arms, design.counts, strict=True)},
        left_out=design.left_out,
        level=level,
        means=means,
        mean_covariance=covariance,
        contrast=contrast,
        comparisons=tuple(_compared(contrast, design.arms[i], design.arms[j]) for i, j in pairs),
        effects=effects,
        effect_covariance=spread,
        theta=float(fits.theta[0]),
        status=kernel.REASONS[fits.status[0]] if instead is None else instead.status,
        separated_by=names[fits.dependent[0]] if fits.dependent[0] >= 0 else "",
        instead=instead,
    )


def _instead(
    fits: MarginalMeans, design: Design, family: Family, contrast: Contrast, theta: float | None
) -> StandsIn | None:
    """Return the test of two arms that data too extreme for an estimate still have: see `fit_marginal`."""
    if len(design.arms) > 2 or fits.status[0] == linear_kernel.COLLINEAR_COVARIATE:
        return None
    if as_marginal_estimates("", fits, contrast).fitted[0]:
        return None
    found = fit_marginal(
        design.outcome[None], design.arm[None], design.covariates[None], family=family, contrast=contrast,
        theta=theta,
    )  # fmt: skip
    return stands_in(found)


def _pairs(arms: int, comparisons: Comparisons) -> list[tuple[int, int]]:
    """Return pairs of (arm, compared with)."""
    pairs = [(j, i) for i, j in combinations(range(arms), 2)]
    return [pair for pair in pairs if pair[1] == 0] if comparisons == "control" else pairs


def _compared(contrast: Contrast, one: str, other: str) -> str:
    return f"{one} / {other}" if no_effect(contrast) == 1.0 else f"{one} - {other}"


def _contrast(
    contrast: Contrast, means: Floats, observed: Floats, pairs: list[tuple[int, int]], outcome: str
) -> tuple[Floats, Floats]:
    """Return the contrasts (C,) of pairs of means and their gradient (C, A)."""
    one, other = (np.array(arms) for arms in zip(*pairs, strict=True))
    effects, slope, possible = contrast_of(contrast, means[one], means[other])
    possible &= contrast_of(contrast, observed[one], observed[other])[2]
    if not possible.all():
        raise AnalysisError(
            "has an arm whose mean admits no such contrast",
            field=outcome,
            value=contrast,
            mend="ask for the difference",
        )
    gradient = np.zeros((len(pairs), len(means)))
    rows = np.arange(len(pairs))
    gradient[rows, one], gradient[rows, other] = slope[:, 0], slope[:, 1]
    return effects, gradient


def _hc3_covariance(design: Design, family: Family, interact: Bools, randomisation: Scheme) -> Floats:
    """Return the covariance of the arm means from HC3 of the coefficients, at the mean covariates."""
    if family != "gaussian" or interact.any() or randomisation != "simple":
        raise AnalysisError(
            "HC3 serves the linear model with common slopes and simple randomisation",
            field="variance",
            mend="use the population variance",
        )
    fits = fit_columns(
        design.outcome[None], design.arm[None], len(design.arms), design.covariates[None], variance="hc3"
    )
    arms = len(design.arms)
    rows = np.column_stack([np.ones(arms), np.eye(arms)[:, 1:]])
    return np.asarray(rows @ fits.covariance[0, :arms, :arms] @ rows.T)


def _refuse_failure(fits: MarginalMeans, names: tuple[str, ...], design: Design) -> None:
    code = int(fits.status[0])
    if code in (STATUS_OK, *kernel.SEPARATED):
        return
    if code == linear_kernel.COLLINEAR_COVARIATE:
        raise collinear(names[fits.dependent[0]])
    culprit = names[fits.dependent[0]] if fits.dependent[0] >= 0 else "several columns together"
    problems = {
        linear_kernel.TOO_FEW_PARTICIPANTS: f"{len(design.outcome)} rows cannot carry {len(names)} columns",
        linear_kernel.CONSTANT_OUTCOME: "is the same for every participant",
        kernel.NOT_CONVERGED: f"has a working model that does not converge, because of {culprit}",
    }
    raise AnalysisError(f"{kernel.REASONS[code]}: {problems[code]}", field=design.names["outcome"][0])


def _formula(design: Design, family: Family, by_arm: Sequence[str]) -> str:
    names = design.names
    terms = [
        *names["arm"],
        *names["strata"],
        *names["covariates"],
        *(f"{names['arm'][0]}:{name}" for name in by_arm),
    ]
    return f"{names['outcome'][0]} ~ {' + '.join(terms)}; {family.replace('_', ' ')}"


_SCHEME_NAMES: dict[Scheme, str] = {
    "simple": "",
    "permuted_blocks": ", permuted blocks within strata",
    "pocock_simon": ", minimisation within strata",
}
_VARIANCE_NAMES: dict[MeanVariance, str] = {
    "population": "robust, population",
    "sandwich": "sandwich, population",
    "ge": "conditional on the covariates (Ge et al.)",
    "hc3": "HC3 given the covariates",
}


def _variance_name(variance: MeanVariance, randomisation: Scheme) -> str:
    scheme = _SCHEME_NAMES[randomisation] if variance == "population" else ""
    return _VARIANCE_NAMES[variance] + scheme

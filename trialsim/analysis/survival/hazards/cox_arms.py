r"""Cox regression of several arms: each against the control, and joint tests that all are alike.

With β the A − 1 log hazard ratios of the arms, γ the covariates' coefficients, and A − 1 degrees of freedom:

.. math:: \text{Wald} = β' V^{-1} β, \quad
          \text{likelihood ratio} = 2 [\ell(β, γ) - \ell(0, \tilde γ)], \quad
          \text{score} = U_β' [I^{-1}]_{ββ} U_β \text{ at } (0, \tilde γ)

γ̃ being the estimate without arms. The score test exists where an arm has no event and its hazard ratio is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, half_width, number, p_text
from trialsim.analysis.one_trial.tidy_frame import Columns, check_level
from trialsim.analysis.survival.block import SurvivalBlock
from trialsim.analysis.survival.frame import read_frame
from trialsim.analysis.survival.hazards.cox_decision_kernel import climb
from trialsim.analysis.survival.hazards.cox_kernel import partial_likelihood, risk_weights, sort_by_stratum
from trialsim.analysis.survival.hazards.cox_model import REASONS, CoxFits, Ties, Variance, fit_columns
from trialsim.data import STATUS_OK, Floats
from trialsim.errors import AnalysisError


@dataclass(frozen=True)
class JointTest:
    """A chi-square test of several coefficients at once; NaN where it does not exist."""

    chi_square: float
    degrees: int

    @property
    def p_value(self) -> float:
        """P value of the chi-square."""
        return float(special.chdtrc(self.degrees, self.chi_square))

    def __str__(self) -> str:
        if np.isnan(self.chi_square):
            return "does not exist"
        return f"chi-square {number(self.chi_square)} on {self.degrees} df, p {p_text(self.p_value)}"


@dataclass(frozen=True, repr=False)
class CoxArmsResult(Printed):
    """A Cox regression of several arms of one trial.

    Parameters
    ----------
    arms : tuple of str
        Labels, the control first.
    names : tuple of str
        Of the coefficients: arms but the control, then covariates.
    coefficients, covariance : ndarray (A − 1 + P,), (A − 1 + P, A − 1 + P)
        Log hazard ratios; NaN where `status` is not ok.
    wald, likelihood_ratio, score : JointTest
        That all arms are alike.
    status : str
        ``"ok"``, or why the coefficients cannot be estimated; then the score test decides.
    method : str
        Ties, variance and strata in words.
    level : float
        Of the intervals.
    """

    arms: tuple[str, ...]
    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    wald: JointTest
    likelihood_ratio: JointTest
    score: JointTest
    status: str
    method: str
    level: float

    @property
    def p_value(self) -> float:
        """P value of the joint test that decides: Wald's, and the score test where the fit fails."""
        return (self.wald if self.status == "ok" else self.score).p_value

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient: log ratio, standard error, ratio with its limits, and Wald test."""
        error = np.sqrt(np.diagonal(self.covariance))
        width, statistic = half_width(self.level) * error, self.coefficients / error
        return pd.DataFrame(
            {
                "term": self.names,
                "estimate": self.coefficients,
                "standard_error": error,
                "hazard_ratio": np.exp(self.coefficients),
                "lower": np.exp(self.coefficients - width),
                "upper": np.exp(self.coefficients + width),
                "statistic": statistic,
                "p_value": 2.0 * special.ndtr(-np.abs(statistic)),
            }
        )

    def _title(self) -> str:
        return f"Cox regression of {len(self.arms)} arms against {self.arms[0]}"

    def _facts(self) -> Facts:
        return {
            "method": f"{self.method}; {self.level:.0%} intervals",
            "Wald test": str(self.wald),
            "likelihood ratio": str(self.likelihood_ratio),
            "score test": str(self.score),
        }

    def _tables(self) -> Tables:
        return {"Coefficients": self.to_frame()}

    def _notes(self) -> tuple[str, ...]:
        return () if self.status == "ok" else (f"{self.status}: the score test decides, {self.score}",)


def cox_several_arms(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    covariates: Columns | None = None,
    strata: Columns | None = None,
    entry: str | None = None,
    control: object = None,
    ties: Ties = "efron",
    variance: Variance = "robust",
    level: float = 0.95,
) -> CoxArmsResult:
    """Estimate the hazard ratio of every arm against the control, and test that all arms are alike.

    Parameters
    ----------
    data, time, event, arm, covariates, strata, entry, control, ties, variance, level
        As in `cox`; every level of `arm` is an arm. Ties are ``"efron"`` or ``"breslow"``, the variance
        ``"robust"`` or ``"model"``.

    Returns
    -------
    CoxArmsResult
        Prints the joint tests and every coefficient.

    Raises
    ------
    AnalysisError
        If the data cannot be read or a covariate is collinear (named).

    Examples
    --------
    >>> data = pd.DataFrame({"t": range(1, 13), "e": 1, "arm": list("aababcbcbacc")})
    >>> fit = cox_several_arms(data, time="t", event="e", arm="arm", variance="model")
    >>> fit.coefficients.round(4), fit.score.degrees
    (array([-0.2292, -1.5015]), 2)
    """
    if variance == "corrected":
        raise AnalysisError(
            "is not served with several arms", field="variance", value=variance, mend="use robust or model"
        )
    if ties == "exact":
        raise AnalysisError(
            "is not served with several arms", field="ties", value=ties, mend="use efron or breslow"
        )
    frame = read_frame(
        data, time=time, event=event, arm=arm, strata=strata, covariates=covariates, control=control,
        entry=entry, several=True,
    )  # fmt: skip
    block, others = frame.block, len(frame.arms) - 1
    indicators = (block.arm[:, :, None] == np.arange(1, others + 1)).astype(np.float64)
    fits = fit_columns(block, indicators, ties, variance)
    null, score = _without_arms(block, indicators, ties == "efron")
    stratified = f", {block.strata} strata" if block.strata > 1 else ""
    return CoxArmsResult(
        arms=frame.arms,
        names=(*(f"{arm}[{label}]" for label in frame.arms[1:]), *frame.covariates),
        coefficients=fits.coefficients[0],
        covariance=fits.covariance[0],
        wald=JointTest(_wald(fits, others), others),
        likelihood_ratio=JointTest(2.0 * (float(fits.tests[0, 1]) - null), others),
        score=JointTest(score, others),
        status=REASONS[fits.status[0]],
        method=f"{ties.capitalize()} ties, {variance} variance{stratified}",
        level=check_level(level),
    )


def _wald(fits: CoxFits, others: int) -> float:
    if fits.status[0] != STATUS_OK:
        return float("nan")
    beta, covariance = fits.coefficients[0, :others], fits.covariance[0, :others, :others]
    return float(beta @ np.linalg.solve(covariance, beta))


def _without_arms(block: SurvivalBlock, indicators: Floats, efron: bool) -> tuple[float, float]:
    """Return the log likelihood without arms, and the joint score test there."""
    n, others = block.time.shape[1], indicators.shape[2]
    rows, segment = np.empty(n, np.int64), np.empty(block.strata + 1, np.int64)
    stratum, stop = block.stratum[0], block.time[0]
    sort_by_stratum(np.argsort(stop, kind="stable"), stratum, block.strata, rows, segment)
    start, entry = np.zeros(n), np.empty(0, np.int64)
    if block.entry is not None:
        start, entry = block.entry[0][rows], np.empty(n, np.int64)
        late = np.argsort(-start, kind="stable")
        sort_by_stratum(late, stratum[rows], block.strata, entry, np.empty(block.strata + 1, np.int64))
    X = np.concatenate([indicators[0], block.covariates[0]], axis=1)[rows]
    X = X - X.mean(axis=0)
    one = (start, stop[rows], block.event[0][rows])
    P = X.shape[1]
    beta = np.zeros(P)
    if others < P:
        gamma = np.zeros(P - others)
        climb(*one, np.ascontiguousarray(X[:, others:]), segment, entry, efron, gamma)
        beta[others:] = gamma
    w, jumps = np.empty(n), np.empty((n, 3 + 3 * P))
    score, information = np.empty(P), np.empty((P, P))
    risk_weights(X, beta, w)
    null = partial_likelihood(*one, X, w, segment, entry, efron, score, information, jumps)
    cross = information[others:, :others]
    own, rest = information[:others, :others], information[others:, others:]
    slope = np.linalg.pinv(rest, hermitian=True) @ cross
    moved = score[:others] - slope.T @ score[others:]
    return float(null), float(moved @ np.linalg.pinv(own - cross.T @ slope, hermitian=True) @ moved)

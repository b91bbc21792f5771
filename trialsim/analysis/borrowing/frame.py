"""A table of control arms: which outcome it holds, and the prior that past ones give a new one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.effective_sample_size import effective_sample_sizes
from trialsim.analysis.borrowing.gamma_mixture import GammaMixture
from trialsim.analysis.borrowing.heterogeneity_priors import (
    Exponential,
    Gamma,
    HalfNormal,
    HalfT,
    HeterogeneityPrior,
    InverseGamma,
    LogNormal,
    TruncatedNormal,
    Uniform,
)
from trialsim.analysis.borrowing.meta_analytic_predictive import (
    MapPrior,
    map_prior_binomial,
    map_prior_normal,
    map_prior_poisson,
)
from trialsim.analysis.borrowing.normal_mixture import NormalMixture
from trialsim.analysis.borrowing.printed_distribution import summarise
from trialsim.analysis.borrowing.tabulated_prior import TabulatedPrior
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, number
from trialsim.analysis.one_trial.tidy_frame import check_roles, read_numbers
from trialsim.data import Floats
from trialsim.errors import AnalysisError

Prior = BetaMixture | NormalMixture | GammaMixture | TabulatedPrior
Heterogeneity = Literal[
    "half-normal", "half-t", "uniform", "exponential", "log-normal", "truncated-normal", "gamma",
    "inverse-gamma",
]  # fmt: skip
_ONE: dict[str, Callable[[float], HeterogeneityPrior]] = {
    "half-normal": HalfNormal,
    "uniform": Uniform,
    "exponential": Exponential,
}
_TWO: dict[str, Callable[[float, float], HeterogeneityPrior]] = {
    "half-t": HalfT,
    "log-normal": LogNormal,
    "truncated-normal": TruncatedNormal,
    "gamma": Gamma,
    "inverse-gamma": InverseGamma,
}
OUTCOMES = {
    "response": ("responders", "participants"),
    "mean": ("estimate", "standard_error"),
    "rate": ("events", "exposure"),
}
_SMALLEST_HISTORY = 2


@dataclass(frozen=True)
class ControlArms:
    """Control arms of one kind of outcome.

    Parameters
    ----------
    outcome : {"response", "mean", "rate"}
    first, second : ndarray (H,)
        Responders and participants, estimates and standard errors, or events and exposure.
    """

    outcome: str
    first: Floats
    second: Floats


def read_control_arms(data: pd.DataFrame, columns: dict[str, str | None], *more: str) -> ControlArms:
    """Return the arms of a table from the two columns that are named; `more` columns must be there too."""
    given = {name: column for name, column in columns.items() if column is not None}
    found = [kind for kind, pair in OUTCOMES.items() if set(pair) == set(given)]
    if not found:
        pairs = "; ".join(" and ".join(pair) for pair in OUTCOMES.values())
        raise AnalysisError(
            "are no pair of columns of one outcome", field="columns", value=", ".join(given) or "none",
            mend=f"name {pairs}",
        )  # fmt: skip
    first, second = (given[name] for name in OUTCOMES[found[0]])
    check_roles(data, [first, second, *more])
    return ControlArms(found[0], read_numbers(data, first), read_numbers(data, second))


def heterogeneity_prior(name: Heterogeneity, scale: float, shape: float | None) -> HeterogeneityPrior:
    """Return a prior of the SD between trials by its name and its one or two numbers."""
    if name in _ONE:
        if shape is not None:
            raise AnalysisError(f"{name} has one number", field="shape", value=shape, mend="leave it out")
        return _ONE[name](scale)
    if name not in _TWO:
        names = ", ".join([*_ONE, *_TWO])
        raise AnalysisError("is no prior of tau", field="heterogeneity", value=name, mend=f"use {names}")
    if shape is None:
        raise AnalysisError(f"{name} has two numbers", field="shape", mend="give the second one")
    return _TWO[name](scale, shape)


def map_of(
    arms: ControlArms,
    mean_prior: tuple[float, float] | None,
    prior: HeterogeneityPrior,
    unit_sd: float | None,
    effects_df: float = math.inf,
) -> MapPrior:
    """Return the predictive prior of a new control arm."""
    if arms.outcome == "response":
        given = (0.0, 2.0) if mean_prior is None else mean_prior
        return map_prior_binomial(
            arms.first, arms.second, mean_prior=given, heterogeneity=prior, random_effects_df=effects_df
        )
    if mean_prior is None:
        raise AnalysisError(
            "is needed for means and rates", field="prior_mean",
            mend="give the prior's mean and SD of the mean (of a rate: on the log scale)",
        )  # fmt: skip
    if arms.outcome == "rate":
        return map_prior_poisson(
            arms.first, arms.second, mean_prior=mean_prior, heterogeneity=prior, random_effects_df=effects_df
        )
    return map_prior_normal(
        arms.first, arms.second, mean_prior=mean_prior, heterogeneity=prior, unit_sd=unit_sd,
        random_effects_df=effects_df,
    )  # fmt: skip


def mean_prior_of(mean: float | None, sd: float | None) -> tuple[float, float] | None:
    """Return both numbers of the prior of the mean over trials, or None; one alone is refused."""
    if (mean is None) != (sd is None):
        raise AnalysisError("and prior_sd go together", field="prior_mean", value=mean)
    return None if mean is None or sd is None else (mean, sd)


@dataclass(frozen=True, repr=False)
class PastControlsResult(Printed):
    """What past control arms say of a new one.

    Parameters
    ----------
    found : MapPrior
        The meta-analytic-predictive prior.
    used : NormalMixture or TabulatedPrior
        The same with `robust` of its weight on a vague part.
    robust : float
    outcome : {"response", "mean", "rate"}
    """

    found: MapPrior
    used: NormalMixture | TabulatedPrior
    robust: float
    outcome: str

    def to_frame(self) -> pd.DataFrame:
        """Return mean, SD and quantiles of tau, and of a new control arm's parameter."""
        parts = {"tau": self.found.heterogeneity, "new control arm": self.found.prior}
        if self.robust:
            parts["with the vague part"] = self.used
        return summarise(parts)

    @property
    def worth(self) -> pd.DataFrame:
        """How many participants the prior is worth, by definition; NaN with the reason where undefined."""
        return effective_sample_sizes(self.used)

    def _title(self) -> str:
        return f"Meta-analytic-predictive prior of a control {self.outcome}, {self.found.studies} past trials"

    def _facts(self) -> Facts:
        return {"weight of a vague part": number(self.robust)}

    def _tables(self) -> Tables:
        return {"Distribution": self.to_frame(), "Worth in participants": self.worth}


def past_controls(
    data: pd.DataFrame,
    *,
    responders: str | None = None,
    participants: str | None = None,
    estimate: str | None = None,
    standard_error: str | None = None,
    events: str | None = None,
    exposure: str | None = None,
    heterogeneity: Heterogeneity = "half-normal",
    scale: float = 1.0,
    shape: float | None = None,
    prior_mean: float | None = None,
    prior_sd: float | None = None,
    unit_sd: float | None = None,
    robust: float = 0.0,
    random_effects_df: float | None = None,
) -> PastControlsResult:
    """Say what past control arms tell of the next one: its predictive prior, and its worth in participants.

    Parameters
    ----------
    data : DataFrame
        A row a past trial, at least 2.
    responders, participants : str
        Columns of a response: counts of each control arm.
    estimate, standard_error : str
        In their place columns of a mean.
    events, exposure : str
        In their place columns of a rate.
    heterogeneity : str
        Prior of τ, the SD of the trials' parameters, on the logit scale of a response, the scale of a mean
        and the log scale of a rate; see `trialsim.analysis.borrowing.heterogeneity_priors`.
    scale, shape : float
        Its first number (scale, largest value or mean) and its second (degrees of freedom, SD, rate), where
        it has one.
    prior_mean, prior_sd : float, optional
        Normal prior of the mean over trials, on the same scale; (0, 2) for a response unless given.
    unit_sd : float, optional
        SD of one participant's outcome: gives the worth of a mean, and its vague part.
    robust : float
        Weight of a vague part, in [0, 1).
    random_effects_df : float, optional
        Degrees of freedom, at least 3, of t random effects: a trial that stands apart then draws less.

    Returns
    -------
    PastControlsResult

    Raises
    ------
    AnalysisError
        Fewer than 2 trials, columns of no outcome, or a number out of range.

    Notes
    -----
    See `trialsim.analysis.borrowing.meta_analytic_predictive` (Neuenschwander et al. 2010), and for the
    robust part Schmidli et al. (2014).

    Examples
    --------
    >>> past = pd.DataFrame({"r": [23, 12, 19, 9, 39, 6, 9, 10], "n": [107, 44, 51, 39, 139, 20, 78, 35]})
    >>> found = past_controls(past, responders="r", participants="n", robust=0.2)
    >>> found.to_frame()["mean"].round(3).tolist()
    [0.379, 0.258, 0.307]
    """
    columns = {
        "responders": responders, "participants": participants, "estimate": estimate,
        "standard_error": standard_error, "events": events, "exposure": exposure,
    }  # fmt: skip
    arms = read_control_arms(data, columns)
    if len(arms.first) < _SMALLEST_HISTORY:
        raise AnalysisError("has fewer than 2 trials", field="data", value=len(arms.first))
    if not 0.0 <= robust < 1.0:
        raise AnalysisError("must lie in [0, 1)", field="robust", value=robust)
    if not math.isfinite(scale):
        raise AnalysisError("must be a number", field="scale", value=scale)
    prior = heterogeneity_prior(heterogeneity, scale, shape)
    effects_df = math.inf if random_effects_df is None else random_effects_df
    found = map_of(arms, mean_prior_of(prior_mean, prior_sd), prior, unit_sd, effects_df)
    return PastControlsResult(found, found.robust(robust) if robust else found.prior, robust, arms.outcome)

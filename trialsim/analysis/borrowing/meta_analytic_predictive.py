"""Meta-analytic-predictive (MAP) priors of a new trial's control by deterministic integration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.interpolate import make_interp_spline

from trialsim.analysis.borrowing.checks import (
    counts,
    finite,
    finite_array,
    inside_unit,
    positive,
)
from trialsim.analysis.borrowing.count_history import integrate_count_history
from trialsim.analysis.borrowing.effective_sample_size import sizes_or_reasons
from trialsim.analysis.borrowing.heterogeneity_priors import BOUNDED, HeterogeneityPrior, chosen_prior
from trialsim.analysis.borrowing.normal_mixture import NormalMixture
from trialsim.analysis.borrowing.printed_distribution import summarise
from trialsim.analysis.borrowing.roots import bisect_between
from trialsim.analysis.borrowing.student_effects import check_effects_df, student_parts
from trialsim.analysis.borrowing.tabulated_prior import CountData, TabulatedPrior
from trialsim.analysis.one_trial.printed import Printed, Tables
from trialsim.data import Floats
from trialsim.errors import AnalysisError

if TYPE_CHECKING:
    import plotly.graph_objects as go

_NORMAL_NODES = 80
_SMALLEST_WEIGHT = 1e-17


@dataclass(frozen=True)
class Heterogeneity:
    """Posterior of the between-trial standard deviation τ on quadrature nodes.

    Parameters
    ----------
    tau, mass : ndarray (T,)
        Nodes, ascending, and their posterior probabilities.
    density : ndarray (T,)
        Posterior density of u = √(τ/τ_max) at the nodes, up to a constant.
    """

    tau: Floats
    mass: Floats
    density: Floats

    def mean(self) -> float:
        """Return the posterior mean of τ."""
        return float(self.mass @ self.tau)

    def sd(self) -> float:
        """Return the posterior standard deviation of τ."""
        return float(np.sqrt(self.mass @ (self.tau - self.mean()) ** 2))

    def quantile(self, probability: ArrayLike) -> Floats:
        """Return posterior quantiles of τ, by a spline through the nodes (good to about 1e-5)."""
        wanted = np.atleast_1d(np.asarray(probability, dtype=float))
        for p in wanted:
            inside_unit(p, "probability")
        root = np.sqrt(self.tau)
        spline = make_interp_spline(root, self.density, k=3).antiderivative()
        total = spline(root[-1])
        ends = np.full((2, len(wanted)), root[[0, -1]][:, None])
        return np.asarray(bisect_between(lambda x: spline(x) / total - wanted, ends[0], ends[1]) ** 2)


@dataclass(frozen=True, repr=False)
class MapPrior(Printed):
    """Predictive distribution of a new trial's control parameter, given past trials.

    Parameters
    ----------
    prior : NormalMixture or TabulatedPrior
        The exact density (no fitted mixture in between).
    heterogeneity : Heterogeneity
        Posterior of τ.
    mu_mean : float
        Posterior mean of μ on the link scale.
    studies : int
        Past trials, H.
    """

    prior: NormalMixture | TabulatedPrior
    heterogeneity: Heterogeneity
    mu_mean: float
    studies: int

    def robust(self, weight: float) -> NormalMixture | TabulatedPrior:
        """Return the robust MAP: (1 − weight) of this and `weight` of a unit-information vague part."""
        return self.prior.robust(weight)

    def effective_sample_sizes(self) -> pd.DataFrame:
        """Return the sizes of the exact density, each with its definition.

        Morita's needs the mode of a fitted mixture and is left out: it is not stable (95 or 121 for the
        same prior).
        """
        return sizes_or_reasons(self.prior, ("ELIR", "moment"))

    def to_frame(self) -> pd.DataFrame:
        """Return mean, SD and quantiles of τ and of the predictive control parameter."""
        return summarise({"tau": self.heterogeneity, "MAP": self.prior})

    def _title(self) -> str:
        return f"Meta-analytic-predictive prior of {self.studies} past trials"

    def _tables(self) -> Tables:
        return {"Distribution": self.to_frame(), "Effective sample size": self.effective_sample_sizes()}

    def plot(self) -> go.Figure:
        """Draw the predictive density."""
        return self.prior.plot()


def map_prior_normal(
    estimates: ArrayLike,
    standard_errors: ArrayLike,
    *,
    mean_prior: tuple[float, float],
    heterogeneity_scale: float | None = None,
    heterogeneity: HeterogeneityPrior | None = None,
    random_effects_df: float = math.inf,
    unit_sd: float | None = None,
) -> MapPrior:
    """Return the MAP prior of a mean, y_h ~ N(θ_h, se_h²), θ_h ~ N(μ, τ²), τ ~ half-normal or another.

    One-dimensional integral over τ by Gauss-Legendre: given τ everything is normal, so the
    prior *is* a mixture of normals::

        v(τ) = (s₀⁻² + Σ(se_h²+τ²)⁻¹)⁻¹        m̂(τ) = v (m₀/s₀² + Σ y_h/(se_h²+τ²))
        θ*|y = ∫ N(m̂(τ), v(τ)+τ²) p(τ|y) dτ

    Parameters
    ----------
    estimates, standard_errors : array_like (H,)
        Control estimates of the past trials and their standard errors, above 0.
    mean_prior : (float, float)
        Mean m₀ and standard deviation s₀ of μ.
    heterogeneity_scale : float, optional
        Scale of the half-normal prior of τ, above 0.
    heterogeneity : HeterogeneityPrior, optional
        In its place `Uniform`, `Exponential`, `HalfT` (half-Cauchy with one df), `LogNormal`,
        `TruncatedNormal`, `Gamma` or `InverseGamma` of
        `trialsim.analysis.borrowing.heterogeneity_priors`.
    random_effects_df : float
        Degrees of freedom ν of θ_h = μ + τ t_ν, at least 3; infinite for normal effects. See
        `trialsim.analysis.borrowing.student_effects`.
    unit_sd : float, optional
        Standard deviation of one participant's outcome, for effective sizes and the vague part.

    Returns
    -------
    MapPrior
        Prior of a new study's mean, and posteriors of mean and heterogeneity.

    Raises
    ------
    AnalysisError
        Not one standard error above 0 for each estimate, or a number out of range.

    Examples
    --------
    >>> n = np.array([74, 166, 328, 20, 25, 58])
    >>> crohn = map_prior_normal([-51, -49, -36, -47, -90, -54], 88 / np.sqrt(n),
    ...                          mean_prior=(0, 88), heterogeneity_scale=44, unit_sd=88)
    >>> print(crohn)
    Meta-analytic-predictive prior of 6 past trials
    <BLANKLINE>
    Distribution
      parameter     mean      sd     q2.5      q50    q97.5
            tau  14.4245  9.7934   1.3294  12.4706  39.0349
            MAP -49.8188 19.4218 -92.0160 -48.5488 -11.4766
    <BLANKLINE>
    Effective sample size
        name    size                                              definition
        ELIR 41.8750                        expected local information ratio
      moment 20.5298 size of the conjugate density with the same mean and SD
    """
    y, se = finite_array(estimates, "estimates"), finite_array(standard_errors, "standard_errors", 0.0)
    if len(y) != len(se):
        raise AnalysisError("must be as many as the estimates", field="standard_errors", value=len(se))
    m0, s0 = finite(mean_prior[0], "mean_prior[0]"), positive(mean_prior[1], "mean_prior[1]")
    tau, quadrature, log_prior = chosen_prior(heterogeneity_scale, heterogeneity).nodes(_NORMAL_NODES)
    if random_effects_df != math.inf:
        check_effects_df(random_effects_df)
        weight, mean, sd, evidence, mu_mean = student_parts(
            y, se, (m0, s0), random_effects_df, tau, np.log(quadrature) + log_prior
        )
        of_tau = heterogeneity_posterior(tau, quadrature, log_prior + evidence)
        return MapPrior(NormalMixture(weight, mean, sd, unit_sd), of_tau, mu_mean, len(y))
    total = se**2 + tau[:, None] ** 2
    v = 1 / (s0**-2.0 + (1 / total).sum(axis=1))
    m = v * (m0 * s0**-2.0 + (y / total).sum(axis=1))
    log_evidence = 0.5 * (np.log(v) - np.log(total).sum(axis=1) - (y**2 / total).sum(axis=1) + m**2 / v)
    found = heterogeneity_posterior(tau, quadrature, log_prior + log_evidence)
    used = found.mass > _SMALLEST_WEIGHT
    weights = found.mass[used] / found.mass[used].sum()
    prior = NormalMixture(weights, m[used], np.sqrt(v + tau**2)[used], unit_sd)
    return MapPrior(prior, found, float(found.mass @ m), len(y))


def map_prior_binomial(
    r: ArrayLike,
    n: ArrayLike,
    *,
    mean_prior: tuple[float, float] = (0.0, 2.0),
    heterogeneity_scale: float | None = None,
    heterogeneity: HeterogeneityPrior | None = None,
    random_effects_df: float = math.inf,
) -> MapPrior:
    """Return the MAP prior of a response probability, r_h ~ Binomial(n_h, expit(θ_h)), θ_h ~ N(μ, τ²).

    Parameters
    ----------
    r, n : array_like (H,)
        Responders and participants of the past control arms, 0 ≤ r ≤ n.
    mean_prior : (float, float)
        Mean and standard deviation of μ on the logit scale.
    heterogeneity_scale : float, optional
        Scale of the half-normal prior of τ on the logit scale; 1 if no prior is given.
    heterogeneity : HeterogeneityPrior, optional
        In its place `Uniform`, `Exponential`, `TruncatedNormal` or `Gamma`.
    random_effects_df : float
        Degrees of freedom ν of θ_h = μ + τ t_ν, at least 3; infinite for normal effects.

    Returns
    -------
    MapPrior
        Tabulated prior of a new study's probability, and posteriors of mean and heterogeneity.

    Examples
    --------
    >>> n, r = [107, 44, 51, 39, 139, 20, 78, 35], [23, 12, 19, 9, 39, 6, 9, 10]
    >>> print(map_prior_binomial(r, n).prior)
    Exact density of a response probability
    <BLANKLINE>
    Distribution
                 parameter   mean     sd   q2.5    q50  q97.5
      response probability 0.2583 0.0874 0.1109 0.2486 0.4714
    """
    events, sizes = counts(r, n)
    scale = 1.0 if heterogeneity_scale is None and heterogeneity is None else heterogeneity_scale
    return _count_map(
        "binomial", events, sizes, mean_prior, chosen_prior(scale, heterogeneity), random_effects_df
    )


def map_prior_poisson(
    events: ArrayLike,
    exposure: ArrayLike,
    *,
    mean_prior: tuple[float, float],
    heterogeneity_scale: float | None = None,
    heterogeneity: HeterogeneityPrior | None = None,
    random_effects_df: float = math.inf,
) -> MapPrior:
    """Return the MAP prior of a rate, d_h ~ Poisson(E_h exp(θ_h)), θ_h ~ N(μ, τ²).

    Parameters
    ----------
    events, exposure : array_like (H,)
        Events, at least 0, and exposure, above 0, of the past control arms.
    mean_prior : (float, float)
        Mean and standard deviation of μ on the log scale.
    heterogeneity_scale : float, optional
        Scale of the half-normal prior of τ on the log scale: below 0.5 the rate has a standard deviation,
        below 1 a mean.
    heterogeneity : HeterogeneityPrior, optional
        In its place `Uniform` (every moment exists), `TruncatedNormal`, `Exponential` or `Gamma` (none does).
    random_effects_df : float
        Degrees of freedom ν of θ_h = μ + τ t_ν, at least 3; infinite for normal effects. Where it is finite
        no moment of the rate exists.

    Returns
    -------
    MapPrior
        Tabulated prior of a new study's rate, and posteriors of mean and heterogeneity.

    Raises
    ------
    AnalysisError
        Events below 0, or not as many as exposures, or a number out of range.

    Examples
    --------
    >>> map_prior_poisson([20, 30], [100, 130], mean_prior=(-1, 2), heterogeneity_scale=0.5).studies
    2
    """
    times = finite_array(exposure, "exposure", 0.0)
    d = finite_array(events, "events")
    if len(d) != len(times) or (d < 0).any():
        raise AnalysisError("must be at least 0 and as many as the exposures", field="events")
    return _count_map(
        "poisson", d, times, mean_prior, chosen_prior(heterogeneity_scale, heterogeneity), random_effects_df
    )


def heterogeneity_posterior(tau: Floats, quadrature: Floats, log_density: Floats) -> Heterogeneity:
    """Return the posterior of τ from its unnormalised log density at the nodes."""
    density = np.exp(log_density - log_density.max())
    mass = quadrature * density
    return Heterogeneity(tau, mass / mass.sum(), density * np.sqrt(tau))


def _count_map(
    data: CountData,
    events: Floats,
    sizes: Floats,
    mean_prior: tuple[float, float],
    prior: HeterogeneityPrior,
    effects_df: float,
) -> MapPrior:
    check_effects_df(effects_df)
    if not isinstance(prior, BOUNDED):
        raise AnalysisError(
            "reaches too far for the grid of a count or a rate",
            field="heterogeneity",
            value=prior,
            mend="use a half-normal, Uniform, TruncatedNormal, Exponential or Gamma",
        )
    m0, s0 = finite(mean_prior[0], "mean_prior[0]"), positive(mean_prior[1], "mean_prior[1]")
    tau, quadrature, log_prior = prior.nodes(64)
    # A t law has heavier tails than any exponential.
    tail = prior.tail if math.isinf(effects_df) else 0.0
    integral = integrate_count_history(
        data, events, sizes, (m0, s0), tau, quadrature, log_prior, tail, effects_df
    )
    heterogeneity = heterogeneity_posterior(tau, quadrature, integral.log_density_tau)
    return MapPrior(integral.prior, heterogeneity, integral.mu_mean, len(events))

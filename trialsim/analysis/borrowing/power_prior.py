"""Power priors: history enters with its likelihood raised to a power between 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.polynomial.legendre import leggauss
from scipy.special import betaln, logsumexp
from scipy.stats import norm

from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.checks import counts, finite, fraction, positive
from trialsim.analysis.borrowing.mixture_difference import probability_difference_above
from trialsim.analysis.borrowing.normal_mixture import NormalMixture
from trialsim.analysis.borrowing.printed_distribution import summarise
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, number
from trialsim.data import Floats
from trialsim.errors import AnalysisError

_NODES = 200
_NO_WEIGHT = 1e-12


def power_prior_binomial(
    r: float, n: float, power: float, *, base: tuple[float, float] = (1.0, 1.0)
) -> BetaMixture:
    """Return Beta(a + a₀r, b + a₀(n − r)): the history counts as a₀n participants.

    Parameters
    ----------
    r, n : float
        Responders and participants of the history.
    power : float
        a₀ in [0, 1].
    base : (float, float)
        Shapes of the prior before the history.

    Returns
    -------
    BetaMixture
        Of one part.

    Examples
    --------
    >>> power_prior_binomial(30, 100, 0.5).to_frame()
      family  weight     a     b
    0   beta     1.0  16.0  36.0
    """
    counts(r, n)
    a0 = fraction(power, "power")
    return BetaMixture(1, base[0] + a0 * r, base[1] + a0 * (n - r))


def power_prior_normal(
    estimate: float,
    standard_error: float,
    power: float,
    *,
    base: tuple[float, float] | None = None,
    unit_sd: float | None = None,
) -> NormalMixture:
    """Return the normal power prior: the history's precision counts a₀ times.

    Parameters
    ----------
    estimate, standard_error : float
        Of the history.
    power : float
        a₀ in [0, 1]; above 0 without a base.
    base : (float, float), optional
        Mean and SD of the prior before the history; flat if not given.
    unit_sd : float, optional
        Standard deviation of one participant's outcome.

    Returns
    -------
    NormalMixture
        Of one part.

    Raises
    ------
    AnalysisError
        A number out of range, or a power of 0 without a base, which leaves no prior.

    Examples
    --------
    >>> power_prior_normal(-50.0, 10.0, 0.25).s
    array([20.])
    """
    finite(estimate, "estimate")
    history = fraction(power, "power") * positive(standard_error, "standard_error") ** -2.0
    m0, precision0 = (0.0, 0.0) if base is None else (base[0], positive(base[1], "base[1]") ** -2.0)
    if history + precision0 <= 0:
        raise AnalysisError("a power of 0 on a flat base leaves no prior", field="power", value=power)
    mean = (m0 * precision0 + estimate * history) / (precision0 + history)
    return NormalMixture(1, mean, (precision0 + history) ** -0.5, unit_sd)


def discount_weight(agreement: float, most: float = 1.0, scale: float = 0.135, shape: float = 3.0) -> float:
    """Return the power a₀ of a discount prior: a Weibull distribution function of how far two sources agree.

        a₀ = most · (1 − exp(−(p / scale)^shape))

    Parameters
    ----------
    agreement : float
        p in [0, 1]: 1 where the medians are the same, 0 where one source lies wholly beside the other; see
        `discount_prior_binomial`.
    most : float
        What a history counts at most, in [0, 1].
    scale, shape : float
        Of the Weibull distribution, above 0.

    Raises
    ------
    AnalysisError
        A number out of range.

    References
    ----------
    Haddad T, et al. (2017). Incorporation of stochastic engineering models as prior information in Bayesian
    medical device trials. J Biopharm Stat 27:1089-1103.

    Examples
    --------
    >>> [round(discount_weight(p), 3) for p in (0.05, 0.135, 0.3)]
    [0.05, 0.632, 1.0]
    """
    p, largest = fraction(agreement, "agreement"), fraction(most, "most")
    return float(-largest * np.expm1(-((p / positive(scale, "scale")) ** positive(shape, "shape"))))


def discount_prior_binomial(
    history: tuple[float, float],
    current: tuple[float, float],
    *,
    base: tuple[float, float] = (1.0, 1.0),
    most: float = 1.0,
) -> tuple[float, BetaMixture]:
    """Return the power by how far the data agree, and the posterior of a response probability under it.

    With P the probability that the current rate exceeds the history's, each from its own data and the base
    prior, the agreement is 2 min(P, 1 − P). The data thus set the weight of their own prior: with agreement
    the history enters whole, and type I errors under a small drift are above the level.

    Parameters
    ----------
    history, current : (float, float)
        Responders and participants.
    base : (float, float)
        Shapes of the base prior.
    most : float
        What the history counts at most.

    Returns
    -------
    float
        a₀.
    BetaMixture
        Posterior of the current probability.

    Examples
    --------
    >>> agree, conflict = (discount_prior_binomial((30, 100), (r, 50))[0] for r in (15, 30))
    >>> agree > 0.99, conflict < 0.001
    (True, True)
    """
    (r_h, n_h), (r, n) = history, current
    counts([r_h, r], [n_h, n])
    own = BetaMixture(1, base[0] + r, base[1] + n - r)
    past = BetaMixture(1, base[0] + r_h, base[1] + n_h - r_h)
    above = probability_difference_above(own, past, 0.0)
    weight = discount_weight(float(np.clip(2 * min(above, 1 - above), 0.0, 1.0)), most)
    return weight, power_prior_binomial(r_h, n_h, weight, base=base).posterior(r, n)


def discount_prior_normal(
    history: tuple[float, float],
    current: tuple[float, float],
    *,
    most: float = 1.0,
    unit_sd: float | None = None,
) -> tuple[float, NormalMixture]:
    """Return the power by how far two estimates agree, and the posterior of a mean, flat before both.

    The agreement is the two-sided p value of the difference of the two estimates.

    Parameters
    ----------
    history, current : (float, float)
        Estimate and standard error.
    most : float
        What the history counts at most.
    unit_sd : float, optional
        Standard deviation of one participant's outcome.

    Returns
    -------
    float
        a₀.
    NormalMixture
        Posterior of the current mean.

    Examples
    --------
    >>> discount_prior_normal((0.0, 1.0), (0.0, 1.0))[1].s.round(3)
    array([0.707])
    """
    y_h, se_h = finite(history[0], "history[0]"), positive(history[1], "history[1]")
    y, se = finite(current[0], "current[0]"), positive(current[1], "current[1]")
    weight = discount_weight(float(2 * norm.sf(abs(y - y_h) / np.hypot(se, se_h))), most)
    # A weight that underflows leaves the current data alone, which a flat base cannot say by itself.
    if weight <= _NO_WEIGHT:
        return weight, NormalMixture(1, y, se, unit_sd)
    return weight, power_prior_normal(y_h, se_h, weight, unit_sd=unit_sd).posterior(y, se)


@dataclass(frozen=True, repr=False)
class NormalizedPowerPrior(Printed):
    """Posterior under a power that is itself unknown.

    Parameters
    ----------
    power, mass : ndarray (G,)
        Quadrature nodes of a₀ and their posterior probabilities.
    posterior : BetaMixture or NormalMixture
        Of the control parameter: one component a node.
    """

    power: Floats
    mass: Floats
    posterior: BetaMixture | NormalMixture

    def mean_power(self) -> float:
        """Return E[a₀ | data]."""
        return float(self.mass @ self.power)

    def to_frame(self) -> pd.DataFrame:
        """Return mean, SD and quantiles of the control parameter."""
        return summarise({"control": self.posterior})

    def _title(self) -> str:
        return "Normalised power prior"

    def _facts(self) -> Facts:
        return {"mean power": number(self.mean_power())}

    def _tables(self) -> Tables:
        return {"Posterior": self.to_frame()}


def normalized_power_prior_binomial(
    history: tuple[float, float],
    current: tuple[float, float],
    *,
    base: tuple[float, float] = (1.0, 1.0),
    power_prior: tuple[float, float] = (1.0, 1.0),
) -> NormalizedPowerPrior:
    """Return the posterior of a response probability with a₀ ~ Beta, by a one-dimensional integral.

    π(a₀ | D) ∝ π(a₀) B(a + a₀r_h + r, b + a₀(n_h − r_h) + n − r) / B(a + a₀r_h, b + a₀(n_h − r_h)).

    Parameters
    ----------
    history, current : (float, float)
        Responders and participants.
    base, power_prior : (float, float)
        Shapes of the base prior and of the beta prior of a₀.

    Returns
    -------
    NormalizedPowerPrior
        Posterior of a₀ on a grid, and the posterior of the probability as a mixture over it.

    Examples
    --------
    >>> agree = normalized_power_prior_binomial((30, 100), (15, 50))
    >>> conflict = normalized_power_prior_binomial((30, 100), (30, 50))
    >>> agree.mean_power() > 0.5 > conflict.mean_power()
    True
    """
    (r_h, n_h), (r, n) = history, current
    counts([r_h, r], [n_h, n])
    a0, log_mass = _power_nodes(power_prior)
    a, b = base[0] + a0 * r_h, base[1] + a0 * (n_h - r_h)
    mass = _normalised(log_mass + betaln(a + r, b + n - r) - betaln(a, b))
    return NormalizedPowerPrior(a0, mass, BetaMixture(mass, a + r, b + n - r))


def normalized_power_prior_normal(
    history: tuple[float, float],
    current: tuple[float, float],
    *,
    base: tuple[float, float],
    power_prior: tuple[float, float] = (1.0, 1.0),
    unit_sd: float | None = None,
) -> NormalizedPowerPrior:
    """Return the posterior of a mean with a₀ ~ Beta, by a one-dimensional integral.

    Given a₀ the prior is N(m, v); its weight is π(a₀) N(y; m, v + se²).

    Parameters
    ----------
    history, current : (float, float)
        Estimate and standard error.
    base : (float, float)
        Mean and SD of the proper prior before the history.
    power_prior : (float, float)
        Shapes of the beta prior of a₀.
    unit_sd : float, optional
        Standard deviation of one participant's outcome.

    Returns
    -------
    NormalizedPowerPrior
        Posterior of a₀ on a grid, and the posterior of the mean as a mixture over it.

    Examples
    --------
    >>> result = normalized_power_prior_normal((0.0, 0.1), (0.05, 0.2), base=(0.0, 10.0))
    >>> 0.5 < result.mean_power() < 1
    True
    """
    y_h, se_h = finite(history[0], "history[0]"), positive(history[1], "history[1]")
    y, se = finite(current[0], "current[0]"), positive(current[1], "current[1]")
    m0, s0 = finite(base[0], "base[0]"), positive(base[1], "base[1]")
    a0, log_mass = _power_nodes(power_prior)
    precision = s0**-2.0 + a0 * se_h**-2.0
    m = (m0 * s0**-2.0 + y_h * a0 * se_h**-2.0) / precision
    total = 1 / precision + se**2
    mass = _normalised(log_mass - 0.5 * np.log(total) - 0.5 * (y - m) ** 2 / total)
    posterior_precision = precision + se**-2.0
    mean = (m * precision + y * se**-2.0) / posterior_precision
    return NormalizedPowerPrior(a0, mass, NormalMixture(mass, mean, posterior_precision**-0.5, unit_sd))


def _power_nodes(shapes: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return nodes of a₀ and log prior masses; a₀ = sin²(πt/2) tames shapes below 1 at both ends."""
    a, b = positive(shapes[0], "power_prior[0]"), positive(shapes[1], "power_prior[1]")
    x, w = leggauss(_NODES)
    angle = np.pi * (x + 1) / 4
    sine, cosine = np.sin(angle), np.cos(angle)
    log_mass = np.log(w) + (2 * a - 1) * np.log(sine) + (2 * b - 1) * np.log(cosine)
    return sine**2, np.asarray(log_mass)


def _normalised(log_mass: Floats) -> Floats:
    return np.asarray(np.exp(log_mass - logsumexp(log_mass)))

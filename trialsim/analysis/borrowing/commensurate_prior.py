"""Commensurate priors: internal and external controls differ by Δ, of a precision learnt from the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betainc, logsumexp, polygamma, psi

from trialsim.analysis.borrowing.checks import counts, finite, finite_array, positive
from trialsim.analysis.borrowing.gamma_mixture import GammaMixture
from trialsim.analysis.borrowing.normal_mixture import NormalMixture
from trialsim.analysis.borrowing.roots import bisect_between
from trialsim.analysis.one_trial.printed import Printed, Tables
from trialsim.data import Floats
from trialsim.errors import AnalysisError

_NODES = 301


@dataclass(frozen=True)
class CommensuratePrior:
    """Prior of the precision τ in θ_int | θ_ext ~ N(θ_ext, 1/τ), τ ~ Gamma(shape, rate).

    Integrating τ leaves the kernel (rate + Δ²/2)^−(shape + ½) of Δ = θ_int − θ_ext. **τ is a precision**:
    a large shape/rate borrows much.

    Parameters
    ----------
    shape, rate : float
        Above 0; (.001, .001) is the cautious, (1, .001) the eager choice of psborrow2.
    """

    shape: float = 0.001
    rate: float = 0.001

    def __post_init__(self) -> None:
        positive(self.shape, "shape")
        positive(self.rate, "rate")

    def nodes(self, reach: float) -> tuple[Floats, Floats]:
        """Return nodes of Δ in [−reach, reach] and log masses; Δ = √(2 rate) sinh(s) resolves the spike."""
        width = np.sqrt(2 * self.rate)
        s = np.linspace(-1, 1, _NODES) * np.arcsinh(reach / width)
        return width * np.sinh(s), np.asarray(-2 * self.shape * np.log(np.cosh(s)))

    def mean_precision(self, difference: Floats, mass: Floats) -> Floats:
        """Return E[τ | data] from posterior masses (..., G) of Δ (G,)."""
        return np.asarray(mass @ ((self.shape + 0.5) / (self.rate + 0.5 * difference**2)))


@dataclass(frozen=True, repr=False)
class HazardComparison(Printed):
    """Posterior of exponential hazards of R trials: internal control, and treated against it.

    Given Δ the internal control hazard is Gamma(shape, rate_Δ), the treated one Gamma(d_t, T_t).

    Parameters
    ----------
    mass : ndarray (R, G)
        Posterior probabilities of the nodes of Δ.
    shape : ndarray (R,)
        Events that inform the control hazard.
    rate : ndarray (R, G)
        Discounted person-time at each node.
    treated_events, treated_time : ndarray (R,)
        Of the treated arm.
    mean_precision : ndarray (R,)
        E[τ | data]; 0 without borrowing, infinite with full pooling.
    difference : ndarray (G,)
        Nodes of Δ; NaN without borrowing.
    """

    mass: Floats
    shape: Floats
    rate: Floats
    treated_events: Floats
    treated_time: Floats
    mean_precision: Floats
    difference: Floats

    def log_control_hazard(self) -> tuple[Floats, Floats]:
        """Return mean and SD (R,) of α_int = ln λ_int."""
        return self._log_hazard(np.zeros(len(self.difference)))

    def log_external_hazard(self) -> tuple[Floats, Floats]:
        """Return mean and SD (R,) of α_ext = α_int − Δ."""
        if np.isnan(self.difference).any():
            raise AnalysisError("no external controls went in", field="external")
        return self._log_hazard(-self.difference)

    def log_hazard_ratio(self) -> tuple[Floats, Floats]:
        """Return mean and SD (R,) of β = ln λ_treated − ln λ_int."""
        mean, sd = self.log_control_hazard()
        treated = psi(self.treated_events) - np.log(self.treated_time)
        return treated - mean, np.sqrt(sd**2 + polygamma(1, self.treated_events))

    def hazard_ratio(self) -> tuple[Floats, Floats]:
        """Return mean and SD (R,) of exp(β); they need 3 events that inform the control hazard."""
        d, D = self.treated_events, self.shape
        if (self.shape <= 2).any():
            raise AnalysisError("needs more than 2 events of the controls", field="events")
        first = (self.mass * self.rate).sum(axis=1) / (D - 1)
        second = (self.mass * self.rate**2).sum(axis=1) / ((D - 1) * (D - 2))
        mean = d / self.treated_time * first
        square = d * (d + 1) / self.treated_time**2 * second
        return mean, np.sqrt(square - mean**2)

    def probability_below(self, log_ratio: ArrayLike) -> Floats:
        """Return P(β < log_ratio) (R,), by the F distribution given Δ."""
        scale = np.exp(np.broadcast_to(log_ratio, self.shape.shape))[:, None] * self.treated_time[:, None]
        share = scale / (scale + self.rate)
        return np.asarray(
            (self.mass * betainc(self.treated_events[:, None], self.shape[:, None], share)).sum(axis=1)
        )

    def quantile(self, probability: float) -> Floats:
        """Return quantiles of β (R,)."""
        if not 0 < probability < 1:
            raise AnalysisError("must be between 0 and 1, both excluded", field="probability")
        mean, sd = self.log_hazard_ratio()
        reach = sd / np.sqrt(min(probability, 1 - probability))
        return bisect_between(lambda x: self.probability_below(x) - probability, mean - reach, mean + reach)

    def control_prior(self, replicate: int = 0) -> GammaMixture:
        """Return the posterior of the internal control hazard of one replicate as a gamma mixture."""
        used = self.mass[replicate] > 1e-14
        mass = self.mass[replicate][used]
        shape = np.full(len(mass), self.shape[replicate])
        return GammaMixture(mass / mass.sum(), shape, self.rate[replicate][used], "exponential")

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row a replicate."""
        (mean, sd), (ratio, ratio_sd) = self.log_hazard_ratio(), self.hazard_ratio()
        return pd.DataFrame(
            {
                "log_hazard_ratio": mean,
                "sd": sd,
                "lower": self.quantile((1 - level) / 2),
                "upper": self.quantile((1 + level) / 2),
                "hazard_ratio": ratio,
                "hazard_ratio_sd": ratio_sd,
                "mean_precision": self.mean_precision,
            }
        )

    def _title(self) -> str:
        return "Treated against internal control hazard"

    def _tables(self) -> Tables:
        return {"Posterior, 95% intervals": self.to_frame()}

    def _log_hazard(self, shift: Floats) -> tuple[Floats, Floats]:
        given = psi(self.shape)[:, None] - np.log(self.rate) + shift
        mean = (self.mass * given).sum(axis=1)
        spread = (self.mass * (given - mean[:, None]) ** 2).sum(axis=1)
        return mean, np.sqrt(spread + polygamma(1, self.shape))


def commensurate_exponential(
    internal: tuple[ArrayLike, ArrayLike],
    external: tuple[ArrayLike, ArrayLike],
    treated: tuple[ArrayLike, ArrayLike],
    prior: CommensuratePrior,
) -> HazardComparison:
    """Return the posterior of exponential hazards with a commensurate prior, exactly but for one integral.

    With α_int = α_ext + Δ and flat priors of α_ext and of the treated log hazard::

        λ_int | Δ ~ Gamma(d_i + d_e, T_i + T_e e^{−Δ})
        p(Δ | data) ∝ (b + Δ²/2)^{−(a+½)} e^{−Δ d_e} (T_i + T_e e^{−Δ})^{−(d_i+d_e)}

    Parameters
    ----------
    internal, external, treated : (events, person-time)
        Each a number or (R,); events at least 1, person-time above 0. Poisson counts with exposure are
        the same likelihood.
    prior : CommensuratePrior
        Of the precision.

    Returns
    -------
    HazardComparison
        Posterior of the hazard ratio and of the difference between the two controls.

    Examples
    --------
    >>> print(commensurate_exponential((39, 1136.2), (326, 3575.7), (75, 2502.1), CommensuratePrior()))
    Treated against internal control hazard
    <BLANKLINE>
    Posterior, 95% intervals
      log_hazard_ratio     sd   lower  upper hazard_ratio hazard_ratio_sd mean_precision
               -0.1566 0.1986 -0.5405 0.2386       0.8722          0.1761         1.2110
    """
    (d_i, t_i), (d_e, t_e), (d_t, t_t) = _event_times(internal, external, treated)
    centre = np.log(d_i / t_i) - np.log(d_e / t_e)
    spread = np.sqrt(1 / d_i + 1 / d_e)
    difference, log_kernel = prior.nodes(float((np.abs(centre) + 12 * spread).max()))
    rate = t_i[:, None] + t_e[:, None] * np.exp(-difference)
    log_mass = log_kernel - d_e[:, None] * difference - (d_i + d_e)[:, None] * np.log(rate)
    mass = np.exp(log_mass - logsumexp(log_mass, axis=1, keepdims=True))
    precision = prior.mean_precision(difference, mass)
    return HazardComparison(mass, d_i + d_e, rate, d_t, t_t, precision, difference)


def pooled_exponential(
    internal: tuple[ArrayLike, ArrayLike],
    external: tuple[ArrayLike, ArrayLike] | None,
    treated: tuple[ArrayLike, ArrayLike],
) -> HazardComparison:
    """Return the same posterior with full pooling, or without any borrowing if `external` is None.

    Parameters
    ----------
    internal : pair of array
        Times and events (1 or 0) of the concurrent controls.
    external : pair of array or None
        The same of the history; None borrows nothing.
    treated : pair of array
        The same of the active arm.

    Returns
    -------
    HazardComparison
        Posterior of the hazard ratio.

    Examples
    --------
    >>> pooled_exponential((39, 1136.2), None, (75, 2502.1)).log_hazard_ratio()[0].round(4)
    array([-0.1293])
    """
    (d_i, t_i), (d_e, t_e), (d_t, t_t) = _event_times(
        internal, internal if external is None else external, treated
    )
    if external is None:
        d_e, t_e = np.zeros_like(d_i), np.zeros_like(t_i)
    precision = np.full(len(d_i), 0.0 if external is None else np.inf)
    difference = np.array([np.nan if external is None else 0.0])
    return HazardComparison(
        np.ones((len(d_i), 1)), d_i + d_e, (t_i + t_e)[:, None], d_t, t_t, precision, difference
    )


def commensurate_normal(
    internal: tuple[float, float],
    external: tuple[float, float],
    prior: CommensuratePrior,
    *,
    unit_sd: float | None = None,
) -> NormalMixture:
    """Return the posterior of the internal control mean as a mixture of normals over Δ.

    Given Δ two estimates of one mean are combined, y_i and y_e + Δ; p(Δ) ∝ kernel × N(y_i − y_e; Δ,
    se_i² + se_e²).

    Parameters
    ----------
    internal, external : (float, float)
        Estimate and standard error. The kernel is in their unit: give `prior.rate` in squared units.
    prior : CommensuratePrior
        Of the precision.
    unit_sd : float, optional
        Standard deviation of one participant's outcome.

    Returns
    -------
    NormalMixture
        Posterior of the internal control mean.

    Examples
    --------
    >>> near = commensurate_normal((0.1, 0.3), (0.0, 0.05), CommensuratePrior(1, 0.001))
    >>> round(near.sd(), 4)
    0.0763
    """
    y_i, se_i = finite(internal[0], "internal[0]"), positive(internal[1], "internal[1]")
    y_e, se_e = finite(external[0], "external[0]"), positive(external[1], "external[1]")
    total = se_i**2 + se_e**2
    difference, log_kernel = prior.nodes(abs(y_i - y_e) + 12 * np.sqrt(total))
    # The nodes come without the Jacobian's constant, which the normalisation removes.
    log_mass = log_kernel - 0.5 * (y_i - y_e - difference) ** 2 / total
    mass = np.exp(log_mass - logsumexp(log_mass))
    used = mass > 1e-14
    precision = se_i**-2.0 + se_e**-2.0
    m = (y_i * se_i**-2.0 + (y_e + difference) * se_e**-2.0) / precision
    sd = np.full(int(used.sum()), precision**-0.5)
    return NormalMixture(mass[used] / mass[used].sum(), m[used], sd, unit_sd)


def commensurate_binomial(
    internal: tuple[float, float], external: tuple[float, float], prior: CommensuratePrior
) -> tuple[Floats, Floats]:
    """Return logits of the internal response probability and their posterior masses (G,), binomial data.

    Two-dimensional: p(α, Δ) ∝ kernel(Δ) L_i(α) L_e(α − Δ), summed over Δ.

    Parameters
    ----------
    internal, external : (float, float)
        Responders r and participants n, 0 < r < n.
    prior : CommensuratePrior
        Of the precision on the logit scale.

    Returns
    -------
    logits, masses : ndarray (G,)
        A grid of G logits and their posterior masses, which sum to 1.

    Raises
    ------
    AnalysisError
        A group of responders only, or of none.

    Examples
    --------
    >>> from scipy.special import expit
    >>> eta, mass = commensurate_binomial((26, 50), (126, 350), CommensuratePrior(1, 0.001))
    >>> bool(0.36 < mass @ expit(eta) < 0.52)
    True
    """
    (r_i, r_e), (n_i, n_e) = counts([internal[0], external[0]], [internal[1], external[1]])
    if not (0 < r_i < n_i and 0 < r_e < n_e):
        raise AnalysisError("needs a responder and a non-responder in either group", field="r")
    logit, spread = np.log(r_i / (n_i - r_i)), np.sqrt(n_i / (r_i * (n_i - r_i)))
    centre = np.log(r_e / (n_e - r_e))
    eta = np.linspace(logit - 15 * spread, logit + 15 * spread, 601)
    reach = float(np.abs(eta - centre).max()) + 12 * np.sqrt(n_e / (r_e * (n_e - r_e)))
    difference, log_kernel = prior.nodes(reach)
    other = eta[:, None] - difference
    log_external = r_e * other - n_e * np.logaddexp(0, other)
    log_mass = r_i * eta - n_i * np.logaddexp(0, eta) + logsumexp(log_external + log_kernel, axis=1)
    mass = np.exp(log_mass - logsumexp(log_mass))
    return eta, mass


def _event_times(*groups: tuple[ArrayLike, ArrayLike]) -> list[tuple[Floats, Floats]]:
    cleaned = []
    for name, (events, time) in zip(("internal", "external", "treated"), groups, strict=True):
        d, t = np.broadcast_arrays(np.atleast_1d(events), np.atleast_1d(time))
        t = finite_array(t, f"{name} person-time", 0.0)
        d = finite_array(d, f"{name} events")
        if (d < 1).any():
            raise AnalysisError(
                "needs at least 1 event in every data set", field=f"{name} events", value=float(d.min())
            )
        cleaned.append((d, t))
    if len({len(d) for d, _ in cleaned}) > 1:
        longest = max(len(d) for d, _ in cleaned)
        cleaned = [
            (
                np.ascontiguousarray(np.broadcast_to(d, longest)),
                np.ascontiguousarray(np.broadcast_to(t, longest)),
            )
            for d, t in cleaned
        ]
    return cleaned

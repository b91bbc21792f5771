"""Effective sample sizes of priors, posteriors and weights, each carrying its definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import betaln, expit

from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.gamma_mixture import GammaMixture
from trialsim.analysis.borrowing.mixture import MixturePrior, responsibilities
from trialsim.analysis.borrowing.normal_mixture import NormalMixture
from trialsim.analysis.borrowing.tabulated_prior import TabulatedPrior
from trialsim.data import Floats
from trialsim.errors import AnalysisError
from trialsim.notebook import InNotebook

Prior = MixturePrior | TabulatedPrior
SizeName = Literal["ELIR", "moment", "Morita"]
_FLATTENING = 100.0
_ROUNDING = 1e-6


@dataclass(frozen=True)
class EffectiveSampleSize(InNotebook):
    """A number of participants that never goes without its definition.

    Parameters
    ----------
    value : float
        Number of participants (or units of exposure, or events, for rates).
    name : str
        Short name, such as ``"ELIR"``.
    definition : str
        The formula in words.
    """

    value: float
    name: str
    definition: str

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"effective sample size {self.value:.4g} ({self.name}: {self.definition})"


def elir_ess(prior: Prior) -> EffectiveSampleSize:
    """Return the expected local-information-ratio size, the default of trialsim.

    E_p[i(p(θ)) / i_F(θ)] with i(p) = −d² ln p/dθ² and i_F the information of one participant, θ being the
    response probability, mean or rate (Neuenschwander et al. 2020, Biometrics 76:578). It is the only
    one here that is predictively consistent: E[ELIR(posterior after n)] = ELIR(prior) + n.

    Parameters
    ----------
    prior : BetaMixture, NormalMixture, GammaMixture or TabulatedPrior
        A beta shape, or a gamma shape with Poisson data, below 1 makes the integral diverge.

    Returns
    -------
    EffectiveSampleSize
        Of one participant's information, at least 0.

    Raises
    ------
    AnalysisError
        If the integral diverges or is below 0, or a normal prior lacks `unit_sd`.

    Examples
    --------
    >>> print(elir_ess(BetaMixture([0.6, 0.4], [2.5, 14.6], [19.1, 120.2])))
    effective sample size 41.2 (ELIR: expected local information ratio)
    """
    if isinstance(prior, TabulatedPrior):
        value = prior.expected_information_ratio()
    else:
        grid, quadrature = prior.working_grid()
        log_parts, slope, curvature, unit = _working_terms(prior, grid)
        density = np.exp(log_parts).sum(axis=1)
        value = float((quadrature * density) @ (_information(log_parts, slope, curvature) / unit))
        value -= _boundary_term(prior)
    if not value >= -_ROUNDING:
        raise AnalysisError(
            "is below 0: the prior's tails carry it, so it counts no participants",
            field="expected local information ratio",
            value=float(f"{value:.4g}"),
            mend="give a vague part that says more, or use moment_ess",
        )
    return EffectiveSampleSize(max(value, 0.0), "ELIR", "expected local information ratio")


def moment_ess(prior: Prior) -> EffectiveSampleSize:
    """Return the size of the conjugate density with the same mean and SD.

    m(1 − m)/v − 1 for a probability, σ²/v for a mean, m/v for a Poisson rate (exposure), m²/v for an
    exponential rate (events).

    Parameters
    ----------
    prior : BetaMixture, NormalMixture, GammaMixture or TabulatedPrior
        Of a probability, a mean or a rate.

    Returns
    -------
    EffectiveSampleSize
        In participants, or in units of exposure for a rate.

    Raises
    ------
    AnalysisError
        If the moments do not exist, or a normal prior lacks `unit_sd`.

    Examples
    --------
    >>> print(moment_ess(BetaMixture(1, 3, 7)))
    effective sample size 10 (moment: size of the conjugate density with the same mean and SD)
    """
    m, v = prior.mean(), prior.sd() ** 2
    kind = _data_kind(prior)
    if kind == "normal":
        assert isinstance(prior, NormalMixture)
        value = prior.require_unit_sd() ** 2 / v
    else:
        value = {"binomial": m * (1 - m) / v - 1, "poisson": m / v, "exponential": m * m / v}[kind]
    return EffectiveSampleSize(
        float(value), "moment", "size of the conjugate density with the same mean and SD"
    )


def morita_ess(prior: MixturePrior) -> EffectiveSampleSize:
    """Return the Morita-Thall-Müller size at the mode, unstable under the fit of the mixture.

    (i(p) − i(p₀))/E[i_F] at the mode of p, where p₀ holds 1/100 of a participant (probability: Beta of
    shapes mode/100 and (1 − mode)/100; mean: 100 times the widest component's variance), and E[i_F] is
    taken over one new participant's predictive outcome.

    Parameters
    ----------
    prior : BetaMixture, NormalMixture or GammaMixture
        Of a probability, a mean or a rate.

    Returns
    -------
    EffectiveSampleSize
        In participants, or in units of exposure for a rate.

    Raises
    ------
    AnalysisError
        If a part has a pole (a shape below 1): the density is then highest where it is infinite, and has no
        mode at which information could be taken.

    Examples
    --------
    >>> round(morita_ess(BetaMixture([0.6, 0.4], [2.5, 14.6], [19.1, 120.2])).value, 2)
    87.66
    """
    _refuse_poles(prior)
    mode = _mode(prior)
    x = np.array([mode])
    log_parts = prior.component_log_density(x) + _log(prior.weights)
    slope, curvature = _parameter_derivatives(prior, x)
    info = float(_information(log_parts, slope, curvature)[0])
    m = prior.mean()
    if isinstance(prior, BetaMixture):
        flat = (mode / _FLATTENING - 1) / mode**2 + ((1 - mode) / _FLATTENING - 1) / (1 - mode) ** 2
        unit = m / mode**2 + (1 - m) / (1 - mode) ** 2
    elif isinstance(prior, NormalMixture):
        flat, unit = 1 / (_FLATTENING * prior.s.max() ** 2), prior.require_unit_sd() ** -2.0
    else:
        exponential = _data_kind(prior) == "exponential"
        flat = ((1.0 if exponential else mode) / _FLATTENING - 1) / mode**2
        unit = (1.0 if exponential else m) / mode**2
    return EffectiveSampleSize(
        float((info - flat) / unit), "Morita", "information at the mode beyond a flattened prior's"
    )


def effective_sample_sizes(prior: Prior) -> pd.DataFrame:
    """Return every prior-based size of one prior, one row a definition; the first is the default.

    Parameters
    ----------
    prior : BetaMixture, NormalMixture, GammaMixture or TabulatedPrior
        Of a probability, a mean or a rate.

    Returns
    -------
    DataFrame
        Name, value and definition; a value that does not exist is missing, with the reason.

    Examples
    --------
    >>> effective_sample_sizes(BetaMixture(1, 3.0, 7.0)).round(1)
         name   size                                         definition
    0    ELIR   10.0                expected local information ratio
    1  moment   10.0  size of the conjugate density with the same me...
    2  Morita   10.0  information at the mode beyond a flattened pri...
    """
    names: list[SizeName] = ["ELIR", "moment"]
    if isinstance(prior, MixturePrior):
        names.append("Morita")
    return sizes_or_reasons(prior, names)


def sizes_or_reasons(prior: Prior, names: Sequence[SizeName]) -> pd.DataFrame:
    """Return sizes of a prior, one row a definition; NaN and the reason where one does not exist.

    Examples
    --------
    >>> sizes_or_reasons(BetaMixture(1, 0.6, 1.4), ["Morita"])["size"].tolist()
    [nan]
    """
    rows = []
    for name in names:
        try:
            got = _SIZES[name](prior)
            rows.append((name, got.value, got.definition))
        except AnalysisError as error:
            rows.append((name, np.nan, f"not available: {error.problem}"))
    return pd.DataFrame(rows, columns=["name", "size", "definition"])


_SIZES: dict[SizeName, Callable[[Any], EffectiveSampleSize]] = {
    "ELIR": elir_ess,
    "moment": moment_ess,
    "Morita": morita_ess,
}


def _data_kind(prior: Prior) -> str:
    if isinstance(prior, GammaMixture):
        return prior.data
    if isinstance(prior, TabulatedPrior):
        return prior.data
    return "binomial" if isinstance(prior, BetaMixture) else "normal"


def _log(weights: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(weights))


def _information(log_parts: Floats, slope: Floats, curvature: Floats) -> Floats:
    """Return i(p) = (Σr_k ℓ'_k)² − Σr_k(ℓ''_k + ℓ'_k²) with responsibilities r_k."""
    r = responsibilities(log_parts)
    first = (r * slope).sum(axis=-1)
    return np.asarray(first**2 - np.einsum("...k,...k->...", r, curvature + slope**2))


def _working_terms(prior: MixturePrior, grid: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return log w_k f_k, ℓ'_k and ℓ''_k on the working scale, and one participant's information there."""
    x = grid[:, None]
    value, derivative = prior.from_working(grid)
    log_parts = prior.component_log_density(value) + np.log(derivative)[:, None] + _log(prior.weights)
    if isinstance(prior, BetaMixture):
        p, q = expit(x), expit(-x)
        # On the logit scale a density of p loses digits near 1; its own form does not.
        log_parts = (
            -prior.a * np.logaddexp(0, -x) - prior.b * np.logaddexp(0, x) - betaln(prior.a, prior.b)
        ) + _log(prior.weights)
        return log_parts, prior.a * q - prior.b * p, -(prior.a + prior.b) * p * q, derivative
    if isinstance(prior, NormalMixture):
        unit = np.full(len(grid), prior.require_unit_sd() ** -2.0)
        return log_parts, (prior.m - x) / prior.s**2, np.broadcast_to(-(prior.s**-2.0), log_parts.shape), unit
    assert isinstance(prior, GammaMixture)
    rate = prior.b * np.exp(x)
    unit = np.ones(len(grid)) if prior.data == "exponential" else derivative
    return log_parts, prior.a - rate, -rate, unit


def _boundary_term(prior: MixturePrior) -> float:
    """Return what the integral on the working scale holds more than the one over the parameter.

    Both are equal after integration by parts but for what is left at the ends: a shape of exactly 1
    leaves a finite density there, and the rate of exponential data is not on its canonical scale.
    """
    if isinstance(prior, BetaMixture):
        if (np.minimum(prior.a, prior.b) < 1).any():
            raise AnalysisError(
                "the integral diverges for a shape below 1", field="a, b", mend="use shapes of at least 1"
            )
        return float(prior.weights @ (prior.b * (prior.a == 1) + prior.a * (prior.b == 1)))
    if isinstance(prior, GammaMixture):
        if prior.data == "exponential":
            return 1.0
        if (prior.a < 1).any():
            raise AnalysisError(
                "the integral diverges for a shape below 1", field="a", mend="use shapes of at least 1"
            )
        return float(prior.weights @ (prior.b * (prior.a == 1)))
    return 0.0


def _parameter_derivatives(prior: MixturePrior, x: Floats) -> tuple[Floats, Floats]:
    """Return d ln f_k/dθ and d² ln f_k/dθ² on the scale of the parameter itself."""
    x = x[:, None]
    if isinstance(prior, NormalMixture):
        return (prior.m - x) / prior.s**2, np.broadcast_to(-(prior.s**-2.0), (len(x), len(prior.s)))
    if isinstance(prior, BetaMixture):
        slope = (prior.a - 1) / x - (prior.b - 1) / (1 - x)
        return slope, -(prior.a - 1) / x**2 - (prior.b - 1) / (1 - x) ** 2
    assert isinstance(prior, GammaMixture)
    return (prior.a - 1) / x - prior.b, -(prior.a - 1) / x**2


def _refuse_poles(prior: MixturePrior) -> None:
    for name in ("a", "b"):
        shape = getattr(prior, name, None)
        if shape is None or (name == "b" and isinstance(prior, GammaMixture)):
            continue
        if (shape[prior.weights > 0] < 1).any():
            raise AnalysisError(
                "does not exist: a part with a shape below 1 has a pole, and no mode",
                field=name,
                value=float(shape.min()),
                mend="use shapes of at least 1, elir_ess or moment_ess",
            )


def _mode(prior: MixturePrior) -> float:
    """Return the highest point inside the range of the parameter."""
    candidates = prior.quantile(np.linspace(0.002, 0.998, 250))
    best = int(np.argmax(prior.log_density(candidates)))
    lower, upper = candidates[max(best - 1, 0)], candidates[min(best + 1, len(candidates) - 1)]
    found = minimize_scalar(
        lambda x: -float(prior.log_density(np.array([x]))[0]),
        bounds=(lower, upper),
        method="bounded",
        options={"xatol": 1e-12 * max(abs(lower), abs(upper), 1e-300)},
    )
    return float(found.x)

"""From responses to the kernel of their family and what it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from trialsim.data import Floats
from trialsim.prognosis.families import FAMILIES, Params, Responses
from trialsim.prognosis.fit.densities import outcome_kernels
from trialsim.prognosis.fit.densities.chains import Density, draw_chains
from trialsim.prognosis.fit.densities.unconstrained import constrained, width
from trialsim.prognosis.fit.settings import FitSettings


def density_of(family: str, data: Responses) -> tuple[Density, tuple[Any, ...], int]:
    """Return the kernel of a family, what it takes beside the unbounded vector, and the vector's length."""
    law = FAMILIES[family]
    x = np.ascontiguousarray(data.x)
    studies = data.member.shape[1]
    study = data.member.argmax(axis=1) if studies else np.zeros(len(x), np.int64)
    sd = 0.0 if law.sd_intercept is None else law.sd_intercept
    shared = (x, np.ascontiguousarray(x.T), study.astype(np.int64), studies, sd)
    kernel, own = _OF_FAMILY[family](law.arrays(data), data)
    return kernel, (*shared, *own), sum(width(prior) for prior in law.priors(data.shape))


def draw_parameters(
    family: str, data: Responses, settings: FitSettings, seed: int, *, centred: bool = False
) -> tuple[Params, int]:
    """Return draws of the parameters by name (chains, draws, ...) and the number of divergences.

    Chains walk along the principal axes of the columns, where coefficients hardly depend on each other. Their
    prior is the same in every direction, so that this is the same law: only the steps are fewer.

    Parameters
    ----------
    family : str
        Of the outcome.
    data : Responses
        Of N participants.
    settings : FitSettings
        Chains, their length and acceptance rate.
    seed : int
        Of starts and chains.
    centred : bool
        Walk in the coefficients β = τ b instead of in b. It is the same law. Where thousands of participants
        tell β, τ and b are a narrow ridge that chains cross slowly; β and τ are not. Where little is told,
        it is the other way round.
    """
    _, axes = np.linalg.eigh(data.x.T @ data.x)
    kernel, given, size = density_of(family, replace(data, x=data.x @ axes))
    tau = 0 if FAMILIES[family].sd_intercept is None else 1
    if centred:
        draws, divergences = draw_chains(
            _in_coefficients(kernel, tau, data.x.shape[1]), given, size, settings, seed
        )
        draws[:, :, tau + 1 : tau + 1 + data.x.shape[1]] *= np.exp(-draws[:, :, tau : tau + 1])
    else:
        draws, divergences = draw_chains(kernel, given, size, settings, seed)
    params = constrained(FAMILIES[family].priors(data.shape), draws)
    return params | {"beta_raw": params["beta_raw"] @ axes.T}, divergences


def _in_coefficients(kernel: Density, tau: int, columns: int) -> Density:
    """Return a kernel as a density of β = τ b in place of b: ``b = β exp(-t)``, t = log τ, Jacobian -K t."""
    of_beta = slice(tau + 1, tau + 1 + columns)

    def density(position: Floats, *data: Any) -> tuple[float, Floats]:
        inverse = np.exp(-position[tau])
        raw = position.copy()
        raw[of_beta] *= inverse
        value, gradient = kernel(raw, *data)
        # A first step that is far too long overflows: its value is not finite, and the step is refused.
        with np.errstate(over="ignore", invalid="ignore"):
            gradient[tau] -= gradient[of_beta] @ raw[of_beta] + columns
            gradient[of_beta] *= inverse
        return value - columns * position[tau], gradient

    return density


Given = tuple[Density, tuple[Any, ...]]


def _binary(arrays: dict[str, Floats], _: Responses) -> Given:
    return outcome_kernels.binary, (arrays["outcome"],)


def _ordinal(_: dict[str, Floats], data: Responses) -> Given:
    return outcome_kernels.ordinal, (data.outcome.astype(np.int64), data.levels)


def _count(arrays: dict[str, Floats], _: Responses) -> Given:
    outcome = arrays["outcome"]
    more_than = (outcome[:, None] > np.arange(outcome.max(initial=0.0))).sum(axis=0).astype(float)
    return outcome_kernels.count, (
        outcome, arrays["log_time"], more_than, float(arrays["log_factorial"].sum()),
    )  # fmt: skip


def _weibull(arrays: dict[str, Floats], _: Responses) -> Given:
    return outcome_kernels.weibull, (arrays["outcome"], arrays["log_time"], False)


def _cure(arrays: dict[str, Floats], _: Responses) -> Given:
    return outcome_kernels.weibull, (arrays["outcome"], arrays["log_time"], True)


def _piecewise(arrays: dict[str, Floats], _: Responses) -> Given:
    return outcome_kernels.piecewise, (
        arrays["outcome"], np.ascontiguousarray(arrays["exposure"]), arrays["event_interval"].sum(axis=0),
    )  # fmt: skip


_OF_FAMILY = {
    "binary": _binary,
    "ordinal": _ordinal,
    "count": _count,
    "weibull": _weibull,
    "cure": _cure,
    "piecewise": _piecewise,
}

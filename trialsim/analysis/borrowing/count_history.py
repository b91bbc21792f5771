"""The two nuisance integrals of a MAP prior with binomial or Poisson trials, by fast Fourier transform."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.special import erfc

from trialsim.analysis.borrowing.student_effects import effects_density, effects_wave
from trialsim.analysis.borrowing.tabulated_prior import CountData, TabulatedPrior
from trialsim.data import Bools, Floats
from trialsim.errors import AnalysisError

_NODES_PER_SD = 2.8
_KERNEL_SDS = 8.0
_TAPER = 10.0
_FARTHEST_LINK = 45.0
_LONGEST_GRID = 2**18
_TRUSTED = 1e-7
_SMALLEST_DENSITY = 1e-18
_SAMPLED_TAIL = 16


@dataclass(frozen=True)
class CountHistoryIntegral:
    """Predictive density of a new trial's link, log density of τ up to a constant, and E[μ]."""

    prior: TabulatedPrior
    log_density_tau: Floats
    mu_mean: float


def integrate_count_history(
    data: CountData,
    events: Floats,
    sizes: Floats,
    mean_prior: tuple[float, float],
    tau: Floats,
    quadrature: Floats,
    log_prior: Floats,
    tail: float,
    effects_df: float,
) -> CountHistoryIntegral:
    """Integrate p(μ) Π_h ∫ L_h(θ) N(θ; μ, τ²) dθ over μ on a grid, for each τ.

    On one equidistant grid of the link scale ∫ L_h(θ) N(θ; μ, τ²) dθ is a convolution, which in the
    frequency domain is a product with exp(−τ²ω²/2): exact for every τ down to 0, where quadrature
    nodes for the normal would be too coarse. The predictive density, ∫ p(μ, τ | data) N(θ*; μ, τ²),
    is a convolution again. `tail` is the rate at which it falls on either side; see `TabulatedPrior.tails`.
    With finite `effects_df` the normal is a t, whose transform is a sum of such exponentials; its tails go
    on where the grid ends, which costs about 1e-5 of the density.
    """
    m0, s0 = mean_prior
    grid = _link_grid(data, events, sizes, m0, s0, float(tau[-1]))
    step = grid[1] - grid[0]
    taper = _taper(grid)
    log_mean_prior = -0.5 * ((grid - m0) / s0) ** 2
    inside = np.abs(grid - m0) <= min(9 * s0, _FARTHEST_LINK)
    likelihood_waves = rfft(np.exp(_log_likelihood(data, grid, events, sizes)) * taper, axis=1)
    omega2 = (2 * np.pi * rfftfreq(len(grid), step)) ** 2
    log_joint = np.empty((len(tau), int(inside.sum())))
    for t in range(len(tau)):
        smooth = irfft(likelihood_waves * effects_wave(effects_df, tau[t] ** 2 * omega2), len(grid), axis=1)
        log_joint[t] = np.log(np.maximum(smooth[:, inside], 1e-300)).sum(axis=0)
    log_joint += log_mean_prior[inside]
    peaks = log_joint.max(axis=1, keepdims=True)
    joint = np.exp(log_joint - peaks)
    log_density_tau = log_prior + peaks[:, 0] + np.log(joint.sum(axis=1))
    tau_mass = quadrature * np.exp(log_density_tau - log_density_tau.max())
    given_tau = joint / joint.sum(axis=1, keepdims=True)
    weights = (tau_mass / tau_mass.sum())[:, None] * given_tau
    found = _predictive(data, grid, inside, weights, tau, omega2, len(events), effects_df)
    prior = replace(found, tails=(tail, tail))
    return CountHistoryIntegral(prior, log_density_tau, float(weights.sum(axis=0) @ grid[inside]))


def _log_likelihood(data: CountData, grid: Floats, events: Floats, sizes: Floats) -> Floats:
    """Return log likelihoods (H, G), 0 at their maximum over the grid."""
    r, n = events[:, None], sizes[:, None]
    log_l = r * grid - n * (np.logaddexp(0, grid) if data == "binomial" else np.exp(grid))
    return np.asarray(log_l - log_l.max(axis=1, keepdims=True))


def _link_grid(
    data: CountData, events: Floats, sizes: Floats, m0: float, s0: float, tau_max: float
) -> Floats:
    """Return nodes fine enough for all trials together, and wide enough that nothing wraps around."""
    if data == "binomial":
        p = (events + 0.5) / (sizes + 1)
        information = float((sizes * p * (1 - p)).sum())
    else:
        information = float((events + 0.5).sum())
    step = min(1 / (_NODES_PER_SD * np.sqrt(information + s0**-2.0)), 0.25)
    half = min(9 * s0, _FARTHEST_LINK) + _KERNEL_SDS * tau_max + _TAPER
    nodes = next_fast_len(int(np.ceil(2 * half / step)), real=True)
    if nodes > _LONGEST_GRID:
        raise AnalysisError(
            "the priors are too wide beside what the trials say for one grid",
            field="mean_prior, heterogeneity_scale",
            value=(s0, tau_max),
            mend="give priors that say something on the link scale, such as 2 and 1",
        )
    return np.asarray(m0 + step * (np.arange(nodes) - nodes // 2))


def _taper(grid: Floats) -> Floats:
    """Return 1 but at the ends, where a likelihood that does not vanish must fall smoothly."""
    centre, half = grid[len(grid) // 2], 0.5 * (grid[-1] - grid[0])
    return np.asarray(0.5 * erfc((np.abs(grid - centre) - (half - 0.5 * _TAPER)) / (0.125 * _TAPER)))


def _predictive(
    data: CountData, grid: Floats, inside: Bools, weights: Floats, tau: Floats, omega2: Floats, trials: int,
    effects_df: float,
) -> TabulatedPrior:  # fmt: skip
    """Return the predictive density of the link with its derivatives, sharp down to 1e-18 of its peak."""
    step = grid[1] - grid[0]
    padded = np.zeros((len(tau), len(grid)))
    padded[:, inside] = weights / step
    wave = (rfft(padded, axis=1) * effects_wave(effects_df, tau[:, None] ** 2 * omega2)).sum(axis=0)
    omega = np.sqrt(omega2)
    density, first, second = (
        irfft(factor * wave, len(grid)) for factor in (np.ones_like(omega), 1j * omega, -omega2)
    )
    far = density < _TRUSTED * density.max()
    sample = np.flatnonzero(far)[::_SAMPLED_TAIL]
    rough = _direct(grid[sample], grid[inside], weights, tau, step, trials, effects_df)[0]
    held = sample[rough > _SMALLEST_DENSITY * density.max()]
    if len(held):
        far[: held.min()] = far[held.max() + 1 :] = False
        density[: held.min()] = density[held.max() + 1 :] = 0.0
    density[far], first[far], second[far] = _direct(
        grid[far], grid[inside], weights, tau, step, trials, effects_df
    )
    kept = density > _SMALLEST_DENSITY * density.max()
    start, stop = np.flatnonzero(kept)[[0, -1]]
    window = slice(start, stop + 1)
    slope = first[window] / density[window]
    return TabulatedPrior(
        data,
        grid[window],
        np.log(density[window]) - np.log(density[window].sum() * step),
        slope,
        second[window] / density[window] - slope**2,
    )


def _direct(
    far: Floats, mu: Floats, weights: Floats, tau: Floats, step: float, trials: int, effects_df: float
) -> tuple[Floats, Floats, Floats]:
    """Return density and derivatives in the tails, as sums of laws: the transform is noise there.

    Given τ the posterior of μ is no narrower than about τ/√H, so a grid of a part of that is enough.
    """
    density, first, second = (np.zeros(len(far)) for _ in range(3))
    for t in range(len(tau)):
        width = max(tau[t], 2 * step)
        stride = max(1, int(width / (1.5 * np.sqrt(trials)) / step))
        w, nodes = weights[t, ::stride] * stride, mu[::stride]
        some = w > 1e-16 * w.max()
        z = (far[:, None] - nodes[some]) / width
        law, slope, bend = effects_density(effects_df, z)
        kernel = law * (w[some] / width)
        density += kernel.sum(axis=1)
        first += np.einsum("ij,ij->i", kernel, slope) / width
        second += (np.einsum("ij,ij,ij->i", kernel, slope, slope) + (kernel * bend).sum(axis=1)) / width**2
    return density, first, second

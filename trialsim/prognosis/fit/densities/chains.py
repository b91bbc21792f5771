"""Chains of the No-U-Turn sampler over a density that is a kernel."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from trialsim.data import Floats

if TYPE_CHECKING:
    from trialsim.prognosis.fit.settings import FitSettings

Density = Callable[..., tuple[float, Floats]]
_SPREAD_OF_STARTS = 1.0


def draw_chains(
    density: Density, data: tuple[Any, ...], size: int, settings: FitSettings, seed: int
) -> tuple[Floats, int]:
    """Return unbounded draws (chains, draws, E) and the number of divergences.

    Parameters
    ----------
    density : callable
        From an unbounded vector (E,) and the data to the log density and its gradient (E,).
    data : tuple
        What the density takes beside.
    size : int
        E.
    settings : FitSettings
        Chains, their length and acceptance rate.
    seed : int
        Of starts and chains.

    Raises
    ------
    RuntimeError
        The sampler stopped: no start has a finite density.
    KeyboardInterrupt
        The chains were interrupted.
    """
    with warnings.catch_warnings():
        # arviz, which holds nutpie's draws, announces its own next version at import.
        warnings.simplefilter("ignore")
        import nutpie
        from nutpie.compiled_pyfunc import from_pyfunc

    def log_density(position: Floats) -> tuple[float, Floats]:
        try:
            value, gradient = density(position, *data)
        except ZeroDivisionError:
            # So far out that a share of the outcomes is 0 in floating point: no chain goes there.
            return -np.inf, np.zeros(size)
        return value, gradient

    def expand(position: Floats) -> dict[str, Floats]:
        return {"position": np.array(position)}

    def start(seed_of_chain: int) -> Floats:
        generator = np.random.default_rng(seed_of_chain)
        return generator.uniform(-_SPREAD_OF_STARTS, _SPREAD_OF_STARTS, size)

    model = from_pyfunc(
        size,
        lambda: log_density,
        lambda *_: expand,
        [np.dtype("float64")],
        [(size,)],
        ["position"],
        make_initial_point_fn=start,
    )
    trace = nutpie.sample(
        model,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=settings.cores,
        target_accept=settings.accept,
        seed=seed,
        progress_bar=False,
    )
    draws = trace.posterior["position"].to_numpy()
    if draws.shape != (settings.chains, settings.draws, size):
        # nutpie takes an interrupt for itself and returns what it has so far.
        raise KeyboardInterrupt
    return draws, int(trace.sample_stats.diverging.sum())

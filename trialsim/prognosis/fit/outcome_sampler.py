"""Sampling of the outcome families, behind the same gate as the Gaussian model."""

from __future__ import annotations

from typing import Any

import numpy as np

from trialsim.errors import FitError
from trialsim.prognosis.families import Params, Responses
from trialsim.prognosis.fit.convergence import convergence
from trialsim.prognosis.fit.densities.of_outcomes import draw_parameters
from trialsim.prognosis.fit.sampler import check_gate
from trialsim.prognosis.fit.settings import FitSettings
from trialsim.prognosis.fit.tries import first_passing

# Participants from whom on coefficients are told by the history rather than by their prior.
CENTRED_FROM = 2000


class OutcomeSampler:
    """Samples any family by its kernel in `trialsim.prognosis.fit.densities`.

    A fit that does not pass the gate is made again
    from new chains by the rule of `trialsim.prognosis.fit.tries`, before it is refused; the diagnostics say
    at which acceptance rate it passed, and how many fits that took. The first try of a large history walks in
    the coefficients themselves; the later ones do not, for covariates that tell nothing.
    """

    def sample(
        self, family: str, data: Responses, settings: FitSettings, generator: np.random.Generator
    ) -> tuple[Params, dict[str, float]]:
        """Return draws by parameter (D, ...) and the diagnostics of the fit that passed the gate.

        Raises
        ------
        FitError
            A parameter does not pass the gate; the message names it, its value and the mend.
        """
        large = len(data.x) >= CENTRED_FROM
        (params, passed), now, fits = first_passing(
            lambda now: self._fit(
                family, data, now, int(generator.integers(2**32)), centred=large and now == settings
            ),
            settings,
        )
        return params, passed | {"accept": now.accept, "fits": float(fits)}

    def _fit(
        self, family: str, data: Responses, settings: FitSettings, seed: int, *, centred: bool
    ) -> tuple[Params, dict[str, float]]:
        """Return draws by parameter (D, ...) and the diagnostics of one fit, or refuse it."""
        chains, divergences = self._chains(family, data, settings, seed, centred=centred)
        measured = {
            name if draws.ndim == 2 else f"{name}[{k}]": convergence(one)
            for name, draws in chains.items()
            for k, one in enumerate(np.moveaxis(draws.reshape(*draws.shape[:2], -1), 2, 0))
        }
        flat = {name: draws.reshape(-1, *draws.shape[2:]) for name, draws in chains.items()}
        return flat, check_gate(measured, divergences, settings)

    def _chains(
        self, family: str, data: Responses, settings: FitSettings, seed: int, *, centred: bool
    ) -> tuple[dict[str, Any], int]:
        """Return draws by parameter (chains, draws, ...) and the number of divergences."""
        try:
            return draw_parameters(family, data, settings, seed, centred=centred)
        except RuntimeError as fault:
            raise FitError(
                f"the sampler stopped: {fault}. Mend: check the history for extreme values."
            ) from fault

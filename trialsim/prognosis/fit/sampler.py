"""Sampling of the posterior and the gate that a fit must pass before any twin is issued."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trialsim.data import Floats
from trialsim.errors import FitError
from trialsim.prognosis.fit.convergence import convergence
from trialsim.prognosis.fit.densities.chains import draw_chains
from trialsim.prognosis.fit.densities.gaussian_kernel import as_scales, data_of, log_posterior
from trialsim.prognosis.fit.settings import FitSettings
from trialsim.prognosis.fit.tries import first_passing
from trialsim.prognosis.models import gram, grouped_gram
from trialsim.prognosis.models.gram import SCALES, GramSums
from trialsim.prognosis.models.grouped_gram import GroupedRows

Sums = GramSums | GroupedRows


@dataclass(frozen=True)
class Posterior:
    """Draws that passed the gate.

    Parameters
    ----------
    scales : ndarray (D, E)
        In the order of `trialsim.prognosis.models.gram.SCALES`, then those of study effects and spread.
    coefficients : ndarray (D, C)
        Visit means, level and slope coefficients, then study effects.
    diagnostics : dict of str to float
        Worst R-hat, smallest effective sample sizes, divergences; where it took more than one fit also how
        many ``fits``, and the ``accept`` rate of the last.
    """

    scales: Floats
    coefficients: Floats
    diagnostics: dict[str, float]


class Sampler:
    """Samples the scales of Gaussian models.

    The plain model has a kernel (`trialsim.prognosis.fit.densities`). Study effects and each number of
    variance columns make others, compiled from PyMC in half a minute at their first use, and shared between
    fits.
    """

    def __init__(self) -> None:
        self._compiled: dict[tuple[bool, int], Any] = {}

    def has_compiled(self, sums: Sums) -> bool:
        """Return whether a fit to these sums starts at once."""
        return isinstance(sums, GramSums) or _kind(sums) in self._compiled

    def compile(self, sums: Sums) -> None:
        """Compile the model of these sums if that has not been done."""
        if isinstance(sums, GramSums) or self.has_compiled(sums):
            return
        from trialsim.prognosis.fit import grouped_model, model

        self._compiled[_kind(sums)] = model.compile_model(grouped_model.build_model(sums))

    def sample(
        self, sums: Sums, names: tuple[str, ...], settings: FitSettings, generator: np.random.Generator
    ) -> Posterior:
        """Sample the scales, draw the coefficients given them and pass both through the gate.

        A fit that does not pass is made again by the rule of `trialsim.prognosis.fit.tries`.

        Parameters
        ----------
        sums : GramSums or GroupedRows
            The history.
        names : tuple of str (C,)
            Names of the coefficients, for messages.
        settings : FitSettings
            Size and gate.
        generator : Generator
            Of the component ``fit``.

        Raises
        ------
        FitError
            A parameter does not pass in the last try; the message names it, its value and the mend.
        """
        self.compile(sums)
        posterior, now, fits = first_passing(lambda now: self._fit(sums, names, now, generator), settings)
        if fits == 1:
            # As it was before fits were repeated, so that stored results keep their hashes.
            return posterior
        again = {"accept": now.accept, "fits": float(fits)}
        return replace(posterior, diagnostics=posterior.diagnostics | again)

    def _fit(
        self, sums: Sums, names: tuple[str, ...], settings: FitSettings, generator: np.random.Generator
    ) -> Posterior:
        """Return one fit, or refuse it."""
        try:
            chains, divergences = self._chains(sums, settings, int(generator.integers(2**32)))
        except RuntimeError as fault:
            raise FitError(
                f"the sampler stopped: {fault}. Mend: check the history for extreme values."
            ) from fault
        of_scales = SCALES if isinstance(sums, GramSums) else sums.scale_names
        scales = np.stack([chains[name] for name in of_scales], axis=-1)
        flat = scales.reshape(-1, len(of_scales))
        coefficients = (
            gram.draw_coefficients(sums, flat, generator)
            if isinstance(sums, GramSums)
            else grouped_gram.draw_coefficients(sums, flat, generator)
        )
        by_chain = np.concatenate([scales, coefficients.reshape(*scales.shape[:2], -1)], axis=-1)
        measured = {
            name: convergence(by_chain[:, :, position]) for position, name in enumerate((*of_scales, *names))
        }
        return Posterior(flat, coefficients, check_gate(measured, divergences, settings))

    def _chains(self, sums: Sums, settings: FitSettings, seed: int) -> tuple[dict[str, Any], int]:
        if isinstance(sums, GramSums):
            draws, divergences = draw_chains(log_posterior, data_of(sums), len(SCALES), settings, seed)
            return dict(zip(SCALES, np.moveaxis(as_scales(draws), -1, 0), strict=True)), divergences
        from trialsim.prognosis.fit import grouped_model

        return grouped_model.sample(self._compiled[_kind(sums)], sums, settings, seed)


def _kind(sums: GroupedRows) -> tuple[bool, int]:
    """Return what a compiled model is bound to."""
    return sums.has_studies, sums.spread.shape[1]


def check_gate(
    measured: dict[str, tuple[float, float, float]], divergences: int, settings: FitSettings
) -> dict[str, float]:
    """Return the diagnostics of a fit in sum, or refuse it.

    Parameters
    ----------
    measured : dict
        R-hat, bulk and tail effective sample size of each parameter.
    divergences : int
        Divergent iterations after warm-up.
    settings : FitSettings
        The gate.

    Raises
    ------
    FitError
        Names the first parameter that does not pass, its value and the mend.

    Examples
    --------
    >>> check_gate({"sigma": (1.0, 900.0, 800.0)}, 0, FitSettings())["max_rhat"]
    1.0
    >>> check_gate({"sigma": (1.2, 90.0, 80.0)}, 0, FitSettings())
    Traceback (most recent call last):
        ...
    trialsim.errors.FitError: no twin is issued: R-hat of sigma is 1.200, above 1.01. Mend: sample longer ...
    """
    longer = f"sample longer (tune and draws above {settings.tune} and {settings.draws})"
    for name, (rhat, bulk, tail) in measured.items():
        if not rhat <= settings.max_rhat:
            _refuse(f"R-hat of {name} is {rhat:.3f}, above {settings.max_rhat:g}", longer)
        for label, ess in (("bulk", bulk), ("tail", tail)):
            if not ess >= settings.min_ess:
                _refuse(
                    f"{label} effective sample size of {name} is {ess:.0f}, under {settings.min_ess:g}",
                    longer,
                )
    if divergences > settings.max_divergences:
        _refuse(
            f"{divergences} iterations diverged, more than {settings.max_divergences}",
            f"raise the acceptance rate above {settings.accept:g}, or give a larger history",
        )
    rhats, bulks, tails = zip(*measured.values(), strict=True)
    return {
        "max_rhat": max(rhats),
        "min_bulk_ess": min(bulks),
        "min_tail_ess": min(tails),
        "divergences": float(divergences),
        "chains": float(settings.chains),
        "draws_per_chain": float(settings.draws),
    }


def _refuse(problem: str, mend: str) -> None:
    raise FitError(f"no twin is issued: {problem}. Mend: {mend}.")

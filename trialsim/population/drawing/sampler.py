"""From independent normals to participants: everything that drawing needs, worked out once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from trialsim.data import Floats
from trialsim.errors import InputError
from trialsim.population.drawing.copula import Copula
from trialsim.population.laws.hermite import latent_grid
from trialsim.population.laws.laws import Law, NominalLaw, StepLaw
from trialsim.population.laws.tabulated import TabulatedLaw, fast

CHUNK = 65_536
_FARTHEST_SHIFT = 6.0


@dataclass(frozen=True)
class Sampler:
    """Draws participants of a copula.

    Parameters
    ----------
    names : tuple of str
        Covariates, P of them.
    laws : tuple
        Their margins, tabulated where that is faster.
    root : ndarray (Q, Q)
        Lower Cholesky factor of the latent correlations.
    deltas : ndarray (P,)
        By how much each latent normal is moved.
    spans : tuple of slice
        Latent normals of each covariate.
    """

    names: tuple[str, ...]
    laws: tuple[Law | TabulatedLaw, ...]
    root: Floats
    deltas: Floats
    spans: tuple[slice, ...]

    @classmethod
    def of(cls, copula: Copula, shift: Mapping[str, float] | None = None) -> Sampler:
        """Work out tables, the Cholesky factor and shifts."""
        laws = tuple(fast(law) for law in copula.laws)
        root = np.asarray(np.linalg.cholesky(copula.latent), dtype=np.float64)
        return cls(copula.names, laws, root, _deltas(copula, shift), tuple(copula.spans()))

    def draw(self, n: int, generator: np.random.Generator) -> Floats:
        """Return participants (n, P)."""
        return self.transform(generator.standard_normal((n, len(self.root))))

    def chunks(self, n: int, generator: np.random.Generator, size: int = CHUNK) -> Iterator[Floats]:
        """Yield the participants that `draw` returns, some at a time: the same values, bounded memory."""
        for start in range(0, n, size):
            yield self.draw(min(size, n - start), generator)

    def transform(self, normals: Floats) -> Floats:
        """Return the participants (n, P) of independent standard normals (n, Q)."""
        return self.values_of(self.latents(np.ascontiguousarray(normals.T)))

    def latents(self, independent: Floats) -> Floats:
        """Return correlated normals (Q, n) of independent ones (Q, n)."""
        # Summed by hand: a matrix product would depend, in its last bits, on the number of threads.
        latent = np.zeros_like(independent)
        for row in range(len(self.root)):
            for k in range(row + 1):
                if self.root[row, k] != 0.0:
                    latent[row] += self.root[row, k] * independent[k]
        return latent

    def values_of(self, latent: Floats) -> Floats:
        """Return the participants (n, P) of correlated normals (Q, n)."""
        values = np.empty((latent.shape[1], len(self.names)))
        for j, (law, span) in enumerate(zip(self.laws, self.spans, strict=True)):
            one = latent[span.start] if span.stop - span.start == 1 else latent[span]
            values[:, j] = law.from_latent(one + self.deltas[j] if self.deltas[j] else one)
        return values


def _deltas(copula: Copula, shift: Mapping[str, float] | None) -> Floats:
    deltas = np.zeros(len(copula.names))
    for name, amount in (shift or {}).items():
        if name not in copula.names:
            raise InputError(
                "the card has no such covariate",
                field="shift",
                value=name,
                mend=f"use one of {', '.join(copula.names)}",
            )
        position = copula.names.index(name)
        law = copula.laws[position]
        if isinstance(law, NominalLaw):
            raise InputError(
                "categories have no mean to move", field=f"shift.{name}", mend="shift another covariate"
            )
        deltas[position] = _delta(law, float(amount), name)
    return deltas


def _delta(law: Law, amount: float, name: str) -> float:
    target = law.mean + amount * law.sd

    def excess(delta: float) -> float:
        return _shifted_mean(law, delta) - target

    if not excess(-_FARTHEST_SHIFT) < 0 < excess(_FARTHEST_SHIFT):
        raise InputError(
            f"moves the mean of {name} to {target:.4g}, outside its limits"
            f" ({max(law.lower, _shifted_mean(law, -_FARTHEST_SHIFT)):.4g} to"
            f" {min(law.upper, _shifted_mean(law, _FARTHEST_SHIFT)):.4g})",
            field=f"shift.{name}",
            value=amount,
            mend="shift it less",
        )
    return float(optimize.brentq(excess, -_FARTHEST_SHIFT, _FARTHEST_SHIFT, xtol=1e-13))


def _shifted_mean(law: Law, delta: float) -> float:
    if isinstance(law, StepLaw):
        return float(law.levels[0] + np.diff(law.levels) @ special.ndtr(delta - np.asarray(law.cuts)))
    z, weights = latent_grid(tuple(cut - delta for cut in law.cuts))
    return float(weights @ law.from_latent(z + delta))

"""How outcomes vary around the regression: participants' effects, noise, and between studies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trialsim.data import Floats
from trialsim.prognosis.models.design_matrix import Standardisation
from trialsim.prognosis.models.gram import covariance_of_effects
from trialsim.prognosis.models.grouped_gram import log_spreads
from trialsim.prognosis.models.terms import ModelTerms


@dataclass(frozen=True)
class Spread:
    """Covariance of a participant's outcomes around the regression at V weeks, by posterior draw.

    For variance columns z_i it is ``exp(2 z_i' g_effects) Z G Z' + exp(2 z_i' g_noise) sigma^2 I``, and for
    participants of a new study ``+ omega_level^2 + omega_rate^2 r r'`` with r the rate of each week.

    Parameters
    ----------
    effects : ndarray (D, V, V)
        ``Z G Z'`` in units squared, Z the intercept and the clock.
    noise : ndarray (D,)
        ``sigma^2`` in units squared.
    omega : ndarray (2, D), optional
        Standard deviations of a study's offset and rate, in units; none without study effects.
    studies : ndarray (D, V, V)
        Between studies, in units squared; 0 without study effects.
    of_effects, of_noise : ndarray (D, L)
        Coefficients of the log spread.
    unit : float
        Points of the endpoint.
    scale : ndarray (V,)
        What a deviation counts at each week, as in `trialsim.prognosis.models.regression.Regression`.
    """

    effects: Floats
    noise: Floats
    omega: Floats | None
    studies: Floats
    of_effects: Floats
    of_noise: Floats
    unit: float
    scale: Floats

    @classmethod
    def at(
        cls,
        standardisation: Standardisation,
        terms: ModelTerms,
        scales: Floats,
        varies: Floats,
        weeks: Floats,
    ) -> Spread:
        """Return the spread at some weeks for draws of the scales (D, E)."""
        clock, rate = standardisation.clock(weeks), standardisation.rate(weeks)
        g00, g01, g11 = (g[:, None, None] for g in covariance_of_effects(scales, varies))
        omega, studies = None, np.zeros((len(scales), len(clock), len(clock)))
        if terms.studies:
            # With one visit the rate is no part of the model.
            omega = scales[:, 6:8].T * np.array([[1.0], [varies[0]]])
            level, by_rate = (one[:, None, None] ** 2 for one in omega)
            studies = level + by_rate * np.outer(rate, rate)
        return cls(
            g00 + g01 * (clock[:, None] + clock) + g11 * np.outer(clock, clock),
            scales[:, 5] ** 2,
            omega,
            studies,
            *log_spreads(scales, len(terms.variance)),
            standardisation.unit,
            standardisation.scale_at(weeks),
        )

    @property
    def varies(self) -> bool:
        """Whether participants differ in their spread."""
        return self.of_noise.shape[1] > 0

    @property
    def _scales(self) -> Floats:
        return np.outer(self.scale, self.scale)

    @cached_property
    def _factor(self) -> Floats:
        """Lower Cholesky factor (V, V, D) of the covariance within a study that all share."""
        return np.ascontiguousarray(np.linalg.cholesky(self.within(np.zeros(0))).transpose(1, 2, 0))

    @cached_property
    def _axes(self) -> tuple[Floats, Floats]:
        """Eigenvalues (D, V) and scaled eigenvectors (D, V, V) of participants' effects."""
        values, vectors = np.linalg.eigh(self.effects)
        return values, vectors * self.scale[:, None]

    def within(self, z: Floats) -> Floats:
        """Return the covariance (D, V, V) of one participant (L,) within a study, in points squared."""
        wider = np.exp(2 * self.of_effects @ z)[:, None, None]
        noise = (self.noise * np.exp(2 * self.of_noise @ z))[:, None, None] * np.eye(self.effects.shape[1])
        return np.asarray((self.effects * wider + noise) * self.unit**2 * self._scales)

    def covariance(self, z: Floats) -> Floats:
        """Return the covariance (D, V, V) of one participant (L,) of a new study, in points squared."""
        return np.asarray(self.within(z) + self.studies * self.unit**2 * self._scales)

    def variance(self, z: Floats) -> Floats:
        """Return the variance (n, V, D) of participants (n, L) of a new study; n is 1 where all are alike."""
        if not self.varies:
            return np.einsum("dvv->vd", self.covariance(np.zeros(0)))[None]
        wider, noisier = (np.exp(2 * z @ of.T)[:, None, :] for of in (self.of_effects, self.of_noise))
        effects, studies = (np.einsum("dvv->vd", part) for part in (self.effects, self.studies))
        variance = (effects * wider + self.noise * noisier + studies) * self.unit**2
        return np.asarray(variance * self.scale[:, None] ** 2)

    def mean_variance(self, z: Floats) -> Floats:
        """Return the mean over the draws of `variance` (n, V)."""
        if not self.varies:
            covariance = self.covariance(np.zeros(0))
            return (np.einsum("dvv->v", covariance) / len(covariance))[None]
        wider, noisier = (np.exp(2 * z @ of.T) for of in (self.of_effects, self.of_noise))
        effects, studies = (np.einsum("dvv->dv", part) for part in (self.effects, self.studies))
        total = wider @ effects + (noisier @ self.noise)[:, None] + studies.sum(axis=0)
        return np.asarray(total * self.unit**2 / len(self.noise) * self.scale**2)

    def draw_study(self, rate: Floats, generator: np.random.Generator) -> Floats | None:
        """Draw the effect of one new study in each posterior draw (V, D), in points; None without them."""
        if self.omega is None:
            return None
        level, by_rate = self.omega * generator.standard_normal((2, len(self.noise)))
        return np.asarray((level + rate[:, None] * by_rate) * self.unit * self.scale[:, None])

    def add_within(self, outcomes: Floats, z: Floats, noise: Floats) -> None:
        """Add what varies within a study to outcomes (n, V, D), from standard normal noise (n, V, D).

        Where all share one covariance, the noise is multiplied by its lower Cholesky factor. Else it is
        scaled along the eigenvectors U of ``Z G Z'``, which all share: with eigenvalues l, a participant's
        covariance is ``U diag(exp(2 z_i' g_effects) l + exp(2 z_i' g_noise) sigma^2) U'``.
        """
        if not self.varies:
            for visit in range(outcomes.shape[1]):
                for before in range(visit + 1):
                    outcomes[:, visit] += self._factor[visit, before] * noise[:, before]
            return
        values, vectors = self._axes
        wider, noisier = (np.exp(2 * z @ of.T)[:, None, :] for of in (self.of_effects, self.of_noise))
        scaled = noise * np.sqrt(values.T.clip(min=0) * wider + self.noise * noisier) * self.unit
        for visit in range(outcomes.shape[1]):
            for along in range(outcomes.shape[1]):
                outcomes[:, visit] += vectors[:, visit, along] * scaled[:, along]

    def within_each(self, draws: np.ndarray, z: Floats, noise: Floats) -> Floats:
        """Return what varies within a study (n, V) for participants (n, L), each with a draw of its own (n,).

        As `add_within`, from standard normal noise (n, V).
        """
        added = np.zeros(noise.shape)
        if not self.varies:
            for visit in range(noise.shape[1]):
                for before in range(visit + 1):
                    added[:, visit] += self._factor[visit, before, draws] * noise[:, before]
            return added
        values, vectors = self._axes
        wider, noisier = (
            np.exp(2 * (z * of[draws]).sum(axis=1))[:, None] for of in (self.of_effects, self.of_noise)
        )
        variance = values[draws].clip(min=0) * wider + self.noise[draws, None] * noisier
        added += np.einsum("nva,na->nv", vectors[draws], noise * np.sqrt(variance) * self.unit)
        return added

    def take(self, draws: np.ndarray) -> Spread:
        """Return the given posterior draws."""
        return Spread(
            self.effects[draws],
            self.noise[draws],
            None if self.omega is None else self.omega[:, draws],
            self.studies[draws],
            self.of_effects[draws],
            self.of_noise[draws],
            self.unit,
            self.scale,
        )

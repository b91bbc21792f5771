"""Covariances that differ between participants: by their coordinates, their group, or their times.

Each family says the covariance of every participant and its derivatives as arrays, so that one likelihood
serves all of them. Parameters are free on the whole real line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trialsim.analysis.repeated_measures.covariance_structures import (
    Structure,
    covariance_derivatives,
    parameter_count,
    parameters_near,
)
from trialsim.analysis.repeated_measures.likelihood import covariance_from
from trialsim.data import Floats, Ints


class Family(Protocol):
    """Covariances of N participants at V visits, with T parameters."""

    def start(self, variance: float) -> Floats:
        """Return parameters (T,) to start from, for outcomes of that variance."""

    def at(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return the covariances (N, V, V) and their derivatives (T, N, V, V)."""


@dataclass(frozen=True)
class Spatial:
    """σ²ρ^d, d the distance of two visits or its square: theta is log σ² and log(−log ρ), free of units.

    Source: the structures SP(EXP) and SP(GAU) of SAS PROC MIXED, in the form of the R package mmrm.

    Parameters
    ----------
    distance : ndarray (N, V, V)
        At least 0.
    """

    distance: Floats

    def start(self, variance: float) -> Floats:
        """Return the variance, and a correlation of one half at the mean distance."""
        return np.array([np.log(variance), np.log(np.log(2.0) / self.distance[self.distance > 0.0].mean())])

    def natural(self, theta: Floats) -> tuple[float, float]:
        """Return the variance, and the correlation at distance 1."""
        return float(np.exp(theta[0])), float(np.exp(-np.exp(theta[1])))

    def at(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return the covariances and their derivatives."""
        steps = np.exp(theta[1]) * self.distance
        covariance = np.exp(theta[0] - steps)
        return covariance, np.stack([covariance, -steps * covariance])


@dataclass(frozen=True)
class ByGroup:
    """A structure with its own parameters in each group.

    Parameters
    ----------
    structure : Structure
    group : ndarray of int (N,)
        From 0.
    """

    structure: Structure
    group: Ints

    @property
    def groups(self) -> int:
        """Number of groups."""
        return int(self.group.max()) + 1

    def start(self, variance: float) -> Floats:
        """Return uncorrelated visits with one variance."""
        m = len(self.structure.deviation)
        start = np.eye(m) if self.structure.triangular else 0.7 * np.eye(m) + 0.3
        return np.tile(parameters_near(variance * start, self.structure), self.groups)

    def at(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return the covariances and their derivatives."""
        m, size = len(self.structure.deviation), parameter_count(self.structure)
        covariance = np.empty((len(self.group), m, m))
        slopes = np.zeros((len(theta), len(self.group), m, m))
        for g in range(self.groups):
            here = self.group == g
            own, first, _ = covariance_derivatives(theta[g * size : (g + 1) * size], self.structure)
            covariance[here] = own
            for k in range(size):
                slopes[g * size + k, here] = covariance_from(np.ascontiguousarray(first[:, k]), m)
        return covariance, slopes


@dataclass(frozen=True)
class RandomCoefficients:
    """Z G Z' + σ²I: participants differ in their level and slope over time.

    theta is the lower triangle of the Cholesky factor of G by rows, log diagonal, then log σ².

    Parameters
    ----------
    z : ndarray (N, V, k)
        Design of the random coefficients.
    """

    z: Floats

    def start(self, variance: float) -> Floats:
        """Return half the variance between participants, uncorrelated, and half within."""
        size = self.z.shape[2]
        scale = np.sqrt((self.z**2).sum(axis=(0, 1)) / np.maximum((self.z != 0).sum(axis=(0, 1)), 1))
        factor = np.diag(0.5 * np.log(0.5 * variance / size) - np.log(scale))
        return np.append(factor[np.tril_indices(size)], np.log(0.5 * variance))

    def random_covariance(self, theta: Floats) -> Floats:
        """Return G (k, k)."""
        lower = self._lower(theta)
        return np.asarray(lower @ lower.T)

    def _lower(self, theta: Floats) -> Floats:
        size = self.z.shape[2]
        lower = np.zeros((size, size))
        lower[np.tril_indices(size)] = theta[:-1]
        lower[range(size), range(size)] = np.exp(np.diag(lower))
        return lower

    def at(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return the covariances and their derivatives."""
        size, lower = self.z.shape[2], self._lower(theta)
        people, visits, _ = self.z.shape
        noise = np.exp(theta[-1]) * np.broadcast_to(np.eye(visits), (people, visits, visits))
        covariance = self.z @ lower @ lower.T @ self.z.transpose(0, 2, 1) + noise
        slopes = []
        for a, b in zip(*np.tril_indices(size), strict=True):
            step = np.zeros((size, size))
            step[a, b] = lower[a, b] if a == b else 1.0
            moved = step @ lower.T
            slopes.append(self.z @ (moved + moved.T) @ self.z.transpose(0, 2, 1))
        return covariance, np.stack([*slopes, noise])

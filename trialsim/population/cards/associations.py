"""Associations as papers print them, brought to the latent correlation of a pair.

| measure | latent correlation R |
| --- | --- |
| Pearson, point-biserial, φ | Mehler's series, see `pairs` |
| Spearman | Pearson correlation of the grades F(X), mid-ranks where X jumps; 2 sin(πρ/6) if neither does |
| Kendall, no jumps | sin(πτ/2) |
| odds ratio of two binary covariates | φ from the joint probability of Plackett (1965) |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np
from scipy import special

from trialsim.data import Floats
from trialsim.errors import CardError
from trialsim.population.association.pairs import (
    LatentLaw,
    PairSolution,
    observed_correlation,
    solve_latent_pair,
)
from trialsim.population.cards.provenance import Correlation
from trialsim.population.cards.targets import plackett
from trialsim.population.laws.laws import Law, StepLaw
from trialsim.population.laws.zero_inflated import ZeroInflatedGrade, ZeroInflatedLaw


@dataclass(frozen=True)
class UniformLaw:
    """Uniform law on (0, 1): the grade of any continuous covariate."""

    mean: float = 0.5
    sd: float = 12**-0.5
    lower: float = 0.0
    upper: float = 1.0
    cuts: tuple[float, ...] = ()

    def from_latent(self, z: Floats) -> Floats:
        """Return Φ(z)."""
        return np.asarray(special.ndtr(z))


def grade(law: Law) -> Law:
    """Return the law of F(X), with mid-ranks where X jumps.

    Examples
    --------
    >>> grade(StepLaw((0.0, 1.0), (0.6, 0.4))).levels
    (0.3, 0.8)
    """
    if isinstance(law, ZeroInflatedLaw):
        return ZeroInflatedGrade(law.zeros)
    if not isinstance(law, StepLaw):
        return UniformLaw()
    shares = np.asarray(law.probabilities)
    middles = np.cumsum(shares) - shares / 2
    return StepLaw(tuple(float(middle) for middle in middles), law.probabilities)


def solve_association(entry: Correlation, first: LatentLaw, second: LatentLaw) -> PairSolution:
    """Return the latent correlation under which two margins have the association of an entry.

    Raises
    ------
    CardError
        If the margins cannot have it, or the measure does not fit their kinds.
    """
    _require_fitting(entry, first.law, second.law)
    match entry.measure:
        case "spearman":
            return solve_latent_pair(
                LatentLaw.of(grade(first.law)), LatentLaw.of(grade(second.law)), entry.value
            )
        case "kendall":
            return PairSolution(entry.value, -1.0, 1.0, float(np.sin(np.pi * entry.value / 2)), entry.value)
        case "odds_ratio":
            return _solve_odds_ratio(entry, first, second)
        case "pearson" | "point_biserial":
            return solve_latent_pair(first, second, entry.value)
        case _:
            assert_never(entry.measure)


def observed_association(entry: Correlation, first: LatentLaw, second: LatentLaw, latent: float) -> float:
    """Return the association that a latent correlation leads to, on the scale of the entry's measure."""
    match entry.measure:
        case "spearman":
            return observed_correlation(
                LatentLaw.of(grade(first.law)), LatentLaw.of(grade(second.law)), latent
            )
        case "kendall":
            return float(2 / np.pi * np.arcsin(latent))
        case "odds_ratio":
            return _odds_ratio(first.law, second.law, observed_correlation(first, second, latent))
        case "pearson" | "point_biserial":
            return observed_correlation(first, second, latent)
        case _:
            assert_never(entry.measure)


def is_binary(law: Law) -> bool:
    """Return whether a law is that of a 0/1 covariate."""
    return isinstance(law, StepLaw) and law.levels == (0.0, 1.0)


def _require_fitting(entry: Correlation, first: Law, second: Law) -> None:
    binary = [is_binary(first), is_binary(second)]
    jumps = [isinstance(first, StepLaw), isinstance(second, StepLaw)]
    if entry.measure == "odds_ratio" and not all(binary):
        problem, mend = (
            "as an odds ratio needs two binary covariates",
            "give a Pearson or Spearman correlation",
        )
    elif entry.measure == "point_biserial" and (sum(binary) != 1 or all(jumps)):
        problem, mend = "as a point-biserial one needs a binary and a continuous covariate", "call it pearson"
    elif entry.measure == "kendall" and (first.cuts or second.cuts):
        problem, mend = "as Kendall's τ has ties to settle when a covariate has levels", "give Spearman's ρ"
    else:
        return
    raise CardError(problem, field="measure", value=entry.measure, mend=mend)


def _solve_odds_ratio(entry: Correlation, first: LatentLaw, second: LatentLaw) -> PairSolution:
    joint = plackett(first.law.mean, second.law.mean, entry.value)
    phi = (joint - first.law.mean * second.law.mean) / (first.law.sd * second.law.sd)
    solution = solve_latent_pair(first, second, phi)
    return PairSolution(
        entry.value, 0.0, np.inf, solution.latent, _odds_ratio(first.law, second.law, solution.achieved)
    )


def _odds_ratio(first: Law, second: Law, phi: float) -> float:
    a, b = first.mean, second.mean
    both = a * b + phi * first.sd * second.sd
    return float(both * (1 - a - b + both) / ((a - both) * (b - both)))

"""Participants drawn from a card, and the eligible among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from scipy import optimize, special

from trialsim.data import Bools, Covariates, Floats
from trialsim.errors import InputError
from trialsim.population.card import CohortCard
from trialsim.population.dependence import Copula, solve_copula
from trialsim.population.hermite import latent_grid
from trialsim.population.laws import Law, StepLaw
from trialsim.population.tabulated import TabulatedLaw, fast
from trialsim.protocol.eligibility import Criterion

CHUNK = 65_536
_PATIENCE = 2_000_000
_RAREST = 1e-4
_FARTHEST_SHIFT = 6.0


@dataclass(frozen=True)
class EligibleDraw:
    """Eligible participants, and how many candidates were refused on the way.

    Parameters
    ----------
    covariates : Covariates
        N eligible participants.
    screen_failure_rate : float
        Share of candidates that some criterion refused, in [0, 1).
    """

    covariates: Covariates
    screen_failure_rate: float


def draw_covariates(
    card: CohortCard, n: int, generator: np.random.Generator, shift: Mapping[str, float] | None = None
) -> Covariates:
    """Draw participants from the population of a card.

    X_j = F_j⁻¹(Φ(Z_j + δ_j)), Z ~ N(0, R), with R such that the observed correlations are the card's.

    Parameters
    ----------
    card : CohortCard
        The population.
    n : int
        Participants, at least 0.
    generator : Generator
        Source of chance.
    shift : mapping of str to float, optional
        By how many of its SDs the mean of a covariate is moved, for a population that has drifted: δ
        moves the latent normal until the mean is there, so that limits are respected.

    Returns
    -------
    Covariates
        (n, P), in the order of the card.

    Raises
    ------
    InputError
        If a shift names an unknown covariate or leaves its limits.

    Examples
    --------
    >>> from trialsim.population import read_card
    >>> card = read_card("cohorts/alzheimers_early.toml")
    >>> people = draw_covariates(card, 100_000, np.random.default_rng(1))
    >>> people.to_frame()[["age", "mmse"]].mean().round(1).to_dict()
    {'age': 71.3, 'mmse': 25.7}
    """
    sampler = _Sampler.of(solve_copula(card), shift)
    return Covariates(sampler.names, sampler.draw(n, generator))


def draw_eligible(
    card: CohortCard,
    criteria: Sequence[Criterion],
    n: int,
    generator: np.random.Generator,
    shift: Mapping[str, float] | None = None,
) -> EligibleDraw:
    """Draw participants who meet every criterion, by drawing candidates and refusing the others.

    Parameters
    ----------
    card : CohortCard
        The population before these criteria.
    criteria : sequence of Criterion
        None of them refuses nobody.
    n : int
        Eligible participants wanted, at least 0.
    generator : Generator
        Source of chance.
    shift : mapping of str to float, optional
        As in `draw_covariates`.

    Returns
    -------
    EligibleDraw
        n participants and the screen-failure rate.

    Raises
    ------
    InputError
        If a criterion names an unknown covariate, or the criteria leave (next to) nobody; the
        criterion that refuses most is named.

    Examples
    --------
    >>> from trialsim.population import read_card
    >>> card = read_card("cohorts/alzheimers_early.toml")
    >>> younger = Criterion(covariate="age", at_most=80.0)
    >>> draw = draw_eligible(card, [younger], 1000, np.random.default_rng(1))
    >>> len(draw.covariates), round(draw.screen_failure_rate, 2)
    (1000, 0.16)
    """
    copula = solve_copula(card)
    sampler = _Sampler.of(copula, shift)
    _require_possible(copula, criteria)
    kept = []
    accepted = candidates = 0
    passed = np.zeros(len(criteria), dtype=np.int64)
    while accepted < n:
        values = sampler.draw(CHUNK, generator)
        meets = _meets(sampler.names, criteria, values)
        eligible = meets.all(axis=1)
        passed += meets.sum(axis=0)
        accepted += int(eligible.sum())
        candidates += CHUNK
        kept.append(values[eligible])
        if candidates >= _PATIENCE and accepted < _RAREST * candidates:
            _refuse(criteria, passed / candidates)
    values = np.concatenate(kept)[:n] if kept else np.empty((0, len(copula.names)))
    rate = 1.0 - accepted / candidates if candidates else 0.0
    return EligibleDraw(Covariates(sampler.names, values), rate)


@dataclass(frozen=True)
class _Sampler:
    """Everything that drawing a chunk needs, worked out once."""

    names: tuple[str, ...]
    laws: tuple[Law | TabulatedLaw, ...]
    root: Floats
    deltas: Floats

    @classmethod
    def of(cls, copula: Copula, shift: Mapping[str, float] | None) -> _Sampler:
        laws = tuple(fast(law) for law in copula.laws)
        root = np.asarray(np.linalg.cholesky(copula.latent), dtype=np.float64)
        return cls(copula.names, laws, root, _deltas(copula, shift))

    def draw(self, n: int, generator: np.random.Generator) -> Floats:
        independent = np.ascontiguousarray(generator.standard_normal((n, len(self.names))).T)
        values = np.empty((n, len(self.names)))
        for j, law in enumerate(self.laws):
            # Summed by hand: a matrix product would depend, in its last bits, on the number of threads.
            latent = np.full(n, self.deltas[j])
            for k in range(j + 1):
                latent += self.root[j, k] * independent[k]
            values[:, j] = law.from_latent(latent)
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
        deltas[position] = _delta(copula.laws[position], float(amount), name)
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
    z, weights = latent_grid()
    return float(weights @ law.from_latent(z + delta))


def _require_possible(copula: Copula, criteria: Sequence[Criterion]) -> None:
    for k, criterion in enumerate(criteria):
        if criterion.covariate not in copula.names:
            raise InputError(
                "the card has no such covariate",
                field=f"eligibility[{k}].covariate",
                value=criterion.covariate,
                mend=f"use one of {', '.join(copula.names)}",
            )
        law = copula.laws[copula.names.index(criterion.covariate)]
        too_high = criterion.at_least is not None and criterion.at_least > law.upper
        too_low = criterion.at_most is not None and criterion.at_most < law.lower
        if too_high or too_low:
            raise InputError(
                f"the criterion {criterion.words()} excludes everyone:"
                f" on the card it lies between {law.lower:g} and {law.upper:g}",
                field=f"eligibility[{k}]",
                mend="widen the criterion, or take another card",
            )


def _meets(names: tuple[str, ...], criteria: Sequence[Criterion], values: Floats) -> Bools:
    meets = np.ones((len(values), len(criteria)), dtype=bool)
    for k, criterion in enumerate(criteria):
        column = values[:, names.index(criterion.covariate)]
        if criterion.at_least is not None:
            meets[:, k] &= column >= criterion.at_least
        if criterion.at_most is not None:
            meets[:, k] &= column <= criterion.at_most
    return meets


def _refuse(criteria: Sequence[Criterion], shares: Floats) -> NoReturn:
    worst = int(np.argmin(shares))
    raise InputError(
        f"the criteria together leave fewer than 1 candidate in {round(1 / _RAREST)};"
        f" {criteria[worst].words()} refuses most ({1 - shares[worst]:.2%})",
        field=f"eligibility[{worst}]",
        mend="widen the criteria, or take a card of the population that the trial recruits from",
    )

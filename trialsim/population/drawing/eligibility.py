"""Eligible participants, drawn by rejection where most pass and by conditioning where few do.

Limits on monotone margins are a box for the latent normals. Where fewer than one candidate in 20 passes,
the box is sampled directly (`orthant`), hardest criterion first, and the share that passes comes with it.
Linear criteria of normal margins (of lognormal ones on the log scale) enter the box as a latent normal of
their own; what no box can say is settled by a last rejection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import NoReturn

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.errors import InputError, require_kind
from trialsim.notebook import InNotebook
from trialsim.population.cards.card import CohortCard
from trialsim.population.cards.criteria import AnyCriterion, meets_criteria
from trialsim.population.drawing.copula import Copula, solve_copula
from trialsim.population.drawing.eligibility_box import Box
from trialsim.population.drawing.orthant import BoxSampler
from trialsim.population.drawing.sampler import CHUNK, Sampler
from trialsim.population.laws.laws import NominalLaw
from trialsim.protocol.eligibility import Criterion

_COMMON = 0.05
_RAREST = 1e-6
_PATIENCE = 2_000_000


@dataclass(frozen=True)
class EligibleDraw(InNotebook):
    """Eligible participants, and how many candidates were refused on the way.

    Parameters
    ----------
    covariates : Covariates
        N eligible participants.
    screen_failure_rate : float
        Share of candidates that some criterion refused, in [0, 1].
    screen_failure_error : float
        Its Monte Carlo standard error.
    """

    covariates: Covariates
    screen_failure_rate: float
    screen_failure_error: float = 0.0


def draw_eligible(
    card: CohortCard,
    n: int,
    generator: np.random.Generator,
    criteria: Sequence[AnyCriterion] = (),
    shift: Mapping[str, float] | None = None,
) -> EligibleDraw:
    """Draw participants who meet every criterion.

    Parameters
    ----------
    card : CohortCard
        The population before these criteria.
    n : int
        Eligible participants wanted, at least 0.
    generator : Generator
        Source of chance.
    criteria : sequence of Criterion or LinearCriterion
        None of them refuses nobody.
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
    >>> draw = draw_eligible(card, 1000, np.random.default_rng(1), [younger])
    >>> len(draw.covariates), round(draw.screen_failure_rate, 2)
    (1000, 0.16)
    """
    require_kind("card", card, CohortCard)
    require_kind("n", n, Integral)
    copula = solve_copula(card)
    sampler = Sampler.of(copula, shift)
    _require_possible(copula, criteria)
    box = Box.of(copula, sampler, criteria)
    share = box.pilot()
    if share >= _COMMON or not box.rows:
        return _by_rejection(sampler, criteria, n, generator)
    if share < _RAREST:
        _refuse(criteria, box.shares())
    return _by_conditioning(sampler, box, criteria, n, generator)


def _by_rejection(
    sampler: Sampler, criteria: Sequence[AnyCriterion], n: int, generator: np.random.Generator
) -> EligibleDraw:
    kept = []
    accepted = candidates = 0
    passed = np.zeros(len(criteria), dtype=np.int64)
    while accepted < n:
        values = sampler.draw(CHUNK, generator)
        meets = meets_criteria(sampler.names, criteria, values)
        eligible = meets.all(axis=1)
        passed += meets.sum(axis=0)
        accepted += int(eligible.sum())
        candidates += CHUNK
        kept.append(values[eligible])
        if candidates >= _PATIENCE and accepted < _RAREST * candidates:
            _refuse(criteria, passed / candidates)
    values = np.concatenate(kept)[:n] if kept else np.empty((0, len(sampler.names)))
    rate = 1.0 - accepted / candidates if candidates else 0.0
    error = np.sqrt(rate * (1 - rate) / candidates) if candidates else 0.0
    return EligibleDraw(Covariates(sampler.names, values), rate, float(error))


def _by_conditioning(
    sampler: Sampler, box: Box, criteria: Sequence[AnyCriterion], n: int, generator: np.random.Generator
) -> EligibleDraw:
    tilted = BoxSampler.of(box.correlation(), *box.limits())
    kept: list[Floats] = []
    accepted = drawn = 0
    shares, errors = [], []
    while accepted < n:
        inside, share, error = tilted.draw(min(CHUNK, max(1024, n - accepted)), generator)
        values = sampler.values_of(box.complete(inside, tilted, sampler, generator))
        meets = meets_criteria(sampler.names, criteria, values).all(axis=1)
        kept.append(values[meets])
        accepted, drawn = accepted + int(meets.sum()), drawn + len(values)
        shares.append(share)
        errors.append(error)
        if drawn >= _PATIENCE and accepted < _RAREST * drawn:
            _refuse(criteria, box.shares())
    values = np.concatenate(kept)[:n] if kept else np.empty((0, len(sampler.names)))
    share = float(np.mean(shares)) * (accepted / drawn) if drawn else box.pilot()
    settled = (1 - accepted / drawn) / accepted if accepted else 0.0
    error = (
        share * np.sqrt(np.mean(np.square(errors)) / len(errors) / np.mean(shares) ** 2 + settled)
        if errors
        else 0.0
    )
    return EligibleDraw(Covariates(sampler.names, values), 1.0 - share, float(error))


def _require_possible(copula: Copula, criteria: Sequence[AnyCriterion]) -> None:
    for k, criterion in enumerate(criteria):
        single = isinstance(criterion, Criterion)
        for name in [criterion.covariate] if isinstance(criterion, Criterion) else criterion.weights:
            _require_orderable(copula, name, f"eligibility[{k}].{'covariate' if single else 'weights'}")
        if not isinstance(criterion, Criterion):
            continue
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


def _require_orderable(copula: Copula, name: str, field: str) -> None:
    if name not in copula.names:
        raise InputError(
            "the card has no such covariate",
            field=field,
            value=name,
            mend=f"use one of {', '.join(copula.names)}",
        )
    if isinstance(copula.laws[copula.names.index(name)], NominalLaw):
        raise InputError(
            "categories without an order have no limits",
            field=field,
            value=name,
            mend="make the category a binary covariate of the card",
        )


def _refuse(criteria: Sequence[AnyCriterion], shares: Floats) -> NoReturn:
    worst = int(np.argmin(shares))
    raise InputError(
        f"the criteria together leave fewer than 1 candidate in {round(1 / _RAREST):,};"
        f" {criteria[worst].words()} refuses most ({1 - shares[worst]:.4%})",
        field=f"eligibility[{worst}]",
        mend="widen the criteria, or take a card of the population that the trial recruits from",
    )

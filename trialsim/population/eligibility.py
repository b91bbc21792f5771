"""Eligible participants, drawn by rejection where most pass and by conditioning where few do.

Limits on monotone margins are a box for the latent normals. Where fewer than one candidate in 20 passes,
the box is sampled directly (`orthant`), hardest criterion first, and the share that passes comes with it.
Linear criteria of normal margins (of lognormal ones on the log scale) enter the box as a latent normal of
their own; what no box can say is settled by a last rejection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

import numpy as np
from scipy import special

from trialsim.data import Covariates, Floats
from trialsim.errors import InputError
from trialsim.population.card import CohortCard
from trialsim.population.criteria import AnyCriterion, LinearCriterion, meets_criteria
from trialsim.population.dependence import Copula, solve_copula
from trialsim.population.laws import Law, LognormalLaw, NominalLaw, NormalLaw, StepLaw
from trialsim.population.orthant import BoxSampler, probability
from trialsim.population.sampler import CHUNK, Sampler
from trialsim.protocol.eligibility import Criterion

_COMMON = 0.05
_RAREST = 1e-6
_PATIENCE = 2_000_000
_PILOT = 4096
_BISECTIONS = 80
_WIDEST = 40.0


@dataclass(frozen=True)
class EligibleDraw:
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
    criteria: Sequence[AnyCriterion],
    n: int,
    generator: np.random.Generator,
    shift: Mapping[str, float] | None = None,
) -> EligibleDraw:
    """Draw participants who meet every criterion.

    Parameters
    ----------
    card : CohortCard
        The population before these criteria.
    criteria : sequence of Criterion or LinearCriterion
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
    sampler = Sampler.of(copula, shift)
    _require_possible(copula, criteria)
    box = _Box.of(copula, sampler, criteria)
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
    sampler: Sampler, box: _Box, criteria: Sequence[AnyCriterion], n: int, generator: np.random.Generator
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


@dataclass(frozen=True)
class _Box:
    """Criteria as limits on standard normals that are linear in the latent ones.

    `rows` are (weights over the Q latent normals, low, high), hardest first.
    """

    latent: Floats
    rows: list[tuple[Floats, float, float]]
    owners: list[int]
    criteria: Sequence[AnyCriterion]

    @classmethod
    def of(cls, copula: Copula, sampler: Sampler, criteria: Sequence[AnyCriterion]) -> _Box:
        found = []
        for k, criterion in enumerate(criteria):
            row = (
                _single_row(copula, sampler, criterion)
                if isinstance(criterion, Criterion)
                else _linear_row(copula, sampler, criterion)
            )
            if row is not None:
                found.append((k, row))
        merged = _merged(found)
        for k, (_, low, high) in merged:
            if low >= high:
                raise InputError(
                    f"the criterion {criteria[k].words()} excludes everyone,"
                    " alone or with another on the same value",
                    field=f"eligibility[{k}]",
                    mend="widen the criterion",
                )
        merged.sort(key=lambda one: special.ndtr(one[1][2]) - special.ndtr(one[1][1]))
        independent = _independent(merged, copula.latent)
        return cls(copula.latent, [row for _, row in independent], [k for k, _ in independent], criteria)

    def weights(self) -> Floats:
        """Return the rows' weights (D, Q)."""
        return np.stack([row[0] for row in self.rows])

    def correlation(self) -> Floats:
        """Return the correlations of the rows (D, D)."""
        weights = self.weights()
        return np.asarray(weights @ self.latent @ weights.T)

    def limits(self) -> tuple[Floats, Floats]:
        """Return the rows' limits (D,) and (D,)."""
        return np.array([row[1] for row in self.rows]), np.array([row[2] for row in self.rows])

    def pilot(self) -> float:
        """Return P(box), from a fixed stream so that the choice of method costs no chance."""
        if not self.rows:
            return 1.0
        fixed = np.random.Generator(np.random.Philox(key=0))
        return probability(self.correlation(), *self.limits(), _PILOT, fixed)[0]

    def shares(self) -> Floats:
        """Return the share of candidates that each criterion lets pass, 1 where no box says."""
        shares = np.ones(len(self.criteria))
        for owner, (_, low, high) in zip(self.owners, self.rows, strict=True):
            shares[owner] = special.ndtr(high) - special.ndtr(low)
        return shares

    def complete(
        self, inside: Floats, tilted: BoxSampler, sampler: Sampler, generator: np.random.Generator
    ) -> Floats:
        """Return latent normals (Q, n) whose rows are those inside the box, the others as they fall.

        Given rows y = W z, a fresh Z moved by A (y − W Z), A = R W' (W R W')⁻¹, has the right law.
        """
        fresh = sampler.latents(generator.standard_normal((len(self.latent), inside.shape[1])))
        root, weights = tilted.factor * tilted.diagonal[:, None], self.weights()
        gain = np.linalg.solve(self.correlation(), weights @ self.latent).T
        # einsum, not a matrix product: its last bits do not depend on the number of threads.
        rows = np.einsum("dk,kn->dn", root, inside) - np.einsum("dq,qn->dn", weights, fresh)
        return np.asarray(fresh + np.einsum("qd,dn->qn", gain, rows))


def _merged(
    found: list[tuple[int, tuple[Floats, float, float]]],
) -> list[tuple[int, tuple[Floats, float, float]]]:
    """Join criteria on the same covariate into one row."""
    rows: dict[bytes, tuple[int, tuple[Floats, float, float]]] = {}
    for k, (weights, low, high) in found:
        key = weights.tobytes()
        if key in rows:
            first, (_, other_low, other_high) = rows[key]
            low, high, k = max(low, other_low), min(high, other_high), first if other_low >= low else k
        rows[key] = (k, (weights, low, high))
    return list(rows.values())


def _independent(
    rows: list[tuple[int, tuple[Floats, float, float]]], latent: Floats
) -> list[tuple[int, tuple[Floats, float, float]]]:
    """Leave out rows that the others determine; the last rejection settles them."""
    kept: list[tuple[int, tuple[Floats, float, float]]] = []
    for one in rows:
        weights = np.stack([row[0] for _, row in [*kept, one]])
        if np.linalg.eigvalsh(weights @ latent @ weights.T)[0] > 1e-6:
            kept.append(one)
    return kept


def _single_row(copula: Copula, sampler: Sampler, criterion: Criterion) -> tuple[Floats, float, float]:
    position = copula.names.index(criterion.covariate)
    law, delta = copula.laws[position], float(sampler.deltas[position])
    weights = np.zeros(len(copula.latent))
    weights[sampler.spans[position].start] = 1.0
    low = -np.inf if criterion.at_least is None else latent_of(law, criterion.at_least, "at_least") - delta
    high = np.inf if criterion.at_most is None else latent_of(law, criterion.at_most, "at_most") - delta
    return weights, low, high


def latent_of(law: Law, value: float, side: Literal["at_least", "at_most"]) -> float:
    """Return the latent value at which a covariate reaches a limit that belongs to its range.

    Examples
    --------
    >>> latent_of(NormalLaw(70.0, 8.0), 78.0, "at_most")
    1.0
    """
    if isinstance(law, StepLaw):
        levels = np.asarray(law.levels)
        if side == "at_least":
            first = int(np.searchsorted(levels, value, side="left"))
            return -np.inf if first == 0 else law.cuts[first - 1]
        last = int(np.searchsorted(levels, value, side="right"))
        return np.inf if last == len(levels) else law.cuts[last - 1]
    if value <= law.lower:
        return -np.inf
    if value >= law.upper:
        return np.inf
    if isinstance(law, NormalLaw):
        return float((value - law.mean) / law.sd)
    if isinstance(law, LognormalLaw):
        return float((np.log(value) - law.log_mean) / law.log_sd)
    low, high = -_WIDEST, _WIDEST
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if float(law.from_latent(np.array([middle]))[0]) < value:
            low = middle
        else:
            high = middle
    return low if side == "at_least" else high


def _linear_row(
    copula: Copula, sampler: Sampler, criterion: LinearCriterion
) -> tuple[Floats, float, float] | None:
    """Return a linear criterion as a standardised row, or None where its scale is not a normal one."""
    weights, centre = np.zeros(len(copula.latent)), 0.0
    for name, weight in criterion.weights.items():
        position = copula.names.index(name)
        law, delta = copula.laws[position], float(sampler.deltas[position])
        if criterion.scale == "identity" and isinstance(law, NormalLaw):
            mean, sd = law.mean, law.sd
        elif criterion.scale == "log" and isinstance(law, LognormalLaw):
            mean, sd = law.log_mean, law.log_sd
        else:
            return None
        weights[sampler.spans[position].start] += weight * sd
        centre += weight * (mean + sd * delta)
    spread = float(np.sqrt(weights @ copula.latent @ weights))
    ends = [criterion.at_least, criterion.at_most]
    if criterion.scale == "log":
        ends = [None if end is None else float(np.log(end)) for end in ends]
    low = -np.inf if ends[0] is None else (ends[0] - centre) / spread
    high = np.inf if ends[1] is None else (ends[1] - centre) / spread
    return weights / spread, low, high


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

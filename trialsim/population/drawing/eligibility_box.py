"""Criteria as a box: limits on standard normals that are linear in the latent ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy import special

from trialsim.data import Floats
from trialsim.errors import InputError
from trialsim.population.cards.criteria import AnyCriterion, LinearCriterion
from trialsim.population.drawing.copula import Copula
from trialsim.population.drawing.orthant import BoxSampler, probability
from trialsim.population.drawing.sampler import Sampler
from trialsim.population.laws.laws import Law, LognormalLaw, NormalLaw, StepLaw
from trialsim.protocol.eligibility import Criterion

_PILOT = 4096
_BISECTIONS = 80
_WIDEST = 40.0


class Row(NamedTuple):
    """A standard normal, `weights` (Q,) over the latent ones, that a criterion holds between two limits."""

    weights: Floats
    low: float
    high: float
    criterion: int

    def share(self) -> float:
        """Return the share of candidates between the limits."""
        return float(special.ndtr(self.high) - special.ndtr(self.low))


@dataclass(frozen=True)
class Box:
    """Criteria as limits on standard normals that are linear in the latent ones.

    `rows` are independent, the hardest first.
    """

    latent: Floats
    rows: list[Row]
    criteria: Sequence[AnyCriterion]

    @classmethod
    def of(cls, copula: Copula, sampler: Sampler, criteria: Sequence[AnyCriterion]) -> Box:
        """Return the box of what the criteria ask, refused where one of them leaves nobody."""
        found = []
        for k, criterion in enumerate(criteria):
            row = (
                _single_row(copula, sampler, criterion, k)
                if isinstance(criterion, Criterion)
                else _linear_row(copula, sampler, criterion, k)
            )
            if row is not None:
                found.append(row)
        merged = _merged(found)
        for row in merged:
            if row.low >= row.high:
                raise InputError(
                    f"the criterion {criteria[row.criterion].words()} excludes everyone,"
                    " alone or with another on the same value",
                    field=f"eligibility[{row.criterion}]",
                    mend="widen the criterion",
                )
        merged.sort(key=Row.share)
        return cls(copula.latent, _independent(merged, copula.latent), criteria)

    def weights(self) -> Floats:
        """Return the rows' weights (D, Q)."""
        return np.stack([row.weights for row in self.rows])

    def correlation(self) -> Floats:
        """Return the correlations of the rows (D, D)."""
        weights = self.weights()
        return np.asarray(weights @ self.latent @ weights.T)

    def limits(self) -> tuple[Floats, Floats]:
        """Return the rows' limits (D,) and (D,)."""
        return np.array([row.low for row in self.rows]), np.array([row.high for row in self.rows])

    def pilot(self) -> float:
        """Return P(box), from a fixed stream so that the choice of method costs no chance."""
        if not self.rows:
            return 1.0
        fixed = np.random.Generator(np.random.Philox(key=0))
        return probability(self.correlation(), *self.limits(), _PILOT, fixed)[0]

    def shares(self) -> Floats:
        """Return the share of candidates that each criterion lets pass, 1 where no box says."""
        shares = np.ones(len(self.criteria))
        for row in self.rows:
            shares[row.criterion] = row.share()
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


def _merged(found: Sequence[Row]) -> list[Row]:
    """Join criteria on the same covariate into one row, which the one with the higher lower limit owns."""
    rows: dict[bytes, Row] = {}
    for row in found:
        key = row.weights.tobytes()
        other = rows.get(key, row)
        owner = other.criterion if other.low >= row.low else row.criterion
        rows[key] = Row(row.weights, max(row.low, other.low), min(row.high, other.high), owner)
    return list(rows.values())


def _independent(rows: Sequence[Row], latent: Floats) -> list[Row]:
    """Leave out rows that the others determine; the last rejection settles them."""
    kept: list[Row] = []
    for one in rows:
        weights = np.stack([row.weights for row in [*kept, one]])
        if np.linalg.eigvalsh(weights @ latent @ weights.T)[0] > 1e-6:
            kept.append(one)
    return kept


def _single_row(copula: Copula, sampler: Sampler, criterion: Criterion, k: int) -> Row:
    position = copula.names.index(criterion.covariate)
    law, delta = copula.laws[position], float(sampler.deltas[position])
    weights = np.zeros(len(copula.latent))
    weights[sampler.spans[position].start] = 1.0
    low = -np.inf if criterion.at_least is None else latent_of(law, criterion.at_least, "at_least") - delta
    high = np.inf if criterion.at_most is None else latent_of(law, criterion.at_most, "at_most") - delta
    return Row(weights, low, high, k)


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
    if side == "at_most" and value == law.lower and law.cuts:
        # Zeros beside a positive law: they alone are at most 0.
        return law.cuts[0]
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


def _linear_row(copula: Copula, sampler: Sampler, criterion: LinearCriterion, k: int) -> Row | None:
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
    return Row(weights / spread, low, high, k)

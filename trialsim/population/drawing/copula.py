"""Latent correlations under which the observed associations come out as asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from trialsim.data import Floats
from trialsim.errors import CardError
from trialsim.population.association.nearest import nearest_correlation
from trialsim.population.association.nominal import group_means, solve_loadings, solve_utilities
from trialsim.population.association.pairs import (
    LatentLaw,
    PairSolution,
    attainable,
    solve_latent_pair,
    solve_pair,
)
from trialsim.population.cards.associations import observed_association, solve_association
from trialsim.population.cards.card import CohortCard
from trialsim.population.cards.margins import NominalMargin
from trialsim.population.laws.laws import Law, NominalLaw, StepLaw

__all__ = [
    "Copula",
    "LatentLaw",
    "PairSolution",
    "attainable",
    "require_positive_definite",
    "solve_copula",
    "solve_latent_pair",
    "solve_pair",
]

_SMALLEST_EIGENVALUE = 1e-8
# How much more a pair that somebody read resists being moved than one that is assumed.
_RESISTANCE = {"published": 100.0, "computed": 100.0, "recalled": 10.0, "assumed": 1.0}


@dataclass(frozen=True)
class Copula:
    """Margins and latent correlations, ready to draw from.

    Parameters
    ----------
    names : tuple of str
        Covariates, P of them.
    laws : tuple of Law
        Their margins.
    latent : ndarray (Q, Q)
        Correlation matrix of the latent normals, positive definite. Q = P unless a covariate is nominal:
        that one has a latent normal a category.
    pairs : dict
        Solution of each listed pair of names.
    group_means : dict
        Mean of a covariate in each category, as achieved, by (nominal covariate, other covariate).
    moves : dict
        By how much the latent correlation of a pair was moved to make the matrix possible.
    """

    names: tuple[str, ...]
    laws: tuple[Law, ...]
    latent: Floats
    pairs: dict[tuple[str, str], PairSolution]
    group_means: dict[tuple[str, str], Floats] = field(default_factory=dict)
    moves: dict[tuple[str, str], float] = field(default_factory=dict)

    def spans(self) -> list[slice]:
        """Return which latent normals belong to each covariate."""
        ends = np.cumsum([width(law) for law in self.laws])
        return [slice(int(end) - width(law), int(end)) for law, end in zip(self.laws, ends, strict=True)]


def width(law: Law) -> int:
    """Return how many latent normals a law is drawn from."""
    return len(law.utilities) if isinstance(law, NominalLaw) else 1


def solve_copula(card: CohortCard) -> Copula:
    """Return the Gaussian copula whose observed associations are those of the card.

    Parameters
    ----------
    card : CohortCard
        Margins and associations.

    Returns
    -------
    Copula
        Its latent correlation matrix is positive definite.

    Raises
    ------
    CardError
        If a margin or a correlation is infeasible, or the latent matrix is not positive definite and the
        card does not ask for the nearest one that is.

    Examples
    --------
    >>> from trialsim.population.card_files.reading import read_card
    >>> copula = solve_copula(read_card("cohorts/alzheimers_early.toml"))
    >>> copula.names[:2]
    ('age', 'female')
    """
    laws = tuple(_law(card, position) for position in range(len(card.margins)))
    prepared = [LatentLaw.of(law) for law in laws]
    copula = Copula(card.names, laws, np.eye(sum(map(width, laws))), {})
    _solve_pairs(card, copula, prepared)
    _solve_group_means(card, copula, prepared)
    if card.contradictions == "nearest" and np.linalg.eigvalsh(copula.latent)[0] <= _SMALLEST_EIGENVALUE:
        copula = _repaired(card, copula, prepared)
    require_positive_definite(copula.latent, _latent_names(copula))
    return copula


def _solve_pairs(card: CohortCard, copula: Copula, prepared: list[LatentLaw]) -> None:
    spans = copula.spans()
    for k, entry in enumerate(card.correlations):
        i, j = (card.names.index(name) for name in entry.between)
        try:
            solution = solve_association(entry, prepared[i], prepared[j])
        except CardError as error:
            raise CardError(
                f"the correlation of {entry.between[0]} and {entry.between[1]} {error.problem}",
                field=f"correlations[{k}].{error.field or 'value'}",
                value=error.value,
                mend=error.mend,
            ) from None
        copula.pairs[entry.between] = solution
        a, b = spans[i].start, spans[j].start
        copula.latent[a, b] = copula.latent[b, a] = solution.latent


def _solve_group_means(card: CohortCard, copula: Copula, prepared: list[LatentLaw]) -> None:
    spans = copula.spans()
    for i, (margin, law) in enumerate(zip(card.margins, copula.laws, strict=True)):
        if not (isinstance(margin, NominalMargin) and isinstance(law, NominalLaw)):
            continue
        for g, group in enumerate(margin.group_means):
            j = card.names.index(group.of)
            if isinstance(copula.laws[j], NominalLaw):
                raise CardError(
                    "a category has no mean",
                    field=f"margins[{i}].group_means[{g}].of",
                    value=group.of,
                    mend="give cells of the two as targets of kind proportion",
                )
            wanted = np.array([number.value for number in group.means])
            try:
                loadings = solve_loadings(law, prepared[j], wanted, group.of)
            except CardError as error:
                raise CardError(
                    error.problem, field=f"margins[{i}].group_means[{g}]", value=error.value, mend=error.mend
                ) from None
            copula.latent[spans[i], spans[j].start] = loadings
            copula.latent[spans[j].start, spans[i]] = loadings
            copula.group_means[margin.name, group.of] = group_means(law, prepared[j], loadings)


def _repaired(card: CohortCard, copula: Copula, prepared: list[LatentLaw]) -> Copula:
    """Move the latent matrix to the nearest possible one, and say what comes of every pair."""
    spans = copula.spans()
    weights = np.ones_like(copula.latent)
    places = {
        entry.between: tuple(spans[card.names.index(name)].start for name in entry.between)
        for entry in card.correlations
    }
    for entry in card.correlations:
        a, b = places[entry.between]
        weights[a, b] = weights[b, a] = _RESISTANCE[entry.evidence]
    for span, law in zip(spans, copula.laws, strict=True):
        if isinstance(law, NominalLaw):
            weights[span, span] = max(_RESISTANCE.values()) * 100
    latent = nearest_correlation(copula.latent, weights)
    pairs, moves = {}, {}
    for entry in card.correlations:
        i, j = (card.names.index(name) for name in entry.between)
        moved = float(latent[places[entry.between]])
        solution = copula.pairs[entry.between]
        achieved = observed_association(entry, prepared[i], prepared[j], moved)
        pairs[entry.between] = replace(solution, latent=moved, achieved=achieved)
        moves[entry.between] = moved - solution.latent
    return replace(copula, latent=latent, pairs=pairs, moves=moves)


def _latent_names(copula: Copula) -> tuple[str, ...]:
    return tuple(
        name if width(law) == 1 else f"{name}[{k}]"
        for name, law in zip(copula.names, copula.laws, strict=True)
        for k in range(width(law))
    )


def require_positive_definite(matrix: Floats, names: tuple[str, ...]) -> None:
    """Raise `CardError` unless a correlation matrix is positive definite; names the pairs at fault."""
    values, vectors = np.linalg.eigh(matrix)
    if values[0] > _SMALLEST_EIGENVALUE:
        return
    share = vectors[:, 0]
    blame = sorted(
        combinations(range(len(names)), 2), key=lambda pair: matrix[pair] * share[pair[0]] * share[pair[1]]
    )
    worst = ", ".join(f"{names[i]}–{names[j]} ({matrix[i, j]:.3f})" for i, j in blame[:3])
    raise CardError(
        "the correlations contradict each other: their latent matrix is not positive definite"
        f" (smallest eigenvalue {values[0]:.4g}); most to blame are {worst}",
        field="correlations",
        mend='bring these pairs nearer to zero, or to each other, or say contradictions = "nearest"',
    )


def _law(card: CohortCard, position: int) -> Law:
    margin = card.margins[position]
    try:
        law = margin.law()
        nominal = isinstance(margin, NominalMargin) and isinstance(law, StepLaw)
        return solve_utilities(law.probabilities) if nominal and isinstance(law, StepLaw) else law
    except CardError as error:
        raise CardError(
            f"{margin.name}: {error.problem}",
            field=f"margins[{position}].{error.field}",
            value=error.value,
            mend=error.mend,
        ) from None

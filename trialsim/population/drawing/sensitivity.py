"""How far an answer rests on what a card assumes: families of margins, and unknown correlations.

An *answer* is any function of participants that returns a number, such as the R² of a score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, get_args

import numpy as np
import pandas as pd

from trialsim.data import Covariates, Floats
from trialsim.errors import CardError
from trialsim.population.cards.card import CohortCard
from trialsim.population.cards.margins import (
    BetaMargin,
    GammaMargin,
    LogitNormalMargin,
    LognormalMargin,
    Margin,
    MaximumEntropyMargin,
    NormalMargin,
    TruncatedNormalMargin,
)
from trialsim.population.drawing.copula import Copula, solve_copula, width
from trialsim.population.drawing.sampler import Sampler
from trialsim.protocol.reading import check_model

Answer = Callable[[Covariates], float]

_UNBOUNDED = (NormalMargin, LognormalMargin, GammaMargin)
_BOUNDED = (TruncatedNormalMargin, BetaMargin, LogitNormalMargin, MaximumEntropyMargin)
_GRID = 401
_EDGE = 1e-3
_SWEEPS = 5


def family_sensitivity(
    card: CohortCard, answer: Answer, n: int, generator: np.random.Generator
) -> pd.DataFrame:
    """Return the answer with each margin in turn replaced by another family of the same moments.

    The same random numbers serve every family, so that differences are those of the families.

    Parameters
    ----------
    card : CohortCard
        The card.
    answer : callable
        From participants to a number.
    n : int
        Participants.
    generator : Generator
        Source of chance.

    Returns
    -------
    DataFrame
        ``covariate``, ``family``, ``answer``, ``difference`` from the card's own families; the first row
        is the card itself.

    Examples
    --------
    >>> from trialsim.population import read_card
    >>> card = read_card("cohorts/alzheimers_early.toml")
    >>> frame = family_sensitivity(
    ...     card, lambda people: float((people.column("mmse") >= 28).mean()), 5000, np.random.default_rng(1)
    ... )
    >>> set(frame.loc[frame["covariate"] == "mmse", "family"]) >= {"logit_normal", "maximum_entropy"}
    True
    """
    copula = solve_copula(card)
    normals = generator.standard_normal((n, len(copula.latent)))
    own = answer(Covariates(card.names, Sampler.of(copula).transform(normals)))
    rows: list[dict[str, object]] = [{"covariate": "", "family": "as on the card", "answer": own}]
    for i, margin in enumerate(card.margins):
        for other in alternatives(margin):
            try:
                copula = solve_copula(
                    card.model_copy(update={"margins": (*card.margins[:i], other, *card.margins[i + 1 :])})
                )
            except CardError:
                # A correlation that this family cannot have: it is no alternative to the card's own.
                continue
            found = answer(Covariates(card.names, Sampler.of(copula).transform(normals)))
            rows.append({"covariate": margin.name, "family": other.kind, "answer": found})
    frame = pd.DataFrame(rows)
    frame["difference"] = frame["answer"] - own
    return frame


def alternatives(margin: Margin) -> Iterator[Margin]:
    """Yield the margin in every other family that can have its mean, SD and limits."""
    content = {
        key: value for key, value in margin.model_dump().items() if key != "kind" and value is not None
    }
    if "sd" not in content or margin.kind in ("negative_binomial", "whole", "zero_inflated"):
        return
    limits = {"lower", "upper"} & set(content)
    families: tuple[type[Any], ...] = (
        _BOUNDED if limits == {"lower", "upper"} else _UNBOUNDED if not limits else ()
    )
    for family in families:
        kind = get_args(family.model_fields["kind"].annotation)[0]
        if kind == margin.kind:
            continue
        try:
            yield check_model(content | {"kind": kind}, family, CardError)
        except CardError:
            # No law of this family has the margin's mean, SD and limits.
            continue


def correlation_sensitivity(
    card: CohortCard,
    answer: Answer,
    n: int,
    generator: np.random.Generator,
    *,
    draws: int = 50,
    concentration: float = 2.0,
    doubt: float = 0.15,
) -> pd.DataFrame:
    """Return the answer over a prior of the correlations that nobody published.

    Known correlations stay. The others follow, on the latent scale,

        p(R) ∝ det(R)^(η−1) Π exp(−(r − r₀)² / 2 s²)

    the law of Lewandowski, Kurowicka and Joe (2009) given the known entries, times a normal doubt s about
    each value r₀ that the card assumes or recalls; pairs that the card does not list have no such factor.

    Parameters
    ----------
    card : CohortCard
        The card.
    answer : callable
        From participants to a number.
    n : int
        Participants a draw; the same random numbers each time.
    generator : Generator
        Source of chance.
    draws : int
        Correlation matrices.
    concentration : float
        η; 1 is uniform over all matrices, larger is nearer to independence.
    doubt : float
        s.

    Returns
    -------
    DataFrame
        One row a draw: ``draw`` (−1 is the card itself) and ``answer``.

    Examples
    --------
    >>> from trialsim.population import read_card
    >>> card = read_card("cohorts/alzheimers_early.toml")
    >>> def explained(people):
    ...     return float(np.corrcoef(people.column("faq"), people.column("cdr_sb"))[0, 1] ** 2)
    >>> frame = correlation_sensitivity(card, explained, 2000, np.random.default_rng(1), draws=5)
    >>> len(frame), bool(frame["answer"].std() > 0.01)
    (6, True)
    """
    copula = solve_copula(card)
    normals = generator.standard_normal((n, len(copula.latent)))
    matrices = [copula.latent, *unknown_correlations(card, copula, generator, draws, concentration, doubt)]
    rows = []
    for k, latent in enumerate(matrices):
        world = Copula(copula.names, copula.laws, latent, {})
        people = Covariates(card.names, Sampler.of(world).transform(normals))
        rows.append({"draw": k - 1, "answer": answer(people)})
    return pd.DataFrame(rows)


def unknown_correlations(
    card: CohortCard,
    copula: Copula,
    generator: np.random.Generator,
    draws: int,
    concentration: float = 2.0,
    doubt: float = 0.15,
) -> Iterator[Floats]:
    """Yield latent matrices from the prior of `correlation_sensitivity`, by Gibbs sampling.

    Given all other entries, det(R) ∝ 1 − t² with t the partial correlation of the pair.
    """
    spans = copula.spans()
    guesses: dict[tuple[int, int], float | None] = {
        (spans[i].start, spans[j].start): None
        for i, j in combinations(range(len(card.names)), 2)
        if width(copula.laws[i]) == width(copula.laws[j]) == 1
    }
    for entry in card.correlations:
        a, b = sorted(spans[card.names.index(name)].start for name in entry.between)
        if entry.evidence in ("published", "computed"):
            del guesses[a, b]
        else:
            guesses[a, b] = float(copula.latent[a, b])
    latent = copula.latent.copy()
    for _ in range(draws):
        for _ in range(_SWEEPS):
            for (a, b), guess in guesses.items():
                latent[a, b] = latent[b, a] = _redrawn(latent, a, b, guess, concentration, doubt, generator)
        yield latent.copy()


def _redrawn(
    latent: Floats,
    a: int,
    b: int,
    guess: float | None,
    concentration: float,
    doubt: float,
    generator: np.random.Generator,
) -> float:
    others = [k for k in range(len(latent)) if k not in (a, b)]
    cross = latent[np.ix_(others, [a, b])]
    explained = cross.T @ np.linalg.solve(latent[np.ix_(others, others)], cross)
    reach = float(np.sqrt((1 - explained[0, 0]) * (1 - explained[1, 1])))
    partial = np.linspace(-1 + _EDGE, 1 - _EDGE, _GRID)
    r = explained[0, 1] + reach * partial
    log_density = (concentration - 1) * np.log1p(-partial * partial)
    if guess is not None:
        log_density = log_density - (r - guess) ** 2 / (2 * doubt**2)
    ends = np.cumsum(np.exp(log_density - log_density.max()))
    return float(np.interp(generator.random() * ends[-1], ends, r))

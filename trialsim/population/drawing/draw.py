"""Participants drawn from a card, before any eligibility."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral

import numpy as np

from trialsim.data import Covariates
from trialsim.errors import require_kind
from trialsim.population.cards.card import CohortCard
from trialsim.population.drawing.copula import solve_copula
from trialsim.population.drawing.sampler import Sampler


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
    require_kind("card", card, CohortCard)
    require_kind("n", n, Integral)
    sampler = Sampler.of(solve_copula(card), shift)
    return Covariates(sampler.names, sampler.draw(n, generator))

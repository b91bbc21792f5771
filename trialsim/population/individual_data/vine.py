"""A vine copula where individual data exist: dependence beyond one correlation a pair.

Parametric pair copulas only, so that no participant's value is kept. Needs the optional package
pyvinecopulib (``trialsim[vine]``).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from trialsim.data import Covariates
from trialsim.errors import InputError
from trialsim.population.cards.card import CohortCard
from trialsim.population.drawing.copula import solve_copula
from trialsim.population.individual_data.fitting import coded

_FAMILIES = ("indep", "gaussian", "student", "clayton", "gumbel", "frank", "joe")
_EDGE = 1e-9


@dataclass(frozen=True)
class VinePopulation:
    """Margins of a fitted card, and a vine copula between them.

    Parameters
    ----------
    card : CohortCard
        Fitted to the same participants; its correlations are not used.
    vine : object
        The fitted `pyvinecopulib.Vinecop`.
    """

    card: CohortCard
    vine: Any

    def draw(self, n: int, generator: np.random.Generator) -> Covariates:
        """Return participants (n, P)."""
        uniforms = np.clip(
            np.asarray(self.vine.inverse_rosenblatt(generator.random((n, len(self.card.names))))),
            _EDGE,
            1 - _EDGE,
        )
        laws = solve_copula(self.card).laws
        columns = [law.from_latent(special.ndtri(uniforms[:, j])) for j, law in enumerate(laws)]
        return Covariates(self.card.names, np.column_stack(columns))


def fit_vine(frame: pd.DataFrame, card: CohortCard) -> VinePopulation:
    """Fit a vine copula to individual participants, for the margins of a card fitted to them.

    Parameters
    ----------
    frame : DataFrame
        What `fit_card` was given. Incomplete rows are left out.
    card : CohortCard
        What `fit_card` returned; no covariate may be nominal.

    Returns
    -------
    VinePopulation
        It draws participants, as a card does.

    Raises
    ------
    InputError
        If pyvinecopulib is not installed, a covariate is nominal, or the columns differ.
    """
    vines = _package()
    people = coded(frame)
    nominal = [margin.name for margin in card.margins if margin.kind == "nominal"]
    if nominal:
        raise InputError(
            "categories without an order have no place in a vine",
            field=nominal[0],
            mend="leave the column out",
        )
    if people.names != card.names:
        raise InputError(
            "the card was fitted to other columns", mend="give the frame that the card came from"
        )
    values = people.values[~np.isnan(people.values).any(axis=1)]
    # Ties are split evenly: mid-ranks, not a random order, so that the fit repeats.
    grades = (np.column_stack([stats.rankdata(x) for x in values.T]) - 0.5) / len(values)
    controls = vines.FitControlsVinecop(
        family_set=[getattr(vines.BicopFamily, name) for name in _FAMILIES], num_threads=1
    )
    return VinePopulation(card, vines.Vinecop.from_data(grades, controls=controls))


def _package() -> Any:
    try:
        return importlib.import_module("pyvinecopulib")
    except ImportError:
        raise InputError(
            "a vine copula needs the optional package pyvinecopulib", mend="install trialsim[vine]"
        ) from None

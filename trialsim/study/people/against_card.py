"""A real history, held against the card and the disease model of the trial whose twins learn from it."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path

import numpy as np

from trialsim.data import Floats, History
from trialsim.disease import Endpoint
from trialsim.errors import HistoryError, TrialsimWarning
from trialsim.population import draw_eligible
from trialsim.population.cards.margins import BinaryMargin, Margin, NominalMargin, OrdinalMargin
from trialsim.prognosis.histories import require_same_scales
from trialsim.protocol.declared import DeclaredTrial
from trialsim.streams import stream
from trialsim.study.people.history import learnt_covariates
from trialsim.study.people.modelled.composition import compose
from trialsim.study.people.modelled.dials import dials_of_course

POPULATION = 1000
# Where laws without limits are taken to end, as standard normal values.
FARTHEST_LATENT = 6.0


def hold_against_card(trial: DeclaredTrial, folder: Path, history: History, path: Path) -> None:
    """Refuse a real history that is not of the people of a trial's card, before anything is learnt from it.

    Parameters
    ----------
    trial : DeclaredTrial
        Of the people of a card with the course of a disease model.
    folder : Path
        Of the protocol: the path of the card is relative to it.
    history : History
        What is judged.
    path : Path
        Its file, for refusals.

    Raises
    ------
    HistoryError
        Outcomes lie off the endpoint's scale, covariates are such as nobody has, or a column is on another
        scale than the card's people. Values outside the card's limits that people may have are warned of.
    """
    world = compose(trial, folder)
    column = None if trial.history is None else trial.history.columns.outcome
    scale = world.disease.endpoint_named(trial.outcome.name)
    refuse_off_scale(history, scale, path, column or history.endpoint)
    margins = {margin.name: margin for margin in world.card.margins}
    for name in learnt_covariates(trial):
        hold_against(margins[name], history.covariates.column(name), name, path)
    assert trial.population is not None
    chance = partial(stream, trial.seed, "scale", 0)
    people = draw_eligible(
        world.card, POPULATION, chance("register"), trial.population.eligibility
    ).covariates
    start = world.disease.draw(people, trial.outcome.name, dials_of_course(trial), np.zeros(1), chance)
    require_same_scales(history, people.select(learnt_covariates(trial)), start.outcomes[:, 0])


def hold_against(margin: Margin, values: Floats, name: str, path: Path | str) -> None:
    """Refuse values of a covariate that nobody has, and warn of those outside the card's limits.

    Levels that a card lists are all that there are, unless rarer ones were counted with them.
    """
    law, joined = margin.law(), isinstance(margin, OrdinalMargin) and margin.joined
    ends = law.from_latent(np.array([-FARTHEST_LATENT, FARTHEST_LATENT]))
    low, high = np.where(np.isfinite([law.lower, law.upper]), [law.lower, law.upper], ends)
    listed = isinstance(margin, BinaryMargin | OrdinalMargin | NominalMargin) and not joined
    beyond = 0.0 if listed else high - low
    # A scale that begins at 0 has nothing below it.
    least = 0.0 if low == 0 else low - beyond
    seen = values[np.isfinite(values)]
    if impossible := int(((seen < least) | (seen > high + beyond)).sum()):
        raise HistoryError(
            f"{impossible} of {seen.size} values cannot be: the card has {low:.4g} to {high:.4g}",
            file=path,
            field=name,
            mend="leave missing values empty instead of a code such as 999, and check the unit of the column",
        )
    if not joined and (outside := int(((seen < law.lower) | (seen > law.upper)).sum())):
        warnings.warn(
            f"{Path(path).name}: {name}: {outside} of {seen.size} values lie outside the limits of the card, "
            f"{law.lower:g} to {law.upper:g}",
            TrialsimWarning,
            stacklevel=3,
        )


def refuse_off_scale(history: History, endpoint: Endpoint, path: Path | str, column: str) -> None:
    """Refuse outcomes that lie off the scale of the endpoint."""
    outcomes = np.column_stack([history.baseline, history.outcomes])
    off = int(((outcomes < endpoint.lower) | (outcomes > endpoint.upper)).sum())
    if off:
        raise HistoryError(
            f"{off} values lie outside the endpoint's scale, {endpoint.lower:g} to {endpoint.upper:g}",
            file=path,
            field=column,
            mend="leave missing values empty instead of a code such as 999, or name the right column",
        )

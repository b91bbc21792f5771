"""How far a history reaches into a population, and how good its twins are there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from trialsim.data import Covariates, Floats
from trialsim.disease import ScoreModel
from trialsim.errors import HistoryError
from trialsim.population import draw_eligible, read_card
from trialsim.prognosis import (
    CrossValidation,
    Prognosis,
    Weights,
    balance_to_table,
    generalisability,
    inverse_odds,
    judge_applicability,
)
from trialsim.prognosis.histories import require_same_scale
from trialsim.prognosis.transport import calibrate_transported
from trialsim.protocol.declared import DeclaredTrial
from trialsim.protocol.declared.course import ModelCourse
from trialsim.streams import stream
from trialsim.study.people.history import BASELINE
from trialsim.study.people.modelled.composition import compose
from trialsim.study.validation.findings import Finding

PARTICIPANTS = 2000
# Means of fewer participants than this would tell single ones.
FEWEST_TO_DESCRIBE = 11
STREAM = "applicability"


def reach_into_trial(
    trial: DeclaredTrial,
    folder: Path,
    covariates: Covariates,
    baseline: Floats,
    model: Prognosis,
    held_out: CrossValidation,
) -> list[Finding]:
    """Return applicability and transport of a history to the people of the trial's card."""
    people, name = _population(trial, folder, covariates.names)
    own = with_baseline(covariates, baseline)
    found = [applicability(own, people, name)]
    weighed, chosen = _weights(own.take(held_out.rows), people)
    found.append(weighed)
    return found if chosen is None else [*found, *_target(model, held_out, people, chosen)]


def reach_into_card(covariates: Covariates, card_file: Path, seed: int) -> list[Finding]:
    """Return the same for everybody of a cohort card, without weighted calibration.

    Raises
    ------
    HistoryError
        The card has none of the covariates, or one of them on another scale.
    """
    card = read_card(card_file)
    everybody = draw_eligible(card, PARTICIPANTS, stream(seed, STREAM, 0, "register"), ()).covariates
    shared = [name for name in covariates.names if name in everybody.names]
    if not shared:
        raise HistoryError(
            "has none of the history's covariates", file=card_file, mend="call columns as the card does"
        )
    own, people = covariates.select(shared), everybody.select(shared)
    for name in shared:
        require_same_scale(own.column(name), people.column(name), name)
    absent = [name for name in covariates.names if name not in shared]
    notes = (f"{card.name} does not know {', '.join(absent)}.",) if absent else ()
    first = applicability(own, people, card.name)
    return [Finding(first.title, first.frame, (*first.notes, *notes)), _weights(own, people)[0]]


def with_baseline(covariates: Covariates, baseline: Floats) -> Covariates:
    """Return covariates with the measured baseline as one more."""
    return Covariates((*covariates.names, BASELINE), np.column_stack([covariates.values, baseline]))


def applicability(own: Covariates, people: Covariates, name: str) -> Finding:
    """Return whether people are inside the range of a history's own."""
    found = judge_applicability(own, people)
    shown = found.covariates if len(people) >= FEWEST_TO_DESCRIBE else None
    far = (
        f"Far from the history (2.5 % expected): {found.far_share:.1%} of {name}. Inside its hull: "
        f"{found.hull_share:.1%}, of left-out history participants {found.hull_share_history:.1%} "
        f"({found.hull_participants} of each)."
    )
    return Finding(f"Covariates of the history and of {name}", shown, (far,))


def _population(trial: DeclaredTrial, folder: Path, names: tuple[str, ...]) -> tuple[Covariates, str]:
    """Return eligible people of the trial's card with the baseline that it would measure, and its name."""
    assert isinstance(trial.outcome.course, ModelCourse)
    assert trial.population is not None
    chance = partial(stream, trial.seed, STREAM, 0)
    world = compose(trial, folder)
    assert isinstance(world.disease, ScoreModel)
    people = draw_eligible(
        world.card, PARTICIPANTS, chance("register"), trial.population.eligibility
    ).covariates
    course, start = world.disease.draw_course(people, chance("disease")), np.zeros(1)
    natural = world.disease.natural_history(course, start)
    placebo = world.disease.placebo_response(course, start)
    baseline = world.disease.measure(natural, placebo, chance("outcome"))[:, 0]
    return with_baseline(people.select(names), baseline), world.card.name


def _weights(own: Covariates, people: Covariates) -> tuple[Finding, tuple[str, Weights] | None]:
    """Return the weights that carry a history over, and those that meet most of the population."""
    complete = [name for name in own.names if np.isfinite(own.column(name)).all()]
    mine, theirs = own.select(complete), people.select(complete)
    means = {name: float(theirs.column(name).mean()) for name in complete}
    sds = {
        name: float(theirs.column(name).std()) for name in complete if np.unique(mine.column(name)).size > 2
    }
    ways: dict[str, Callable[[], Weights]] = {
        "entropy balancing to means and SDs": lambda: balance_to_table(mine, means, sds),
        "entropy balancing to means": lambda: balance_to_table(mine, means),
        "inverse odds": lambda: inverse_odds(mine, theirs),
    }
    found: dict[str, Weights] = {}
    notes = []
    for name, way in ways.items():
        try:
            found[name] = way()
        except HistoryError as fault:
            notes.append(f"The history cannot be carried over by {name}: {fault}")
    title = f"Transport of {len(own)} participants by {', '.join(complete)}"
    if not found:
        return Finding(title, notes=tuple(notes)), None
    frame = pd.DataFrame(
        {
            "weights": list(found),
            "effective participants": [one.effective for one in found.values()],
            "largest weight": [one.largest for one in found.values()],
        }
    )
    if left_out := [name for name in own.names if name not in complete]:
        notes.append(f"Not weighed, since missing for some of the history: {', '.join(left_out)}.")
    try:
        index = generalisability(mine, theirs)
    except HistoryError as fault:
        notes.append(f"No index of generalisability: {fault}")
    else:
        notes.append(f"Generalisability index (Tipton; 1 alike, under .5 hardly defensible): {index:.3f}")
    return Finding(title, frame, tuple(notes)), next(iter(found.items()))


def _target(
    model: Prognosis, held_out: CrossValidation, people: Covariates, chosen: tuple[str, Weights]
) -> list[Finding]:
    """Return calibration and mean course of the twins in the population that the weights stand for."""
    name, weights = chosen
    found = calibrate_transported(held_out, weights.weights)
    few = (
        f"No figures at weeks with fewer than {FEWEST_TO_DESCRIBE} effective participants: weights leave "
        "too few to stand for this population.",
    )
    calibrated = Finding(
        f"Calibration in the protocol's population, out of sample, by {name}",
        found.to_frame(),
        () if found.shown.all() else few,
    )
    baseline = people.column(BASELINE)
    twins = model.predict(people, baseline, held_out.weeks)
    course = pd.DataFrame(
        {
            "week": held_out.weeks,
            "twins of the population": (twins.score - baseline[:, None]).mean(axis=0),
            "weighted twins of the history": found.predicted,
            "weighted outcomes of the history": found.change,
            "se": found.change_se,
        }
    )
    carried = (
        "Weights carry over what these covariates explain, and no other difference between the populations.",
    )
    title = f"Mean change on placebo, from a mean baseline of {baseline.mean():.3g}"
    return [calibrated, Finding(title, course, carried)]

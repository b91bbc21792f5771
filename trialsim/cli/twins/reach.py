"""How far a history reaches into the population of a protocol, and how good its twins are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from trialsim.data import Covariates, Floats, History
    from trialsim.prognosis import CrossValidation, OutcomeHistory, Prognosis, Weights
    from trialsim.protocol import Protocol

PARTICIPANTS = 2000
# What the measured baseline is called beside the covariates.
BASELINE = "baseline"
# Means of fewer participants than this would tell single ones.
FEWEST_TO_DESCRIBE = 11


def print_reach(
    asked: Protocol,
    file: Path,
    past: History,
    prognosis: Prognosis,
    held_out: CrossValidation,
    console: Console,
) -> None:
    """Print applicability and transport of a history to the eligible population of a protocol's card."""
    from trialsim.population import read_card
    from trialsim.protocol import cohort_path

    card = read_card(cohort_path(asked, file))
    people = _population(asked, file, past.covariates.names)
    own = with_baseline(past.covariates, past.baseline)
    print_applicability(own, people, card.name, console)
    weights = _print_weights(own.take(held_out.rows), people, console)
    if weights is not None:
        _print_target(prognosis, held_out, people, weights, console)


def print_table_reach(past: OutcomeHistory, card_file: Path, seed: int, console: Console) -> None:
    """Print the same of a history of one outcome a participant, for everybody of a cohort card.

    Weighted calibration is of scores at visits alone.
    """
    from trialsim.errors import HistoryError
    from trialsim.population import draw_eligible, read_card
    from trialsim.prognosis.histories import require_same_scale
    from trialsim.streams import stream

    card = read_card(card_file)
    generator = stream(seed, "applicability", 0, "register")
    everybody = draw_eligible(card, PARTICIPANTS, generator, ()).covariates
    shared = [name for name in past.covariates.names if name in everybody.names]
    if not shared:
        raise HistoryError(
            "has none of the history's covariates", file=card_file, mend="call columns as the card does"
        )
    if absent := [name for name in past.covariates.names if name not in shared]:
        console.print(f"[yellow]{card.name} does not know {', '.join(absent)}[/yellow]")
    own, people = past.covariates.select(shared), everybody.select(shared)
    for name in shared:
        require_same_scale(own.column(name), people.column(name), name)
    print_applicability(own, people, card.name, console)
    _print_weights(own, people, console)


def with_baseline(covariates: Covariates, baseline: Floats) -> Covariates:
    """Return covariates with the measured baseline as one more."""
    import numpy as np

    from trialsim.data import Covariates

    return Covariates((*covariates.names, BASELINE), np.column_stack([covariates.values, baseline]))


def print_applicability(own: Covariates, people: Covariates, name: str, console: Console) -> None:
    """Print whether people are inside the range of a history's own."""
    from trialsim.cli.terminal.tables import print_frame
    from trialsim.prognosis import judge_applicability

    found = judge_applicability(own, people)
    if len(people) >= FEWEST_TO_DESCRIBE:
        print_frame(found.covariates, console, f"Covariates of the history and of {name}")
    console.print(
        f"Far from the history (2.5 % expected): {found.far_share:.1%} of {name}. Inside its hull: "
        f"{found.hull_share:.1%}, of left-out history participants {found.hull_share_history:.1%} "
        f"({found.hull_participants} of each).",
        highlight=False,
    )


def _population(asked: Protocol, file: Path, names: tuple[str, ...]) -> Covariates:
    """Return eligible people of the protocol's card with the baseline that a trial would measure."""
    import numpy as np

    from trialsim.disease import score_model
    from trialsim.population import draw_eligible, read_card
    from trialsim.protocol import cohort_path
    from trialsim.streams import stream

    def chance(component: str) -> np.random.Generator:
        return stream(asked.seed, "applicability", 0, component)

    card = read_card(cohort_path(asked, file))
    disease = score_model(asked.disease.model, **asked.disease.options)
    people = draw_eligible(card, PARTICIPANTS, chance("register"), asked.eligibility).covariates
    course, start = disease.draw_course(people, chance("disease")), np.zeros(1)
    natural, placebo = disease.natural_history(course, start), disease.placebo_response(course, start)
    baseline = disease.measure(natural, placebo, chance("outcome"))[:, 0]
    return with_baseline(people.select(names), baseline)


def _print_weights(own: Covariates, people: Covariates, console: Console) -> tuple[str, Weights] | None:
    """Print the weights that carry a history over; return those that meet most of the population."""
    import numpy as np
    import pandas as pd

    from trialsim.cli.terminal.tables import print_frame
    from trialsim.errors import HistoryError
    from trialsim.prognosis import balance_to_table, generalisability, inverse_odds

    complete = [name for name in own.names if np.isfinite(own.column(name)).all()]
    mine, theirs = own.select(complete), people.select(complete)
    means = {name: float(theirs.column(name).mean()) for name in complete}
    sds = {
        name: float(theirs.column(name).std()) for name in complete if np.unique(mine.column(name)).size > 2
    }
    ways = {
        "entropy balancing to means and SDs": lambda: balance_to_table(mine, means, sds),
        "entropy balancing to means": lambda: balance_to_table(mine, means),
        "inverse odds": lambda: inverse_odds(mine, theirs),
    }
    found: dict[str, Weights] = {}
    for name, way in ways.items():
        try:
            found[name] = way()
        except HistoryError as fault:
            console.print(f"[yellow]The history cannot be carried over by {name}: {fault}[/yellow]")
    if not found:
        return None
    frame = pd.DataFrame(
        {
            "weights": list(found),
            "effective participants": [one.effective for one in found.values()],
            "largest weight": [one.largest for one in found.values()],
        }
    )
    left_out = [name for name in own.names if name not in complete]
    title = f"Transport of {len(own)} participants by {', '.join(complete)}"
    print_frame(frame, console, title)
    if left_out:
        console.print(f"Not weighed, since missing for some of the history: {', '.join(left_out)}.")
    try:
        index = generalisability(mine, theirs)
    except HistoryError as fault:
        console.print(f"[yellow]No index of generalisability: {fault}[/yellow]")
    else:
        console.print(f"Generalisability index (Tipton; 1 alike, under .5 hardly defensible): {index:.3f}")
    return next(iter(found.items()))


def _print_target(
    prognosis: Prognosis,
    held_out: CrossValidation,
    people: Covariates,
    chosen: tuple[str, Weights],
    console: Console,
) -> None:
    """Print calibration and mean course of the twins in the population that the weights stand for."""
    import pandas as pd

    from trialsim.cli.terminal.tables import print_frame
    from trialsim.prognosis.transport import calibrate_transported

    name, weights = chosen
    found = calibrate_transported(held_out, weights.weights)
    print_frame(
        found.to_frame(), console, f"Calibration in the protocol's population, out of sample, by {name}"
    )
    if not found.shown.all():
        console.print(
            f"No figures at weeks with fewer than {FEWEST_TO_DESCRIBE} effective participants: weights leave "
            "too few to stand for this population.",
            highlight=False,
        )
    baseline = people.column(BASELINE)
    twins = prognosis.predict(people, baseline, held_out.weeks)
    course = pd.DataFrame(
        {
            "week": held_out.weeks,
            "twins of the population": (twins.score - baseline[:, None]).mean(axis=0),
            "weighted twins of the history": found.predicted,
            "weighted outcomes of the history": found.change,
            "se": found.change_se,
        }
    )
    print_frame(course, console, f"Mean change on placebo, from a mean baseline of {baseline.mean():.3g}")
    console.print(
        "Weights carry over what these covariates explain, and no other difference between the populations.",
        highlight=False,
    )

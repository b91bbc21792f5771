"""What the explorer starts with: a protocol, a run, a card, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialsim.errors import InputError, TrialsimError
from trialsim.explore.answers.state import DEFAULTS, MOST_LOOKS

if TYPE_CHECKING:
    from trialsim.population import CohortCard
    from trialsim.protocol.declared import DeclaredTrial, GroupSequentialDesign

POSTERIOR = Path("inputs") / "posterior.npz"
CARD = Path("inputs") / "card.toml"
_GAIN = Path("results") / "gain_beyond_baseline.csv"
_SAVINGS = Path("results") / "savings.csv"
_STRENGTH = "partial correlation given the baseline"
_LARGEST_CORRELATION = 0.95


@dataclass(frozen=True)
class Started:
    """What was given, as far as it is read at once.

    Parameters
    ----------
    kind : str
        ``protocol``, ``run``, ``card`` or ``nothing``.
    title : str
        Free text of its author.
    path : Path
        What was given.
    trial : DeclaredTrial, optional
        Of a protocol or a run.
    card : CohortCard, optional
        Of a card, or of the people of a trial.
    history : Path, optional
        A file in the place of the protocol's history.
    warnings : tuple of str
        What differs between a run and its manifest.
    """

    kind: str
    title: str
    path: Path = Path()
    trial: DeclaredTrial | None = None
    card: CohortCard | None = None
    history: Path | None = None
    warnings: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where files of the trial are."""
        return self.path / "inputs" if self.kind == "run" else self.path.parent

    @property
    def has_twins(self) -> bool:
        """Whether twins are learnt, or were."""
        return (
            self.trial is not None and self.trial.twins is not None and self.trial.twins.source == "learned"
        )

    @property
    def has_people(self) -> bool:
        """Whether there is anybody to be asked: a twin, or people of a card."""
        return self.has_twins or self.card is not None

    @property
    def posterior(self) -> Path | None:
        """The posterior of a run, if it has one."""
        found = self.path / POSTERIOR
        return found if self.kind == "run" and found.is_file() else None


@dataclass(frozen=True)
class Beginning:
    """The state that the page opens with, and what is to be said of it.

    Parameters
    ----------
    state : dict
        Numbers by name, for `read_state`.
    notes : tuple of str
        What was not found in the file.
    """

    state: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def start_with(path: Path | None, history: Path | None = None) -> Started:
    """Read what the explorer is given.

    Parameters
    ----------
    path : Path, optional
        A protocol, a cohort card, or the folder of a run.
    history : Path, optional
        A file of past participants, in the place of the protocol's.

    Returns
    -------
    Started
        With warnings where a run is not what its manifest says.

    Raises
    ------
    InputError
        It is none of these, or cannot be read.

    Examples
    --------
    >>> start_with(Path("protocols/copd_twins.toml")).kind, start_with(Path("cohorts/copd.toml")).kind
    ('protocol', 'card')
    """
    if path is None:
        return Started("nothing", "A design of your own")
    # What is not asked for need not be loaded: the page is there a second sooner.
    from trialsim.population import read_card
    from trialsim.protocol.declared import read_trial
    from trialsim.protocol.reading import read_toml

    if path.is_dir():
        from trialsim.study.bundles import check_bundle, open_bundle

        found = open_bundle(path)
        card = read_card(path / CARD) if (path / CARD).is_file() else None
        return Started("run", found.trial.title, path, found.trial, card, history, tuple(check_bundle(path)))
    tables = read_toml(path, InputError)
    if "margins" in tables:
        card = read_card(path)
        return Started("card", card.title, path, card=card)
    trial = read_trial(path)
    named = None if trial.population is None else trial.population.card
    card = None if named is None else read_card(path.parent / named)
    return Started("protocol", trial.title, path, trial, card, history)


def beginning_of(started: Started) -> Beginning:
    """Return the state that the page opens with: the numbers of the protocol, where a formula has them."""
    if started.kind == "card":
        return Beginning(
            notes=("A card says who takes part, not how a trial is designed: the design is an example.",)
        )
    if started.trial is None:
        return Beginning()
    trial = started.trial
    if started.kind == "run" and trial.population is not None and trial.population.card is not None:
        people = trial.population.model_copy(update={"card": "card.toml"})
        trial = trial.model_copy(update={"population": people})
    # The engine takes seconds to be loaded: the page is there before.
    from trialsim.protocol.declared import GroupSequentialDesign
    from trialsim.study.sizing.numbers import planning_numbers

    try:
        numbers = planning_numbers(trial, started.folder, started.history)
    except TrialsimError as refusal:
        return Beginning(
            notes=(f"This design has no formula ({refusal}). The numbers are those of an example.",)
        )
    state, notes = _state_of(numbers, trial), []
    if "partial_correlation" not in numbers:
        if (strength := _strength_of_run(started)) is not None:
            state |= strength
        else:
            state |= {"partial_correlation": 0.3, "partial_lower": 0.2}
            notes.append(
                "How much the score tells is not known before the twins are learnt: a correlation of 0.3 is "
                "assumed. trialsim twins validate, or a run, says what it is."
            )
    else:
        notes.append(
            "The protocol assumes how much the score tells, and gives no bound: half of it is taken."
        )
        state["partial_lower"] = round(numbers["partial_correlation"] / 2, 4)
    notes += _rival_of_run(started)
    if isinstance(trial.design, GroupSequentialDesign):
        notes += _looks_of(trial.design, state)
    return Beginning(state, tuple(notes))


def _state_of(numbers: Mapping[str, Any], trial: DeclaredTrial) -> dict[str, Any]:
    scale = str(numbers["scale"])
    kept = {name: float(value) for name, value in numbers.items()
            if name in DEFAULTS and name != "scale" and isinstance(value, int | float)}  # fmt: skip
    control, active = (float(part) for part in numbers["allocation"].split(":"))
    given: dict[str, Any] = {"scale": scale, "baseline_correlation": 0.0, **kept}
    given["ratio"] = active / control
    if scale != "survival":
        given["follow_up"] = round(float(trial.outcome.known_after), 4)
        given["dropout_active"] = kept.get("dropout_active", kept.get("dropout", 0.0))
    if "history" in given:
        given["history"] = max(kept["history"], 10.0)
    if scale == "survival" and "per_month" not in kept:
        given["per_month"] = None
    for name in ("baseline_correlation", "partial_correlation"):
        if name in kept:
            given[name] = max(min(kept[name], _LARGEST_CORRELATION), -_LARGEST_CORRELATION)
    return given


def _strength_of_run(started: Started) -> dict[str, float] | None:
    """Return what a run found out of sample: the score's partial correlation and its lower bound."""
    import pandas as pd

    file = started.path / _GAIN
    if started.kind != "run" or not file.is_file():
        return None
    try:
        row = pd.read_csv(file).set_index("measure").to_dict("index")[_STRENGTH]
        found = {"partial_correlation": float(row["value"]), "partial_lower": float(row["low_95"])}
    except (KeyError, ValueError):
        return None
    return {name: max(min(value, _LARGEST_CORRELATION), 0.0) for name, value in found.items()}


def _rival_of_run(started: Started) -> list[str]:
    """Say what the score saves beyond the best analysis of a run that has no twin; the page does not."""
    import pandas as pd

    file = started.path / _SAVINGS
    if started.kind != "run" or not file.is_file():
        return []
    try:
        frame = pd.read_csv(file)
        row = frame[frame["best"] & (frame["score"] == "discounted")].to_dict("records")[0]
        rival, saved, error = (
            row[name] for name in ("beyond", "participants_saved", "participants_saved_mcse")
        )
        said = f"{float(saved):.0f} ± {float(error):.0f}"
    except (KeyError, ValueError, IndexError):
        return []
    named = str(rival).replace("_", " ")
    return [
        "This page compares the score with the baseline alone. The run also compared it with the best "
        f"analysis without a twin, {named}: beyond that the discounted score saves {said} "
        "participants (below 0: it costs participants)."
    ]


def _looks_of(design: GroupSequentialDesign, state: dict[str, Any]) -> list[str]:
    """Set the number of looks; return what differs from equally spaced ones."""
    times = design.events or design.information or design.months
    state["looks"] = float(min(len(times), MOST_LOOKS))
    even = all(abs(one / times[-1] - (k + 1) / len(times)) < 0.05 for k, one in enumerate(times))
    if even and design.efficacy.rule == "lan_demets_obf" and len(times) <= MOST_LOOKS:
        return []
    return [
        "The explorer has equally spaced looks with O'Brien–Fleming-type bounds, and the protocol others."
    ]

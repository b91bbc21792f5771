"""What a bundle holds of the people of a declared trial: card and posterior, no participant of a history."""

from __future__ import annotations

from pathlib import Path

from trialsim.errors import BundleError
from trialsim.population import read_card
from trialsim.protocol.declared import DeclaredTrial
from trialsim.study.people.facts import facts_of
from trialsim.study.people.learning import LearntTwins, ModelledHistory, recall_history
from trialsim.study.people.registers import Registers

CARD, HISTORY, POSTERIOR = "card", "history", "posterior"
_CARD_FILE, _POSTERIOR_FILE = "card.toml", "posterior.npz"


def people_hashes(trial: DeclaredTrial, learnt: LearntTwins | None, folder: Path) -> dict[str, str]:
    """Return the content hashes of card, history and posterior, as far as a trial has them.

    Parameters
    ----------
    trial : DeclaredTrial
        The trial.
    learnt : LearntTwins, optional
        Its twins.
    folder : Path
        Of the protocol: the path of a card is relative to it.
    """
    found = {}
    if (card := _card_of(trial, folder)) is not None:
        found[CARD] = read_card(card).content_hash()
    if learnt is not None:
        found |= {HISTORY: learnt.facts.content_hash, POSTERIOR: learnt.model.content_hash}
    return found


def write_people(trial: DeclaredTrial, learnt: LearntTwins | None, source: Path, bundle: Path) -> None:
    """Write the card and the posterior of a trial whose protocol is in `source` into a bundle."""
    if (card := _card_of(trial, source)) is not None:
        (bundle / "inputs" / _CARD_FILE).write_bytes(card.read_bytes())
    if learnt is not None:
        learnt.model.save(bundle / "inputs" / _POSTERIOR_FILE)


def registers_in(
    bundle: Path, trial: DeclaredTrial, inputs: dict[str, str], history: Path | None
) -> Registers:
    """Return whom the trials of a bundle recruit from; nothing is fitted again.

    Parameters
    ----------
    bundle : Path
        The bundle.
    trial : DeclaredTrial
        Its declaration.
    inputs : dict of str to str
        The hashes of its manifest.
    history : Path, optional
        File of the history that its people come from.

    Raises
    ------
    BundleError
        They come from a history, which no bundle holds, and its file is not given.
    """
    folder = bundle / "inputs"
    card = _CARD_FILE if CARD in inputs else None
    if POSTERIOR not in inputs:
        return Registers(folder=folder, card=card)
    generated = trial.history is not None and trial.history.generated is not None
    if history is None and not generated:
        raise BundleError(
            "its people come from a history, which no bundle holds", file=bundle,
            mend="give the file of the history with --history",
        )  # fmt: skip
    again = Registers(folder=folder, card=card)
    learnt = recall_history(again.with_card(trial), folder, history, folder / _POSTERIOR_FILE)
    return Registers(learnt, folder, card)


def people_found(bundle: Path, inputs: dict[str, str], learnt: ModelledHistory | None) -> dict[str, str]:
    """Return the content hashes of card, history and posterior as a bundle has them."""
    found = {}
    if CARD in inputs:
        found[CARD] = read_card(bundle / "inputs" / _CARD_FILE).content_hash()
    if learnt is not None:
        found |= {HISTORY: facts_of(learnt.history).content_hash, POSTERIOR: learnt.model.content_hash}
    return found


def _card_of(trial: DeclaredTrial, folder: Path) -> Path | None:
    named = None if trial.population is None else trial.population.card
    return None if named is None else folder / named

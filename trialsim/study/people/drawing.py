"""The register of a trial of one world, by where its people, their course and their twins come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trialsim.errors import ProtocolError
from trialsim.protocol.declared import DeclaredTrial
from trialsim.streams import stream
from trialsim.study.people.assumed import STREAM, register_assumed
from trialsim.study.people.from_card import register_from_card
from trialsim.study.people.from_history import register_from_history
from trialsim.study.people.learning import ModelledHistory
from trialsim.trial.register import Register

Draw = Callable[[DeclaredTrial, ModelledHistory | None, Path], Register]


def register_of(trial: DeclaredTrial, learnt: ModelledHistory | None, folder: Path) -> Register:
    """Return the register that a trial recruits from.

    Parameters
    ----------
    trial : DeclaredTrial
        Resolved: of one world.
    learnt : ModelledHistory, optional
        Of its protocol, where its twins or its people come from a history.
    folder : Path
        Of the protocol: the path of a card is relative to it.

    Returns
    -------
    Register
        The same for the same trial and twins, in any number of processes.

    Raises
    ------
    ProtocolError
        People, course and twins are not served together, or the twins are not learnt yet.
    """
    (world,) = trial.scenarios
    register = _served(trial)(trial, learnt, folder)
    if world.twins == "useless":
        return register.with_useless_scores(stream(trial.seed, STREAM, 1, "twins"))
    return register


def _assumed(trial: DeclaredTrial, learnt: ModelledHistory | None, folder: Path) -> Register:
    return register_assumed(trial)


def _from_history(trial: DeclaredTrial, learnt: ModelledHistory | None, folder: Path) -> Register:
    if learnt is None:
        raise ProtocolError("is not read yet", field="history", mend="learn the twins of the protocol first")
    return register_from_history(trial, learnt)


# By the kind of population, the kind of course, and the source of the twins.
_SERVED: dict[tuple[str | None, str | None, str | None], Draw] = {
    (None, None, "assumed"): _assumed,
    ("history", "history", "learned"): _from_history,
    ("history", "history", "given"): _from_history,
    ("card", "model", "learned"): register_from_card,
    ("card", "model", "assumed"): register_from_card,
    ("card", "model", None): register_from_card,
}


def _served(trial: DeclaredTrial) -> Draw:
    population, course, twins = trial.population, trial.outcome.course, trial.twins
    key = (
        None if population is None else population.kind,
        None if course is None else course.kind,
        None if twins is None else twins.source,
    )
    if key not in _SERVED:
        raise ProtocolError(
            "people, course and twins are not served together", field="endpoints.course",
            value=dict(zip(("population", "course", "twins"), key, strict=True)),
            mend="use the history's people with its course, a card with a disease model, or assumed twins "
            "with a marginal law",
        )  # fmt: skip
    return _SERVED[key]

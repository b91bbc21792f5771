"""From what a protocol declares of an arm to the dials of its disease model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trialsim.data import Floats, Ints
from trialsim.disease import DiseaseModel
from trialsim.disease.inputs import require_setting, unknown_dial
from trialsim.errors import InputError, ProtocolError
from trialsim.protocol.declared import DeclaredTrial
from trialsim.protocol.declared.course import ModelCourse
from trialsim.protocol.declared.effects import DialsEffect, Slowing
from trialsim.study.declared.drawing.strata import Strata, effect_of
from trialsim.study.declared.drawing.worlds import visit_effect
from trialsim.study.people.drifts import drift_of, log_drift

Dials = dict[str, float | Floats]


def dials_of_course(trial: DeclaredTrial) -> Dials:
    """Return the dials that the course of a trial sets in every arm."""
    course = trial.outcome.course
    assert isinstance(course, ModelCourse)
    return dict(course.dials)


def dials_of_world(trial: DeclaredTrial, model: DiseaseModel) -> Dials:
    """Return what every arm of a trial of one world has: the dials of its course, and its drift.

    Raises
    ------
    ProtocolError
        A dial or a drift that the model does not have, or an impossible setting.
    """
    found, drift = dials_of_course(trial), drift_of(trial)
    if trial.outcome.kind != "score" and log_drift(trial):
        raise ProtocolError(
            "does not move a disease model", field="scenarios.drift",
            value=drift.model_dump(exclude_defaults=True), mend="let the scenario set endpoints.course.dials",
        )  # fmt: skip
    moved = {"speed": drift.progression, "context": drift.outcome_shift}
    known = {dial.name: dial for dial in model.dials}
    for name, value in moved.items():
        if name in known:
            found[name] = known[name].join(found.get(name, known[name].idle), value)
        elif value != {"speed": 1.0, "context": 0.0}[name]:
            raise ProtocolError(
                f"moves the dial {name}, which the disease model {model.name} does not have",
                field="scenarios.drift", value=value, mend="let the scenario set endpoints.course.dials",
            )  # fmt: skip
    return found


def dials_of_arm(trial: DeclaredTrial, arm: int, model: DiseaseModel, levels: Ints) -> Dials:
    """Return the dials of an active arm: those of the world, joined with its effect.

    A slowing turns the dial `decline`, a shift or a change of slope `points` at every visit.

    Parameters
    ----------
    trial : DeclaredTrial
        Of one world.
    arm : int
        Position, above 0.
    model : DiseaseModel
        Of its course.
    levels : ndarray of int (M, F)
        Level of each factor of M people.
    """
    found = dials_of_world(trial, model)
    known = {dial.name: dial for dial in model.dials}
    for name, value in _effect(trial, arm, levels).items():
        if name not in known:
            raise ProtocolError(
                f"turns the dial {name}, which the disease model {model.name} does not have",
                field=f"effects.{trial.arms[arm].name}", mend='use kind = "dials"',
            )  # fmt: skip
        found[name] = known[name].join(found.get(name, known[name].idle), value)
    return found


def check_dials(trial: DeclaredTrial, model: DiseaseModel) -> None:
    """Refuse dials of course and effects that the model does not have, and impossible settings."""
    _check(model, dials_of_course(trial), "endpoints.course.dials")
    for effect in trial.effects:
        if isinstance(effect, DialsEffect):
            _check(model, effect.set, f"effects.{effect.arm}.set")


def _check(model: DiseaseModel, given: Mapping[str, float | Floats], field: str) -> None:
    known = {dial.name: dial for dial in model.dials}
    for name, value in given.items():
        try:
            if name not in known:
                raise unknown_dial(model, name)
            require_setting(known[name], value)
        except InputError as fault:
            place = field if name not in known else f"{field}.{name}"
            raise ProtocolError(fault.problem, field=place, value=fault.value, mend=fault.mend) from None


def _effect(trial: DeclaredTrial, arm: int, levels: Ints) -> Mapping[str, float | Floats]:
    effect = effect_of(trial, arm)
    if isinstance(effect, DialsEffect):
        return effect.set
    if isinstance(effect, Slowing):
        return {"decline": 1 - effect.value} if effect.value else {}
    points = visit_effect(trial, arm)
    shift = points.shift[None, :]
    if points.subgroup is not None:
        strata = Strata.of(trial)
        inside = strata.inside(trial, arm)[strata.crossed(levels)]
        shift = shift + inside[:, None] * points.subgroup
    return {"points": shift} if np.any(shift) or points.subgroup is not None else {}

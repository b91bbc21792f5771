"""Is there any trial that detects the assumed effect? Known before twins are learnt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from trialsim.design import PlanningMoments, size_for_power
from trialsim.errors import DesignError, ProtocolError
from trialsim.protocol.declared import DeclaredTrial, grid_points
from trialsim.protocol.declared.consistency.parts import lacks_of_formula
from trialsim.protocol.declared.grid import without_effect
from trialsim.study.control_arm.plan import sizing_question
from trialsim.study.people.from_card import register_from_card

PARTICIPANTS = 20_000
# The effect of a sample of this size misses that of the register by a few per cent, and sizes go with 1/τ².
_MARGIN = 1.5


def require_detectable(trial: DeclaredTrial, folder: Path = Path(), file: Path | None = None) -> None:
    """Refuse an effect that no allowed trial detects with the analyses that need no twin.

    A sample of the alternative's people shows SD, baseline correlation and effect; borderline cases, within a
    factor of 1.5 of the largest trial, are left to the sizes themselves. Trials that have no size by formula,
    or whose people are those of a history, are left to them altogether.

    Parameters
    ----------
    trial : DeclaredTrial
        Effect, power, and the largest trial that is allowed.
    folder : Path
        Of the protocol: the path of a card is relative to it.
    file : Path, optional
        Named in refusals.

    Raises
    ------
    ProtocolError
        Names the effect in points, the SD, and the largest trial.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> require_detectable(read_trial("protocols/copd_twins.toml"))
    """
    require_an_effect(trial, file)
    on_card = trial.population is not None and trial.population.kind == "card"
    if lacks_of_formula(trial) or not on_card:
        return
    asked = trial.sizing
    assert asked is not None
    effect, moments = _alternative(trial, folder)
    (declared,) = trial.effects
    number = {"slope_change": "per_month", "dials": "set"}.get(declared.kind, "value")
    where = f"effects.{declared.arm}.{number}"
    value = getattr(declared, where.rpartition(".")[2])
    unit, week = getattr(trial.outcome, "unit", None) or "points", getattr(trial.outcome, "weeks", (0.0,))[-1]
    if effect == 0:
        raise ProtocolError(
            "comes to nothing in the trial's model, and no size detects no effect",
            file=file, field=where, value=value, mend="assume a larger effect",
        )  # fmt: skip
    question = replace(sizing_question(trial, effect), largest_trial=round(_MARGIN * asked.largest_trial))
    try:
        for analysis in ("unadjusted", "ancova"):
            size_for_power(moments, analysis, question)
    except DesignError:
        raise ProtocolError(
            f"comes to {abs(effect):.2g} {unit} at week {week:g}, beside an SD of {moments.sd[0]:.3g}: "
            f"no trial of up to {asked.largest_trial:,} participants reaches a power of {asked.power:g} with "
            f"the {analysis} analysis",
            file=file,
            field=where,
            value=value,
            mend="assume a larger effect, ask for less power, or allow more participants as "
            "sizing.largest_trial",
        ) from None


def require_an_effect(trial: DeclaredTrial, file: Path | None = None) -> None:
    """Refuse sizes where no arm has an effect, and nothing is held against a margin.

    Points of a grid are left to the search, which says of each whether it has a size.

    Raises
    ------
    ProtocolError
        Names the effect.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> require_an_effect(read_trial("protocols/copd_twins.toml"))
    """
    asked = trial.sizing
    if asked is None or trial.grid:
        return
    (world,) = (one for one in trial.scenarios if one.kind == "alternative")
    set_there = any(path.split(".")[0].startswith("effects") for path in world.set)
    sized = [one for one in trial.analyses if one.label in (asked.analyses or [one.label])]
    if set_there or all(one.limits for one in sized) or not without_effect(trial):
        return
    first = trial.effects[0]
    raise ProtocolError(
        "is nothing in every arm, and no size detects no effect", file=file, field=f"effects.{first.arm}",
        value=getattr(first, "value", None),
        mend="give the effect that is to be detected, or a margin as null in [[analyses]]",
    )  # fmt: skip


def _alternative(trial: DeclaredTrial, folder: Path) -> tuple[float, PlanningMoments]:
    """Return true effect and moments, without a score, of a sample of the alternative's people."""
    start = trial.model_copy(update={"participants": trial.participants or PARTICIPANTS})
    point = next(one for one in grid_points(start) if one.kind == "alternative")
    if point.trial is None:
        raise ProtocolError(point.refusal, field="scenarios")
    assert point.trial.population is not None
    people = point.trial.population.model_copy(update={"register_size": PARTICIPANTS})
    register = register_from_card(
        point.trial.model_copy(update={"twins": None, "population": people}), None, folder
    )
    baseline = register.outcomes[0][:, 0]
    control, active = (outcomes[:, -1] - baseline for outcomes in register.outcomes)
    rho = [float(np.corrcoef(change, baseline)[0, 1]) for change in (control, active)]
    return float((active - control).mean()), PlanningMoments(
        (float(control.std(ddof=1)), float(active.std(ddof=1))), (rho[0], rho[1]), (0.0, 0.0)
    )

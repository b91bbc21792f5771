"""The numbers that a sizing formula asks for, taken from a protocol instead of a command line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq

from trialsim.data import Floats, History, OutcomeHistory
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import (
    BinaryOutcome,
    ContinuousOutcome,
    CountOutcome,
    DeclaredTrial,
    FixedDesign,
    GroupSequentialDesign,
    HazardRatio,
    PlannedEnrolment,
    TimeToEventOutcome,
    grid_points,
)
from trialsim.protocol.declared.course import ModelCourse
from trialsim.protocol.outcome_table import WEEKS_IN
from trialsim.rates import PlannedAccrual
from trialsim.streams import stream
from trialsim.study.declared.claims import favourable_sign
from trialsim.study.declared.drawing.accrual import accrual_of
from trialsim.study.declared.drawing.strata import ratio_of
from trialsim.study.declared.drawing.worlds import covariance, survival_world, visit_effect
from trialsim.study.people.assumed import register_assumed
from trialsim.study.people.from_card import register_from_card
from trialsim.study.people.learning import past_of
from trialsim.study.sizing.resized import at_size
from trialsim.trial.register import Register

FIRST_GUESS = 200
_LATEST = 1_200.0

Numbers = Mapping[str, Any]


def planning_numbers(trial: DeclaredTrial, folder: Path, history: Path | None = None) -> dict[str, Any]:
    """Return the numbers of a protocol's alternative, by the names of the options of ``trialsim size``.

    Means, spreads and rates on placebo come from the marginal law, the disease model's people, or the history
    itself; the strength of a score where it is assumed. Months are the unit of time.

    Parameters
    ----------
    trial : DeclaredTrial
        With two arms.
    folder : Path
        Of the protocol: its files are relative to it.
    history : Path, optional
        A file in the place of the protocol's.

    Returns
    -------
    dict
        ``scale`` and its numbers, ``power``, ``alpha`` (two-sided), ``allocation``, ``dropout``, and what
        else is declared: prices, participants a month, the size of the history.

    Raises
    ------
    ProtocolError
        The endpoint or the effect has no such numbers; `trialsim run` sizes it by a search.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> found = planning_numbers(read_trial("protocols/copd_twins.toml"), Path("protocols"))
    >>> found["scale"], found["effect"], found["partial_correlation"], found["allocation"]
    ('continuous', 0.1, 0.35, '1:2')
    """
    start = trial if trial.participants is not None or trial.in_stages else at_size(trial, FIRST_GUESS)
    point = next((one for one in grid_points(start) if one.kind == "alternative"), None)
    if point is None or point.trial is None or len(trial.arms) != 2:
        raise ProtocolError(
            "has no alternative of two arms to take numbers from", field="scenarios", value=len(trial.arms),
            mend="give the numbers as options",
        )  # fmt: skip
    one = point.trial
    past = None
    if trial.twins is not None and trial.twins.source != "assumed":
        past = past_of(trial, folder, history)
    found = _of_outcome(one, past, folder) | _null_of(one)
    return found | _of_design(one) | ({} if past is None else {"history": _information(past)})


def _null_of(trial: DeclaredTrial) -> dict[str, Any]:
    """Return the margin or the limits of the first analysis whose size is asked for, and its contrast."""
    asked = () if trial.sizing is None else trial.sizing.analyses
    first = next((one for one in trial.analyses if not asked or one.label in asked), None)
    if first is None or not first.limits:
        return {}
    limits = first.limits
    found: dict[str, Any] = {"limits": limits} if len(limits) == 2 else {"margin": limits[0]}
    if len(limits) == 1:
        found["direction"] = "greater" if favourable_sign(trial, first.label) > 0 else "less"
    if trial.outcome.kind == "response":
        found["contrast"] = "odds-ratio" if first.kind == "log_odds_ratio" else "risk-difference"
    return found


def _information(past: History | OutcomeHistory) -> int:
    """Return the participants of a history; the events of times to an event."""
    if isinstance(past, OutcomeHistory) and past.family in ("weibull", "cure", "piecewise"):
        return int(past.outcome.sum())
    return len(past)


def _of_design(trial: DeclaredTrial) -> dict[str, Any]:
    """Return power, level, ratio, and what enrolment and participants cost."""
    control, active = (arm.allocation for arm in trial.arms)
    found: dict[str, Any] = {"alpha": 2 * trial.design.alpha, "allocation": f"{control:g}:{active:g}"}
    asked = trial.sizing
    if asked is not None:
        found |= {
            "power": asked.power,
            "correlation_discount": asked.correlation_discount,
            "largest_trial": asked.largest_trial,
        }
    if trial.costs is not None:
        found |= {
            "control_price": trial.costs.control,
            "active_price": trial.costs.active,
            "month_price": trial.costs.month,
        }
    fixed = None if asked is None else asked.active
    if fixed is not None:
        found["active"] = fixed
    elif trial.participants is not None:
        found["active"] = round(trial.participants * active / (control + active))
    rates = trial.enrolment.rates if isinstance(trial.enrolment, PlannedEnrolment) else ()
    if len(rates) == 1:
        found["per_month"] = rates[0]
    return found


def _of_outcome(trial: DeclaredTrial, past: History | OutcomeHistory | None, folder: Path) -> dict[str, Any]:
    if any(effect.subgroup is not None for effect in trial.effects):
        raise _no_numbers("an effect that depends on a subgroup", "effects")
    assumed = trial.twins is not None and trial.twins.source == "assumed"
    register = register_assumed(trial) if assumed else None
    match trial.outcome:
        case ContinuousOutcome() as outcome:
            return _visits(trial, outcome, past, folder) | _lost(trial) | _strength(trial, register)
        case BinaryOutcome() as outcome:
            rate = float(past.outcome.mean()) if isinstance(past, OutcomeHistory) else outcome.control
            law = {"scale": "binary", "control_rate": rate, "odds_ratio": ratio_of(trial, 1).value}
            return law | _lost(trial) | _strength(trial, register)
        case CountOutcome() as outcome:
            return _counts(trial, outcome, past) | _lost(trial) | _strength(trial, register)
        case TimeToEventOutcome() as outcome:
            law = _times(trial, outcome, past)
            return law | _of_residuals(register, law)
        case outcome:
            raise _no_numbers(f"a {outcome.kind} outcome", "endpoints.kind")


def _no_numbers(what: str, field: str) -> ProtocolError:
    return ProtocolError(
        f"{what} has no formula on this command", field=field, mend="let trialsim run search its size"
    )


def _lost(trial: DeclaredTrial) -> dict[str, float]:
    control, active = (
        math.fsum(cause.cumulative[arm] for cause in trial.discontinuation) for arm in trial.arm_names
    )
    return {"dropout": control, "dropout_active": active}


def _visits(
    trial: DeclaredTrial, outcome: ContinuousOutcome, past: History | OutcomeHistory | None, folder: Path
) -> dict[str, Any]:
    """Return effect, and SD of the change and its correlation with the baseline, on placebo."""
    if isinstance(outcome.course, ModelCourse):
        register = register_from_card(trial.model_copy(update={"twins": None}), None, folder)
        control, active = register.outcomes[:2]
        effect = float((active[:, -1] - control[:, -1]).mean())
        return {"scale": "continuous", "effect": effect, **_of_pairs(control[:, 0], control[:, -1])}
    effect = float(visit_effect(trial, 1).shift[-1])
    if isinstance(past, History):
        seen = np.isfinite(past.baseline) & np.isfinite(past.outcomes[:, -1])
        spread = _of_pairs(past.baseline[seen], past.outcomes[seen, -1])
    else:
        cov = covariance(outcome)
        sd = math.sqrt(cov[-1, -1] + cov[0, 0] - 2 * cov[0, -1])
        spread = {"sd": sd, "baseline_correlation": (cov[0, -1] - cov[0, 0]) / (sd * math.sqrt(cov[0, 0]))}
    return {"scale": "continuous", "effect": effect, **spread}


def _of_pairs(baseline: Floats, last: Floats) -> dict[str, float]:
    change = last - baseline
    return {
        "sd": float(change.std(ddof=1)),
        "baseline_correlation": float(np.corrcoef(change, baseline)[0, 1]),
    }


def _counts(
    trial: DeclaredTrial, outcome: CountOutcome, past: History | OutcomeHistory | None
) -> dict[str, Any]:
    if isinstance(past, OutcomeHistory):
        months = past.time / WEEKS_IN["months"]
        rate = float(past.outcome.sum() / months.sum())
        beyond = float(((past.outcome - rate * months) ** 2 - past.outcome).sum())
        dispersion = max(beyond / float(((rate * months) ** 2).sum()), 0.0)
    else:
        rate, dispersion = outcome.control
    ratio = ratio_of(trial, 1).value
    return {
        "scale": "count", "control_rate": rate, "rate_ratio": ratio, "exposure": outcome.months,
        "dispersion": dispersion,
    }  # fmt: skip


def _times(
    trial: DeclaredTrial, outcome: TimeToEventOutcome, past: History | OutcomeHistory | None
) -> dict[str, Any]:
    """Return median, hazard ratio, accrual and duration of a constant hazard."""
    effect, design = ratio_of(trial, 1), trial.design
    assert isinstance(effect, HazardRatio)
    if effect.from_month or outcome.frailty or outcome.competing:
        raise _no_numbers("a hazard that is not constant", "endpoints.law")
    if isinstance(past, OutcomeHistory):
        months = past.time / WEEKS_IN["months"]
        median = math.log(2) * float(months.sum() / past.outcome.sum())
    elif outcome.control.kind == "median":
        median = outcome.control.median
    else:
        raise _no_numbers("a hazard that is not constant", "endpoints.law")
    accrual = accrual_of(trial)
    if not isinstance(accrual, PlannedAccrual):
        raise _no_numbers("enrolment at sites", "enrolment.kind")
    assert trial.participants is not None
    enrolled = float(accrual.expected_entries(trial.participants)[-1])
    hazard = math.fsum(
        -math.log1p(-cause.cumulative[trial.arm_names[0]]) / cause.by_month
        for cause in trial.discontinuation if cause.by_month
    )  # fmt: skip
    return {
        "scale": "survival", "control_median": median, "hazard_ratio": effect.value, "accrual": enrolled,
        "duration": max(_duration(trial, design, past is not None), enrolled), "loss": -math.expm1(-hazard),
    }  # fmt: skip


def _duration(trial: DeclaredTrial, design: object, of_history: bool) -> float:
    """Return the month at which the trial is read: its own, or the one by which its events are expected."""
    if isinstance(design, FixedDesign) and design.month is not None:
        return design.month
    if not isinstance(design, FixedDesign | GroupSequentialDesign) or of_history:
        raise _no_numbers("a design that is read at events of a history's people", "design")
    events = design.events if isinstance(design, FixedDesign) else (design.events or (None,))[-1]
    if events is None:
        raise _no_numbers("looks by the calendar", "design.timing")
    world = survival_world(trial, allocates=False)
    return float(brentq(lambda month: world.events_by(month) - events, 0.0, _LATEST, xtol=1e-4))


def _strength(trial: DeclaredTrial, register: Register | None) -> dict[str, float]:
    """Return the correlation of an assumed score and the outcome on placebo, given a baseline."""
    if register is None:
        return {}
    twins = trial.twins
    assert twins is not None
    if twins.partial_correlation is not None:
        return {"partial_correlation": twins.partial_correlation}
    return {"partial_correlation": abs(_correlation(register.outcomes[0, :, 0], register.scores[:, -1]))}


def _of_residuals(register: Register | None, law: Numbers) -> dict[str, float]:
    """Return the correlation of an assumed score and the martingale residual on placebo."""
    if register is None:
        return {}
    chance = stream(0, "planning numbers", 0, "enrolment")
    hazard = math.log(2) / law["control_median"]
    followed = law["duration"] - law["accrual"] * chance.random(len(register))
    time = register.outcomes[0, :, 0]
    residual = (time <= followed) - hazard * np.minimum(time, followed)
    return {"partial_correlation": abs(_correlation(residual, register.scores[:, -1]))}


def _correlation(one: Floats, other: Floats) -> float:
    return float(np.corrcoef(one, other)[0, 1])

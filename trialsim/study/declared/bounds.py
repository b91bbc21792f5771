"""Declared efficacy and futility rules as bounds, for planned looks and for what really came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import numpy as np
from scipy.special import ndtri

from trialsim.data import Floats
from trialsim.design import (
    BetaSpending,
    HwangShihDeCani,
    OBrienFlemingSpending,
    PocockSpending,
    group_sequential_design,
)
from trialsim.design.group_sequential import (
    EfficacyRule,
    FutilityBounds,
    FutilityRule,
    GivenBounds,
    PowerSpending,
    SpendingFunction,
    WangTsiatis,
    adapted_bounds,
)
from trialsim.design.group_sequential import GroupSequentialDesign as Design
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import Efficacy, Futility, GroupSequentialDesign


def efficacy_rule(declared: Efficacy) -> EfficacyRule:
    """Return the rule of the efficacy bounds."""
    match declared.rule:
        case "given":
            return GivenBounds(tuple(declared.z))
        case "o_brien_fleming":
            return WangTsiatis(0.0)
        case "pocock":
            return WangTsiatis(0.5)
        case "wang_tsiatis":
            assert declared.delta is not None
            return WangTsiatis(declared.delta)
        case _:
            return _spending(declared)


def futility_rule(declared: Futility | None) -> FutilityRule | None:
    """Return the rule of the futility bounds."""
    if declared is None:
        return None
    if declared.rule == "given":
        return FutilityBounds(tuple(declared.z), declared.binding)
    return BetaSpending(_spending(declared), declared.binding)


def _spending(declared: Efficacy | Futility) -> SpendingFunction:
    match declared.rule:
        case "lan_demets_obf":
            return OBrienFlemingSpending()
        case "lan_demets_pocock":
            return PocockSpending()
        case "hwang_shih_decani":
            assert declared.gamma is not None
            return HwangShihDeCani(declared.gamma)
        case "power":
            assert declared.rho is not None
            return PowerSpending(declared.rho)
        case "given" | "o_brien_fleming" | "pocock" | "wang_tsiatis":
            raise ProtocolError(
                "spends no error", field="rule", value=declared.rule, mend="use a rule such as lan_demets_obf"
            )
        case _:
            assert_never(declared.rule)


def planned_bounds(
    design: GroupSequentialDesign, information: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...] | None]:
    """Return upper and lower bounds (K,) at planned information; None without futility."""
    if len(information) == 1 and design.efficacy.rule != "given":
        return (float(-ndtri(design.alpha)),), None
    found = planned_design(design, information)
    return found.upper, None if design.futility is None else found.lower


def planned_design(design: GroupSequentialDesign, information: Sequence[float]) -> Design:
    """Return the design at planned information."""
    return group_sequential_design(
        information,
        efficacy=efficacy_rule(design.efficacy),
        futility=futility_rule(design.futility),
        alpha=design.alpha,
        power=design.power,
    )


def design_at_information(design: GroupSequentialDesign, information: Floats) -> Design:
    """Return the design at the information that looks by the calendar had (K,), the last of them the end."""
    plan = planned_design(design, [1.0])
    clock = None
    if design.spend_by == "calendar":
        clock = (np.asarray(design.months) / design.months[-1]).tolist()
    return plan.at_observed(information.tolist(), final=True, spending_time=clock)


def observed_bounds(design: GroupSequentialDesign, information: Floats) -> tuple[Floats, Floats]:
    """Return the bounds (R, K) of trials at the information that their looks had, relative to the plan."""
    clock = None
    if design.spend_by == "calendar":
        clock = np.broadcast_to(np.asarray(design.months) / design.months[-1], information.shape)
    futility = futility_rule(design.futility)
    planned = group_sequential_design([1.0], alpha=design.alpha, power=design.power)
    return adapted_bounds(
        np.maximum.accumulate(information, axis=1),
        _spending(design.efficacy),
        design.alpha,
        spending_time=clock,
        futility=futility if isinstance(futility, BetaSpending) else None,
        beta=1 - design.power,
        drift=planned.drift,
    )

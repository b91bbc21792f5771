"""Supplementary analyses: what stands beside the answer, and moves none of its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from trialsim.notebook import InNotebook
from trialsim.progress import Progress, silent
from trialsim.study.control_arm.cards_varied import CardSensitivity, card_sensitivity
from trialsim.study.control_arm.facts import facts_frame
from trialsim.study.control_arm.months_and_money import time_and_cost
from trialsim.study.control_arm.of_the_twins import calibration_frame, gain_frame
from trialsim.study.control_arm.plan import ControlArm, sizes_at_the_model
from trialsim.study.control_arm.risk_over_drift import BorrowingRisk, borrowing_risk

_STAGE = "supplementary analyses"


@dataclass(frozen=True)
class SupplementaryAnalyses(InNotebook):
    """A sized control arm: time and money saved, the risk of borrowing, and how far it rests on the card.

    Parameters
    ----------
    arm : ControlArm
        What all of it is about.
    savings : DataFrame
        Of `time_and_cost`.
    borrowing : BorrowingRisk or None
        Of `borrowing_risk`; None where the protocol has no ``[borrowing]``.
    card : CardSensitivity or None
        Of `card_sensitivity`; None where it is not asked for, or the card leaves nothing open.
    """

    arm: ControlArm
    savings: pd.DataFrame
    borrowing: BorrowingRisk | None
    card: CardSensitivity | None

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return every table by its name, as the bundle has them."""
        arm = self.arm
        found = {
            "control_arm": arm.plan.to_frame(),
            "sizes_by_formula": _sizes(arm),
            "time_and_cost": self.savings,
            "worlds": facts_frame(list(arm.facts.values())),
            "twin_calibration": calibration_frame(arm.calibration),
            "gain_beyond_baseline": gain_frame(arm.gain),
        }
        if self.borrowing is not None:
            found |= {
                "borrowing_frontier": _finite(self.borrowing.frontier_frame()),
                "borrowing_at_customary_settings": _finite(self.borrowing.curves_frame()),
                "borrowing_over_drift": self.borrowing.curves.to_frame(),
            }
        return found if self.card is None else found | {"card_sensitivity": self.card.frame}


def supplementary_analyses(arm: ControlArm, progress: Progress = silent) -> SupplementaryAnalyses:
    """Compute what a protocol asks for beside its sizes, in a few seconds.

    Parameters
    ----------
    arm : ControlArm
        Sized by formula.
    progress : callable
        Called with stage, steps done and steps in all.

    Returns
    -------
    SupplementaryAnalyses
    """
    asked = arm.trial.card_sensitivity
    # One thread, so that no last bit depends on how many there are.
    with threadpool_limits(1):
        progress(_STAGE, 0, 3)
        savings = time_and_cost(arm)
        progress(_STAGE, 1, 3)
        borrowing = None if arm.trial.borrowing is None else borrowing_risk(arm)
        progress(_STAGE, 2, 3)
        card = None if asked is None else card_sensitivity(arm, asked.participants, asked.draws)
    progress(_STAGE, 3, 3)
    return SupplementaryAnalyses(arm, savings, borrowing, card)


def _sizes(arm: ControlArm) -> pd.DataFrame:
    """Return each design's size and power by formula, and its size at the disease model's own moments."""
    plan, at_model, power = arm.plan, sizes_at_the_model(arm), arm.formula_power
    return pd.DataFrame(
        {
            "design": name,
            "participants": size.total,
            "controls": size.controls,
            "active": size.active,
            "power_planned": size.power,
            "power_in_the_register": power[name],
            "participants_at_the_model": None if (own := at_model.get(name)) is None else own.total,
        }
        for name, size in plan.designs().items()
    )


def _finite(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with infinite drifts as missing: no drift up to 2 SD."""
    return frame.replace(np.inf, np.nan)

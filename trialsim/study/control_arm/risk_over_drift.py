"""What the study's history could do as a stand-in for controls, and what that would risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialsim.design import BorrowingQuestion, Size, SizingQuestion, control_frontier, drift_map
from trialsim.design.borrowing import (
    BorrowingMethod,
    Commensurate,
    ControlFrontier,
    DriftMap,
    ExactBayesian,
    NoBorrowing,
    PowerPrior,
    RobustMap,
    SelfAdapting,
    TwinInformedPrior,
    tipping_drift,
    vague_weight_from_calibration,
)
from trialsim.notebook import InNotebook
from trialsim.study.control_arm.plan import ControlArm

# 1.5 times the nominal level is the customary limit of what an inflation may be.
_CAP = 1.5
_FEWEST_HISTORY = 10
_LARGEST_CORRELATION = 0.99
# Simulated methods are shown over drift, not searched for on the frontier, which would take minutes.
_REPLICATES = (200, 1000)
_SIMULATED_PARTICIPANTS = 400_000
_LARGEST_SIMULATED = 5000


@dataclass(frozen=True)
class BorrowingRisk(InNotebook):
    """The control arm if past participants stood in for controls.

    Parameters
    ----------
    question : BorrowingQuestion
        The trial in the terms of the borrowing methods, at the plan's discounted correlation.
    frontier : ControlFrontier
        Fewest controls of every method that can be integrated, at its best setting.
    curves : DriftMap
        Level and power over drift at each method's customary setting, with `frontier.plain_controls`;
        exact Bayesian adjustment, which is simulated, up to 5,000 participants.
    tipping : DataFrame
        method, setting, tipping, detectable, defensible: the same settings' tipping drifts.
    declared : dict of str to float
        Drift, in SD, of those scenarios of the protocol in which the score stays what it is.
    """

    question: BorrowingQuestion
    frontier: ControlFrontier
    curves: DriftMap
    tipping: pd.DataFrame
    declared: dict[str, float]

    def frontier_frame(self) -> pd.DataFrame:
        """Return one row a method: fewest controls, risk, tipping drift beside the detectable one."""
        frame = self.frontier.to_frame()
        frame["defensible"] = frame["tipping"] >= frame["detectable"]
        return frame

    def curves_frame(self) -> pd.DataFrame:
        """Return one row a method and setting: worst type I error, tipping and detectable drift."""
        return self.curves.worst().merge(self.tipping, on=["method", "setting"])


def borrowing_risk(arm: ControlArm) -> BorrowingRisk:
    """Ask of every borrowing method how few controls it needs in this study, and at what risk.

    The methods know one SD and normal tests. The SD is set such that prognostic adjustment without borrowing
    needs the plan's own controls beside the active arm of baseline ANCOVA, at the discounted correlation. The
    history counts the participants whose outcome was seen. Every drift of up to 1 SD is declared.

    Parameters
    ----------
    arm : ControlArm
        Sized, with or without ``[borrowing]``, whose cap is 1.5 times the level if it is not given.

    Returns
    -------
    BorrowingRisk
    """
    question = _question(arm)
    twin = _twin_prior(arm)
    integrated: list[BorrowingMethod] = [
        NoBorrowing(),
        RobustMap(),
        Commensurate(),
        PowerPrior(),
        SelfAdapting(),
        twin,
    ]
    frontier = control_frontier(question, integrated)
    controls = frontier.plain_controls or arm.plan.sizes["ancova"].controls
    small = controls + question.active <= _LARGEST_SIMULATED and question.correlation > 0
    shown = [integrated[0], *([ExactBayesian()] if small else []), *integrated[1:]]
    rows = []
    for method in shown:
        edge = tipping_drift(method, question, controls)
        rows.append((method.name, method.setting, edge.tipping, edge.detectable, edge.defensible))
    columns = ["method", "setting", "tipping", "detectable", "defensible"]
    return BorrowingRisk(
        question,
        frontier,
        drift_map(shown, question, controls),
        pd.DataFrame(rows, columns=columns),
        _declared(arm, question.sd),
    )


def _twin_prior(arm: ControlArm) -> TwinInformedPrior:
    """Return the prior that the calibration of out-of-fold twins allows at the last visit."""
    seen = arm.calibration
    slope = round(float(seen.slope[-1]), 2)
    weight = vague_weight_from_calibration(seen.bias[-1:], seen.bias_se[-1:])
    if not np.isfinite(slope):
        return TwinInformedPrior(calibration_weight=weight)
    return TwinInformedPrior(calibration_slope=slope, calibration_weight=weight)


def _question(arm: ControlArm) -> BorrowingQuestion:
    plan, sizing, asked = arm.plan, arm.trial.sizing, arm.trial.borrowing
    assert sizing is not None
    saving, alpha = plan.saving("discounted"), plan.question.alpha
    moments = plan.moments.with_inflated_sd(sizing.sd_inflation)
    explained = [
        1 - (1 - rho**2) * (1 - r**2)
        for rho, r in zip(moments.baseline_correlation, saving.partial_correlation, strict=True)
    ]
    correlation = float(np.sqrt(np.clip(np.mean(explained), 0.0, _LARGEST_CORRELATION**2)))
    residual = _residual_variance(plan.question, saving.active_fixed or saving.prognostic)
    return BorrowingQuestion(
        effect=abs(plan.question.effect),
        active=saving.ancova.active,
        history=max(arm.gain.participants, _FEWEST_HISTORY),
        sd=float(np.sqrt(residual / (1 - correlation**2))),
        correlation=correlation,
        power=plan.question.power,
        alpha=alpha,
        type_one_cap=(_CAP if asked is None else asked.cap) * alpha,
        dropout=plan.question.dropout,
        replicates=int(np.clip(_SIMULATED_PARTICIPANTS // saving.ancova.total, *_REPLICATES)),
        seed=arm.trial.seed,
    )


def _residual_variance(question: SizingQuestion, size: Size) -> float:
    """Return the variance in both arms with which a normal test has the plan's power at a size."""
    reach = abs(question.effect) / float(ndtri(size.power) + ndtri(1 - question.alpha / 2))
    seen = [n * (1 - d) for n, d in zip((size.controls, size.active), question.dropout, strict=True)]
    return reach**2 / (1 / seen[0] + 1 / seen[1])


def _declared(arm: ControlArm, sd: float) -> dict[str, float]:
    """Return the drift of declared scenarios, in SD, above 0 where the trial's participants fare better.

    With unchanged covariates the twins are the alternative's, so all of the drift is in the outcome. Where
    covariates shift, the score follows them in part: such a scenario has no place on the axis.
    """
    sign = -1.0 if arm.trial.outcome.direction == "higher_is_worse" else 1.0
    return {
        world.name: sign * (arm.facts[world.name].mean_change - arm.truth.mean_change) / sd
        for world in arm.trial.scenarios
        if world.drift is not None and not world.drift.covariate_shift and world.twins != "useless"
    }

"""Everything that a study found, for reports and bundles."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialsim.data import DiseaseModel
from trialsim.design import OperatingCharacteristics
from trialsim.design.control_arm import ControlArmPlan
from trialsim.design.operating_characteristics import to_frame as characteristics_frame
from trialsim.population import CohortCard
from trialsim.prognosis import Calibration, Gain, HistorySummary, Prognosis
from trialsim.protocol import Protocol
from trialsim.study.running.conduct import ConductTally
from trialsim.study.sized.cells import Cell
from trialsim.study.sized.register import RegisterFacts


@dataclass(frozen=True)
class HistoryFacts:
    """What the report may say of the history: no participant's value is in it.

    `baseline_correlation` is between the measured baseline and the change at the last visit.
    """

    summary: HistorySummary
    content_hash: str
    baseline_mean: float
    baseline_sd: float
    baseline_correlation: float


def content_hashes(
    protocol: Protocol, card: CohortCard, history: HistoryFacts, prognosis: Prognosis
) -> dict[str, str]:
    """Return the content hashes of everything that determines a study's numbers."""
    return {
        "protocol": protocol.content_hash(),
        "card": card.content_hash(),
        "history": history.content_hash,
        "posterior": prognosis.content_hash,
    }


@dataclass(frozen=True)
class CellResult:
    """What one cell showed: each analysis's operating characteristics, and how the trials went."""

    cell: Cell
    characteristics: dict[str, OperatingCharacteristics]
    conduct: ConductTally


@dataclass(frozen=True)
class StudyResult:
    """A finished study.

    Parameters
    ----------
    protocol, card, disease : Protocol, CohortCard, DiseaseModel
        What was asked, of whom, by which natural history.
    history : HistoryFacts
        What the prognosis learnt from.
    prognosis : Prognosis
        The fitted model.
    calibration : Calibration
        Whether its twins are honest, out of sample.
    gain : Gain
        What its score explains beyond the baseline, out of sample.
    facts : tuple of RegisterFacts
        What is true in each scenario.
    plan : ControlArmPlan
        The answer.
    formula_power : dict of str to float
        The formula's power of each planned size at the register's own moments.
    cells : tuple of CellResult
        What simulation shows.
    """

    protocol: Protocol
    card: CohortCard
    disease: DiseaseModel
    history: HistoryFacts
    prognosis: Prognosis
    calibration: Calibration
    gain: Gain
    facts: tuple[RegisterFacts, ...]
    plan: ControlArmPlan
    formula_power: dict[str, float]
    cells: tuple[CellResult, ...]

    def cell(self, scenario: str, sized_for: str) -> CellResult | None:
        """Return one cell's result, or None if it was not part of the plan."""
        wanted = f"{scenario}.{sized_for}"
        return next((result for result in self.cells if result.cell.name == wanted), None)

    def fact(self, scenario: str) -> RegisterFacts:
        """Return what is true in a scenario."""
        return next(fact for fact in self.facts if fact.scenario == scenario)

    def characteristics_frame(self) -> pd.DataFrame:
        """Return the operating characteristics, one row a cell and analysis."""
        parts = []
        for result in self.cells:
            frame = characteristics_frame(result.characteristics.values())
            frame.insert(1, "sized_for", result.cell.sized_for)
            frame.insert(2, "controls", result.cell.size.controls)
            frame.insert(3, "active", result.cell.size.active)
            parts.append(frame)
        return pd.concat(parts, ignore_index=True)

    def conduct_frame(self) -> pd.DataFrame:
        """Return how the trials went, one row a cell."""
        return pd.DataFrame(
            {
                "scenario": result.cell.scenario.name,
                "sized_for": result.cell.sized_for,
                "randomised": result.cell.size.total,
                "months_to_full_enrolment": result.conduct.mean_months,
                "months_mcse": result.conduct.mean_months_mcse,
                "controls_analysed": result.conduct.controls_analysed / result.conduct.trials,
                "active_analysed": result.conduct.active_analysed / result.conduct.trials,
            }
            for result in self.cells
        )

    def register_frame(self) -> pd.DataFrame:
        """Return what is true in each scenario, one row each."""
        return pd.DataFrame(
            {
                "scenario": fact.scenario,
                "participants": fact.participants,
                "true_effect": fact.true_effect,
                "true_effect_error": fact.true_effect_error,
                "mean_change": fact.mean_change,
                "baseline_mean": fact.baseline_mean,
                "baseline_sd": fact.baseline_sd,
                "sd_control": fact.moments.sd[0],
                "sd_active": fact.moments.sd[1],
                "baseline_correlation_control": fact.moments.baseline_correlation[0],
                "baseline_correlation_active": fact.moments.baseline_correlation[1],
                "partial_correlation_control": fact.moments.partial_correlation[0],
                "partial_correlation_active": fact.moments.partial_correlation[1],
                "score_outcome_correlation": fact.score_outcome_correlation,
                "screen_failure_rate": fact.screen_failure_rate,
            }
            for fact in self.facts
        )

    def type_one_errors(self) -> list[OperatingCharacteristics]:
        """Return the operating characteristics of every cell in which the treatment does nothing."""
        return [
            one
            for result in self.cells
            if result.cell.scenario.effect == "none"
            for one in result.characteristics.values()
        ]

"""The main job: from a protocol and a history to a sized control arm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from trialsim.data import DiseaseModel, History
from trialsim.design import (
    ControlArmPlan,
    OperatingCharacteristics,
    PrognosticGain,
    SizingQuestion,
    Tally,
    plan_control_arm,
)
from trialsim.population import CohortCard
from trialsim.prognosis import (
    Calibration,
    CrossValidation,
    Gain,
    Prognosis,
    Sampler,
    calibrate,
    cross_validate,
    fit_prognosis,
    gain_beyond_baseline,
    history_hash,
    summarise,
)
from trialsim.protocol import Protocol
from trialsim.streams import stream
from trialsim.study.backend import run_blocks
from trialsim.study.blocks import BlockResult, ConductTally
from trialsim.study.cells import Cell, plan_cells
from trialsim.study.history import check_composition, generate_history
from trialsim.study.register import Register, RegisterFacts, build_register, world_of
from trialsim.study.result import CellResult, HistoryFacts, StudyResult

Progress = Callable[[str, int, int], None]
Recorder = Callable[[BlockResult], None]


def silent(stage: str, done: int, total: int) -> None:
    """Ignore progress."""


def run_study(
    protocol: Protocol,
    card: CohortCard,
    disease: DiseaseModel,
    history: History | None = None,
    *,
    workers: int = 1,
    cache: Path | None = None,
    progress: Progress = silent,
    record: Recorder | None = None,
) -> StudyResult:
    """Run the whole way: history, prognosis, twins, registers, sizes, simulation.

    Parameters
    ----------
    protocol : Protocol
        What is asked.
    card : CohortCard
        Who takes part.
    disease : DiseaseModel
        What happens to them.
    history : History, optional
        Past placebo participants; generated from the card and the disease model if not given.
    workers : int
        Processes for the simulation; the numbers do not depend on it.
    cache : Path, optional
        Folder of fitted posteriors.
    progress : callable
        Called with stage, steps done and steps in all.
    record : callable, optional
        Called with each block's result, in the order of the plan.

    Returns
    -------
    StudyResult

    Raises
    ------
    TrialsimError
        The parts do not fit together, nothing can be learnt, the fit fails its gate, or no trial within
        the allowed size reaches the power.
    """
    check_composition(protocol, card, disease)
    if history is None:
        history = generate_history(protocol, card, disease)
    prognosis, calibration, gain = learn(protocol, history, cache=cache, progress=progress)
    registers = build_registers(protocol, card, disease, prognosis, progress)
    plan = plan_from(protocol, {name: one.facts for name, one in registers.items()}, gain)
    cells = plan_cells(protocol, plan)
    results = simulate(protocol, disease, registers, cells, workers, progress, record)
    alternative = registers[protocol.alternative.name].facts
    return StudyResult(
        protocol=protocol,
        card=card,
        disease=disease,
        history=history_facts(history),
        prognosis=prognosis,
        calibration=calibration,
        gain=gain,
        facts=tuple(register.facts for register in registers.values()),
        plan=plan,
        formula_power=plan.power_at(alternative.moments),
        cells=tuple(results),
    )


def learn(
    protocol: Protocol,
    history: History,
    *,
    cache: Path | None = None,
    progress: Progress = silent,
    sampler: Sampler | None = None,
) -> tuple[Prognosis, Calibration, Gain]:
    """Fit the prognosis, and find out of sample whether its twins are honest and what they add.

    Parameters
    ----------
    protocol : Protocol
        Its seed names the streams.
    history : History
        Past placebo participants.
    cache : Path, optional
        Folder of fitted posteriors.
    progress : callable
        Called with stage, steps done and steps in all.
    sampler : Sampler, optional
        A compiled model to share with other fits.

    Returns
    -------
    prognosis, calibration, gain
    """
    sampler = sampler or Sampler()
    prognosis = fit_prognosis(history, seed=protocol.seed, cache=cache, progress=progress, sampler=sampler)
    validation = cross_validate(history, seed=protocol.seed, cache=cache, progress=progress, sampler=sampler)
    return prognosis, calibrate(validation), _gain(protocol, validation)


def _gain(protocol: Protocol, validation: CrossValidation) -> Gain:
    return gain_beyond_baseline(
        validation.outcomes[:, -1],
        validation.baseline,
        validation.score[:, -1],
        generator=stream(protocol.seed, "", 0, "bootstrap"),
    )


def history_facts(history: History) -> HistoryFacts:
    """Return what the report may say of a history."""
    change = history.outcomes[:, -1] - history.baseline
    seen = np.isfinite(change)
    return HistoryFacts(
        summary=summarise(history),
        content_hash=history_hash(history),
        baseline_mean=float(np.nanmean(history.baseline)),
        baseline_sd=float(np.nanstd(history.baseline, ddof=1)),
        baseline_correlation=float(np.corrcoef(history.baseline[seen], change[seen])[0, 1]),
    )


def build_registers(
    protocol: Protocol,
    card: CohortCard,
    disease: DiseaseModel,
    prognosis: Prognosis,
    progress: Progress = silent,
) -> dict[str, Register]:
    """Return the register of every scenario, by its name.

    Scenarios of the same world, such as a null and its alternative, share one pool of participants.
    """
    worlds: dict[str, Register] = {}
    registers = {}
    for position, scenario in enumerate(protocol.scenarios):
        progress("draw registers", position, len(protocol.scenarios))
        shared = worlds.get(world_of(scenario))
        registers[scenario.name] = build_register(protocol, card, disease, prognosis, scenario, shared)
        worlds.setdefault(world_of(scenario), registers[scenario.name])
    progress("draw registers", len(protocol.scenarios), len(protocol.scenarios))
    return registers


def plan_from(protocol: Protocol, facts: Mapping[str, RegisterFacts], gain: Gain) -> ControlArmPlan:
    """Size every analysis from the alternative's register and the history's out-of-sample gain.

    SDs, baseline correlations and the effect are those of the trial's model; the partial correlation
    of score and outcome is the history's. The treated arm has no history: its partial correlation is
    the history's times the ratio of both arms in the trial's model.
    """
    alternative = facts[protocol.alternative.name]
    control, active = alternative.moments.partial_correlation
    ratio = float(np.clip(active / control, 0.0, 1.0)) if control > 0 else 1.0
    # A drift weakens the score by a factor in the trial's model; the history's score is weakened alike.
    point = max(gain.partial_correlation, 0.0)
    drifts = {
        scenario.name: point * facts[scenario.name].moments.partial_correlation[0] / control
        if control > 0
        else 0.0
        for scenario in protocol.scenarios
        if scenario.kind == "history_drift"
    }
    return plan_control_arm(
        alternative.moments,
        PrognosticGain(
            partial_correlation=gain.partial_correlation,
            partial_correlation_lower=gain.partial_correlation_95[0],
            partial_correlation_upper=gain.partial_correlation_95[1],
            drift_partial_correlations=drifts,
            gain=gain.gain,
            gain_lower=gain.gain_90[0],
            active_to_control=ratio,
        ),
        SizingQuestion(
            effect=alternative.true_effect,
            power=protocol.sizing.power,
            alpha=protocol.analysis.alpha,
            allocation=protocol.allocation,
            dropout=protocol.dropout_by_arm,
            slopes=protocol.analysis.slopes,
            variance=protocol.analysis.variance,
            largest_trial=protocol.sizing.largest_trial,
        ),
        correlation_discount=protocol.sizing.correlation_discount,
        sd_inflation=protocol.sizing.sd_inflation,
        smallest_worthwhile_saving=protocol.sizing.smallest_worthwhile_saving,
    )


def simulate(
    protocol: Protocol,
    disease: DiseaseModel,
    registers: Mapping[str, Register],
    cells: Iterable[Cell],
    workers: int = 1,
    progress: Progress = silent,
    record: Recorder | None = None,
) -> list[CellResult]:
    """Simulate every cell, and return its operating characteristics in the order of the plan."""
    cells = tuple(cells)
    blocks = run_blocks(protocol, disease, registers, cells, workers)
    total = sum(cell.replicates for cell in cells)
    done = 0
    results = []
    for cell in cells:
        tallies: dict[str, Tally] = {}
        conduct = ConductTally()
        for block in _take(blocks, len(cell.blocks)):
            if record is not None:
                record(block)
            # Only sums are kept, so memory does not grow with the number of replicates.
            tallies = {name: tallies.get(name, Tally()) + one for name, one in block.tallies.items()}
            conduct = conduct + block.conduct
            done += block.conduct.trials
            progress("simulate trials", done, total)
        truth = registers[cell.scenario.name].facts.true_effect
        results.append(_summarise(cell, truth, tallies, conduct))
    return results


def _take(blocks: Iterator[BlockResult], number: int) -> Iterator[BlockResult]:
    for _ in range(number):
        yield next(blocks)


def _summarise(cell: Cell, truth: float, tallies: dict[str, Tally], conduct: ConductTally) -> CellResult:
    characteristics = {
        name: OperatingCharacteristics(cell.scenario.name, name, truth, one) for name, one in tallies.items()
    }
    return CellResult(cell, characteristics, conduct)

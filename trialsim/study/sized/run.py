"""The main job: from a protocol and a history to a sized control arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from trialsim.data import DiseaseModel, History
from trialsim.design import PrognosticGain, SizingQuestion, plan_control_arm
from trialsim.design.control_arm import ControlArmPlan
from trialsim.population import CohortCard
from trialsim.prognosis import (
    Calibration,
    CrossValidation,
    Gain,
    ModelTerms,
    Prognosis,
    Sampler,
    calibrate,
    cross_validate,
    fit_prognosis,
    gain_beyond_baseline,
    history_hash,
    summarise,
)
from trialsim.progress import Progress, silent
from trialsim.protocol import Protocol
from trialsim.streams import stream
from trialsim.study.running.backend import Backend
from trialsim.study.running.checkpoints import Checkpoints, checkpoint_key
from trialsim.study.running.estimate import WorkEstimate, estimate_work
from trialsim.study.running.opening import open_backend
from trialsim.study.running.work import BlockResult
from trialsim.study.sized.blocks import StudySums
from trialsim.study.sized.cells import plan_cells
from trialsim.study.sized.history import check_composition, generate_history, require_population_of_card
from trialsim.study.sized.job import Job
from trialsim.study.sized.register import Register, RegisterFacts, build_register, world_of
from trialsim.study.sized.result import HistoryFacts, StudyResult, content_hashes
from trialsim.study.sized.simulation import simulate

Recorder = Callable[[BlockResult[StudySums]], None]
Announce = Callable[[WorkEstimate], None]


def run_study(
    protocol: Protocol,
    card: CohortCard,
    disease: DiseaseModel,
    history: History | None = None,
    *,
    workers: int = 1,
    backend: Backend | None = None,
    cache: Path | None = None,
    checkpoints: Path | None = None,
    progress: Progress = silent,
    record: Recorder | None = None,
    announce: Announce | None = None,
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
    backend : Backend, optional
        Where blocks are computed (`open_backend`), instead of `workers` processes on this machine.
    cache : Path, optional
        Folder of fitted posteriors.
    checkpoints : Path, optional
        Folder of finished blocks; those that it holds of the same study are not computed again.
    progress : callable
        Called with stage, steps done and steps in all.
    record : callable, optional
        Called with each block's result, in the order of the plan.
    announce : callable, optional
        Called once with what the simulation will take, before it starts; it may refuse by raising.

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
    elif not history.generated:
        require_population_of_card(protocol, card, disease, history)
    prognosis, calibration, gain = learn(protocol, history, cache=cache, progress=progress)
    registers = build_registers(protocol, card, disease, prognosis, progress)
    plan = plan_from(protocol, {name: one.facts for name, one in registers.items()}, gain)
    cells = plan_cells(protocol, plan)
    facts_of_history = history_facts(history)
    job = Job.of(protocol, disease, registers)
    finished = None
    if checkpoints is not None:
        inputs = content_hashes(protocol, card, facts_of_history, prognosis)
        finished = Checkpoints(checkpoints, checkpoint_key(inputs, cells))
    with _opened(backend, workers) as place:
        if announce is not None:
            names = frozenset() if finished is None else finished.names()
            announce(estimate_work(job, cells, place.workers, names))
        results = simulate(job, cells, place, progress=progress, record=record, checkpoints=finished)
    alternative = registers[protocol.alternative.name].facts
    return StudyResult(
        protocol=protocol,
        card=card,
        disease=disease,
        history=facts_of_history,
        prognosis=prognosis,
        calibration=calibration,
        gain=gain,
        facts=tuple(register.facts for register in registers.values()),
        plan=plan,
        formula_power=plan.power_at(alternative.moments),
        cells=tuple(results),
    )


def _opened(backend: Backend | None, workers: int) -> AbstractContextManager[Backend]:
    return open_backend(workers) if backend is None else nullcontext(backend)


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
    terms = ModelTerms.of(protocol.prognosis)
    prognosis = fit_prognosis(
        history, seed=protocol.seed, terms=terms, cache=cache, progress=progress, sampler=sampler
    )
    # Twins with study effects are those of a new study: a fold is then a study that the others have not seen.
    validation = cross_validate(
        history,
        seed=protocol.seed,
        by_group=terms.studies,
        terms=terms,
        cache=cache,
        progress=progress,
        sampler=sampler,
    )
    with threadpool_limits(1, user_api="blas"):
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
    with threadpool_limits(1, user_api="blas"):
        correlation = float(np.corrcoef(history.baseline[seen], change[seen])[0, 1])
    return HistoryFacts(
        summary=summarise(history),
        content_hash=history_hash(history),
        baseline_mean=float(np.nanmean(history.baseline)),
        baseline_sd=float(np.nanstd(history.baseline, ddof=1)),
        baseline_correlation=correlation,
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

    Parameters
    ----------
    protocol : Protocol
        Scenarios and eligibility.
    card : CohortCard
        Who takes part.
    disease : DiseaseModel
        What happens to them.
    prognosis : Prognosis
        Makes their twins.
    progress : callable
        Called with stage, steps done and steps in all.

    Returns
    -------
    dict of str to Register
        By scenario.
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

    Parameters
    ----------
    protocol : Protocol
        Effect, power, discounts and dropout.
    facts : mapping of str to RegisterFacts
        Of every scenario's register.
    gain : Gain
        Of the score in the history, out of sample.

    Returns
    -------
    ControlArmPlan
        Sizes of every analysis, and the saving in three figures.
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

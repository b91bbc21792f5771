"""Any single declared trial, computed again: its participants and its analyses."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from trialsim.data import Floats
from trialsim.errors import BundleError
from trialsim.streams import stream
from trialsim.study.bundles.of_declared_trial import BundledTrial
from trialsim.study.bundles.replay import ReplayedTrial
from trialsim.study.declared import DeclaredCell, Engine, engine_of
from trialsim.study.declared.analyses import Sample
from trialsim.study.declared.drawing.people import Recurrences
from trialsim.study.declared.drawing.worlds import causes_of
from trialsim.study.designs import JointPlan
from trialsim.study.running.backend import InProcess
from trialsim.trial import simulate_joint, simulate_survival
from trialsim.trial.intercurrent_events import LongitudinalTrials
from trialsim.trial.outcomes import JointTrials

Columns = dict[str, np.ndarray]


def replay_declared_trial(study: BundledTrial, cell: DeclaredCell, replicate: int) -> ReplayedTrial:
    """Compute one declared trial again.

    Parameters
    ----------
    study : BundledTrial
        The bundle.
    cell : DeclaredCell
        One of its cells.
    replicate : int
        From 0.

    Returns
    -------
    ReplayedTrial
        Participants as everything of them was drawn, also what a stopped trial would not have seen.

    Raises
    ------
    BundleError
        The cell has no such replicate, or its design adapts as it draws and keeps no participants.
    """
    index, position = study.block_of(cell, replicate)
    engine = engine_of(cell.trial, study.registers(cell.trial))
    participants = _participants(engine, cell, study.trial.seed, index, position)
    if participants is None:
        raise BundleError(
            f"the design {cell.trial.design.kind} adapts as it draws, and keeps no participants to show",
            file=study.folder,
            value=cell.name,
            mend="compute its blocks again with trialsim verify --replay",
        )
    computed = next(InProcess().run(study.work([cell]), [(cell, index)])).rows
    recorded = study.recorded(cell).read_row_group(index).to_pandas()
    return ReplayedTrial(
        participants,
        computed.iloc[[position]].reset_index(drop=True),
        recorded.iloc[[position]].reset_index(drop=True),
    )


def _participants(
    engine: Engine, cell: DeclaredCell, seed: int, index: int, position: int
) -> pd.DataFrame | None:
    replicates = cell.blocks[index]
    chance = partial(stream, seed, engine.streams, index)
    if engine.planned is not None:
        plan = next(iter(engine.planned.values())).plan
        if not isinstance(plan, JointPlan):
            return None
        joint = simulate_joint(plan.world, replicates, chance)
        nobody = np.zeros(joint.arm.shape[1], dtype=np.int64)
        return _frame(engine, joint.arm[position], nobody, _row(_joint(plan, joint), position))
    if engine.survival is not None:
        trials = simulate_survival(engine.survival, replicates, chance)
        columns: Columns = {"month_of_entry": trials.entry, "months": trials.time, "event": trials.event}
        return _frame(engine, trials.arm[position], trials.stratum[position], _row(columns, position))
    if engine.staged is not None:
        return None
    if engine.trial.outcome.kind == "time_to_event":
        people, trials = engine.recruit(replicates, chance)
        columns = {"month_of_entry": trials.entry, "months": trials.time, "event": trials.event}
        return _frame(engine, people.arm[position], people.stratum[position], _row(columns, position))
    sample = engine.sample(replicates, seed, index)
    people = sample.people
    columns = {"month_of_entry": people.entry} | _outcomes(sample)
    return _frame(engine, people.arm[position], people.stratum[position], _row(columns, position))


def _joint(plan: JointPlan, trials: JointTrials) -> Columns:
    visits = {f"month_{month:g}": trials.marker[..., v] for v, month in enumerate(plan.world.months)}
    return {
        "month_of_entry": trials.entry,
        "baseline": trials.baseline,
        **visits,
        "months": trials.time,
        "event": trials.event,
    }


def _row(columns: Columns, position: int) -> Columns:
    return {name: values[position] for name, values in columns.items()}


def _outcomes(sample: Sample) -> Columns:
    outcomes = sample.outcomes
    if isinstance(outcomes, LongitudinalTrials):
        causes = np.array([*(one.cause for one in causes_of(sample.trial)), ""], dtype=object)
        visits = {f"week_{week:g}": outcomes.outcomes[..., v] for v, week in enumerate(outcomes.weeks)}
        return {"baseline": outcomes.baseline, **visits, "cause": causes[outcomes.cause]}
    if isinstance(outcomes, Recurrences):
        return {"events": np.isfinite(outcomes.times).sum(axis=2), "months": outcomes.follow_up}
    values: Floats = outcomes
    return {"outcome": values}


def _frame(engine: Engine, arm: np.ndarray, stratum: np.ndarray, columns: Columns) -> pd.DataFrame:
    trial = engine.trial
    levels = engine.strata.levels[stratum]
    factors = {
        factor.name: np.array(factor.levels, dtype=object)[levels[:, place]]
        for place, factor in enumerate(trial.strata)
    }
    return pd.DataFrame(
        {
            "participant": np.arange(1, len(arm) + 1),
            "arm": np.array(trial.arm_names, dtype=object)[arm],
        }
        | factors
        | columns
    )

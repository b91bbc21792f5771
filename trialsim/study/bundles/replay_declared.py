"""Any single declared trial, computed again: its participants and its analyses."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialsim.errors import BundleError
from trialsim.study.bundles.of_declared_trial import BundledTrial
from trialsim.study.bundles.replay import ReplayedTrial
from trialsim.study.declared import DeclaredCell, Engine, engine_of
from trialsim.study.running.backend import InProcess

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
    found = engine.everybody(cell.blocks[index], seed, index)
    if found is None:
        return None
    columns = {name: values[position] for name, values in found.columns.items()}
    return _frame(engine, found.arm[position], found.stratum[position], columns)


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

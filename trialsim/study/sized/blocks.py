"""A block of work: a pure function of the plan, the cell and the block's index."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import stdtrit

from trialsim.analysis.linear import UnsafeStandardErrorWarning, fit_linear
from trialsim.data import DiseaseModel, Estimates, Floats, TrialBlock
from trialsim.design import tally
from trialsim.design.operating_characteristics import Tally
from trialsim.protocol import ANALYSES, Analysis, Protocol
from trialsim.study.running.conduct import ConductTally
from trialsim.study.running.work import BlockResult
from trialsim.study.sized.cells import Cell
from trialsim.trial import Pool, simulate_block


@dataclass(frozen=True)
class StudySums:
    """Running sums of a cell: of each analysis, and of how the trials went."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    conduct: ConductTally = field(default_factory=ConductTally)

    @property
    def trials(self) -> int:
        """Trials that were simulated."""
        return self.conduct.trials

    def rejections(self) -> Iterable[tuple[int, int]]:
        """Return the rejected and all trials of every analysis."""
        return [(one.rejected, one.replicates) for one in self.tallies.values()]

    def __add__(self, other: StudySums) -> StudySums:
        tallies = {name: self.tallies.get(name, Tally()) + one for name, one in other.tallies.items()}
        return StudySums(tallies, self.conduct + other.conduct)

    def to_dict(self) -> dict[str, Any]:
        """Return the sums as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> StudySums:
        """Return the sums that `to_dict` wrote."""
        tallies = {name: Tally(**one) for name, one in facts["tallies"].items()}
        return cls(tallies, ConductTally(**facts["conduct"]))


def analyse_block(block: TrialBlock, analysis: Analysis) -> dict[str, Estimates]:
    """Read every trial of a block with every analysis.

    Parameters
    ----------
    block : TrialBlock
        Replicate trials.
    analysis : Analysis
        Slopes and standard errors.

    Returns
    -------
    dict of str to Estimates
        Change from baseline at the last visit, active minus control, for ``unadjusted``, ``ancova``
        (adjusted for the baseline) and ``prognostic`` (for the baseline and the score).
    """
    change = block.outcomes[..., -1] - block.baseline
    covariates: dict[str, Floats | None] = {
        "unadjusted": None,
        "ancova": block.baseline[..., None],
        "prognostic": np.stack([block.baseline, block.score], axis=-1),
    }
    with warnings.catch_warnings():
        # The report says once what unsafe standard errors lead to; every block would say it again.
        warnings.simplefilter("ignore", UnsafeStandardErrorWarning)
        return {
            name: fit_linear(
                change,
                block.arm,
                covariates[name],
                slopes=analysis.slopes,
                variance=analysis.variance,
                analysis=name,
            )
            for name in ANALYSES
        }


def simulate_cell(
    protocol: Protocol, disease: DiseaseModel, pool: Pool, cell: Cell, index: int
) -> TrialBlock:
    """Simulate one block of a cell, without reading it."""
    return simulate_block(
        protocol,
        disease,
        pool,
        cell.size,
        effect=cell.scenario.effect,
        replicates=cell.blocks[index],
        stream_name=cell.streams,
        block=index,
    )


def run_block(
    pool: Pool, protocol: Protocol, disease: DiseaseModel, truth: float, cell: Cell, index: int
) -> BlockResult[StudySums]:
    """Simulate and analyse one block of a cell; the same arguments give the same bytes anywhere."""
    block = simulate_cell(protocol, disease, pool, cell, index)
    alpha = protocol.analysis.alpha
    estimates = analyse_block(block, protocol.analysis)
    tallies = {name: tally(one, truth, alpha, _half_width(one, alpha)) for name, one in estimates.items()}
    months = block.enrolment_month[:, -1]
    analysed = np.isfinite(block.outcomes[..., -1])
    active = (analysed & (block.arm == 1)).sum(axis=1)
    controls = analysed.sum(axis=1) - active
    conduct = ConductTally(
        trials=len(months),
        months=math.fsum(months),
        months_2=math.fsum(months**2),
        controls_analysed=int(controls.sum()),
        active_analysed=int(active.sum()),
    )
    table = _table(cell, index, estimates, months, controls, active)
    return BlockResult(cell.name, index, StudySums(tallies, conduct), table)


def _half_width(estimates: Estimates, alpha: float) -> Floats:
    # The trials of a block have few different df, and a quantile takes longer than finding its df.
    df, which = np.unique(estimates.df, return_inverse=True)
    return np.asarray(stdtrit(df, 1 - alpha / 2)[which] * estimates.standard_error)


def _table(
    cell: Cell,
    index: int,
    estimates: dict[str, Estimates],
    months: Floats,
    controls: np.ndarray,
    active: np.ndarray,
) -> pa.Table:
    columns: dict[str, object] = {
        "replicate": index * cell.block + np.arange(len(months)),
        "enrolment_months": months,
        "controls_analysed": controls,
        "active_analysed": active,
    }
    for name, one in estimates.items():
        columns |= {
            f"{name}_estimate": one.estimate,
            f"{name}_standard_error": one.standard_error,
            f"{name}_df": one.df,
            f"{name}_p_value": one.p_value,
            f"{name}_status": pa.DictionaryArray.from_arrays(one.status, one.reasons).cast(pa.string()),
        }
    return pa.table(columns)

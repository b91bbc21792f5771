"""A bundle of the main job, ready to be computed again, and any single trial of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from trialsim.data import DiseaseModel, TrialBlock
from trialsim.disease import score_model
from trialsim.population import CohortCard
from trialsim.prognosis import Prognosis, history_hash
from trialsim.protocol import Protocol, protocol_from_dict
from trialsim.study.bundles.bundled import Bundled, manifest_of, read_part, read_plan
from trialsim.study.bundles.replay import ReplayedTrial
from trialsim.study.running.backend import InProcess
from trialsim.study.sized.blocks import simulate_cell
from trialsim.study.sized.cells import Cell
from trialsim.study.sized.history import generate_history
from trialsim.study.sized.job import Job
from trialsim.study.sized.register import Register, build_register, world_of


@dataclass(frozen=True)
class BundledStudy(Bundled):
    """What a bundle of the main job holds.

    Parameters
    ----------
    protocol, card, disease, prognosis : Protocol, CohortCard, DiseaseModel, Prognosis
        Its inputs.
    """

    protocol: Protocol
    card: CohortCard
    disease: DiseaseModel
    prognosis: Prognosis

    @property
    def alpha(self) -> float:
        """The protocol's level."""
        return self.protocol.analysis.alpha

    def work(self, cells: Sequence[Cell]) -> Job:
        """Draw the worlds of some cells again."""
        worlds: dict[str, Register] = {}
        registers: dict[str, Register] = {}
        for scenario in {cell.scenario.name: cell.scenario for cell in cells}.values():
            shared = worlds.get(world_of(scenario))
            register = build_register(
                self.protocol, self.card, self.disease, self.prognosis, scenario, shared
            )
            registers[scenario.name] = worlds[world_of(scenario)] = register
        return Job.of(self.protocol, self.disease, registers)

    def changed_inputs(self) -> list[str]:
        """Return which inputs are not the ones that the manifest was sealed with."""
        listed = self.manifest["inputs"]
        found = {
            "protocol": self.protocol.content_hash(),
            "card": self.card.content_hash(),
            "posterior": self.prognosis.content_hash,
        }
        if self.manifest["history_generated"]:
            history = generate_history(self.protocol, self.card, self.disease)
            found["history"] = history_hash(history)
        return [name for name, digest in found.items() if listed.get(name) != digest]


def open_bundled_study(folder: Path) -> BundledStudy:
    """Read the inputs of a bundle of the main job."""
    protocol = protocol_from_dict(read_part(folder, "inputs/protocol.json"))
    return BundledStudy(
        folder,
        manifest_of(folder),
        read_plan(folder, lambda facts: Cell.from_dict(facts, protocol)),
        protocol,
        read_part(folder, "inputs/card.json", CohortCard.model_validate_json),
        score_model(protocol.disease.model, **protocol.disease.options),
        Prognosis.load(folder / "inputs" / "posterior.npz"),
    )


def replay_trial(study: BundledStudy, cell: Cell, replicate: int) -> ReplayedTrial:
    """Compute one trial again: its participants and its analyses.

    Parameters
    ----------
    study : BundledStudy
        The bundle.
    cell : Cell
        One of its cells.
    replicate : int
        From 0.

    Returns
    -------
    ReplayedTrial

    Raises
    ------
    BundleError
        The cell has no such replicate.
    """
    index, position = study.block_of(cell, replicate)
    job = study.work([cell])
    block = simulate_cell(job.protocol, job.disease, job.pools[cell.scenario.name], cell, index)
    computed = next(InProcess().run(job, [(cell, index)])).rows
    recorded = study.recorded(cell).read_row_group(index).to_pandas()
    return ReplayedTrial(
        _participants(block, position, study.protocol),
        computed.iloc[[position]].reset_index(drop=True),
        recorded.iloc[[position]].reset_index(drop=True),
    )


def _participants(block: TrialBlock, position: int, protocol: Protocol) -> pd.DataFrame:
    roles = sorted(protocol.arms, key=lambda arm: arm.role != "control")
    cause = block.dropout_cause[position]
    causes = np.array([*(one.cause for one in protocol.dropout), ""], dtype=object)
    columns: dict[str, object] = {
        "participant": np.arange(1, block.participants + 1),
        "arm": np.array([arm.name for arm in roles], dtype=object)[block.arm[position]],
        "enrolment_month": block.enrolment_month[position],
        "baseline": block.baseline[position],
    }
    for visit, week in enumerate(block.weeks):
        columns[f"week_{week:g}"] = block.outcomes[position, :, visit]
    columns |= {
        "score": block.score[position],
        "score_sd": block.score_sd[position],
        "dropout_week": np.where(cause >= 0, block.dropout_week[position], np.nan),
        "dropout_cause": causes[cause],
        "register_row": block.register_index[position],
    }
    return pd.DataFrame(columns)

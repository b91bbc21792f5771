"""What a bundle lets anybody compute again: single trials, and blocks that a verifier chooses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from trialsim.data import DiseaseModel, TrialBlock
from trialsim.disease import disease_model
from trialsim.errors import BundleError
from trialsim.population import CohortCard
from trialsim.prognosis import Prognosis, history_hash
from trialsim.protocol import ANALYSES, Protocol, protocol_from_dict
from trialsim.study.backend import InProcess
from trialsim.study.blocks import simulate_cell
from trialsim.study.bundle import MANIFEST
from trialsim.study.cells import Cell
from trialsim.study.history import generate_history
from trialsim.study.job import Job
from trialsim.study.register import Register, build_register, world_of

IDENTICAL, SAME_DECISIONS, DIFFERENT = "identical bytes", "same decisions", "different"


@dataclass(frozen=True)
class BundledStudy:
    """What a bundle's inputs say, ready to be computed again.

    Parameters
    ----------
    folder : Path
        The bundle.
    manifest : dict
        Its manifest.
    protocol, card, disease, prognosis : Protocol, CohortCard, DiseaseModel, Prognosis
        Its inputs.
    cells : tuple of Cell
        Its plan.
    """

    folder: Path
    manifest: dict[str, Any]
    protocol: Protocol
    card: CohortCard
    disease: DiseaseModel
    prognosis: Prognosis
    cells: tuple[Cell, ...]

    def cell(self, name: str) -> Cell:
        """Return a cell by its name, or refuse with the names that there are."""
        found = next((cell for cell in self.cells if cell.name == name), None)
        if found is None:
            raise BundleError(
                "is no cell of this bundle",
                file=self.folder,
                value=name,
                mend=f"use one of {', '.join(cell.name for cell in self.cells)}",
            )
        return found

    def job(self, cells: Iterable[Cell]) -> Job:
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

    def recorded(self, cell: Cell) -> pq.ParquetFile:
        """Return the record of a cell's replicates: one row group a block."""
        return pq.ParquetFile(self.folder / "results" / "replicates" / f"{cell.name}.parquet")

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


def open_study(folder: Path) -> BundledStudy:
    """Read the inputs of a bundle.

    Raises
    ------
    BundleError
        The bundle lacks what is needed to compute it again.
    """

    def read(name: str, parse: Callable[[str], Any] = json.loads) -> Any:
        try:
            return parse((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise BundleError(
                "is missing or unreadable, so that nothing can be computed again",
                file=folder / name,
                mend="give a bundle of this version",
            ) from None

    manifest = read(MANIFEST)
    protocol = protocol_from_dict(read("inputs/protocol.json"))
    plan = read("inputs/plan.json")
    try:
        cells = tuple(Cell.from_dict(facts, protocol) for facts in plan)
    except (KeyError, StopIteration, TypeError):
        raise BundleError(
            "is no plan of the bundle's protocol",
            file=folder / "inputs" / "plan.json",
            mend="give a bundle of this version",
        ) from None
    return BundledStudy(
        folder,
        manifest,
        protocol,
        read("inputs/card.json", CohortCard.model_validate_json),
        disease_model(protocol.disease.model, **protocol.disease.options),
        Prognosis.load(folder / "inputs" / "posterior.npz"),
        cells,
    )


@dataclass(frozen=True)
class ReplayedTrial:
    """A single trial, computed again.

    Parameters
    ----------
    participants : DataFrame
        One row a virtual participant.
    computed, recorded : DataFrame
        The row of its analyses, computed again and as the bundle has it.
    """

    participants: pd.DataFrame
    computed: pd.DataFrame
    recorded: pd.DataFrame

    @property
    def identical(self) -> bool:
        """Whether both rows have the same bytes."""
        return _same_bytes(self.computed, self.recorded)


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
    record = study.recorded(cell)
    if not 0 <= replicate < record.metadata.num_rows:
        raise BundleError(
            f"is no replicate of {cell.name}",
            file=study.folder,
            value=replicate,
            mend=f"give a number from 0 to {record.metadata.num_rows - 1}",
        )
    index, position = divmod(replicate, cell.block)
    job = study.job([cell])
    block = simulate_cell(job.protocol, job.disease, job.pools[cell.scenario.name], cell, index)
    computed = next(InProcess().run(job, [(cell, index)])).rows
    recorded = record.read_row_group(index).to_pandas()
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


@dataclass(frozen=True)
class Replayed:
    """A block computed again: how near its rows come to the recorded ones."""

    cell: str
    index: int
    agreement: str


def choose_blocks(study: BundledStudy, number: int, nonce: str) -> list[tuple[Cell, int]]:
    """Choose blocks by a nonce that the run could not know.

    Every recorded block is ranked by the SHA-256 of nonce, results hash, cell and index; the first ones
    are taken.
    """
    results = study.manifest["results"]

    def rank(block: tuple[Cell, int]) -> bytes:
        return hashlib.sha256(f"{nonce}\n{results}\n{block[0].name}\n{block[1]}".encode()).digest()

    every = [(cell, index) for cell in study.cells for index in range(study.recorded(cell).num_row_groups)]
    return sorted(every, key=rank)[:number]


def replay_blocks(study: BundledStudy, number: int, nonce: str) -> list[Replayed]:
    """Compute blocks again that a verifier's nonce chooses, and compare them with the record.

    Parameters
    ----------
    study : BundledStudy
        The bundle.
    number : int
        K blocks; all if there are fewer.
    nonce : str
        Any text that the run could not know.

    Returns
    -------
    list of Replayed
        ``identical bytes``; ``same decisions`` (every fit status and every rejection agree, digits do not,
        as another processor or library version may give); or ``different``.
    """
    chosen = choose_blocks(study, number, nonce)
    job = study.job([cell for cell, _ in chosen])
    alpha = study.protocol.analysis.alpha
    replayed = []
    for (cell, index), block in zip(chosen, InProcess().run(job, chosen), strict=True):
        recorded = study.recorded(cell).read_row_group(index).to_pandas()
        replayed.append(Replayed(cell.name, index, agreement(block.rows, recorded, alpha)))
    return replayed


def agreement(computed: pd.DataFrame, recorded: pd.DataFrame, alpha: float) -> str:
    """Return the numeric class that two sets of rows reach."""
    if _same_bytes(computed, recorded):
        return IDENTICAL
    if len(computed) != len(recorded) or list(computed.columns) != list(recorded.columns):
        return DIFFERENT
    same = all(
        (computed[f"{name}_status"] == recorded[f"{name}_status"]).all()
        and ((computed[f"{name}_p_value"] <= alpha) == (recorded[f"{name}_p_value"] <= alpha)).all()
        for name in ANALYSES
    )
    counts = ("replicate", "controls_analysed", "active_analysed")
    same = same and all((computed[name] == recorded[name]).all() for name in counts)
    return SAME_DECISIONS if same else DIFFERENT


def _same_bytes(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        return False
    return all(
        list(one[name]) == list(other[name])
        if one[name].dtype.kind not in "if"
        else one[name].to_numpy().tobytes() == other[name].to_numpy().tobytes()
        for name in one.columns
    )

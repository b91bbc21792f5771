"""Blocks of a bundle that a verifier chooses, computed again and held against the record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pandas as pd

from trialsim.study.bundles.bundled import Bundled
from trialsim.study.running.backend import InProcess
from trialsim.study.running.work import Task

# What a row says of each analysis, in columns ANALYSIS_FIELD.
ROW_FIELDS = (
    "estimate", "standard_error", "df", "p_value", "status", "look", "decision", "size", "events", "months",
)  # fmt: skip
IDENTICAL, SAME_DECISIONS, DIFFERENT = "identical bytes", "same decisions", "different"


@dataclass(frozen=True)
class Replayed:
    """A block computed again: how near its rows come to the recorded ones."""

    cell: str
    index: int
    agreement: str


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
        return same_bytes(self.computed, self.recorded)


def choose_blocks(study: Bundled, number: int, nonce: str) -> list[Task]:
    """Choose blocks by a nonce that the run could not know.

    Every recorded block is ranked by the SHA-256 of nonce, results hash, cell and index; the first ones
    are taken.
    """
    results = study.manifest["results"]

    def rank(block: Task) -> bytes:
        return hashlib.sha256(f"{nonce}\n{results}\n{block[0].name}\n{block[1]}".encode()).digest()

    every = [(cell, index) for cell in study.cells for index in range(study.recorded(cell).num_row_groups)]
    return sorted(every, key=rank)[:number]


def replay_blocks(study: Bundled, number: int, nonce: str) -> list[Replayed]:
    """Compute blocks again that a verifier's nonce chooses, and compare them with the record.

    Parameters
    ----------
    study : Bundled
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
    work = study.work([cell for cell, _ in chosen])
    replayed = []
    for (cell, index), block in zip(chosen, InProcess().run(work, chosen), strict=True):
        recorded = study.recorded(cell).read_row_group(index).to_pandas()
        replayed.append(Replayed(cell.name, index, agreement(block.rows, recorded, study.alpha)))
    return replayed


def agreement(computed: pd.DataFrame, recorded: pd.DataFrame, alpha: float) -> str:
    """Return the numeric class that two sets of rows reach."""
    if same_bytes(computed, recorded):
        return IDENTICAL
    if len(computed) != len(recorded) or list(computed.columns) != list(recorded.columns):
        return DIFFERENT
    same = all(_same_decision(name, computed[name], recorded[name], alpha) for name in computed.columns)
    return SAME_DECISIONS if same else DIFFERENT


def _same_decision(name: str, computed: pd.Series, recorded: pd.Series, alpha: float) -> bool:
    """Return whether a column decides alike: p values on the same side, counts and words the same."""
    if name.endswith("p_value"):
        computed, recorded = computed <= alpha, recorded <= alpha
    elif computed.dtype.kind == "f":
        return True
    return bool((computed == recorded).all())


def by_analysis(row: pd.DataFrame) -> pd.DataFrame:
    """Return a row of the record as one row an analysis.

    Parameters
    ----------
    row : DataFrame
        One row of the record of replicates.

    Returns
    -------
    DataFrame
        Estimates, errors and p values by analysis.

    Examples
    --------
    >>> by_analysis(pd.DataFrame({"ancova_estimate": [1.5], "ancova_p_value": [0.02]}))
      analysis  estimate  p_value
    0   ancova       1.5     0.02
    """
    analyses = [name.removesuffix("_estimate") for name in row.columns if name.endswith("_estimate")]
    return pd.DataFrame(
        {"analysis": analysis}
        | {field: row[name].iloc[0] for field in ROW_FIELDS if (name := f"{analysis}_{field}") in row}
        for analysis in analyses
    )


def same_bytes(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Return whether two sets of rows have the same columns and bytes."""
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        return False
    return all(
        list(one[name]) == list(other[name])
        if one[name].dtype.kind not in "if"
        else one[name].to_numpy().tobytes() == other[name].to_numpy().tobytes()
        for name in one.columns
    )

"""Blocks of a bundle that a verifier chooses, computed again and held against the record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialsim.notebook import InNotebook
from trialsim.study.bundles.alone.sealing import block_lines, canonical
from trialsim.study.bundles.bundled import Bundled
from trialsim.study.bundles.record import rows_hash, said_of_sums, sums_said
from trialsim.study.running.backend import InProcess
from trialsim.study.running.work import Task

# What a row says of each analysis, in columns ANALYSIS_FIELD.
ROW_FIELDS = (
    "estimate", "standard_error", "df", "p_value", "status", "look", "decision", "size", "events", "months",
)  # fmt: skip
# Classes of agreement: never "the same decisions" alone, which estimates can share that were doubled.
IDENTICAL = "class A: identical bytes"
NEAR = "class B: numbers within 1e-9 and the same decisions"
DIFFERENT = "different"
_NEAR = 1e-9
# Sums in which digits can cancel: they follow from the rows, which V1 holds.
_CANCELLING = ("deviation", "squared_deviation")


@dataclass(frozen=True)
class Replayed(InNotebook):
    """A block computed again: how near its rows come to the recorded ones."""

    cell: str
    index: int
    agreement: str


@dataclass(frozen=True)
class ReplayedTrial(InNotebook):
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
        Class A: rows and sums have identical bytes. Class B: every number agrees to 1e-9 and every word,
        count and decision is the same, as another processor or version may give. Or ``different``.
    """
    chosen = choose_blocks(study, number, nonce)
    work = study.work([cell for cell, _ in chosen])
    sums = {(one["cell"], one["index"]): one for _, one in block_lines(study.folder)}
    replayed = []
    for (cell, index), block in zip(chosen, InProcess().run(work, chosen), strict=True):
        listed = sums.get((cell.name, index), {"rows": "", "sums": {}})
        recorded = study.recorded(cell).read_row_group(index)
        found = agreement(block.rows, recorded.to_pandas(), study.alpha)
        given = said_of_sums(block.sums.to_dict())
        if found != IDENTICAL or canonical(given) != canonical(listed["sums"]):
            found = (
                NEAR
                if found != DIFFERENT and _near_sums(sums_said(given), sums_said(listed["sums"]))
                else DIFFERENT
            )
        elif rows_hash(recorded) != listed["rows"]:
            found = DIFFERENT
        replayed.append(Replayed(cell.name, index, found))
    return replayed


def agreement(computed: pd.DataFrame, recorded: pd.DataFrame, alpha: float) -> str:
    """Return the class of agreement that two sets of rows reach."""
    if same_bytes(computed, recorded):
        return IDENTICAL
    if len(computed) != len(recorded) or list(computed.columns) != list(recorded.columns):
        return DIFFERENT
    near = all(_near(name, computed[name], recorded[name], alpha) for name in computed.columns)
    return NEAR if near else DIFFERENT


def _near(name: str, computed: pd.Series, recorded: pd.Series, alpha: float) -> bool:
    """Return whether a column is the same but for rounding, p values on the same side of the level."""
    if computed.dtype.kind != "f" or recorded.dtype.kind != "f":
        return bool((computed == recorded).all())
    one, other = computed.to_numpy(), recorded.to_numpy()
    if name.endswith("p_value"):
        if ((one <= alpha) != (other <= alpha)).any():
            return False
        scale = 0.0
    else:
        # Estimates near 0 are as exact as the others of their column.
        seen = one[np.isfinite(one)]
        scale = float(np.sqrt(np.mean(seen**2))) if len(seen) else 0.0
    return bool(_close(one, other, scale).all())


def _close(one: Any, other: Any, scale: float = 0.0) -> Any:
    """Return where numbers agree to 1e-9 of themselves or of a scale; NaN agrees with NaN."""
    with np.errstate(invalid="ignore"):
        size = np.maximum(np.maximum(np.abs(one), np.abs(other)), scale)
        near = np.abs(np.subtract(one, other)) <= _NEAR * size
    return near | (one == other) | (np.isnan(one) & np.isnan(other))


def _near_sums(one: Any, other: Any, name: str = "") -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return set(one) == set(other) and all(_near_sums(one[key], other[key], key) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_near_sums(a, b, name) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return name.startswith(_CANCELLING) or bool(_close(one, other))
    return bool(one == other)


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

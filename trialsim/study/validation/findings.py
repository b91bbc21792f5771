"""What a validation found: tables with a title and notes, for the terminal and the report alike."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    title : str
        What it is.
    frame : DataFrame, optional
        One row a line of the table.
    notes : tuple of str
        Sentences below it.
    """

    title: str
    frame: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Validation:
    """What is known of the twins of a protocol.

    Parameters
    ----------
    history : str
        What they were learnt from, and by which model.
    sound, supported : bool
        Whether the gate is open, and whether a saving beyond the best rival is supported.
    verdict : tuple of str
        Both in sentences.
    findings : tuple of Finding
        What they rest on.
    """

    history: str
    sound: bool
    supported: bool
    verdict: tuple[str, ...]
    findings: tuple[Finding, ...]

"""A first protocol, read back with its history before anything is written."""

from __future__ import annotations

import os
import tempfile
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from trialsim.errors import HistoryError
from trialsim.protocol.declared import trial_from_dict
from trialsim.protocol.writing import whole_file
from trialsim.study.people.history import read_declared_history
from trialsim.study.starting.page import protocol_text
from trialsim.study.starting.told import Found, Told


@dataclass(frozen=True)
class Start:
    """A protocol that reads back, and the copy of the history that it needs, if any.

    Parameters
    ----------
    found : Found
        What the protocol says; covariates that the reader refuses are left out.
    protocol : Path
    text : str
        Of the protocol.
    copy : Path or None
        Where the history goes in the form that trialsim reads.
    history : DataFrame or None
        Of that copy: only the columns that are read.
    """

    found: Found
    protocol: Path
    text: str
    copy: Path | None
    history: pd.DataFrame | None

    def write(self) -> None:
        """Write the copy, then the protocol; each is whole or absent."""
        if self.copy is not None and self.history is not None:
            with whole_file(self.copy) as scratch:
                self.history.to_csv(scratch, index=False, lineterminator="\n")
        with whole_file(self.protocol) as scratch:
            scratch.write_text(self.text, encoding="utf-8")


def check_start(found: Found, told: Told, protocol: Path) -> Start:
    """Return the protocol of what was found, once it and its history are read as `trialsim run` reads them.

    A guessed covariate that the reader refuses, such as one that gives the outcome away, is left out with the
    reason; one that the user named is refused.

    Parameters
    ----------
    found : Found
    told : Told
    protocol : Path
        Where the protocol will stand.

    Returns
    -------
    Start
        A protocol that reads back.

    Raises
    ------
    InputError
        The protocol or its history cannot be read.
    """
    while True:
        start = _start(found, told, protocol)
        if not found.covariates:
            trial_from_dict(tomllib.loads(start.text), file=protocol)
            return start
        try:
            _read_back(start)
        except HistoryError as refusal:
            refused = [
                one
                for one in found.covariates
                if refusal.field and refusal.field.split(".")[-1] in (one.name, one.column)
            ]
            if told.covariates is not None or not refused or len(refused) == len(found.covariates):
                raise
            kept = tuple(one for one in found.covariates if one not in refused)
            left = tuple((one.column, refusal.problem) for one in refused)
            found = replace(found, covariates=kept, left_out=(*found.left_out, *left))
            continue
        return start


def _start(found: Found, told: Told, protocol: Path) -> Start:
    copy = None
    if not found.covariates:
        # The law is all that is taken from the file.
        text = protocol_text(found, told, "", protocol.stem)
        return Start(found, protocol, text, None, None)
    if found.changes:
        copy = protocol.with_name(f"{protocol.stem}_history.csv")
        # The copy holds the kept rows alone, joined, and without the codes that the user told.
        text = protocol_text(replace(found, filters=()), told, copy.name, protocol.stem)
        for column, value in found.filters:
            why = found.why.get(f"filter.{column}")
            guessed = f"   # guessed: {why}" if why else ""
            text += f"# {copy.name} holds the rows with {column} = {value}{guessed}\n"
        return Start(found, protocol, text, copy, _columns(found))
    folder = Path(os.path.abspath(protocol)).parent
    history = Path(os.path.relpath(os.path.abspath(found.file), folder)).as_posix()
    return Start(found, protocol, protocol_text(found, told, history, protocol.stem, told.join), None, None)


def _columns(found: Found) -> pd.DataFrame:
    used = [found.participant, found.week, found.time, found.outcome, found.group]
    names = dict.fromkeys([*(one for one in used if one), *(one.column for one in found.covariates)])
    return found.rows[list(names)]


def _read_back(start: Start) -> None:
    trial = trial_from_dict(tomllib.loads(start.text), file=start.protocol)
    if start.history is None:
        read_declared_history(trial, Path(os.path.abspath(start.protocol)).parent)
        return
    assert start.copy is not None
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / start.copy.name
        start.history.to_csv(scratch, index=False, lineterminator="\n")
        read_declared_history(trial, Path(folder), scratch)

"""What a run answers to guidances, as one page that works offline and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from trialsim.errors import BundleError, InputError
from trialsim.notebook import InNotebook
from trialsim.protocol.writing import whole_file
from trialsim.report.again import page_again
from trialsim.report.guidances.ai_credibility import AI_CREDIBILITY
from trialsim.report.guidances.bayesian import BAYESIAN
from trialsim.report.guidances.e20 import E20
from trialsim.report.guidances.external_controls import EXTERNAL_CONTROLS
from trialsim.report.guidances.held import not_found
from trialsim.report.guidances.m15 import M15
from trialsim.report.guidances.run import Run
from trialsim.report.guidances.said import (
    Blocked,
    CitedTable,
    Found,
    Guidance,
    Item,
    Number,
    lacks,
    numbers_in,
)
from trialsim.report.guidances.sap import SAP
from trialsim.report.guidances.spirit_consort import SPIRIT_CONSORT
from trialsim.report.html import render
from trialsim.study.bundles import open_bundle
from trialsim.study.verification import verify_bundle

GUIDANCES = (M15, AI_CREDIBILITY, E20, BAYESIAN, EXTERNAL_CONTROLS, SPIRIT_CONSORT, SAP)
FORMAT = "trialsim.guidances/1"
PAGE, FACTS = "guidances.html", "guidances.json"
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Answers(InNotebook):
    """What a run answers to some guidances.

    Parameters
    ----------
    run : Run
        The run.
    of : tuple of (Guidance, tuple of (Item, Found))
        Each guidance with its items and what was found.
    """

    run: Run
    of: tuple[tuple[Guidance, tuple[tuple[Item, Found], ...]], ...]

    @property
    def found(self) -> tuple[Found, ...]:
        """Every answer."""
        return tuple(one for _, items in self.of for _, one in items)

    @property
    def blocked(self) -> tuple[tuple[Guidance, Item, Blocked], ...]:
        """Every item, or part of one, that is not answered."""
        return tuple(
            (guidance, item, one)
            for guidance, items in self.of
            for item, found in items
            for one in lacks(found)
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row an item: what is asked, whether it is answered, and the fields to add."""
        rows = [
            {
                "guidance": guidance.key, "item": item.name, "asks": item.asks, "state": _facts(one)["state"],
                "fields": ", ".join(lack.field for lack in lacks(one)),
            }
            for guidance, items in self.of
            for item, one in items
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def count(self, guidance: Guidance) -> tuple[int, int]:
        """Return how many items of a guidance are answered in full, and how many it has."""
        items = next(items for one, items in self.of if one is guidance)
        return sum(not lacks(one) for _, one in items), len(items)


def answer_guidances(folder: Path, of: Sequence[str] = (), history: Path | None = None) -> Answers:
    """Return what a run answers to guidances, each number found in a table of the bundle.

    Parameters
    ----------
    folder : Path
        The bundle; it is verified to V1 before anything is said of it.
    of : sequence of str
        Keys of guidances; all of them if it is empty.
    history : Path, optional
        File of the history that its people come from.

    Returns
    -------
    Answers

    Raises
    ------
    BundleError
        The folder is no bundle, or it does not hold.
    InputError
        There is no such guidance.

    Examples
    --------
    >>> answer_guidances(Path("reports/example"), ["gcp"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    trialsim.errors.InputError: --of: not served. Got 'gcp'. Mend: use m15, ai, e20, ...
    """
    known = {one.key: one for one in GUIDANCES}
    if unknown := [key for key in of if key not in known]:
        raise InputError("not served", field="--of", value=unknown[0],
                         mend=f"use {', '.join(known)}")  # fmt: skip
    verdict = verify_bundle(folder, "V1", history=history, page=page_again)
    if verdict.problems:
        raise BundleError(
            f"{verdict.findings[-1].level} does not hold: {'; '.join(verdict.problems[:_MOST_SHOWN])}",
            file=folder, mend="run trialsim verify on it, and get the bundle again from its source",
        )  # fmt: skip
    checked = tuple(said for one in verdict.findings for said in one.checked)
    untold = tuple(said for one in verdict.findings for said in one.not_checked) + verdict.not_asked
    run = Run(open_bundle(folder, history), checked, untold)
    chosen = [one for one in GUIDANCES if not of or one.key in of]
    found = Answers(
        run, tuple((one, tuple((item, item.answer(run)) for item in one.items)) for one in chosen)
    )
    if lost := not_found(numbers_in(found.found), folder):
        raise BundleError(f"a number of the answers is in no table: {'; '.join(lost[:_MOST_SHOWN])}",
                          file=folder, mend="report it: the bundle itself holds")  # fmt: skip
    return found


def write_guidances(found: Answers, folder: Path) -> Path:
    """Write answers as a page and as JSON; each file is complete or absent.

    Parameters
    ----------
    found : Answers
        What a run answers.
    folder : Path
        Outside of the bundle; made if need be.

    Returns
    -------
    Path
        Of the page, which loads nothing from anywhere.
    """
    facts = json.dumps(facts_of(found), indent=1, ensure_ascii=False, allow_nan=False)
    for name, text in ((PAGE, render_guidances(found)), (FACTS, facts + "\n")):
        with whole_file(folder / name) as scratch:
            scratch.write_text(text, encoding="utf-8")
    return folder / PAGE


def render_guidances(found: Answers) -> str:
    """Return the page of some answers."""
    manifest = found.run.study.manifest
    sections = [
        {"guidance": guidance, "items": items, "count": found.count(guidance)} for guidance, items in found.of
    ]
    return render(
        "guidances.html.j2", trial=found.run.trial, sections=sections, blocked=found.blocked,
        root=manifest["root"], seal=manifest["seal"],
    )  # fmt: skip


def facts_of(found: Answers) -> dict[str, Any]:
    """Return some answers as plain JSON types: every number with its file, its row and its error."""
    manifest = found.run.study.manifest
    return {
        "format": FORMAT,
        "run": {name: manifest[name] for name in ("protocol", "title", "root", "seal")},
        "guidances": [
            {
                **{name: getattr(guidance, name) for name in ("key", "title", "status", "read")},
                "items": [{"id": item.name, "asks": item.asks, **_facts(one)} for item, one in items],
            }
            for guidance, items in found.of
        ],
    }  # fmt: skip


def _facts(found: Found) -> dict[str, Any]:
    if isinstance(found, Blocked):
        return {"state": "blocked", "reason": found.reason, "field": found.field}
    blocked = [{"reason": one.reason, "field": one.field} for one in found.lacking]
    return {
        "state": "partly" if blocked else "answered",
        "blocked": blocked,
        "sentences": ["".join(_text(part) for part in sentence) for sentence in found.sentences],
        "tables": [_table(one) for one in found.tables],
        "numbers": [one.to_dict() for one in found.numbers],
    }


def _text(part: str | Number) -> str:
    return part.text if isinstance(part, Number) else str(part)


def _table(one: CitedTable) -> dict[str, Any]:
    rows = [[_text(cell) for cell in row] for row in one.rows]
    return {"caption": one.caption, "columns": list(one.columns), "rows": rows}

"""The page of a qualification: published numbers beside ours, and what is installed."""

from __future__ import annotations

import json
from pathlib import Path

from trialsim.protocol.writing import whole_file
from trialsim.report.frames import Table
from trialsim.report.html import render
from trialsim.study.qualification import Qualification


def write_qualification(found: Qualification, folder: Path) -> Path:
    """Write a qualification as a page and as JSON; each file is complete or absent.

    Parameters
    ----------
    found : Qualification
        What came out.
    folder : Path
        Made if need be.

    Returns
    -------
    Path
        Of the page, which loads nothing from anywhere.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from trialsim.study.qualification import qualify
    >>> from trialsim.study.qualification.sizes import ORACLES
    >>> with TemporaryDirectory() as place:
    ...     page = write_qualification(qualify(ORACLES[:1]), Path(place))
    ...     print(sorted(path.name for path in page.parent.iterdir()))
    ['qualification.html', 'qualification.json']
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "qualification.html"
    facts = json.dumps(found.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    for path, text in ((page, _page(found)), (folder / "qualification.json", facts + "\n")):
        with whole_file(path) as scratch:
            scratch.write_text(text, encoding="utf-8")
    return page


def _page(found: Qualification) -> str:
    rows = [
        (
            one.name, f"{one.ours:.10g}", f"{one.published:.10g}", f"{one.digits:g}", f"{one.tolerance:.1e}",
            "yes" if one.passes else "NO", one.source + (f" ({one.problem})" if one.problem else ""),
        )
        for one in found.held
    ]  # fmt: skip
    columns = ("number", "ours", "published", "digits", "tolerance", "passes", "source")
    installed = [(name, str(value)) for name, value in {**found.versions, **found.machine}.items()]
    return render(
        "qualification.html.j2",
        summary=found.in_words(),
        passes=found.passes,
        numbers=Table(columns, rows, "Every number with its source", text=True),
        installed=Table(("part", "what"), installed, "What is installed", text=True),
    )

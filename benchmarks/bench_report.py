"""The report: how long it takes to make, how large it is, and how soon a browser shows it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.chrome import CHROMIUM, chrome
from benchmarks.figure import Figure, seconds

EXAMPLE = Path(__file__).parents[1] / "reports" / "example"
OPENED = 5
FIRST = "!!document.querySelector('#answer .verdict') && !!document.querySelector('#answer svg')"
WHOLE = """document.readyState === 'complete'
  && [...document.querySelectorAll('.js-plotly-plot')].every((one) => one.querySelector('svg'))"""


def report_build() -> Iterator[Figure]:
    """Time the report of the committed example from its tables, and weigh it."""
    from trialsim.report import again
    from trialsim.study import open_bundle

    study = open_bundle(EXAMPLE)
    plan = again.plan_of(study)
    result, _ = again.result_of(study, plan)
    assert result is not None
    whole, _ = again._with_tables(study, result)
    pages: list[str] = []
    spent = seconds(lambda: pages.append(again._render(study, plan, whole)), 3)
    yield Figure("report_build: Alzheimer's example, after its tables", spent, "s", goal=5.0, at_most=True)
    size = len(pages[-1].encode()) / 1e6
    yield Figure("report_build: size of the page", size, "MB", goal=6.0, at_most=True)


def report_open() -> Iterator[Figure]:
    """Time the example's report in a browser: its first screen, and all of its figures."""
    if CHROMIUM is None:
        return
    first: list[float] = []
    whole: list[float] = []
    with chrome() as page:
        for _ in range(OPENED):
            page.open("about:blank")
            began = time.perf_counter()
            page.open((EXAMPLE / "report.html").as_uri())
            page.wait_for(FIRST)
            first.append(time.perf_counter() - began)
            page.wait_for(WHOLE)
            whole.append(time.perf_counter() - began)
    yield Figure("report_open: first screen", median(first), "s", goal=1.5, at_most=True)
    yield Figure("report_open: all figures", median(whole), "s")


BENCHMARKS = {"report_build": report_build, "report_open": report_open}

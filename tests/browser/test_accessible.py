"""axe-core finds nothing serious on report and explorer, wide, narrow, light, dark; paper cuts nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.chrome import CHROMIUM, Chrome, chrome
from tests.browser.axe import WIDE_AND_NARROW, found_by_axe
from tests.explore.asking import Asking, asking
from tests.small_trial import run_small_trial

EXAMPLE = Path(__file__).parents[2] / "reports" / "example" / "report.html"
DRAWN = "document.readyState === 'complete' && !!document.querySelector('.js-plotly-plot svg')"
EXPLORED = "!!document.querySelector('#curve svg') && !!document.querySelector('#sizes table')"
# What a reader sees of a drawing ends where its frame ends.
CUT = """
[...document.querySelectorAll(".js-plotly-plot")].flatMap((plot) => {
  const frame = plot.parentElement.parentElement.getBoundingClientRect();
  return [...plot.querySelectorAll("text")].filter((one) => {
    const box = one.getBoundingClientRect();
    const beside = box.left < frame.left - 1 || box.right > frame.right + 1;
    return box.width > 0 && (beside || box.bottom > frame.bottom + 1);
  }).map((one) => `${plot.id}: ${one.textContent}`);
})
"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


@pytest.fixture(scope="module")
def page() -> Iterator[Chrome]:
    with chrome() as one:
        yield one


@pytest.fixture(scope="module")
def one() -> Iterator[Asking]:
    with asking() as running:
        yield running


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_small_trial(tmp_path_factory.mktemp("small")) / "report.html"


@pytest.mark.parametrize(("width", "dark"), WIDE_AND_NARROW)
@pytest.mark.parametrize("which", ["a trial", pytest.param("the example", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious_and_no_word_is_cut(
    which: str, width: int, dark: bool, page: Chrome, report: Path
) -> None:
    page.open((EXAMPLE if which == "the example" else report).as_uri(), width=width, dark=dark)
    page.wait_for(DRAWN)
    assert found_by_axe(page) == []
    assert page.run(CUT) == []


@pytest.mark.parametrize(("width", "dark"), WIDE_AND_NARROW)
def test_axe_finds_nothing_serious_in_the_explorer(width: int, dark: bool, page: Chrome, one: Asking) -> None:
    page.open(one.explorer.guard.address, width=width, dark=dark)
    page.wait_for(EXPLORED)
    for view in ("design", "participant", "compare"):
        page.run(f"document.getElementById('tab-{view}').click()")
        if view == "compare":
            page.run("document.querySelector('#view-compare button.main').click()")
            page.wait_for("!!document.querySelector('#view-compare .plot svg')")
        assert found_by_axe(page) == [], view


def test_paper_shows_whole_drawings_and_whole_tables(page: Chrome, report: Path) -> None:
    page.open(report.as_uri())
    page.wait_for(DRAWN)
    # What a browser does before it prints, at the width of the paper: A4 less its margins.
    page.run("dispatchEvent(new Event('beforeprint'))")
    page.wait_for("document.body.clientWidth < 700")
    assert page.run(CUT) == []
    wide = """[...document.querySelectorAll("figure.table")].filter((one) => !one.closest("details") &&
        one.firstElementChild.getBoundingClientRect().right > one.getBoundingClientRect().right + 1)
        .map((one) => one.textContent.trim().slice(0, 60))"""
    assert page.run(wide) == []
    page.run("dispatchEvent(new Event('afterprint'))")
    page.wait_for("document.body.clientWidth > 900")


def test_the_check_can_fail(page: Chrome, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<!doctype html><html><title>x</title><body><img src='x.png'><input></body></html>")
    page.open(bad.as_uri())
    assert {"image-alt", "label"} <= {one[1] for one in found_by_axe(page)}


@pytest.mark.parametrize("which", ["a trial", "the example"])
def test_the_summary_is_one_page(which: str, page: Chrome, report: Path) -> None:
    page.open((EXAMPLE if which == "the example" else report).as_uri())
    page.wait_for(DRAWN)

    def pages() -> int:
        made = page.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return len(re.findall(rb"/Type\s*/Page[^s]", base64.b64decode(made["data"])))

    assert pages() > 3
    page.run(
        "window.print = () => { window.printed = true; }; document.querySelector('button.print').click()"
    )
    page.wait_for("window.printed === true")
    assert pages() == 1
    page.run("dispatchEvent(new Event('afterprint'))")
    assert page.run("document.documentElement.classList.contains('summary')") is False

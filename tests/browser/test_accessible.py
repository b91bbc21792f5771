"""axe-core finds nothing serious on the report, wide and narrow, light and dark; its summary is one page."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.chrome import CHROMIUM, Chrome, chrome
from tests.small_trial import run_small_trial

EXAMPLE = Path(__file__).parents[2] / "reports" / "example" / "report.html"
SERIOUS = ("serious", "critical")
DRAWN = "document.readyState === 'complete' && !!document.querySelector('.js-plotly-plot svg')"
# A drawing of plotly is an image with a label; its words and numbers stand below it.
CHECK = """
axe.run({exclude: [['.js-plotly-plot']]}, {resultTypes: ['violations']}).then((found) => found.violations.map(
  (one) => [one.impact, one.id, one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200))]))
"""

axe = find_spec("axe_core_python")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


@pytest.fixture(scope="module")
def page() -> Iterator[Chrome]:
    with chrome() as one:
        yield one


@pytest.fixture(scope="module")
def script() -> str:
    if axe is None or not axe.submodule_search_locations:
        pytest.skip("needs axe-core-python, of the extra test")
    return (Path(axe.submodule_search_locations[0]) / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_small_trial(tmp_path_factory.mktemp("small")) / "report.html"


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
@pytest.mark.parametrize("which", ["a trial", pytest.param("the example", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious(
    which: str, width: int, dark: bool, page: Chrome, script: str, report: Path
) -> None:
    page.open((EXAMPLE if which == "the example" else report).as_uri(), width=width, dark=dark)
    page.wait_for(DRAWN)
    page.run(f"{script}; 1")
    found = page.run(CHECK)
    assert [one for one in found if one[0] in SERIOUS] == []


def test_the_check_can_fail(page: Chrome, script: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<!doctype html><html><title>x</title><body><img src='x.png'><input></body></html>")
    page.open(bad.as_uri())
    page.run(f"{script}; 1")
    assert {"image-alt", "label"} <= {one[1] for one in page.run(CHECK)}


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

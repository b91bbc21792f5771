"""The documentation site builds without a warning, holds every page, and asks nobody else for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from benchmarks.chrome import CHROMIUM, chrome
from tests.browser.axe import WIDE_AND_NARROW, found_by_axe

ROOT = Path(__file__).parents[2]
NEEDED = ("mkdocs", "material", "mkdocstrings")
missing = [name for name in NEEDED if find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(missing), reason=f"needs the extra docs: {', '.join(missing)} not installed"
)


class Fetched(HTMLParser):
    """What a page loads by itself, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "video") and given.get("src"):
            self.loads.append(str(given["src"]))
        if tag == "link" and given.get("href") and given.get("rel") != "canonical":
            self.loads.append(str(given["href"]))
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    made = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert made.returncode == 0, made.stderr[-3000:]
    assert "WARNING" not in made.stderr, made.stderr[-3000:]
    return folder


def test_every_page_of_the_docs_is_on_the_site(site: Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        assert (site / page.relative_to(ROOT / "docs")).with_suffix(".html").is_file(), page.name


def test_nothing_is_loaded_from_elsewhere_and_all_that_is_loaded_is_there(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        found = Fetched()
        found.feed(page.read_text(encoding="utf-8"))
        for address in found.loads:
            parts = urlsplit(address)
            assert parts.scheme in ("", "data"), f"{page.name} loads {address}"
            if parts.path and page.name != "404.html":
                assert (page.parent / unquote(parts.path)).exists(), f"{page.name} loads {address}"
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?https?:", style.read_text(encoding="utf-8")), style.name


def test_links_lead_to_pages_and_headings_that_exist(site: Path) -> None:
    anchors = {
        page: set(re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8")))
        for page in site.rglob("*.html")
    }
    for page in anchors:
        if page.name == "404.html":
            continue
        found = Fetched()
        found.feed(page.read_text(encoding="utf-8"))
        for address in found.links:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            there = (page.parent / unquote(parts.path)).resolve() if parts.path else page.resolve()
            assert there.exists(), f"{page.name} links to {address}"
            if parts.fragment and there in anchors and not parts.fragment.startswith("__"):
                assert unquote(parts.fragment) in anchors[there], f"{page.name} links to {address}"


def test_what_rooms_offer_is_on_their_pages(site: Path) -> None:
    text = (site / "python" / "analysis.html").read_text(encoding="utf-8")
    for name in ("trialsim.analysis.linear", "log_rank", "mmrm", "Parameters"):
        assert name in text, name


def test_blocks_of_code_are_blocks(site: Path) -> None:
    for page in ("contributing.html", "tutorials/disease_model.html", "start.html"):
        text = (site / page).read_text(encoding="utf-8")
        assert not re.search(r"<p>[^<]*```|</?p>\s*```", text), page
        assert '<span class="filename">' in text or page == "start.html", page


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_axe_finds_nothing_serious_on_the_site(site: Path) -> None:
    """One page of each kind: words, code and tables, fields made from the schema, docstrings."""
    with chrome() as page:
        for width, dark in WIDE_AND_NARROW:
            for name in ("design", "reference/card_fields", "python/report"):
                page.open((site / f"{name}.html").as_uri(), width=width, dark=dark)
                page.wait_for("document.readyState === 'complete'")
                assert found_by_axe(page) == [], (name, width)

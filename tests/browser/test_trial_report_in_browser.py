"""The report of a trial as a browser shows it; skipped where no Chromium is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.small_trial import run_small_trial

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--virtual-time-budget=10000", "--enable-logging=stderr",
)  # fmt: skip
LARGEST = 6_000_000


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [1280, 390])
def test_every_figure_is_drawn_offline_and_nothing_is_wrong(width: int, tmp_path: Path) -> None:
    page = run_small_trial(tmp_path) / "report.html"
    assert page.stat().st_size < LARGEST
    assert CHROMIUM is not None
    done = subprocess.run(
        [
            CHROMIUM, *QUIET, f"--window-size={width},900", f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    asked = set(re.findall(r'id="(figure-[a-z-]+)"', page.read_text(encoding="utf-8")))
    assert {
        "figure-course",
        "figure-enrolment",
        "figure-rejection",
        "figure-errors",
        "figure-examples",
    } <= asked
    for name in asked:
        start = done.stdout.index(f'id="{name}"')
        assert "<svg" in done.stdout[start : start + 3000], name
    assert "CONSOLE" not in done.stderr
    assert "Content Security Policy" not in done.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_it_prints_with_a_page_break_after_the_answer(tmp_path: Path) -> None:
    page = run_small_trial(tmp_path) / "report.html"
    paper = tmp_path / "report.pdf"
    assert CHROMIUM is not None
    subprocess.run(
        [
            CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={paper}",
            page.as_uri(),
        ],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    assert len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes())) > 1

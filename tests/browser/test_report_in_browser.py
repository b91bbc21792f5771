"""The report as a browser shows it; skipped where no Chromium is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from trialsim.report import write_report
from trialsim.report.figures import all_figures
from trialsim.study import StudyResult, SupplementaryAnalyses

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--virtual-time-budget=10000",
)  # fmt: skip


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_every_figure_is_drawn_offline(
    result: StudyResult, beside: SupplementaryAnalyses, tmp_path: Path
) -> None:
    write_report(result, tmp_path / "report.html", beside)
    assert CHROMIUM is not None
    profile, page = f"--user-data-dir={tmp_path / 'profile'}", str(tmp_path / "report.html")
    done = subprocess.run(
        [CHROMIUM, *QUIET, profile, "--dump-dom", page],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    names = {name.replace("_", "-") for name in all_figures(result, beside)}
    assert {"savings", "type-one-error", "drift", "frontier"} <= names
    for name in names:
        start = done.stdout.index(f'id="figure-{name}"')
        assert "<svg" in done.stdout[start : start + 3000], name
    assert "Content Security Policy" not in done.stderr

"""The report as a browser shows it; skipped where no Chromium is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.small_study import Answered
from trialsim.report import write_trial_report
from trialsim.report.arm_figures import arm_figures

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--virtual-time-budget=10000",
)  # fmt: skip


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_every_figure_is_drawn_offline(answered: Answered, tmp_path: Path) -> None:
    write_trial_report(
        answered.trial, answered.plan, answered.result, tmp_path / "report.html", answered.beside
    )
    assert CHROMIUM is not None
    profile, page = f"--user-data-dir={tmp_path / 'profile'}", str(tmp_path / "report.html")
    done = subprocess.run(
        [CHROMIUM, *QUIET, profile, "--dump-dom", page],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    names = {name.replace("_", "-") for name in arm_figures(answered.beside)} | {"rejection"}
    assert {"savings", "drift", "frontier"} <= names
    for name in names:
        start = done.stdout.index(f'id="figure-{name}"')
        assert "<svg" in done.stdout[start : start + 3000], name
    assert "Content Security Policy" not in done.stderr

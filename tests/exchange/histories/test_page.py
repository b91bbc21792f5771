"""The page on histories from records runs as it stands."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.cli.in_process import run
from tests.worked_examples import blocks_of, run_blocks

PAGE = Path(__file__).parents[3] / "docs" / "records.md"


def test_the_page_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = blocks_of(PAGE.read_text(encoding="utf-8"))
    run_blocks(blocks, tmp_path, "records.md", {"__name__": "__main__"}, partial(run, monkeypatch))
    for name in ("diabetes.provenance.csv", "diabetes.card.json", "diabetes_trial.toml"):
        assert (tmp_path / name).is_file()

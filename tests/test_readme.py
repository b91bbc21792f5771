"""The ten lines of the start page run as they stand, and the README shows what the example found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.answer_picture import PICTURE, picture, sizes_of_the_example

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_ten_lines_go_from_card_to_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python slow\n(.*?)```", page, re.S)
    assert sum(bool(line.strip()) for line in block.splitlines()) <= 10
    monkeypatch.chdir(ROOT)
    exec(compile(block, "start.md", "exec"), {})
    assert "worst_plausible" in capsys.readouterr().out


def test_every_page_that_the_readme_names_exists() -> None:
    for page in re.findall(r"\]\(([\w/.]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / page).is_file(), page


def test_the_picture_is_that_of_the_committed_example() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(sizes_of_the_example()), (
        "python -m benchmarks.answer_picture"
    )


def test_the_sentence_below_the_picture_has_the_sizes_of_the_example() -> None:
    rows = {
        row["analysis"]: row for row in sizes_of_the_example() if row["score"] in ("not used", "as declared")
    }
    sizes = {name: f"{float(row['participants']):.0f}" for name, row in rows.items()}
    for page in ("README.md", "docs/index.md"):
        text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
        found = re.findall(r"needs? (\d+)", text)
        assert found[:2] == [sizes["prognostic"], sizes["prognostic_covariates"]], page

"""The page of faults names tests, and each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text()
NAMED = sorted(set(re.findall(r"`([a-z_/]+\.py)::(\w+)`", PAGE)))
FOLDERS = ("", "faults/runs/")


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_every_test_that_the_page_names_exists(path: str, name: str) -> None:
    found = [
        ROOT / "tests" / folder / path for folder in FOLDERS if (ROOT / "tests" / folder / path).exists()
    ]
    assert found, path
    assert f"def {name}(" in found[0].read_text()


def test_the_page_names_many() -> None:
    assert len(NAMED) > 40

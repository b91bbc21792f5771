"""The example bundle in the repository is what its manifest says."""

from __future__ import annotations

from pathlib import Path

from trialsim.study import check_bundle

EXAMPLE = Path(__file__).parents[3] / "reports" / "example"


def test_the_example_is_whole() -> None:
    assert (EXAMPLE / "report.html").is_file()
    assert check_bundle(EXAMPLE) == []

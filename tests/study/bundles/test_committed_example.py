"""The example bundle in the repository is what its manifest says, and what this code makes of its blocks."""

from __future__ import annotations

from pathlib import Path

from trialsim.study import check_bundle
from trialsim.study.verification import verify_bundle

EXAMPLE = Path(__file__).parents[3] / "reports" / "example"


def test_the_example_is_whole() -> None:
    assert (EXAMPLE / "report.html").is_file()
    assert check_bundle(EXAMPLE) == []


def test_tables_and_report_of_the_example_follow_from_its_replicates() -> None:
    verdict = verify_bundle(EXAMPLE)
    assert verdict.holds
    assert verdict.reached == ("V0", "V1")

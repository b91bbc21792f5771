"""The list of planted mistakes fits the code, and its page is what came of it; one is really planted here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.planted.bugs import BUGS, Bug
from tests.planted.planting import ROOT, first_failure, planted, recorded


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_mistake_stands_once_in_its_file_and_its_tests_are_there(bug: Bug) -> None:
    assert (ROOT / bug.file).read_text(encoding="utf-8").count(bug.before) == 1
    assert bug.before != bug.after
    for test in bug.tests:
        assert (ROOT / test).exists()


def test_the_page_tells_of_every_mistake_and_nearly_all_are_caught() -> None:
    rows = recorded()
    assert set(rows) == {bug.name for bug in BUGS}
    caught = [said for said in rows.values() if said.startswith("caught by tests/")]
    assert len(BUGS) >= 30
    assert len(caught) >= len(BUGS) - 1


def test_a_planted_mistake_is_caught_and_taken_out(tmp_path: Path) -> None:
    bug = next(bug for bug in BUGS if bug.file == "trialsim/streams.py")
    shutil.copytree(ROOT / "trialsim", tmp_path / "trialsim", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "test_streams.py", tmp_path / "tests")
    assert first_failure(tmp_path, bug.tests) == ""
    with planted(tmp_path, bug):
        assert first_failure(tmp_path, bug.tests).startswith("tests/test_streams.py::")
    assert (tmp_path / bug.file).read_bytes() == (ROOT / bug.file).read_bytes()
    assert first_failure(tmp_path, ("tests/no_such_file.py",)).startswith("pytest ended with")

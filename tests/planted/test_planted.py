"""The list of planted mistakes fits the code, and its page is what came of it; one is really planted here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planted.bugs import BUGS, Bug
from tests.planted.planting import ROOT, planted, recorded


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


def test_a_planted_mistake_stands_for_a_while_and_is_taken_out(tmp_path: Path) -> None:
    bug = next(bug for bug in BUGS if bug.file == "trialsim/streams.py")
    (tmp_path / "trialsim").mkdir()
    file = tmp_path / bug.file
    file.write_bytes((ROOT / bug.file).read_bytes())
    before = file.stat().st_mtime_ns
    with planted(tmp_path, bug):
        space: dict[str, object] = {"__name__": "planted"}
        exec(compile(file.read_text(), str(file), "exec"), space)
        wrong = space["stream_key"]
        assert callable(wrong)
        # What tests/test_streams.py holds: each block has numbers of its own.
        assert wrong(1, "null", 0, "outcome") == wrong(1, "null", 1, "outcome")
    assert file.read_bytes() == (ROOT / bug.file).read_bytes()
    assert file.stat().st_mtime_ns == before

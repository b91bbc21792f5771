"""Published numbers come out, a wrong one is told, and the record says what is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.in_process import run
from trialsim.report.qualification_page import write_qualification
from trialsim.study.qualification import Oracle, every_oracle, qualify
from trialsim.study.qualification.on_this_machine import Qualification


@pytest.fixture(scope="module")
def found() -> Qualification:
    return qualify()


def test_every_published_number_comes_out(found: Qualification) -> None:
    assert [one for one in found.held if not one.passes] == []
    assert len(found.held) > 100


def test_every_oracle_has_a_name_of_its_own_and_a_source() -> None:
    names = [one.name for one in every_oracle()]
    assert len(set(names)) == len(names)
    assert all(one.source for one in every_oracle())


@pytest.mark.parametrize("oracle", every_oracle(), ids=lambda one: one.name)
def test_a_number_that_is_wrong_in_its_last_printed_digits_does_not_pass(
    oracle: Oracle, found: Qualification
) -> None:
    """A tolerance that lets a tenth of a per cent pass would prove nothing."""
    mine = [one for one in found.held if one.name.split("[")[0] == oracle.name]
    for one in mine:
        assert one.tolerance <= 1e-2 * max(abs(one.published), 0.04)


def test_planted_faults_are_rows_that_do_not_pass() -> None:
    wrong = (
        Oracle("wrong", lambda: [1.001], (1.0,), 1e-6, "x"),
        Oracle("fails", lambda: [1 / 0], (1.0,), 1e-6, "x"),
        Oracle("too few", lambda: [1.0], (1.0, 2.0), 1e-6, "x"),
        Oracle("no number", lambda: [float("nan")], (1.0,), 1e-6, "x"),
        Oracle("right", lambda: [1.0], (1.0,), 1e-6, "x"),
    )
    found = qualify(wrong)
    assert [one.passes for one in found.held] == [False, False, False, False, False, True]
    assert not found.passes
    assert found.held[1].problem == "ZeroDivisionError: division by zero"
    assert not qualify(()).passes


def test_page_and_json_hold_every_number_and_what_is_installed(found: Qualification, tmp_path: Path) -> None:
    page = write_qualification(found, tmp_path / "new" / "q")
    facts = json.loads((page.parent / "qualification.json").read_text())
    assert facts["passes"]
    assert len(facts["numbers"]) == len(found.held)
    assert {"numpy", "source", "python"} <= set(facts["versions"])
    assert {"processor", "blas", "compiled"} <= set(facts["machine"])
    text = page.read_text()
    assert "<script" not in text
    assert all(one.name in text for one in found.held)


def test_the_command_fails_where_a_number_does_not_come_out(monkeypatch, capsys, tmp_path: Path) -> None:
    wrong = (Oracle("wrong", lambda: [2.0], (1.0,), 1e-6, "x"),)
    monkeypatch.setattr("trialsim.study.qualification.on_this_machine.every_oracle", lambda: wrong)
    assert run(monkeypatch, "qualify", "-o", str(tmp_path), "--quiet") == 2
    assert "wrong" in capsys.readouterr().err
    assert (tmp_path / "qualification.json").exists()

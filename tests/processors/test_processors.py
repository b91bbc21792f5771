"""Another processor changes no decision, and the page on it is what came of the matrix; a slice runs here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.processors.__main__ import computed_under
from tests.processors.comparing import A, B, C, compared
from tests.processors.imitations import IMITATIONS, Imitation
from tests.processors.page import page, recorded
from tests.processors.runs import RUNS, Computed
from trialsim.study.bundles.machine import machine, other_machine

SLICE = ("ANCOVA", "people of a card")


@pytest.fixture(scope="module")
def own() -> dict[str, Computed]:
    return {name: RUNS[name]() for name in SLICE}


@pytest.mark.parametrize("imitated", ["NumPy SSE", "BLAS SSE"])
def test_a_slice_agrees_with_its_line_of_the_page(imitated: str, own: dict, tmp_path: Path) -> None:
    imitation = next(one for one in IMITATIONS if one.name == imitated)
    theirs = computed_under(imitation, tmp_path / "theirs", list(SLICE))
    found = {name: compared(own[name], theirs[name]) for name in SLICE}
    assert found["ANCOVA"].letter == A, found
    assert found["people of a card"].letter in (A, B), found


def test_the_page_has_every_run_and_imitation_and_no_decision_differs() -> None:
    cells = recorded()
    assert list(cells) == list(RUNS)
    for run, row in cells.items():
        assert list(row) == [one.name for one in IMITATIONS], run
        assert set(row.values()) <= {A, B}, run
        assert row["again"] == row["4 threads"] == A, run


def rows(**changed: object) -> Computed:
    base = {"estimate": [1.0, 2.0], "p_value": [0.2, 0.01], "decision": [0, 1]}
    return {"rows": pd.DataFrame(base | changed)}


@pytest.mark.parametrize(
    ("changed", "letter", "decisions"),
    [
        ({}, A, 0),
        ({"estimate": [1.0, 2.0 + 1e-14]}, B, 0),
        ({"estimate": [1.0, 2.0 + 1e-6]}, C, 0),
        ({"decision": [1, 1]}, C, 1),
        ({"p_value": [0.2, 0.06]}, C, 1),
        ({"estimate": [1.0, np.nan]}, C, 0),
    ],
)
def test_a_comparison_names_its_class(changed: dict, letter: str, decisions: int) -> None:
    found = compared(rows(), rows(**changed))
    assert (found.letter, found.decisions) == (letter, decisions)
    assert found.in_words().strip("*").startswith(letter)
    assert (found.where.startswith("rows: ")) == (letter != A)


def test_tables_that_are_missing_are_no_agreement() -> None:
    assert compared(rows(), {}).letter == C
    assert compared(rows(), {"rows": rows()["rows"].head(1)}).letter == C


def test_the_page_says_what_was_found() -> None:
    worst = compared(rows(), rows(decision=[1, 1]))
    cells = {"ANCOVA": {one.name: worst for one in IMITATIONS}}
    assert "**C: 1 decisions differ** (rows: decision)" in page(cells, machine())


def test_no_setting_of_this_process_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert "OPENBLAS_CORETYPE" not in Imitation("x", "y").environment()


def test_a_machine_that_differs_is_named_by_what_bits_depend_on() -> None:
    assert other_machine(machine() | {"cores": 999}) == []
    assert other_machine(machine() | {"blas": {}, "vector_units": []}) == ["vector_units", "blas"]

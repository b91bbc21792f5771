"""Runs beside each other: inputs that differ, and differences that their errors can carry."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tests.small_trial import run_small_trial
from trialsim.cli.commands import commands
from trialsim.errors import BundleError, InputError
from trialsim.study.comparison.answers import changed_answers
from trialsim.study.comparison.compare import compare_runs
from trialsim.study.comparison.inputs import changed_fields


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("runs")
    return lambda effect=1.0, participants=80, seed=1: run_small_trial(folder, effect, participants, seed)


def test_fields_are_matched_by_name_and_said_once() -> None:
    first = {"arms": [{"name": "a", "n": 1}, {"name": "b", "n": 2}], "weeks": [1, 2], "only": {}}
    other = {"arms": [{"name": "b", "n": 3}], "weeks": [1, 3], "new": True}
    found = changed_fields(first, other).set_index("field")
    assert found.loc["arms[b].n"].tolist() == ["2", "3"]
    assert found.loc["arms[a].n"].tolist() == ["1", "–"]
    assert found.loc["weeks"].tolist() == ["[1, 2]", "[1, 3]"]
    assert found.loc["new"].tolist() == ["–", "true"]
    assert changed_fields(first, first).empty


def test_the_null_does_not_move_when_the_effect_does(run) -> None:
    found = changed_answers(run(1.0), run(1.6)).set_index(["cell", "quantity"])
    null, works = found.loc[("null", "rejection_rate")], found.loc[("works", "rejection_rate")]
    assert null["difference"] == 0
    assert not null["beyond_error"]
    assert works["beyond_error"]
    assert works["difference"] > 0.1


def test_paired_errors_are_those_of_the_differences_by_hand(run) -> None:
    first, other = run(1.0), run(1.2)
    row = changed_answers(first, other).set_index(["cell", "quantity"]).loc[("works", "rejection_rate")]
    claims = [
        pd.read_parquet(one / "results" / "replicates" / "works.parquet")["ancova_decision"] == 1
        for one in (first, other)
    ]
    gap = claims[1].astype(int) - claims[0].astype(int)
    assert row["difference"] == pytest.approx(gap.mean())
    assert row["difference_mcse"] == pytest.approx(gap.std(ddof=1) / np.sqrt(len(gap)))
    assert row["paired"]
    # A larger effect turns claims one way only: shared random numbers make the difference sharp.
    alone = np.hypot(*(np.sqrt(one.mean() * (1 - one.mean()) / 400) for one in claims))
    assert row["difference_mcse"] < 0.7 * alone


def test_another_seed_is_within_error_and_another_size_is_not(run) -> None:
    same = changed_answers(run(1.0), run(1.0, seed=2))
    assert not same[same["quantity"] == "rejection_rate"]["beyond_error"].any()
    larger = changed_answers(run(1.0), run(1.0, participants=140)).set_index(["cell", "quantity"])
    assert larger.loc[("works", "expected_size"), "difference"] == 60
    assert larger.loc[("works", "expected_size"), "beyond_error"]


def test_what_is_said_first(run) -> None:
    (found,) = compare_runs([run(1.0), run(1.6)])
    said = found.in_words()
    assert said[0] == "Fields that were asked differently: 1"
    assert "by chance alone" in said[1]
    assert found.inputs["field"].tolist() == ["effects[0].value"]
    assert found.sizes.empty


def test_the_command_prints_and_writes_every_answer(run, tmp_path: Path) -> None:
    file = tmp_path / "differences.csv"
    done = CliRunner().invoke(
        commands, ["compare", str(run(1.0)), str(run(1.6)), str(run(1.0, seed=2)), "-o", str(file)]
    )
    assert done.exit_code == 0, done.output
    assert "effects[0].value" in done.output
    written = pd.read_csv(file, keep_default_na=False)
    assert set(written["other_run"]) == {run(1.6).name, run(1.0, seed=2).name}
    assert len(written) == 2 * len(changed_answers(run(1.0), run(1.6)))


def test_what_cannot_be_compared_is_refused(run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two runs"):
        compare_runs([run()])
    with pytest.raises(InputError, match="twice"):
        compare_runs([run(), run()])
    with pytest.raises(BundleError):
        compare_runs([run(), tmp_path / "nothing"])
    changed = tmp_path / "changed"
    shutil.copytree(run(1.6), changed)
    manifest = json.loads((changed / "manifest.json").read_text())
    (changed / "results" / "operating_characteristics.csv").write_text("edited")
    assert manifest["kind"] == "trial"
    with pytest.raises(BundleError, match="operating_characteristics"):
        compare_runs([run(), changed])

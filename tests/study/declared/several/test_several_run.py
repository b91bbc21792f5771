"""A trial of several hypotheses from the file to the report: run, bundle, verify, replay, and one error."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from tests.study.declared.several.several_trials import FILE
from trialsim.cli.commands import commands


def call(*arguments: object):
    return CliRunner().invoke(commands, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    file = folder / "several.toml"
    file.write_text(FILE.read_text(encoding="utf-8").replace("partial_nulls = true", "partial_nulls = false"))
    done = call("run", file, "-o", folder / "runs", "--workers", 1, "--quiet", "--replicates", 100)
    assert done.exit_code == 0, done.output
    (found,) = (folder / "runs").iterdir()
    return found


def test_tables_and_report_tell_of_the_family(bundle: Path) -> None:
    family = pd.read_parquet(bundle / "results" / "family.parquet")
    assert family["scenario"].tolist() == ["alternative", "null"]
    assert {"disjunctive_power_mcse", "conjunctive_power", "family_wise_error", "expected_months"} <= set(
        family
    )
    looks = pd.read_csv(bundle / "results" / "hypotheses.csv")
    assert len(looks) == 2 * 3 * 3
    page = (bundle / "report.html").read_text(encoding="utf-8")
    assert "All hypotheses together" in page
    assert "Each hypothesis at each look" in page


@pytest.mark.slow
def test_the_bundle_is_verified_and_computed_again(bundle: Path) -> None:
    done = call("verify", bundle, "--replay", 1)
    assert done.exit_code == 0, done.output
    again = call("replay", bundle, "alternative", 17)
    assert again.exit_code == 0, again.output


def test_a_graph_that_cannot_be_is_one_error(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(FILE.read_text(encoding="utf-8").replace("weight = 0.8", "weight = 0.5"))
    done = call("run", file, "-o", tmp_path / "runs", "--quiet")
    assert done.exit_code != 0
    assert "hypotheses.weight: add up to 0.7, not to 1" in str(done.exception)
    assert not (tmp_path / "runs").exists()

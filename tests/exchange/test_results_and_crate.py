"""Analysis results and research objects of a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from trialsim.cli.commands import commands
from trialsim.errors import BundleError
from trialsim.exchange import analysis_results
from trialsim.exchange.crate import write_crate
from trialsim.study import check_bundle

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"


def test_every_result_is_a_cell_of_the_table_and_names_what_it_is() -> None:
    event, table = analysis_results(EXAMPLE)
    found = pd.read_parquet(EXAMPLE / "results" / "operating_characteristics.parquet")
    row = found[(found["cell"] == "null") & (found["analysis"] == "prognostic")].iloc[0]
    mine = table[(table["groupId"] == "CELL.NULL") & (table["analysisId"] == "AN.PROGNOSTIC")]
    by_operation = mine.set_index("operationId")
    assert by_operation.loc["OP.REJECTION_RATE", "rawValue"] == row["rejection_rate"]
    assert by_operation.loc["OP.REJECTION_RATE", "monteCarloStandardError"] == row["rejection_rate_mcse"]
    operations = {one["id"] for method in event["methods"] for one in method["operations"]}
    groups = {one["id"] for grouping in event["analysisGroupings"] for one in grouping["groups"]}
    assert len(event["analyses"]) == found["analysis"].nunique()
    for analysis in event["analyses"]:
        for result in analysis["results"]:
            assert result["operationId"] in operations
            assert {one["groupId"] for one in result["resultGroups"]} <= groups
    assert sum(len(one["results"]) for one in event["analyses"]) == len(table)
    json.dumps(event, allow_nan=False)


def test_a_crate_holds_the_run_as_it_was_sealed(tmp_path: Path) -> None:
    path = write_crate(EXAMPLE, tmp_path / "crate")
    assert check_bundle(tmp_path / "crate" / "example") == []
    graph = {one["@id"]: one for one in json.loads(path.read_text())["@graph"]}
    root = graph["./"]
    for part in root["hasPart"]:
        assert (tmp_path / "crate" / part["@id"]).is_file()
        assert graph[part["@id"]]["@type"] == "File"
    action = graph["#run"]
    assert action["startTime"] < action["endTime"]
    assert graph["#trialsim"]["softwareVersion"]
    assert len(action["object"]) + len(action["result"]) == len(root["hasPart"])


def test_a_tampered_run_makes_no_crate(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(EXAMPLE, run)
    (run / "results" / "answer.json").write_text("{}")
    with pytest.raises(BundleError, match=r"answer\.json"):
        write_crate(run, tmp_path / "crate")
    assert not (tmp_path / "crate").exists()


@pytest.mark.parametrize("what", ["data", "results", "crate"])
def test_nothing_is_written_into_a_sealed_run(tmp_path: Path, what: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(EXAMPLE, run)
    for place in ("inside.json", "results/deep.json"):
        done = CliRunner().invoke(commands, ["export", what, str(run), "-o", str(run / place)])
        assert done.exit_code != 0
        assert "lies in the run" in f"{done.output}{done.exception}"
    assert check_bundle(run) == []

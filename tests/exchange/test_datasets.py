"""ADaM-like data sets of simulated trials: what stands in them, and that each format gives it back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from trialsim.cli.commands import commands
from trialsim.errors import BundleError, HistoryError
from trialsim.exchange import datasets_of_run, write_datasets
from trialsim.exchange.adam import FORMATS, Dataset, Variable, read_dataset_json
from trialsim.exchange.adam.dataset import LONGEST_LABEL, LONGEST_NAME, short_names
from trialsim.study import replay_declared_trial
from trialsim.study.bundles import open_bundle

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"


@pytest.fixture(scope="module")
def made() -> dict[str, Dataset]:
    return {one.name: one for one in datasets_of_run(EXAMPLE, [("alternative", 55), ("null", 3)])}


def test_the_measurements_are_those_of_the_replayed_trial(made: dict[str, Dataset]) -> None:
    study = open_bundle(EXAMPLE)
    people = replay_declared_trial(study, study.cell("null"), 3).participants
    frame = made["ADEFF"].frame
    mine = frame[frame["CELL"] == "null"]
    last = mine[mine["AVISITN"] == 78.0]
    np.testing.assert_array_equal(last["AVAL"], people["week_78"])
    np.testing.assert_array_equal(last["CHG"], people["week_78"] - people["baseline"])
    assert (mine.loc[mine["ABLFL"] == "Y", "AVAL"].to_numpy() == people["baseline"].to_numpy()).all()
    assert ((mine["ANL01FL"] == "Y") == (mine["AVAL"].notna() & (mine["AVISITN"] > 0))).all()


def test_an_analysis_of_the_data_sets_is_the_recorded_one(made: dict[str, Dataset]) -> None:
    """A stranger's least squares on ADEFF and ADSL gives the estimate that ADSIM has."""
    frame = made["ADEFF"].frame
    seen = frame[(frame["CELL"] == "alternative") & (frame["AVISITN"] == 78.0) & (frame["ANL01FL"] == "Y")]
    design = np.column_stack([np.ones(len(seen)), seen["TRT01PN"], seen["BASE"]])
    estimate = np.linalg.lstsq(design, seen["CHG"].to_numpy(), rcond=None)[0][1]
    trials = made["ADSIM"].frame
    row = trials[
        (trials["CELL"] == "alternative") & (trials["REPNO"] == 55) & (trials["ANALYSIS"] == "ancova")
    ]
    assert estimate == pytest.approx(row["ESTIMATE"].item(), rel=1e-9)


def test_every_participant_is_marked_and_none_looks_real(made: dict[str, Dataset]) -> None:
    for one in made.values():
        assert (one.frame["SYNTHFL"] == "Y").all()
        assert one.frame["STUDYID"].str.startswith("SIM-").all()
        assert "synthetic" in one.label
    people = made["ADSL"].frame
    assert people["USUBJID"].is_unique
    assert (
        set(made["ADEFF"].frame["USUBJID"]) == set(people["USUBJID"]) == set(made["ADTWIN"].frame["USUBJID"])
    )


def test_names_and_labels_fit_a_transport_file(made: dict[str, Dataset]) -> None:
    for one in made.values():
        for variable in one.variables:
            assert len(variable.name) <= LONGEST_NAME
            assert len(variable.label) <= LONGEST_LABEL
            assert variable.origin


def read(path: Path) -> pd.DataFrame:
    """Read a data set as a stranger would."""
    if path.suffix == ".xpt":
        return pd.read_sas(path, format="xport", encoding="utf-8")
    return read_dataset_json(path) if path.suffix == ".json" else pq.read_table(path).to_pandas()


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_gives_the_values_back(made: dict[str, Dataset], kind: str, tmp_path: Path) -> None:
    if kind == "xport":
        pytest.importorskip("pyreadstat", reason="XPORT is written by the extra 'exchange'")
    folder = tmp_path / "out"
    written = write_datasets(list(made.values()), folder, kind, {"root": "ab"})
    assert {one.stem for one in written} == {one.lower() for one in made} | {"define"}
    for name, one in made.items():
        found = read(folder / f"{name.lower()}{FORMATS[kind][0]}")
        assert list(found.columns) == list(one.frame.columns)
        assert len(found) == len(one.frame)
        for variable in one.variables:
            values, back = one.frame[variable.name], found[variable.name]
            if variable.kind == "string":
                assert [v or "" for v in values.fillna("")] == [v if isinstance(v, str) else "" for v in back]
            else:
                # A SAS number has 56 bits of fraction: no digit of a double is lost, small ones apart.
                np.testing.assert_allclose(back.astype(float), values.astype(float), rtol=1e-15, atol=1e-78)
    about = json.loads((folder / "define.json").read_text())
    assert about["source"]["root"] == "ab"
    assert {one["name"]: one["records"] for one in about["datasets"]} == {
        n: len(d.frame) for n, d in made.items()
    }


def test_a_folder_that_holds_something_is_left_alone(made: dict[str, Dataset], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(BundleError, match="is there already"):
        write_datasets([made["ADSL"]], tmp_path, "parquet")
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    one = Variable("STUDYID", "Study Identifier", "string", "x")
    long = Dataset("ADX", "X (synthetic)", (one,), (), pd.DataFrame({"STUDYID": ["y" * 201]}))
    pytest.importorskip("pyreadstat", reason="XPORT is written by the extra 'exchange'")
    with pytest.raises(BundleError, match="more than 200 characters"):
        write_datasets([long], tmp_path / "out", "xport")
    assert not list(tmp_path.iterdir())


def test_short_names_never_collide() -> None:
    names = [f"disease_months_{number}" for number in range(12)] + ["1st", "Übung"]
    found = short_names(names, taken=["DISEASE_"])
    assert len(set(found.values()) | {"DISEASE_"}) == len(names) + 1
    assert all(len(one) <= LONGEST_NAME for one in found.values())


def small(**changes: object) -> str:
    content = {
        "datasetJSONVersion": "1.1.0", "records": 2,
        "columns": [{"name": "AGE", "dataType": "decimal"}, {"name": "SEX", "dataType": "string"}],
        "rows": [["41.5", "F"], [None, ""]],
    }  # fmt: skip
    return json.dumps(content | changes)


def test_others_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(small())
    found = read_dataset_json(path)
    assert found["AGE"].iloc[0] == 41.5
    assert np.isnan(found["AGE"].iloc[1])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "JSON"),
        ("[]", "must be Dataset-JSON 1.1"),
        (small(datasetJSONVersion="1.0.0"), "must be Dataset-JSON 1.1"),
        (small(columns=[]), "must list columns"),
        (small(columns=[{"name": "AGE", "dataType": "colour"}]), "must list columns"),
        (small(rows=[["1"]]), "must have 2 values"),
        (small(rows=3), "must be a list of rows"),
        (small(records=3), "says 2 rows are there"),
        (small(rows=[["1", ["F"]]], records=1), r"rows\[0\]: holds several values"),
        (small(rows=[["CANARY", "F"]], records=1), r"rows\[0\].AGE: must be a number"),
        (small(columns=[{"name": "AGE", "dataType": "string"}] * 2), "all different"),
    ],
)
def test_what_is_no_dataset_json_is_refused_by_name(content: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(HistoryError, match=says) as refusal:
        read_dataset_json(path)
    assert "CANARY" not in str(refusal.value)


def test_an_analysis_reads_dataset_json(made: dict[str, Dataset], tmp_path: Path) -> None:
    write_datasets([made["ADSL"]], tmp_path / "out", "dataset-json")
    command = ["analyse", str(tmp_path / "out" / "adsl.json"), "--method", "t-test", "--outcome", "AGE"]
    result = CliRunner().invoke(commands, [*command, "--arm", "TRT01P", "--control", "placebo"])
    assert result.exit_code == 0, result.output
    people = made["ADSL"].frame.groupby("TRT01P")["AGE"].mean()
    assert f"{people['active'] - people['placebo']:.4f}"[:6] in result.output


@pytest.mark.parametrize("kind", FORMATS)
def test_a_history_from_the_data_sets_is_that_of_the_trial(
    made: dict[str, Dataset], kind: str, tmp_path: Path
) -> None:
    """What goes out by `export data` comes in by `history from-adam`, to the last bit."""
    if kind == "xport":
        pytest.importorskip("pyreadstat", reason="XPORT is read by the extra 'exchange'")
    write_datasets([made["ADSL"], made["ADEFF"]], tmp_path / "adam", kind, {"root": "ab"})
    (tmp_path / "map.toml").write_text(
        'keep = [{ from = "ADSL.CELL", equals = "null" }, { from = "ADSL.TRT01PN", equals = 0 }]\n'
        'covariates = { age = { from = "ADSL.AGE" } }\n'
        '[outcome]\nname = "cdr_sb"\nfrom = "ADEFF"\nvisit = "AVISITN"\nweeks = [0, 78]\n'
    )
    words = ["history", "from-adam", str(tmp_path / "adam"), "--map", str(tmp_path / "map.toml")]
    CliRunner().invoke(commands, [*words, "-o", str(tmp_path / "history.csv")], catch_exceptions=False)
    rows = pd.read_csv(tmp_path / "history.csv").set_index(["week", "participant"])
    for week in (0, 78):
        mine = made["ADEFF"].frame.query("CELL == 'null' and TRT01PN == 0 and AVISITN == @week")
        np.testing.assert_array_equal(rows.loc[week, "cdr_sb"], mine.sort_values("USUBJID")["AVAL"])
    people = made["ADSL"].frame.query("CELL == 'null' and TRT01PN == 0").sort_values("USUBJID")
    np.testing.assert_array_equal(rows.loc[0, "age"], people["AGE"])

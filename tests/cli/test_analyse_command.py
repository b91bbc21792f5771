"""`trialsim analyse`: a listing, tables and a figure for every method; what is wrong is named."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import trialsim as ts
from trialsim.analysis.by_name import listing_of
from trialsim.registry import estimators

sys.path.insert(0, str(Path(__file__).parent))
from in_process import run

from tests.registry.small_trials import people, trial_of, visits

# It needs a prior, which only Python can give.
METHODS = [one for one in estimators() if one.name != "bayesian_adjustment"]
ANCOVA = [
    "--method",
    "ancova",
    "--outcome",
    "change",
    "--arm",
    "arm",
    "--control",
    "placebo",
    "--covariates",
    "baseline",
]


def command(path: Path, *words: str) -> list[str]:
    return ["analyse", str(path), *words]


@pytest.mark.parametrize("name", [one.name for one in METHODS])
def test_the_example_of_every_method_runs_and_writes_its_files(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = next(one for one in METHODS if one.name == name)
    data, path, folder = trial_of(name), tmp_path / "data.csv", tmp_path / "out"
    data.to_csv(path, index=False)
    typed = name.replace("_", "-")
    words = command(path, "--method", typed, *shlex.split(one.example), "-o", str(folder))
    assert run(monkeypatch, *words) == 0
    listing = capsys.readouterr().out
    assert (folder / "listing.txt").read_text(encoding="utf-8") == listing
    written = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert written["method"] == name
    assert written["estimand"] == one.estimand
    estimates = pd.read_csv(folder / "estimates.csv")
    assert len(estimates) == len(written["tables"]["estimates"])
    tables = written["tables"].values()
    numbers = [v for rows in tables for row in rows for v in row.values() if isinstance(v, int | float)]
    assert np.isfinite(numbers).any()
    figure = folder / "figure.html"
    if figure.exists():
        assert "plotly" in figure.read_text(encoding="utf-8").lower()
    assert not list(folder.glob(".*"))


def test_the_listing_is_that_of_the_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, path = people(), tmp_path / "data.parquet"
    data.to_parquet(path)
    assert run(monkeypatch, *command(path, *ANCOVA, "--score", "twin", "--variance", "hc2")) == 0
    expected = ts.analysis.ancova(
        data, outcome="change", arm="arm", control="placebo", covariates=["baseline", "twin"], variance="hc2"
    )
    assert capsys.readouterr().out == listing_of(expected) + "\n"


def test_json_has_the_numbers_of_the_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, path = people(), tmp_path / "data.csv"
    data.to_csv(path, index=False)
    assert run(monkeypatch, *command(path, *ANCOVA, "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    expected = ts.analysis.ancova(
        data, outcome="change", arm="arm", control="placebo", covariates="baseline"
    ).to_frame()
    assert found["tables"]["estimates"][0]["estimate"] == pytest.approx(
        expected["estimate"].iloc[0], rel=1e-13
    )
    assert found["facts"]["data"] == {"file": "data.csv", "rows": len(data)}


def test_every_method_is_listed_and_teaches_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "analyse", "--methods") == 0
    listed = capsys.readouterr().out
    for one in estimators():
        typed = one.name.replace("_", "-")
        assert f"\n{typed}\n" in f"\n{listed}"
        assert run(monkeypatch, "analyse", "--method", typed, "--help") == 0
        taught = capsys.readouterr().out
        assert f"trialsim analyse DATA.csv --method {typed}" in taught
        assert all(f"--{name.replace('_', '-')}" in taught for name in one.options)
    assert run(monkeypatch, "analyse", "--help") == 0
    assert "trialsim analyse adas.csv --method ancova" in capsys.readouterr().out


def hostile(rows: pd.DataFrame, column: str, cells: dict[int, object]) -> pd.DataFrame:
    changed = rows.copy()
    changed[column] = changed[column].astype(object)
    for place, cell in cells.items():
        changed.loc[place, column] = cell
    return changed


Y = "--outcome change --arm arm --control placebo"
REFUSED: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "unknown method": (f"--method ancovva {Y}", {}, ("--method", "ancovva", "did you mean ancova", "mmrm")),
    "no method": (Y, {}, ("--method", "is needed")),
    "no such column": ("--method ancova --outcome chg --arm arm", {},
                   ("data.csv", "--outcome", "chg", "change")),
    "unknown option": (f"--method ancova {Y} --tau 3", {}, ("--tau", "is no option of ancova", "--variance")),
    "missing option": ("--method ancova --arm arm", {}, ("--outcome", "is needed by ancova", "Mend")),
    "no such arm": ("--method ancova --outcome change --arm arm --control sham", {},
                    ("--control", "sham", "placebo, active")),
    "bad choice": (f"--method ancova {Y} --variance hc9", {}, ("--variance", "hc9", "hc3")),
    "bad number": (f"--method ancova {Y} --level high", {}, ("--level", "high", "number")),
    "level out of range": (f"--method ancova {Y} --level 95", {}, ("level", "95")),
    "no value": (f"--method ancova {Y} --variance", {}, ("--variance", "has no value")),
    "given twice": (f"--method ancova {Y} --outcome age", {}, ("--outcome", "twice")),
    "two files": (f"--method ancova {Y} --covariates baseline age", {}, ("DATA", "commas")),
    "no covariates": (f"--method t-test {Y} --score twin", {}, ("score", "takes no covariates")),
    "text among numbers": (f"--method ancova {Y}", {"change": {3: "1,5", 9: "n/a"}},
                           ("change", "rows 4, 10", "--missing", "--factors change")),
    "a code for missing": (f"--method ancova {Y}", {"change": {3: 999, 8: 999}},
                           ("change", "rows 4, 9", "--missing 999")),
    "a missing covariate": (f"--method ancova {Y} --covariates age", {"age": {2: None}}, ("age", "row 2")),
    "one arm": (f"--method ancova {Y}", {"arm": dict.fromkeys(range(80), "placebo")}, ("arm", "one level")),
    "one comparison": (f"--method dunnett {Y}", {}, ("arm", "one arm beside the control", "use ancova")),
    "a prior": (f"--method bayesian-adjustment {Y} --score twin --prior 1", {}, ("--prior", "ts.analyse")),
    "a bad weight": ("--method log-rank --time months --event died --arm arm --weights steep:1", {},
                     ("--weights", "steep:1", "magirr-burman")),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_named_in_one_message_and_nothing_is_written(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, cells, expected = REFUSED[case]
    data, path, folder = people(), tmp_path / "data.csv", tmp_path / "out"
    for column, changed in cells.items():
        data = hostile(data, column, changed)
    data.to_csv(path, index=False)
    assert run(monkeypatch, *command(path, *shlex.split(words), "-o", str(folder))) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Error: ")
    assert shown.err.count("\n") == 1
    assert all(one in shown.err for one in expected), shown.err
    assert not folder.exists()


@pytest.mark.parametrize("content", [None, "", "a,b\n", "a,a\n1,2\n"])
def test_a_file_that_cannot_be_read_is_refused_by_its_name(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "data.csv"
    if content is not None:
        path.write_text(content)
    assert run(monkeypatch, *command(path, *ANCOVA)) == 2
    assert "data.csv" in capsys.readouterr().err


def test_declared_codes_are_missing_outcomes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, path = people(), tmp_path / "data.csv"
    hostile(data, "change", {3: 999, 8: "999.0"}).to_csv(path, index=False)
    assert run(monkeypatch, *command(path, *ANCOVA, "--missing", "999")) == 0
    data.loc[[3, 8], "change"] = np.nan
    expected = ts.analysis.ancova(data, outcome="change", arm="arm", control="placebo", covariates="baseline")
    assert capsys.readouterr().out == listing_of(expected) + "\n"


def test_numbers_that_are_labels_are_read_as_factors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, path = people(), tmp_path / "data.csv"
    data.to_csv(path, index=False)
    asked = [*ANCOVA[:-1], "baseline,site"]
    assert run(monkeypatch, *command(path, *asked, "--factors", "site")) == 0
    expected = ts.analysis.ancova(
        data.assign(site=data["site"].astype(str)), outcome="change", arm="arm", control="placebo",
        covariates=["baseline", "site"],
    )  # fmt: skip
    assert capsys.readouterr().out == listing_of(expected) + "\n"


def test_arms_and_participants_are_labels_as_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An arm of "01" is not 1, and the visits keep their order as numbers."""
    data, path = visits(), tmp_path / "data.csv"
    data["arm"] = data["arm"].map({"placebo": "01", "active": "02"})
    data.to_csv(path, index=False)
    words = [
        "--method",
        "mmrm",
        "--outcome",
        "change",
        "--arm",
        "arm",
        "--control",
        "01",
        "--visit",
        "week",
        "--participant",
        "id",
    ]
    assert run(monkeypatch, *command(path, *words)) == 0
    expected = ts.analysis.mmrm(
        data, outcome="change", arm="arm", control="01", visit="week", participant="id"
    )
    assert capsys.readouterr().out == listing_of(expected) + "\n"

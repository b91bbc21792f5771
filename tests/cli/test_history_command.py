"""``trialsim history``: curves in, participants out; a gauntlet; and one clear error for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from trialsim.cli.commands import commands
from trialsim.errors import DesignError, HistoryError

CURVE = "time,survival,arm\n0,1,p\n3,0.8,p\n6,0.5,p\n9,0.4,p\n0,1,v\n4,0.9,v\n8,0.7,v\n"
RISK = "time,at_risk,arm\n0,20,p\n5,15,p\n0,10,v\n"


def run(folder: Path, *options: str, curve: str = CURVE, risk: str = RISK) -> Path:
    (folder / "curve.csv").write_text(curve)
    (folder / "risk.csv").write_text(risk)
    output = folder / "history.csv"
    words = [
        "history",
        "from-km",
        str(folder / "curve.csv"),
        "--at-risk",
        str(folder / "risk.csv"),
        "-o",
        str(output),
    ]
    CliRunner().invoke(commands, [*words, *options], catch_exceptions=False)
    return output


def test_each_arm_has_its_people(tmp_path: Path) -> None:
    rows = pd.read_csv(run(tmp_path))
    assert rows["participant"].tolist() == list(range(1, 31))
    assert rows["arm"].value_counts().to_dict() == {"p": 20, "v": 10}
    assert rows.groupby("arm")["event"].sum().to_dict() == {"p": 11, "v": 3}
    told = pd.read_csv(run(tmp_path, "--force", "--events", "p=10"))
    assert told[told["arm"] == "p"]["event"].sum() == 10


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"curve": CURVE.replace("0.4,p", "0.9,p")}, (), "in arm p: rises"),
        ({"risk": RISK.replace("15,p", "25,p")}, (), "in arm p: grows from 20 to 25"),
        ({"risk": RISK.replace(",v", ",w")}, (), "other arms than the curve"),
        ({"curve": CURVE.replace("survival", "s")}, (), "not a column"),
        ({}, ("--events", "q=3"), "no number of events"),
        ({}, ("--events", "p=99"), "between 0 and"),
    ],
)
def test_one_clear_error_and_nothing_written(tmp_path: Path, changes, options, words) -> None:
    with pytest.raises(HistoryError, match=words):
        run(tmp_path, *options, **changes)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["curve.csv", "risk.csv"]


def test_an_output_that_is_there_stays(tmp_path: Path) -> None:
    before = run(tmp_path).read_text()
    with pytest.raises(HistoryError, match="there already"):
        run(tmp_path, curve=CURVE.replace("0.4", "0.3"))
    assert (tmp_path / "history.csv").read_text() == before


def gauntlet(folder: Path, *options: str, trials: int = 4) -> tuple[str, Path]:
    source = folder / "trials"
    source.mkdir(exist_ok=True)
    for k in range(trials):
        rows = [f"{i},placebo,{(1 + k) * (i + 1)},1" for i in range(60)]
        (source / f"trial{k}.csv").write_text("participant,arm,time,event\n" + "\n".join(rows) + "\n")
    output = folder / "out"
    words = ["history", "gauntlet", str(source), "-o", str(output), "--splits", "50", "--quiet", *options]
    done = CliRunner().invoke(commands, words, catch_exceptions=False)
    return done.output, output


def test_a_gauntlet_is_one_page_and_one_json(tmp_path: Path) -> None:
    said, output = gauntlet(tmp_path)
    assert sorted(one.name for one in output.iterdir()) == ["gauntlet.html", "gauntlet.json"]
    told = json.loads((output / "gauntlet.json").read_text())
    assert told["conclusion"][0].startswith(("Open", "Shut"))
    assert told["conclusion"][0] in said
    page = (output / "gauntlet.html").read_text()
    assert told["conclusion"][0] in page
    assert "http://" not in page.partition("</script>")[2]
    gates = {row["borrowing"]: row["gate"] for row in told["claims"]}
    assert gates["none"] == "reference"
    assert gates["pooled"] == "shut"
    assert [row["trial"] for row in told["arms"]] == [f"trial{k}" for k in range(4)]
    again = (gauntlet(tmp_path)[1] / "gauntlet.json").read_text()
    assert again == json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def test_a_gauntlet_in_json(tmp_path: Path) -> None:
    said, _ = gauntlet(tmp_path, "--json")
    tables = json.loads(said)["tables"]
    assert {row["gate"] for row in next(iter(tables.values()))} <= {"open", "shut", "reference"}


@pytest.mark.parametrize(
    ("options", "trials", "words"),
    [
        ((), 2, "no group has 3 trials"),
        (("--by", "cancer"), 4, "no column of the figures"),
        (("--cap", "0.5"), 4, "cap"),
    ],
)
def test_a_gauntlet_that_cannot_be_run_writes_nothing(tmp_path: Path, options, trials, words) -> None:
    with pytest.raises((HistoryError, DesignError), match=words):
        gauntlet(tmp_path, *options, trials=trials)
    assert not (tmp_path / "out").exists()

"""``trialsim history from-km``: two files in, participants out, and one clear error for what cannot be."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from trialsim.cli.commands import commands
from trialsim.errors import HistoryError

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

"""`trialsim new --response-is`: a response, or an event, made of several categories or of a bound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cli.in_process import run
from trialsim.errors import HistoryError
from trialsim.prognosis.histories.participants import in_ranges
from trialsim.protocol.declared import DeclaredTrial, read_trial
from trialsim.study.people.history import read_declared_history

GRADES = ("none", "partial", "complete")


def people(n: int = 160) -> pd.DataFrame:
    """Return one row a participant: a grade in words and in numbers, a measurement, and how time ended."""
    rng = np.random.default_rng(9)
    age = rng.normal(60, 9, n).round()
    risk = 1 / (1 + np.exp(-(age - 60) / 9))
    grade = np.digitize(risk + rng.normal(0, 0.3, n), (0.4, 0.7))
    return pd.DataFrame(
        {
            "id": np.arange(n) + 1000, "age": age, "smoker": rng.choice(["no", "yes"], n),
            "grade": np.array(GRADES)[grade], "stage": grade + 1,
            "walk": (300 + 100 * risk + rng.normal(0, 60, n)).round(1),
            "years": rng.exponential(2.0 - risk).round(3) + 0.01,
            "ended": rng.choice(["alive", "cancer", "other cause"], n, p=[0.4, 0.4, 0.2]),
        }
    )  # fmt: skip


@pytest.fixture
def new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Return a function that writes rows, runs the command on them, and returns what it says."""
    monkeypatch.chdir(tmp_path)

    def call(rows: pd.DataFrame, *options: str, code: int = 0) -> str:
        rows.to_csv("past.csv", index=False)
        assert run(monkeypatch, "new", "past.csv", "--yes", "--covariates", "age,smoker", *options) == code
        said = capsys.readouterr()
        return said.out + said.err

    return call


def learnt_from(folder: Path) -> tuple[DeclaredTrial, np.ndarray]:
    """Return the protocol, and the outcomes that `trialsim run` reads by it, in the order of identifiers."""
    trial = read_trial(folder / "protocol.toml")
    return trial, np.asarray(read_declared_history(trial, folder).outcome)


@pytest.mark.parametrize(
    ("column", "said", "response"),
    [
        ("grade", "partial, complete", lambda one: one["grade"] != "none"),
        ("stage", "1,3", lambda one: one["stage"] != 2),
        ("walk", ">= 350", lambda one: one["walk"] >= 350),
        ("walk", "< 350.5", lambda one: one["walk"] < 350.5),
        ("stage", ">1", lambda one: one["stage"] > 1),
        ("stage", "<= 1", lambda one: one["stage"] <= 1),
    ],
)
def test_categories_and_bounds_become_the_response_that_run_reads(
    new: Callable[..., str],
    tmp_path: Path,
    column: str,
    said: str,
    response: Callable[[pd.DataFrame], object],
) -> None:
    rows = people()
    new(rows, "--outcome", column, "--response-is", said)
    trial, outcome = learnt_from(tmp_path)
    assert trial.outcome.kind == "response"
    np.testing.assert_array_equal(outcome, np.asarray(response(rows), dtype=float))
    assert trial.history is not None
    assert set(trial.history.columns.values.values()) == {0.0, 1.0}
    line = next(
        one for one in (tmp_path / "protocol.toml").read_text().splitlines() if one.startswith("values")
    )
    assert "guessed" not in line


def test_an_event_may_be_one_of_several_ends(new: Callable[..., str], tmp_path: Path) -> None:
    rows = people()
    heard = new(rows, "--event", "ended", "--time", "years", code=2)
    assert "--response-is which of its values are the event" in heard
    new(rows, "--event", "ended", "--time", "years", "--response-is", "cancer,other cause")
    trial, outcome = learnt_from(tmp_path)
    assert trial.outcome.kind == "time_to_event"
    np.testing.assert_array_equal(outcome, (rows["ended"] != "alive").astype(float))


def test_without_covariates_the_law_has_the_share_of_the_response(
    new: Callable[..., str], tmp_path: Path
) -> None:
    rows = people()[["id", "grade"]]
    new(rows, "--covariates", "", "--outcome", "grade", "--response-is", "complete")
    found = read_trial(tmp_path / "protocol.toml").outcome
    assert found.probability == pytest.approx((rows["grade"] == "complete").mean(), abs=1e-4)
    rows = people()[["id", "walk"]]
    new(rows, "--covariates", "", "--outcome", "walk", "--response-is", "> 350", "--force")
    found = read_trial(tmp_path / "protocol.toml").outcome
    assert found.probability == pytest.approx((rows["walk"] > 350).mean(), abs=1e-4)


def test_a_code_for_missing_is_not_on_one_side_of_a_bound(new: Callable[..., str], tmp_path: Path) -> None:
    rows = people()
    rows.loc[3:12, "walk"] = 9999
    new(rows, "--outcome", "walk", "--response-is", ">= 350", "--missing", "9999")
    _, outcome = learnt_from(tmp_path)
    left = np.delete(np.arange(160), np.arange(3, 13))
    np.testing.assert_array_equal(outcome, (rows["walk"].to_numpy()[left] >= 350).astype(float))
    protocol = tmp_path / "protocol.toml"
    # The file itself, with its codes and without a word of them, is refused by the reader.
    text = protocol.read_text().replace("protocol_history.csv", "past.csv")
    protocol.write_text("\n".join(line for line in text.splitlines() if not line.startswith("missing")))
    with pytest.raises(HistoryError, match="code"):
        read_declared_history(read_trial(protocol), tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--outcome", "grade", "--response-is", "partly"],
         "names partly, which is no category of column 'grade'; it has complete, none, partial"),
        (["--outcome", "grade", "--response-is", "none,partial,complete"],
         "takes every category of column 'grade'"),
        (["--outcome", "grade", "--response-is", ">= 2"], "column 'grade' does not hold numbers"),
        (["--outcome", "walk", "--response-is", ">= 9000"], "holds for nobody in column 'walk'"),
        (["--outcome", "walk", "--response-is", "> 0"], "holds for everybody in column 'walk'"),
        (["--outcome", "walk", "--response-is", "350"], "it holds numbers"),
        (["--outcome", "walk", "--response-is", ">= fifty"], "is no bound"),
        (["--outcome", "walk", "--response-is", ""], "names nothing"),
        (["--outcome", "grade", "--kind", "level", "--response-is", "complete"], "a level has none"),
        (["--outcome", "grade", "--kind", "response"],
         "say which of them are the response. Mend: give --response-is with some of complete, none, partial"),
        (["--outcome", "walk", "--kind", "response"], 'give --response-is with a bound, such as ">= 50"'),
    ],
)  # fmt: skip
def test_what_cannot_be_names_column_values_and_mend(
    new: Callable[..., str], tmp_path: Path, options: list[str], said: str
) -> None:
    heard = " ".join(new(people(), *options, code=2).split())
    assert said in heard
    assert "Mend:" in heard
    assert "Traceback" not in heard
    assert sorted(path.name for path in tmp_path.iterdir()) == ["past.csv"]


def test_several_rows_a_participant_have_no_response(new: Callable[..., str]) -> None:
    rows = pd.concat([people().assign(week=week) for week in (0, 4)])
    heard = new(rows, "--outcome", "walk", "--response-is", ">= 350", code=2)
    assert "participants have several rows" in heard


def test_ranges_must_hold_each_number_once() -> None:
    measured, rows = np.array([1.0, 5.0, np.nan, 9.0]), pd.RangeIndex(1, 5)
    found = in_ranges(measured, {"<= 5": 0.0, "> 5": 1.0}, rows, Path("a.csv"), "values")
    np.testing.assert_array_equal(found, [0, 0, np.nan, 1])
    for ranges in ({"<= 5": 0.0, ">= 5": 1.0}, {"< 5": 0.0, "> 5": 1.0}):
        with pytest.raises(HistoryError, match="row 2"):
            in_ranges(measured, ranges, rows, Path("a.csv"), "values")

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.errors import HistoryError
from trialsim.prognosis import read_history, summarise
from trialsim.prognosis.histories import read_labels
from trialsim.protocol import HistoryTable

TABLE = HistoryTable.model_validate(
    {
        "columns": {
            "participant": "id",
            "outcome": "total",
            "group": "site",
            "covariates": {"sex": {"column": "gender", "values": {"F": 1, "M": 0}}},
        },
        "join": {"file": "people.csv", "by": "id"},
        "filter": [{"column": "arm", "equals": "placebo"}, {"column": "ok", "equals": 1}],
    }
)


@pytest.fixture
def files(tmp_path):
    """Write a history and a participant file; return the history's path and what they hold."""
    rng = np.random.default_rng(1)
    n = 60
    people = pd.DataFrame(
        {
            "id": [f"p{i:03d}" for i in range(n)],
            "gender": rng.choice(["F", "M"], n),
            "age": rng.normal(70, 8, n),
            "site": rng.choice(["north", "south"], n),
            "arm": np.where(np.arange(n) < 50, "placebo", "active"),
        }
    )
    rows = people[["id"]].merge(pd.DataFrame({"week": [0, 8, 16], "ok": 1}), how="cross")
    rows["total"] = rng.normal(20, 5, len(rows))
    rows = rows.drop(index=rows.index[(rows.id == "p003") & (rows.week == 16)])
    extra = rows[rows.week == 8].assign(ok=0, total=99.0)
    rows = pd.concat([rows, extra]).sample(frac=1, random_state=1)
    people.sample(frac=1, random_state=2).to_csv(tmp_path / "people.csv", index=False)
    rows.to_csv(tmp_path / "history.csv", index=False)
    return tmp_path / "history.csv", rows, people


def read(path):
    return read_history(path, TABLE, "score", [8, 16], ["age", "sex"])


def test_rows_become_participants_by_visits(files):
    path, rows, people = files
    history = read(path)
    kept = people[people.arm == "placebo"].sort_values("id").reset_index(drop=True)
    assert len(history) == 50
    assert (history.endpoint, history.source, history.generated) == ("score", "history.csv", False)
    assert history.covariates.names == ("age", "sex")
    np.testing.assert_array_equal(history.covariates.column("age"), kept.age)
    np.testing.assert_array_equal(history.covariates.column("sex"), kept.gender == "F")
    np.testing.assert_array_equal(history.group, kept.site == "south")
    wide = rows[rows.ok == 1].pivot_table(index="id", columns="week", values="total").loc[kept.id]
    np.testing.assert_array_equal(history.baseline, wide[0])
    np.testing.assert_array_equal(history.outcomes, wide[[8, 16]])
    assert np.isnan(history.outcomes[3, 1])


@pytest.mark.parametrize("week", [8, 16])
def test_weeks_that_are_not_asked_for_are_left_out(files, week):
    path = files[0]
    both, one = read(path), read_history(path, TABLE, "score", [week], ["age", "sex"])
    np.testing.assert_array_equal(one.outcomes[:, 0], both.outcomes[:, both.weeks == week][:, 0])
    np.testing.assert_array_equal(one.baseline, both.baseline)


def test_parquet_gives_the_same_history(files):
    path, rows, _ = files
    rows.to_parquet(path.with_suffix(".parquet"))
    one, two = read(path), read(path.with_suffix(".parquet"))
    for name in ("baseline", "outcomes", "weeks", "group"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_array_equal(one.covariates.values, two.covariates.values)


def test_the_order_of_rows_does_not_matter(files):
    path, rows, _ = files
    before = read(path)
    rows.iloc[::-1].to_csv(path, index=False)
    after = read(path)
    np.testing.assert_array_equal(before.outcomes, after.outcomes)
    np.testing.assert_array_equal(before.covariates.values, after.covariates.values)


def test_a_tidy_frame_is_read_back(simulate_history, tmp_path):
    history = simulate_history(participants=60)
    frame = history.to_frame()
    frame["participant"] = frame["participant"].map("{:04d}".format)
    frame.to_csv(tmp_path / "h.csv", index=False)
    table = HistoryTable.model_validate({"columns": {"group": "group"}})
    again = read_history(tmp_path / "h.csv", table, "score", None, ["x0", "x1", "x2"])
    np.testing.assert_array_equal(again.outcomes, history.outcomes)
    np.testing.assert_array_equal(again.covariates.values, history.covariates.values)
    np.testing.assert_array_equal(again.group, history.group)


def test_a_covariate_may_stand_at_baseline_only(files):
    path, rows, people = files
    table = TABLE.model_copy(update={"join": None, "filter": ()})
    own = rows[rows.ok == 1].merge(people.drop(columns="arm"), on="id")
    own.loc[own.week != 0, ["age", "gender"]] = np.nan
    own.to_csv(path, index=False)
    history = read_history(path, table, "score", [8, 16], ["age", "sex"])
    np.testing.assert_array_equal(history.covariates.column("age"), people.sort_values("id").age)


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ({"column": "age", "at_least": 70.0}, lambda p: p.age >= 70),
        ({"column": "age", "at_most": 72.5}, lambda p: p.age <= 72.5),
        ({"column": "site", "one_of": ["north", "east"]}, lambda p: p.site == "north"),
        ({"column": "arm", "equals": "active"}, lambda p: p.arm == "active"),
    ],
)
def test_conditions_keep_what_they_say(files, condition, kept, monkeypatch):
    monkeypatch.setattr("trialsim.prognosis.histories.learnable.FEWEST_BEFORE_COVARIATES", 0)
    path, _, people = files
    conditions = [condition, {"column": "ok", "equals": 1}]
    if condition["column"] != "arm":
        conditions.append({"column": "arm", "one_of": ["placebo", "active"]})
    table = HistoryTable.model_validate({**TABLE.model_dump(exclude={"filter"}), "filter": conditions})
    history = read_history(path, table, "score", [8, 16], ["sex"])
    assert len(history) == kept(people).sum()


def test_truth_in_text_and_in_parquet(files):
    path, rows, people = files
    table = TABLE.model_copy(update={"join": None})
    conditions = {"filter": [{"column": "flag", "equals": True}]}
    table = HistoryTable.model_validate({**TABLE.model_dump(exclude={"filter", "join"}), **conditions})
    own = rows[rows.ok == 1].merge(people, on="id").assign(flag=lambda frame: frame.arm == "placebo")
    own.to_csv(path, index=False)
    own.to_parquet(path.with_suffix(".parquet"))
    assert [
        len(read_history(p, table, "score", [8], ["age"])) for p in (path, path.with_suffix(".parquet"))
    ] == [50, 50]


def test_one_participant_of_a_running_trial_is_enough(files, tmp_path):
    _, rows, _ = files
    own = rows[(rows.id == "p005") & (rows.week <= 8)]
    own.to_csv(tmp_path / "now.csv", index=False)
    with pytest.raises(HistoryError):
        read(tmp_path / "now.csv")
    now = read_history(tmp_path / "now.csv", TABLE, "score", None, ["age", "sex"], running=True)
    assert (len(now), now.weeks.tolist()) == (1, [8.0])
    assert now.outcomes[0, 0] == rows[(rows.id == "p005") & (rows.week == 8) & (rows.ok == 1)].total.item()


def test_the_summary_says_what_was_left_out_and_filled_in(files):
    path, rows, people = files
    rows = rows[~((rows.id == "p005") & (rows.week == 0))]
    rows.to_csv(path, index=False)
    people.loc[people.id == "p007", "age"] = np.nan
    people.to_csv(path.with_name("people.csv"), index=False)
    summary = summarise(read(path))
    assert (summary.participants, summary.learnt_from, summary.observed) == (50, 49, (49, 48))
    assert summary.missing == {"age": 1}
    assert "1 participants without a baseline" in summary.notes[0]
    assert "never by outcome" in summary.notes[1]


@pytest.mark.parametrize("column", ["id", "age"])
def test_what_tells_everybody_apart_is_no_grouping(files, column):
    path, _, _ = files
    assert set(read_labels(path, TABLE, ["gender"])["gender"]) == {"F", "M"}
    with pytest.raises(HistoryError, match=f"{column}: has 50 different values .* no grouping") as caught:
        read_labels(path, TABLE, [column])
    assert "p00" not in str(caught.value)

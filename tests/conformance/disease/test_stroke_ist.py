"""The International Stroke Trial (Sandercock et al. 2011) as a history, by numbers of its rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialsim.errors import HistoryError
from trialsim.prognosis import read_outcome_history
from trialsim.prognosis.histories import read_labels
from trialsim.prognosis.validation import validate_outcome, worst_subgroups
from trialsim.protocol import OutcomeTable

LEVELS = ("dead", "dependent", "not_recovered", "recovered")


@pytest.fixture(scope="module")
def ist(shared: Callable[[str], Path]) -> pd.DataFrame:
    return pd.read_csv(shared("data/ist/ist.csv.gz"))


def percent(flags: pd.Series) -> float:
    return round(100 * float(flags.mean()), 1)


def test_people_hospitals_and_countries(ist: pd.DataFrame) -> None:
    assert (len(ist), ist["hospital"].nunique(), ist["country"].nunique()) == (19_435, 466, 36)
    sizes = ist.groupby("hospital").size()
    assert (sizes.median(), sizes.max()) == (23, 524)
    assert ist["outcome_6_months"].isna().sum() == 150


def test_dead_or_dependent_by_aspirin(ist: pd.DataFrame) -> None:
    """62.2 against 63.5 %; log odds ratio -.0536, p .072 unadjusted."""
    known = ist[ist["outcome_6_months"].notna()]
    bad, aspirin = known["outcome_6_months"].isin(LEVELS[:2]), known["aspirin"] == 1
    assert (percent(bad[aspirin]), percent(bad[~aspirin])) == (62.2, 63.5)
    cells = pd.crosstab(aspirin, bad).to_numpy(float)
    log_ratio = np.log(cells[1, 1] * cells[0, 0] / (cells[1, 0] * cells[0, 1]))
    error = np.sqrt((1 / cells).sum())
    assert log_ratio == pytest.approx(-0.0536, abs=5e-5)
    assert abs(log_ratio / error) == pytest.approx(1.797, abs=0.002)  # p .072


def test_levels_without_aspirin(ist: pd.DataFrame) -> None:
    """22.5/41.0/19.9/16.6 % of 9,646."""
    control = ist[(ist["aspirin"] == 0) & ist["outcome_6_months"].notna()]["outcome_6_months"]
    assert len(control) == 9_646
    assert [percent(control == level) for level in LEVELS] == [22.5, 41.0, 19.9, 16.6]


def test_early_events_by_aspirin(ist: pd.DataFrame) -> None:
    """Dead by day 14 872 of 9,720 and 909 of 9,715; stroke again 3.71, 4.59 %; bleeding 3.54, 1.92 %."""
    early = ist.groupby("aspirin")["dead_14_days"].agg(["sum", "size"])
    assert early.loc[1].tolist() == [872, 9_720]
    assert early.loc[0].tolist() == [909, 9_715]
    kept = ist.groupby("aspirin")
    for column, active, control in (
        ("any_stroke_14_days", 3.71, 4.59), ("bleeding_outside_head_14_days", 3.54, 1.92),
    ):  # fmt: skip
        shares = 100 * kept[column].mean()
        assert (round(shares.loc[1], 2), round(shares.loc[0], 2)) == (active, control)


def history_file(ist: pd.DataFrame, folder: Path) -> Path:
    columns = ["participant", "country", "age", "systolic_bp", "aspirin", "heparin"]
    rows = ist[ist["outcome_6_months"].notna()][[*columns, "outcome_6_months"]].copy()
    rows["dead_or_dependent"] = rows["outcome_6_months"].isin(LEVELS[:2]).astype(int)
    rows.drop(columns="outcome_6_months").to_csv(folder / "ist.csv", index=False)
    return folder / "ist.csv"


@pytest.mark.slow
def test_ordinal_twins_by_country_are_too_hopeful_in_the_uk(ist: pd.DataFrame, tmp_path: Path) -> None:
    """3,000 without aspirin: .72 of pairs in order, least in Portugal; .24 of a level worse in the UK."""
    rows = ist[(ist["aspirin"] == 0) & ist["outcome_6_months"].notna()].sample(3_000, random_state=1).copy()
    rows["drowsy"] = (rows["consciousness"] != "alert").astype(int)
    deficits = [name for name in rows if name.startswith("deficit_")]
    rows["deficits"] = (rows[deficits] == "yes").sum(axis=1)
    rows["tacs"] = (rows["stroke_subtype"] == "TACS").astype(int)
    rows["lacs"] = (rows["stroke_subtype"] == "LACS").astype(int)
    names = ("age", "male", "systolic_bp", "drowsy", "deficits", "tacs", "lacs")
    rows[["participant", "country", *names, "outcome_6_months"]].to_csv(tmp_path / "ist.csv", index=False)
    asked = {"endpoint": "outcome_6_months", "family": "ordinal", "levels": LEVELS, "covariates": names}
    said = OutcomeTable.model_validate({"week": 26.0} | asked)
    history = read_outcome_history(tmp_path / "ist.csv", said)
    found = validate_outcome(history, seed=1, folds=3)
    assert found.judge()["discrimination"] == pytest.approx(0.72, abs=0.01)
    assert found.judge()["slope"] == pytest.approx(1.0, abs=0.06)
    by_country = found.by_subgroup(read_labels(tmp_path / "ist.csv", said, ["country"]))
    shown = by_country[by_country["shown"]].set_index("subgroup")
    assert 18 <= len(shown) <= 25
    missed = shown["mean_level"] - shown["expected_level"]
    assert missed["UK"] == pytest.approx(-0.24, abs=0.03)
    assert missed["SWED"] == pytest.approx(0.28, abs=0.05)
    worst = worst_subgroups(by_country).set_index("measure")
    assert worst.loc["discrimination", "subgroup"] == "PORT"
    assert worst.loc["discrimination", "worst"] == pytest.approx(0.555, abs=0.02)
    assert worst.loc["coverage_95", "worst"] > 0.88


def table(**more: object) -> OutcomeTable:
    said = {
        "endpoint": "dead_or_dependent",
        "family": "binary",
        "week": 26.0,
        "covariates": ("age", "systolic_bp"),
    }
    return OutcomeTable.model_validate(said | more)


def test_a_factorial_trial_without_a_condition_is_not_taken_for_placebo(
    ist: pd.DataFrame, tmp_path: Path
) -> None:
    path = history_file(ist, tmp_path)
    with pytest.raises(HistoryError, match="looks like the treatment arm") as refused:
        read_outcome_history(path, table())
    assert refused.value.field == "aspirin"
    control = read_outcome_history(path, table(filter=({"column": "aspirin", "equals": 0},)))
    assert len(control) == 9_646
    assert control.outcome.mean() == pytest.approx(0.635, abs=5e-4)

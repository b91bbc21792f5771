"""The data card: what it counts, what it keeps to itself, and histories that are not comparable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.exchange.histories.making import card, made
from trialsim.errors import HistoryError
from trialsim.exchange.histories.card import shown
from trialsim.exchange.histories.gain import martingale_residuals
from trialsim.prognosis.validation import gain_beyond_baseline
from trialsim.streams import stream

PEOPLE = 200
TOLD = """
zero = { from = "ADSL.TRTSDT" }
[outcome]
name = "score"
from = "ADQS"
visit = "AVISITN"
weeks = [0, 12]
[covariates]
age = { from = "ADSL.AGE", unit = "a", unit_if_missing = "a" }
noise = { from = "ADSL.NOISE" }
sbp = { from = "ADVS", unit = "mm[Hg]", unit_if_missing = "mm[Hg]" }
marker = { from = "ADLB", range = [0, 100] }
"""


@pytest.fixture(scope="module")
def adam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 people; age tells the outcome beyond the baseline, noise nothing."""
    rng = np.random.default_rng(20_260_401)
    place = tmp_path_factory.mktemp("card") / "adam"
    place.mkdir()
    names = [f"S{number:03d}" for number in range(PEOPLE)]
    age, noise, base = rng.normal(60, 9, PEOPLE).round(1), rng.normal(size=PEOPLE), rng.normal(20, 4, PEOPLE)
    after = base + 0.3 * (age - 60) + rng.normal(0, 3, PEOPLE)
    adsl = pd.DataFrame({"USUBJID": names, "AGE": age, "NOISE": noise, "TRTSDT": "2021-03-01"})
    adsl.loc[:39, "NOISE"] = np.nan
    adsl.to_csv(place / "adsl.csv", index=False)
    rows = [pd.DataFrame({"USUBJID": names, "AVISITN": week, "AVAL": values, "ADT": date})
            for week, values, date in ((0, base, "2021-03-01"), (12, after, "2021-05-24"))]  # fmt: skip
    pd.concat(rows).to_csv(place / "adqs.csv", index=False)
    pressure = pd.DataFrame({"USUBJID": names, "AVAL": 130.0, "ADT": "2021-02-20"})
    pressure.loc[:19, "ADT"] = "2020-04-01"
    pressure.loc[20:23, "AVAL"] = 13.0
    pressure.to_csv(place / "advs.csv", index=False)
    marker = pd.DataFrame({"USUBJID": names, "AVAL": 50.0, "ADT": "2021-02-20"})
    twice = marker.iloc[:30].assign(AVAL=60.0)
    pd.concat([marker, twice]).to_csv(place / "adlb.csv", index=False)
    return place


@pytest.fixture(scope="module")
def output(adam: Path) -> Path:
    return made("adam", adam, TOLD)


def test_each_column_is_counted_and_graded(output: Path) -> None:
    found = card(output)
    columns = found["columns"]
    assert found["participants"] == "200"
    assert found["zero"] == "first ADSL.TRTSDT"
    assert {name: one["grade"] for name, one in columns.items()} == {
        "score": "A", "age": "A", "noise": "B", "sbp": "D", "marker": "D",
    }  # fmt: skip
    assert columns["noise"]["complete"] == "80 %"
    assert columns["marker"]["complete"] == "85 %"
    assert columns["marker"]["contradictions"] == "30"
    assert columns["sbp"]["outdated"] == "20"
    assert columns["sbp"]["implausible"] == "<11"
    assert columns["sbp"]["plausible_by"] == "built in"
    assert columns["score"]["last_update"] == "2021-05"
    assert columns["sbp"]["last_update"] == "2021-02"


def test_the_gain_is_that_of_validation(output: Path) -> None:
    rows = pd.read_csv(output)
    wide = rows.pivot_table(index="participant", columns="week", values="score")
    age = rows.drop_duplicates("participant").set_index("participant")["age"].loc[wide.index]
    expected = gain_beyond_baseline(
        wide[12.0].to_numpy(), wide[0.0].to_numpy(), age.to_numpy(), generator=stream(0, "", 0, "bootstrap")
    )
    columns = card(output)["columns"]
    assert columns["age"]["gain"] == pytest.approx(expected.gain, abs=1e-4)
    assert columns["age"]["gain_says"] == "helps"
    assert columns["noise"]["gain_says"] == "no sign of help"
    assert columns["sbp"]["gain_says"] in ("no sign of help", "not judged")


def test_a_covariate_that_goes_the_other_way_helps_as_much(adam: Path, output: Path, tmp_path: Path) -> None:
    place = tmp_path / "adam"
    place.symlink_to(adam)
    told = TOLD.replace(
        'unit = "a", unit_if_missing = "a"',
        'unit = "a", unit_if_missing = "mo", convert = [{ from = "mo", times = -1 }]',
    )
    turned = card(made("adam", place, told))["columns"]["age"]
    assert turned["gain_says"] == "helps"
    assert turned["gain"] == pytest.approx(card(output)["columns"]["age"]["gain"], abs=1e-4)


def test_few_people_are_never_told(adam: Path, tmp_path: Path) -> None:
    told = 'keep = [{ from = "ADSL.AGE", at_least = 77 }]\n' + TOLD
    place = tmp_path / "adam"
    place.symlink_to(adam)
    found = card(made("adam", place, told))
    assert found["participants"] == "<11"
    for one in found["columns"].values():
        assert one["complete"] in ("<11", "none")
        assert one["gain"] is None


def test_no_count_from_1_to_10_is_shown() -> None:
    for count in range(101):
        text = shown(count, 100)
        if 0 < count < 11:
            assert text == "<11"
        elif 89 < count < 100:
            assert text == "all but <11"
        else:
            assert text in ("none", "all", f"{count} %")
        assert shown(count) == ("<11" if 0 < count < 11 else str(count))


def test_martingale_residuals_are_those_of_the_sum_over_risk_sets() -> None:
    rng = np.random.default_rng(3)
    time, event = rng.integers(1, 9, 60).astype(float), rng.integers(0, 2, 60).astype(float)
    slow = [
        own - sum(event[j] / (time >= time[j]).sum() for j in range(60) if time[j] <= at)
        for own, at in zip(event, time, strict=True)
    ]
    np.testing.assert_allclose(martingale_residuals(time, event), slow, rtol=1e-12)
    assert martingale_residuals(time, event).sum() == pytest.approx(0, abs=1e-9)


def test_external_data_with_another_time_zero_are_refused(adam: Path, output: Path, tmp_path: Path) -> None:
    place = tmp_path / "adam"
    place.symlink_to(adam)
    beside = output.with_name("history.card.json")
    assert made("adam", place, TOLD, "--like", str(beside)).exists()
    other = TOLD.replace("zero = {", 'time_zero = "diagnosis"\nzero = {')
    with pytest.raises(HistoryError, match=r"zero: is another than here \('diagnosis'\)"):
        made("adam", place, other, "--force", "--like", str(beside))
    with pytest.raises(HistoryError, match="weeks: is another"):
        made("adam", place, TOLD.replace("[0, 12]", "[0, 12, 24]"), "--force", "--like", str(beside))
    with pytest.raises(HistoryError, match=r"units\.age: is another"):
        made("adam", place, TOLD.replace('unit = "a"', 'unit = "mo"'), "--force", "--like", str(beside))
    (tmp_path / "none.card.json").write_text("{}")
    with pytest.raises(HistoryError, match="is no data card"):
        made("adam", place, TOLD, "--force", "--like", str(tmp_path / "none.card.json"))

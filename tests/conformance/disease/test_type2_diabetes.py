"""Type 2 diabetes against UKPDS, Henry 2012, Look AHEAD, EMPA-KIDNEY and the survivors of NHANES."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conformance.disease.drawn_people import people_of, realised
from trialsim.data import Covariates
from trialsim.disease import disease_model
from trialsim.disease.cardiometabolic import ukpds_om2
from trialsim.disease.cardiometabolic.diabetes_courses import hba1c_of
from trialsim.disease.cardiometabolic.diabetes_years import in_year, standing, walk
from trialsim.disease.cardiometabolic.ukpds_om2 import EVENTS, Equation, risk_of_death, yearly_risks
from trialsim.errors import InputError
from trialsim.prognosis.validation.outcome_measures import harrell
from trialsim.streams import stream

YEAR = 365.25 / 7
MODEL = disease_model("type2_diabetes")
TYPICAL = {
    "age": 60.0, "female": 0.0, "diabetes_years": 5.0, "hba1c": 7.4, "weight": 95.0, "bmi": 32.0,
    "egfr": 80.0, "ln_uacr": 5.8, "sbp": 130.0, "hdl": 46.0, "ldl": 110.0, "current_smoker": 0.0,
}  # fmt: skip


def alike(n: int = 40_000, **changed: float) -> Covariates:
    """N people who are all alike."""
    values = TYPICAL | changed
    return Covariates(tuple(values), np.tile(np.array(list(values.values())), (n, 1)))


def scores(endpoint: str, weeks: list[float], people: Covariates, **dials: float) -> np.ndarray:
    chance = lambda part: stream(5, "conformance", 0, part)  # noqa: E731
    return MODEL.draw(people, endpoint, dials, np.array(weeks), chance).outcomes


def unit_patient(**changed: float) -> dict[str, np.ndarray]:
    """A man of 60 with eight years of diabetes and no complication."""
    one = lambda value: np.array([float(value)])  # noqa: E731
    fixed = standing(
        one(60), one(0), one(8), sbp=one(130), hdl=one(46.404), ldl=one(108.276), albuminuria=one(0),
        smoker=one(0), heart_rate=72.0, wbc=7.0, haemoglobin=one(14.5),
    )  # fmt: skip
    state = in_year(fixed, one(60), one(8), one(7.4), one(32), one(90))
    return state | {name: one(value) for name, value in changed.items()}


def test_yearly_risks_of_the_unit_patient_by_two_public_codes_of_ukpds_om2() -> None:
    """CHF .257, IHD .741, MI .807, stroke .314, blindness .230, ulcer .207, amputation .061, ESRD .011 %."""
    found = [float(100 * risk[0]) for risk in yearly_risks(unit_patient()).values()]
    assert found == pytest.approx([0.257, 0.741, 0.807, 0.314, 0.230, 0.207, 0.061, 0.011], abs=5e-4)
    assert float(100 * risk_of_death(unit_patient())[0]) == pytest.approx(0.686, abs=5e-4)


@pytest.mark.parametrize(
    ("changed", "event", "percent"),
    [
        ({"albuminuria": 1}, "heart_failure", 0.555), ({"albuminuria": 1}, "infarction", 0.987),
        ({"albuminuria": 1}, "stroke", 0.477), ({"albuminuria": 1}, "kidney_failure", 0.042),
        ({"hba1c": 9.4}, "infarction", 1.000), ({"hba1c": 9.4}, "blindness", 0.324),
    ],
)  # fmt: skip
def test_a_worse_unit_patient_of_ukpds_om2(changed: dict[str, float], event: str, percent: float) -> None:
    assert float(100 * yearly_risks(unit_patient(**changed))[event][0]) == pytest.approx(percent, abs=5e-4)


def test_every_coefficient_is_that_of_the_public_table_of_ukpds_om2(shared: Callable[[str], Path]) -> None:
    """The table stands beside the project, not in it."""
    with shared("data/ukpds_om2/coefficients_wide.csv").open() as file:
        rows = {row["Parameter"]: row for row in csv.DictReader(file)}
    columns = {
        "chf": ukpds_om2.HEART_FAILURE, "ihd": ukpds_om2.ISCHAEMIC_HEART,
        "mi1_male": ukpds_om2.INFARCTION_OF_MEN, "mi1_female": ukpds_om2.INFARCTION_OF_WOMEN,
        "mi2": ukpds_om2.SECOND_INFARCTION,
        "stroke_1": ukpds_om2.STROKE, "stroke_2": ukpds_om2.SECOND_STROKE, "blindness": ukpds_om2.BLINDNESS,
        "ulcer": ukpds_om2.ULCER, "amp1_no_ulcer": ukpds_om2.AMPUTATION,
        "amp1_yes_ulcer": ukpds_om2.AMPUTATION_AFTER_ULCER, "amp2": ukpds_om2.SECOND_AMPUTATION,
        "esrd": ukpds_om2.KIDNEY_FAILURE, "death_nhne": ukpds_om2.DEATH_WITHOUT_EVENT,
        "death_1st_event": ukpds_om2.DEATH_AT_FIRST_EVENT, "death_yhne": ukpds_om2.DEATH_AFTER_EVENT,
        "death_yhye": ukpds_om2.DEATH_AT_LATER_EVENT,
    }  # fmt: skip
    for column, equation in columns.items():
        printed = sorted(float(row[column]) for row in rows.values() if float(row[column]))
        assert sorted(one for one in equation if one) == pytest.approx(printed), column


def test_hba1c_of_ukpds_90_over_five_years() -> None:
    """7.40 → 7.63, 7.81, 7.97, 8.10, 8.20 five years after diagnosis."""
    weeks = np.arange(6) * YEAR
    idle = {one.name: one.idle for one in MODEL.dials}
    found = hba1c_of(alike(1), idle, weeks, np.zeros((3, 1)))[0]
    assert found == pytest.approx([7.40, 7.63, 7.81, 7.97, 8.10, 8.20], abs=0.006)


@pytest.mark.parametrize(
    ("arm", "published"),
    [
        ({"metformin": 1.0}, -1.44), ({"dapagliflozin": 1.0}, -1.45),
        ({"metformin": 1.0, "dapagliflozin": 1.0}, -1.98),
    ],
)  # fmt: skip
def test_changes_of_hba1c_at_24_weeks_of_henry_2012(arm: dict[str, float], published: float) -> None:
    found = scores("hba1c", [0.0, 24.0], alike(hba1c=9.1, diabetes_years=1.5), **arm)
    assert (found[:, 1] - found[:, 0]).mean() == pytest.approx(published, abs=0.2)


def test_a_change_from_metformin_to_dapagliflozin_hardly_moves_hba1c() -> None:
    """As Henry 2012: the same fall on either, so that a switch does not give -1.45 once more."""
    on_metformin = scores("hba1c", [0.0, 24.0], alike(hba1c=9.1), metformin=1.0)
    switched = scores("hba1c", [0.0, 24.0], alike(hba1c=9.1), dapagliflozin=1.0)
    assert abs((switched - on_metformin)[:, 1].mean()) < 0.05
    weight = [
        scores("weight", [0.0, 24.0], alike(), **{drug: 1.0}) for drug in ("metformin", "dapagliflozin")
    ]
    assert (weight[1] - weight[0])[:, 1].mean() == pytest.approx(-0.7, abs=0.1)


def test_the_lifestyle_of_look_ahead() -> None:
    """HbA1c -.6 at one year and -.27 on average of four; weight -7.9 and -5.3 %, against the control arm."""
    weeks = [0.0, *(YEAR * k for k in range(1, 5))]
    plain, active = (
        scores("hba1c", weeks, alike(hba1c=7.3), diet=share, activity=share) for share in (0.0, 1.0)
    )
    difference = (active - plain).mean(axis=0)
    assert difference[1] == pytest.approx(-0.60, abs=0.01)
    assert difference[1:].mean() == pytest.approx(-0.27, abs=0.02)
    plain, active = (scores("weight", weeks, alike(), diet=share, activity=share) for share in (0.0, 1.0))
    share_lost = 100 * (active.mean(axis=0) / plain.mean(axis=0) - 1)
    assert share_lost[1] == pytest.approx(-7.9, abs=0.1)
    assert share_lost[1:].mean() == pytest.approx(-5.3, abs=0.2)


def test_slopes_of_egfr_of_empa_kidney() -> None:
    """-2.12 at once; then -2.75 a year on placebo and -1.37 on an SGLT2 inhibitor."""
    weeks = [0.0, *(YEAR * k for k in range(1, 5))]
    plain, active = (scores("egfr", weeks, alike(), dapagliflozin=dose) for dose in (0.0, 1.0))
    for found, published in ((plain, -2.75), (active, -1.37)):
        slopes = np.polyfit(np.arange(1, 5), found[:, 1:].T, 1)[0]
        assert slopes.mean() == pytest.approx(published, abs=0.06)
    early = [scores("egfr", [0.0, 4.0], alike(), dapagliflozin=dose) for dose in (0.0, 1.0)]
    assert (early[1] - early[0])[:, 1].mean() == pytest.approx(-2.12, abs=0.03 + 1.38 * 4 / YEAR)


@pytest.fixture(scope="module")
def survey(shared: Callable[[str], Path]) -> dict[str, np.ndarray]:
    """The people of NHANES of whom all that is needed is known, by column; `weight` is the survey's."""
    with shared("data/nhanes_t2d/nhanes_t2d_1999_2018.csv").open() as file:
        rows = list(csv.DictReader(file))
    needed = (
        "age", "sex_female", "sbp", "hba1c", "egfr", "uacr", "tc", "hdl", "bmi", "ftime_years",
        "death_allcause", "wt_pooled",
    )  # fmt: skip
    kept = [row for row in rows if all(row[name] not in ("", "NA") for name in (*needed, "smoking"))]
    columns = {name: np.array([float(row[name]) for row in kept]) for name in needed}
    columns["race"] = np.array([row["race_eth"] for row in kept])
    columns["smoker"] = np.array([row["smoking"] == "Current" for row in kept], dtype=float)
    return columns


def predicted(of: dict[str, np.ndarray], ratio: float, repeats: int = 2) -> np.ndarray:
    """Return years to death (repeats, M) of the people of NHANES, seven years of diabetes assumed."""
    n, years = len(of["age"]), np.full(len(of["age"]), 7.0)
    fixed = standing(
        of["age"], of["sex_female"], years, sbp=of["sbp"], hdl=of["hdl"], ldl=of["tc"] - of["hdl"] - 37.3,
        albuminuria=(of["uacr"] >= 45).astype(float), smoker=of["smoker"], heart_rate=72.0, wbc=7.0,
        haemoglobin=14.5 - 1.2 * of["sex_female"],
    )  # fmt: skip
    people = Covariates(
        ("hba1c", "diabetes_years", "female"), np.column_stack([of["hba1c"], years, of["sex_female"]])
    )
    idle = {one.name: one.idle for one in MODEL.dials}
    hba1c = hba1c_of(people, idle, (np.arange(10) + 0.5) * YEAR, np.zeros((3, n)))
    egfr = np.maximum(of["egfr"][:, None] - np.arange(10), 10)
    bmi = np.repeat(of["bmi"][:, None], 10, axis=1)
    generator = np.random.default_rng(1)
    deaths = []
    for _ in range(repeats):
        uniform = generator.random((10, 9, n))
        found = walk(fixed, of["age"], years, hba1c, bmi, egfr, {"death": ratio}, uniform)
        deaths.append(found["death"])
    return np.stack(deaths)


def test_deaths_of_nhanes_after_a_calibration_that_is_printed(survey: dict[str, np.ndarray]) -> None:
    """Observed 5.6 % in five years and 13.7 % in ten (weighted); the hazard of death is multiplied by .64."""
    weights = survey["wt_pooled"]
    death = predicted(survey, 0.64, 8)
    five, ten = (100 * np.average((death <= year).mean(axis=0), weights=weights) for year in (5, 10))
    assert five == pytest.approx(5.6, abs=0.5)
    assert ten == pytest.approx(13.7, abs=0.9)


def test_uncalibrated_equations_predict_too_many_deaths_in_nhanes(survey: dict[str, np.ndarray]) -> None:
    weights = survey["wt_pooled"]
    ten = 100 * np.average((predicted(survey, 1.0) <= 10).mean(axis=0), weights=weights)
    assert ten > 18


def test_who_dies_first_in_nhanes(survey: dict[str, np.ndarray]) -> None:
    """C of at least .73, by age alone .724."""
    of = survey
    risk = (predicted(survey, 0.64, 80) <= 10).mean(axis=0)
    later, deaths = of["ftime_years"], np.flatnonzero(of["death_allcause"] == 1)
    right = pairs = 0.0
    for one in deaths:
        others = risk[later > later[one]]
        right += (others < risk[one]).sum() + 0.5 * (others == risk[one]).sum()
        pairs += len(others)
    assert right / pairs >= 0.73


def test_deaths_of_nhanes_by_ethnicity_after_the_calibration_of_all(survey: dict[str, np.ndarray]) -> None:
    """Observed to expected from .77 (other) to 1.28 (white); C from .69 (Mexican American) to .78."""
    death = predicted(survey, 0.64, 40)
    until = np.minimum(survey["ftime_years"], 10.0)
    expected, risk = (death <= until).mean(axis=0), (death <= 10).mean(axis=0)
    died = (survey["death_allcause"] == 1) & (survey["ftime_years"] <= 10)
    ratios, orders = {}, {}
    for race in np.unique(survey["race"]):
        those = survey["race"] == race
        ratios[race] = died[those].sum() / expected[those].sum()
        orders[race] = harrell(risk[those], survey["death_allcause"][those], survey["ftime_years"][those])
    assert min(ratios, key=ratios.get) == "Other / Multiracial"
    assert max(ratios, key=ratios.get) == "Non-Hispanic White"
    assert (min(ratios.values()), max(ratios.values())) == pytest.approx((0.77, 1.28), abs=0.03)
    assert ratios["Non-Hispanic Black"] == pytest.approx(1.21, abs=0.03)
    assert min(orders, key=orders.get) == "Mexican American"
    assert (min(orders.values()), max(orders.values())) == pytest.approx((0.69, 0.78), abs=0.015)


def test_less_hba1c_means_fewer_infarctions_and_an_earlier_event_never() -> None:
    people = people_of("type2_diabetes_trial", 20_000)
    plain, less = (realised("type2_diabetes", people, "infarction", np.inf, hba1c=x) for x in (0.0, -1.0))
    seen = [(found.outcomes[:, 0] <= 60).mean() for found in (plain, less)]
    assert 0.85 < seen[1] / seen[0] < 0.97
    first = [found.outcomes[:, 0] <= 12 for found in (plain, less)]
    assert (first[0] >= first[1]).all()


def test_a_drug_that_nobody_has_cannot_be_taken_away() -> None:
    with pytest.raises(InputError, match="less than nothing"):
        scores("hba1c", [0.0, 24.0], alike(3), metformin=-1.0)


def test_an_equation_is_kept_whole_by_pickle_and_all_events_are_named() -> None:
    assert len(EVENTS) == 8
    assert isinstance(ukpds_om2.STROKE, Equation)
    assert ukpds_om2.STROKE.shape == 1.466
    assert Path(ukpds_om2.__file__).read_text(encoding="utf-8").count("\n") <= 200

"""Exacerbations, infections and lesions against what trials found: each test names its source."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conformance.disease.drawn_people import numbers, people_of, realised

IMPACT = {"two drugs": {}, "triple": {"steroid": 1.0}, "steroid, one bronchodilator": {
    "steroid": 1.0, "exacerbation_rate": 1 / 0.85}}  # fmt: skip


def copd(arm: str, endpoint: str = "exacerbations", **dials: float) -> float:
    people = people_of("copd")
    return float(
        numbers(realised("copd_exacerbations", people, endpoint, 12.0, **IMPACT[arm], **dials)).mean()
    )


@pytest.mark.parametrize(
    ("arm", "rate"), [("triple", 0.91), ("steroid, one bronchodilator", 1.07), ("two drugs", 1.21)]
)
def test_annual_rates_of_impact_lipson_2018(arm: str, rate: float) -> None:
    assert copd(arm) == pytest.approx(rate, abs=0.05)


def test_rate_ratios_lie_in_the_intervals_of_impact_lipson_2018() -> None:
    triple, dual, steroid = (copd(arm) for arm in ("triple", "two drugs", "steroid, one bronchodilator"))
    assert 0.70 <= triple / dual <= 0.81
    assert 0.80 <= triple / steroid <= 0.90


def test_severe_exacerbations_of_impact_lipson_2018() -> None:
    dual = copd("two drugs", "severe_exacerbations")
    triple = copd("triple", "severe_exacerbations", severe_share=0.66 / 0.75)
    assert dual == pytest.approx(0.19, abs=0.02)
    assert triple == pytest.approx(0.13, abs=0.02)
    assert triple / dual == pytest.approx(0.66, abs=0.05)


@pytest.mark.parametrize(
    ("name", "lowest", "highest"), [("single", 0.05, 0.29), ("frequent", 0.21, 0.37), ("severe", 0.14, 0.35)]
)
def test_reductions_by_history_lie_in_the_intervals_of_halpin_2020(
    name: str, lowest: float, highest: float
) -> None:
    people = people_of("copd")
    before, severe = people.column("previous_exacerbations"), people.column("severe_before") == 1
    mine = {"single": (before == 1) & ~severe, "frequent": (before > 1) & ~severe, "severe": severe}[name]
    some = people.take(mine)
    control = numbers(realised("copd_exacerbations", some, "exacerbations", 12.0)).mean()
    triple = numbers(realised("copd_exacerbations", some, "exacerbations", 12.0, steroid=1.0)).mean()
    assert lowest <= 1 - triple / control <= highest


def test_people_differ_as_much_as_in_macro_sadatsafavi_2016() -> None:
    """95 % of MACRO have rates from .47 to 4.22 a year: a log SD of .56; here history adds to it."""
    counts = numbers(realised("copd_exacerbations", people_of("copd"), "exacerbations", 12.0))
    dispersion = (counts.var() - counts.mean()) / counts.mean() ** 2
    assert np.exp(0.56**2) - 1 < dispersion < 1.2


PLACEBO = {"infection_rate": 1.09}
FOLLOWED = 9.36  # 50.7 years of 65 participants


def test_infections_of_the_placebo_arm_of_the_cgd_study_1991() -> None:
    """56 infections, in 30 of 65, once the course is set to the rate."""
    counts = numbers(realised("cgd_infections", people_of("cgd"), "infections", FOLLOWED, **PLACEBO))
    assert 65 * counts.mean() == pytest.approx(56, abs=2)
    assert 65 * (counts > 0).mean() == pytest.approx(30, abs=4)


def test_infections_under_interferon_in_the_cgd_study_1991() -> None:
    counts = numbers(
        realised("cgd_infections", people_of("cgd"), "infections", 9.88, infection_rate=1.09 * 0.35)
    )
    assert 63 * counts.mean() == pytest.approx(20, abs=2)
    assert 63 * (counts > 0).mean() == pytest.approx(14, abs=2.5)


def test_a_rate_that_nobody_set_is_within_the_error_of_the_cgd_study_1991() -> None:
    counts = numbers(realised("cgd_infections", people_of("cgd"), "infections", FOLLOWED))
    error = np.sqrt(65 * counts.var())
    assert abs(65 * counts.mean() - 56) < 2 * error


def lesions(months: float, spread: float, **dials: float) -> np.ndarray:
    people = people_of("ms_relapsing")
    found = realised("ms_lesions", people, "lesions", months, {"spread": spread}, **dials)
    return found.outcomes[:, 0]


def test_a_typical_person_has_the_long_run_mean_of_velez_de_mendizabal_2013() -> None:
    """.923 / (1 − .447 − .150) = 2.29 lesions a month."""
    assert lesions(48.0, 0.0).mean() / 48 == pytest.approx(2.29, abs=0.05)


def test_the_mean_observed_in_nine_people_by_velez_de_mendizabal_2013() -> None:
    """3.26 a month over 48 months, in nine people: within two standard errors of nine."""
    monthly = lesions(48.0, 1.0) / 48
    assert abs(monthly.mean() - 3.26) < 2 * monthly.std() / 3


def test_the_mean_of_fourteen_other_people_of_velez_de_mendizabal_2013() -> None:
    """4.08 a month over 6 months, in fourteen others: within three standard errors of fourteen."""
    monthly = lesions(6.0, 1.0) / 6
    assert abs(monthly.mean() - 4.08) < 3 * monthly.std() / np.sqrt(14)


def test_lesions_fall_more_slowly_than_their_source_is_cut() -> None:
    """What treatment takes away shows only after the lesions that follow older ones."""
    ratio = lesions(6.0, 1.0, new_lesions=0.4).sum() / lesions(6.0, 1.0).sum()
    late = lesions(48.0, 1.0, new_lesions=0.4).sum() / lesions(48.0, 1.0).sum()
    assert 0.4 < late < ratio < 0.75

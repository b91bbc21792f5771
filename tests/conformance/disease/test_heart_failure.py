"""Heart failure against DAPA-HF, CHAMPION and the MAGGIC table: each test names its source."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conformance.disease.drawn_people import numbers, people_of, realised
from trialsim.disease.cardiometabolic.maggic import (
    BY_ONE_YEAR,
    BY_THREE_YEARS,
    creatinine_of,
    maggic_points,
)

FOLLOWED, PLACEBO, ACTIVE = 18.2, 2371, 2373
DAPAGLIFLOZIN = {"hf_rate": 0.66, "cv_hazard": 0.81}


def rate(endpoint: str, **dials: float) -> float:
    """Events per 100 years of the first event of its kind, over 18.2 months."""
    people = people_of("heart_failure", 150_000)
    found = realised("heart_failure", people, endpoint, np.inf, **dials)
    end = FOLLOWED if found.ends is None else np.minimum(found.ends, FOLLOWED)
    time = np.minimum(found.outcomes[:, 0], end)
    return float(100 * 12 * (found.outcomes[:, 0] <= end).sum() / time.sum())


def recurrent(endpoint: str, months: float = FOLLOWED, **dials: float) -> tuple[np.ndarray, float]:
    people = people_of("heart_failure", 150_000)
    found = realised("heart_failure", people, endpoint, months, **dials)
    assert found.ends is not None
    return numbers(found), float(np.minimum(found.ends, months).sum())


@pytest.mark.parametrize(
    ("endpoint", "published", "within"),
    [("hf_or_cv_death", 15.6, 0.8), ("first_hf", 9.8, 0.4), ("cv_death", 7.9, 0.4)],
)
def test_rates_on_placebo_of_dapa_hf_2019(endpoint: str, published: float, within: float) -> None:
    assert rate(endpoint) == pytest.approx(published, abs=within)


def test_hospitalisations_on_placebo_of_dapa_hf_2019() -> None:
    """469 in 318 of 2,371."""
    counts, _ = recurrent("hospitalisations")
    assert PLACEBO * (counts > 0).mean() == pytest.approx(318, abs=25)
    assert PLACEBO * counts.mean() == pytest.approx(469, abs=60)


@pytest.mark.parametrize(
    ("endpoint", "low", "high"),
    [("hf_or_cv_death", 0.65, 0.85), ("first_hf", 0.59, 0.83), ("cv_death", 0.69, 0.98)],
)
def test_ratios_of_first_events_lie_in_the_intervals_of_dapa_hf_2019(
    endpoint: str, low: float, high: float
) -> None:
    assert low <= rate(endpoint, **DAPAGLIFLOZIN) / rate(endpoint) <= high


def test_the_ratio_of_all_events_lies_in_the_interval_of_dapa_hf_2019() -> None:
    """LWYY .75 (.65 to .88) of hospitalisations and cardiovascular deaths."""
    (control, time), (active, time_active) = (
        recurrent("hf_and_cv_death"), recurrent("hf_and_cv_death", **DAPAGLIFLOZIN)
    )  # fmt: skip
    assert (active.sum() / time_active) / (control.sum() / time) == pytest.approx(0.75, abs=0.03)


def test_hospitalisations_under_monitoring_of_champion_2011() -> None:
    """83 in 270 against 120 in 280 over 6 months, ratio .70 (.60 to .84), in sicker people."""
    sicker = {"hf_rate": 5.8}
    (control, _), (active, _) = (
        recurrent("hospitalisations", 6.0, **sicker), recurrent("hospitalisations", 6.0, hf_rate=5.8 * 0.70)
    )  # fmt: skip
    assert 280 * control.mean() == pytest.approx(120, abs=25)
    assert active.mean() / control.mean() == pytest.approx(0.70, abs=0.03)


@pytest.mark.parametrize(
    ("points", "one", "three"),
    [(10, 0.039, 0.102), (20, 0.102, 0.247), (30, 0.248, 0.523), (40, 0.523, 0.842)],
)
def test_risks_by_points_of_maggic_pocock_2013(points: int, one: float, three: float) -> None:
    assert (np.asarray(BY_ONE_YEAR)[points], np.asarray(BY_THREE_YEARS)[points]) == (one, three)


def points(**changes: float) -> float:
    person = {"ef": 35.0, "age": 67.0, "sbp": 125.0, "bmi": 27.0, "creatinine": 100.0, "nyha": 2.0}
    return float(maggic_points(**{name: np.array([value]) for name, value in (person | changes).items()})[0])


def test_points_of_maggic_pocock_2013_at_the_edges_of_bands() -> None:
    assert points() == 2 + 6 + 1 + 2 + 1 + 2
    assert [points(age=age) - points() for age in (54.9, 55.0, 79.9, 80.0)] == [-6.0, -4.0, 4.0, 7.0]
    assert points(ef=29.9) - points(ef=30.0) == (5 + 4 + 3) - (3 + 6 + 1)
    assert points(bmi=29.9) - points(bmi=30.0) == 2
    assert points(male=1.0, smoker=1.0, diabetes=1.0, copd=1.0) - points() == 7
    assert points(over_18_months=1.0, no_beta_blocker=1.0, no_ace_inhibitor=1.0) - points() == 6


def test_creatinine_gives_the_egfr_of_ckd_epi_2009_back() -> None:
    egfr, age = np.array([20.0, 60.0, 90.0, 130.0]), np.array([80.0, 60.0, 40.0, 25.0])
    for female in (0.0, 1.0):
        mg = creatinine_of(egfr, age, np.full(4, female)) / 88.4
        kappa, power, factor = (0.7, -0.329, 1.018) if female else (0.9, -0.411, 1.0)
        again = 141 * np.minimum(mg / kappa, 1) ** power * np.maximum(mg / kappa, 1) ** -1.209 * 0.993**age
        assert np.allclose(again * factor, egfr)


def test_death_on_points_follows_the_maggic_table() -> None:
    """Between 10 and 40 points the log hazard of a year rises by ln 1.10 a point, within a tenth."""
    hazard = -np.log(1 - np.asarray(BY_ONE_YEAR)[10:41])
    slope = np.polyfit(np.arange(10, 41), np.log(hazard), 1)[0]
    assert slope == pytest.approx(np.log(1.10), rel=0.1)

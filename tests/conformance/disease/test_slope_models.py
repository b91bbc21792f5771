"""ALS, Parkinson, Duchenne and polycystic kidney disease against published trials, each by name."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conformance.disease.drawn_people import people_of
from trialsim.data import Covariates
from trialsim.disease import Realised, disease_model
from trialsim.disease.neurology.als import tricals_profile
from trialsim.disease.neurology.duchenne import GROWTH, LATE, LOSS, START
from trialsim.streams import stream

YEAR = 365.25 / 7
MONTH = YEAR / 12


def drawn(model: str, people: Covariates, endpoint: str, weeks: list[float], **dials: float) -> Realised:
    made = disease_model(model)
    return made.draw(people, endpoint, dials, np.array(weeks), lambda part: stream(5, "conformance", 0, part))


def slopes(values: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Least-squares slopes of everybody (M,), a year."""
    return np.asarray(np.polyfit(years, values.T, 1)[0])


def test_scores_at_24_weeks_of_the_placebo_arm_of_study_19_2017() -> None:
    """41.8 (SD 2.2) at baseline, 34.8 (SD 5.8) at 24 weeks."""
    found = drawn("als", people_of("als"), "alsfrs_r", [0.0, 24.0])
    start, last = found.outcomes.T
    assert start.mean() == pytest.approx(41.8, abs=0.2)
    assert last.mean() == pytest.approx(34.8, abs=0.4)
    assert last.std() == pytest.approx(5.8, abs=0.4)


@pytest.mark.parametrize(
    ("trial", "dial", "a_month"), [("PRO-ACT", 0.80, 1.02), ("Study 19", 1.0, 1.27), ("CENTAUR", 1.31, 1.66)]
)
def test_declines_a_month_of_pro_act_study_19_and_centaur(trial: str, dial: float, a_month: float) -> None:
    found = drawn("als", people_of("als"), "alsfrs_r", [0.0, 24.0], decline=dial)
    change = found.outcomes[:, 0] - found.outcomes[:, 1]
    assert change.mean() / 24 * MONTH == pytest.approx(a_month, abs=0.06)


def test_median_survival_of_the_arms_of_centaur_2020() -> None:
    """18.5 months on placebo, 25.0 on active: the slope explains a part, the hazard the rest."""
    people = people_of("als")
    placebo = drawn("als", people, "death", [np.inf], decline=1.31).outcomes
    active = drawn("als", people, "death", [np.inf], decline=1.31 * 0.75, hazard=0.70).outcomes
    assert np.median(placebo) == pytest.approx(18.5, abs=0.7)
    assert np.median(active) == pytest.approx(25.0, abs=1.0)
    assert 18 <= np.median(drawn("als", people, "death", [np.inf]).outcomes) <= 25


def test_who_declines_faster_dies_sooner() -> None:
    found = drawn("als", people_of("als"), "alsfrs_r", [0.0, 12.0])
    assert found.ends is not None
    fast = found.outcomes[:, 0] - found.outcomes[:, 1] > 4
    assert np.median(found.ends[fast]) < np.median(found.ends[~fast]) - 2


def test_the_profile_of_a_person_by_tricals_public_code() -> None:
    assert float(tricals_profile(-0.5, 11.0, 60.0, 85.0, 0.0, 0.0)) == pytest.approx(-4.53, abs=0.005)
    assert float(tricals_profile(-0.5, 11.0, 60.0, 85.0, 1.0, 1.0, 1.0)) == pytest.approx(
        -4.53 + 0.924, abs=0.005
    )


def updrs(**dials: float) -> np.ndarray:
    found = drawn("parkinsons", people_of("parkinsons"), "updrs", [0.0, 26.0], **dials).outcomes
    return found[:, 1] - found[:, 0]


def test_change_at_26_weeks_on_placebo_of_tempo_lee_2011() -> None:
    """3.62 points."""
    assert updrs().mean() == pytest.approx(3.62, abs=0.12)


def test_change_at_26_weeks_on_rasagiline_of_tempo_lee_2011() -> None:
    """.07 by the formula, .3 in the text."""
    assert 0.0 <= updrs(slope=-0.30, symptomatic=1.61).mean() <= 0.35


def test_spread_of_changes_by_the_variances_of_lee_2011() -> None:
    """√(.47 · 6.5² + 18.61 + 8.53) = 6.86."""
    assert updrs().std() == pytest.approx(6.86, abs=0.1)


def test_typical_peak_of_hamuro_2017() -> None:
    """463 m at 9.84 years."""
    age = (LATE - START) / (GROWTH + LOSS)
    assert age == pytest.approx(9.84, abs=0.005)
    assert START + GROWTH * age == pytest.approx(463, abs=0.5)


def walks(people: Covariates) -> np.ndarray:
    return drawn("duchenne", people, "six_minute_walk", [0.0, 48.0]).outcomes


def test_change_over_48_weeks_of_placebo_arms_after_hamuro_2017() -> None:
    """−40 m (SD 95) at 7 to 14 years, from 150 m on."""
    found = walks(people_of("duchenne"))
    entered = found[found[:, 0] >= 150]
    change = entered[:, 1] - entered[:, 0]
    assert change.mean() == pytest.approx(-40, abs=5)
    assert change.std() == pytest.approx(95, abs=6)


def test_boys_chosen_by_a_measured_distance_do_better_later() -> None:
    found = walks(people_of("duchenne"))
    change = found[:, 1] - found[:, 0]
    chosen = (found[:, 0] >= 300) & (found[:, 0] <= 400)
    assert change[chosen].mean() > change.mean() + 10


VISITS = [0.0, YEAR, 2 * YEAR, 3 * YEAR]


@pytest.mark.parametrize(("dial", "published", "low", "high"), [(1.0, 5.5, 5.1, 6.0), (0.51, 2.8, 2.5, 3.1)])
def test_growth_of_kidney_volume_of_tempo_torres_2012(
    dial: float, published: float, low: float, high: float
) -> None:
    found = drawn("polycystic_kidney", people_of("adpkd"), "log_volume", VISITS, growth=dial).outcomes
    a_year = 100 * np.expm1(slopes(found, np.array(VISITS) / YEAR).mean())
    assert a_year == pytest.approx(published, abs=0.2)
    assert low <= a_year <= high


def test_yearly_ratio_of_kidney_volume_of_tempo_torres_2012() -> None:
    """1.06 (SD .05)."""
    found = drawn("polycystic_kidney", people_of("adpkd"), "log_volume", VISITS).outcomes
    ratio = np.exp(slopes(found, np.array(VISITS) / YEAR))
    assert ratio.mean() == pytest.approx(1.06, abs=0.005)
    assert ratio.std() == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize(("dial", "published", "sd"), [(1.0, -3.64, 3.76), (0.71, -2.60, 3.42)])
def test_slopes_of_egfr_of_tempo_torres_2012(dial: float, published: float, sd: float) -> None:
    weeks = [0.0, *(YEAR * k / 3 for k in range(1, 10))]
    found = drawn("polycystic_kidney", people_of("adpkd"), "egfr", weeks, slope=dial).outcomes
    own = slopes(found[:, 1:], np.array(weeks[1:]) / YEAR)
    assert own.mean() == pytest.approx(published, abs=0.3)
    assert own.std() == pytest.approx(sd, rel=0.13)


def test_the_fall_at_once_is_no_loss_a_year() -> None:
    weeks = [0.0, *(YEAR * k / 3 for k in range(1, 10))]
    plain, fallen = (
        drawn("polycystic_kidney", people_of("adpkd"), "egfr", weeks, acute=acute).outcomes
        for acute in (0.0, -3.0)
    )
    assert (fallen - plain)[:, 1:].mean() == pytest.approx(-3.0, abs=0.05)
    assert np.array_equal(fallen[:, 0], plain[:, 0])

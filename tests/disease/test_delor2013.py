from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from trialsim.data import Covariates
from trialsim.disease import DelorCdrSb, DelorCourse, disease_model

MODEL = DelorCdrSb()
NAMES = ("cdr_sb", "mmse", "adas_cog", "faq", "hippocampal_volume")
WEEKS = np.array([0.0, 13.0, 26.0, 52.0, 78.0])


def people(n: int = 400, key: int = 1) -> Covariates:
    g = np.random.default_rng(key)
    ranges = ((0.25, 9.0), (18, 30), (3, 30), (0, 20), (0.5, 1.2))
    return Covariates(NAMES, np.column_stack([g.uniform(low, high, n) for low, high in ranges]))


def course_of(n: int = 400, key: int = 2) -> DelorCourse:
    return MODEL.draw_course(people(n), np.random.default_rng(key))


def integrated_score(course: DelorCourse, row: int, years: np.ndarray) -> np.ndarray:
    """The published differential equation, solved as it stands."""
    onset, rate, alpha = course.onset[row], course.rate[row], course.acceleration[row]

    def slope(t: float, a: np.ndarray) -> np.ndarray:
        return (rate + alpha * a) * t**30 / (onset**30 + t**30)

    solution = integrate.solve_ivp(
        slope, (0.0, years[-1]), [0.0], method="DOP853", rtol=1e-11, atol=1e-12, t_eval=years, max_step=0.25
    )
    return 18.0 / (1.0 + np.exp(4.48 - solution.y[0]))


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("nth", range(6))
def test_closed_form_equals_the_integrated_differential_equation(slow, nth):
    course = course_of()
    row = np.flatnonzero(course.slow == slow)[nth]
    years = course.entry[row] + WEEKS * 7 / 365.25
    expected = integrated_score(course, row, years)
    assert MODEL.natural_history(MODEL.take(course, [row]), WEEKS)[0] == pytest.approx(expected, abs=1e-6)


def test_everybody_starts_at_the_latent_baseline():
    baseline = people().column("cdr_sb")
    assert MODEL.natural_history(course_of(), np.array([0.0]))[:, 0] == pytest.approx(baseline, abs=1e-9)
    assert MODEL.placebo_response(course_of(), np.array([0.0])) == pytest.approx(0.0)


def test_progression_speeds_up_the_clock_of_everybody():
    faster = MODEL.natural_history(course_of(), WEEKS, progression=1.5)
    assert faster == pytest.approx(MODEL.natural_history(course_of(), 1.5 * WEEKS), abs=1e-12)
    stopped = MODEL.natural_history(course_of(), WEEKS, progression=0.0)
    assert np.ptp(stopped, axis=1) == pytest.approx(0.0, abs=1e-12)


def test_scores_rise_and_stay_inside_the_scale():
    scores = MODEL.natural_history(course_of(), np.linspace(0.0, 52.0 * 60, 40))
    assert (np.diff(scores, axis=1) >= 0).all()
    assert scores.min() > 0.0
    assert scores.max() < 18.0


def test_one_participants_equation_written_out():
    course = DelorCourse(*(np.array([value]) for value in (16.1, 20.0, 0.260, 0.0, 0.434)))
    lived = integrate.quad(lambda s: s**30 / (16.1**30 + s**30), 0, 21.0, points=[16.1], epsabs=1e-12)[0]
    score = MODEL.natural_history(course, np.array([365.25 / 7]))[0, 0]
    assert score == pytest.approx(18 / (1 + np.exp(4.48 - 0.260 * lived)), abs=1e-9)
    assert MODEL.placebo_response(course, np.array([365.25 / 7]))[0, 0] == pytest.approx(
        -0.434 * (1 - np.exp(-1.0))
    )


def test_participant_effects_have_the_printed_medians_and_cvs():
    n = 200_000
    typical = Covariates(NAMES, np.tile([2.0, 26.0, 12.67, 1.0, 1.0], (n, 1)))
    course = MODEL.draw_course(typical, np.random.default_rng(3))
    fast = ~course.slow
    effects = {
        (16.1, 0.015): course.onset,
        (0.0499, 0.64): course.acceleration[fast],
        (0.434, 0.86): course.placebo,
    }
    for (median, cv), effect in effects.items():
        sigma = np.sqrt(np.log1p(cv**2))
        log = np.log(effect)
        assert log.mean() == pytest.approx(np.log(median), abs=5 * sigma / np.sqrt(len(log)))
        assert log.std() == pytest.approx(sigma, abs=5 * sigma / np.sqrt(2 * len(log)))
    assert set(np.unique(course.rate)) == {0.260, 0.373}
    assert set(course.rate[course.slow]) == {0.260}


@pytest.mark.parametrize(
    ("person", "logit"),
    [
        ([1.0, 26.0, 12.67, 1.0, 1.0], np.log(0.87 / 0.13)),
        ([2.0, 26.0, 12.67, 1.0, 1.0], np.log(0.87 / 0.13) - 1.27),
        ([1.0, 26.0, 12.67, 4.0, 1.0], np.log(0.87 / 0.13) - 0.341 * 3),
        ([1.0, 26.0, 12.67, 1.0, 0.9], np.log(0.87 / 0.13) - 0.75),
    ],
)
def test_the_slow_class_follows_its_logit(person, logit):
    n = 100_000
    course = MODEL.draw_course(Covariates(NAMES, np.tile(person, (n, 1))), np.random.default_rng(4))
    share = 1 / (1 + np.exp(-logit))
    assert course.slow.mean() == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / n))


def test_lower_mmse_accelerates_by_its_power():
    person = np.tile([6.0, 26.0, 12.67, 20.0, 0.5], (50, 1))
    worse = person.copy()
    worse[:, 1] = 20.0
    draws = [
        MODEL.draw_course(Covariates(NAMES, x), np.random.default_rng(5)).acceleration
        for x in (person, worse)
    ]
    assert draws[1] / draws[0] == pytest.approx((20 / 26) ** -2.01)


def test_onset_follows_baseline_scores_by_their_powers():
    person = np.tile([2.0, 26.0, 12.67, 1.0, 1.0], (50, 1))
    worse = person.copy()
    worse[:, 0], worse[:, 2] = 5.0, 25.0
    draws = [MODEL.draw_course(Covariates(NAMES, x), np.random.default_rng(5)).onset for x in (person, worse)]
    assert draws[1] / draws[0] == pytest.approx((5 / 2) ** -0.072 * (25 / 12.67) ** -0.0439)


def test_measured_mean_is_the_expectation_of_the_measurement():
    natural = np.array([[0.3, 2.0, 9.0, 17.9]])
    placebo = np.array([[-0.4, -0.3, -0.2, 0.0]])
    n = 400_000
    drawn = MODEL.measure(np.tile(natural, (n, 1)), np.tile(placebo, (n, 1)), np.random.default_rng(6))
    error = 5 * drawn.std(0) / np.sqrt(n)
    assert (np.abs(drawn.mean(0) - MODEL.measured_mean(natural, placebo)[0]) < error).all()
    logit = np.log(drawn / (18 - drawn))
    assert logit.std(0) == pytest.approx(0.377, abs=5 * 0.377 / np.sqrt(2 * n))
    assert drawn.min() > 0.0
    assert drawn.max() < 18.0


def test_measured_mean_equals_fine_quadrature():
    score = np.array([0.25, 3.0, 12.0])
    e = np.linspace(-9, 9, 20_001) * 0.377
    weight = np.exp(-((e / 0.377) ** 2) / 2)
    slow = [(18 / (1 + (18 - s) / s * np.exp(-e)) * weight).sum() / weight.sum() for s in score]
    assert MODEL.measured_mean(score, np.zeros(3)) == pytest.approx(slow, abs=1e-9)


def test_a_placebo_response_takes_nobody_below_the_floor():
    floor = 18 / (1 + np.exp(4.48))
    deep = MODEL.measured_mean(np.array([0.5]), np.array([-5.0]))
    assert deep == pytest.approx(MODEL.measured_mean(np.array([floor]), np.array([0.0])))


def test_take_keeps_each_participant_whole():
    course = course_of()
    rows = np.array([5, 3, 3])
    assert (
        MODEL.natural_history(MODEL.take(course, rows), WEEKS) == MODEL.natural_history(course, WEEKS)[rows]
    ).all()
    mask = course.slow
    taken = MODEL.placebo_response(MODEL.take(course, mask), WEEKS)
    assert (taken == MODEL.placebo_response(course, WEEKS)[mask]).all()


def test_the_option_moves_the_slow_share():
    shares = [
        disease_model("delor2013_cdr_sb", slow_share_at_centre=share)
        .draw_course(people(5000), np.random.default_rng(7))
        .slow.mean()
        for share in (0.1, 0.44, 0.9)
    ]
    assert shares == sorted(shares)
    assert shares[0] < shares[2]


def test_the_course_of_another_model_is_refused():
    with pytest.raises(TypeError, match="DelorCourse"):
        MODEL.natural_history(object(), WEEKS)

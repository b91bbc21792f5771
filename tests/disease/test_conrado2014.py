from __future__ import annotations

import numpy as np
import pytest

from trialsim.data import Covariates
from trialsim.disease import ConradoAdasCog, ConradoCourse

MODEL = ConradoAdasCog()
NAMES = ("adas_cog", "age", "female", "apoe4_count", "comedication")
WEEKS = np.array([0.0, 8.0, 16.0, 24.0, 78.0])


def people(n: int = 300) -> Covariates:
    g = np.random.default_rng(1)
    columns = (
        g.uniform(2, 65, n),
        g.uniform(55, 90, n),
        g.integers(0, 2, n),
        g.integers(0, 3, n),
        g.integers(0, 2, n),
    )
    return Covariates(NAMES, np.column_stack(columns).astype(np.float64))


def course_of(n: int = 300) -> ConradoCourse:
    return MODEL.draw_course(people(n), np.random.default_rng(2))


@pytest.mark.parametrize("row", range(8))
def test_the_curve_is_the_published_formula(row):
    course = course_of()
    bl, sl, k = 70 * course.baseline[row], course.speed[row], 6.91
    t = WEEKS * 7 / 365.25
    m = 70 * bl / (bl**k + (70**k - bl**k) * np.exp(-k * sl * t)) ** (1 / k)
    assert MODEL.natural_history(MODEL.take(course, [row]), WEEKS)[0] == pytest.approx(m, rel=1e-12)


def test_everybody_starts_at_the_latent_baseline():
    start = MODEL.natural_history(course_of(), np.array([0.0]))[:, 0]
    assert start == pytest.approx(people().column("adas_cog"), rel=1e-12)


def test_progression_multiplies_every_speed():
    faster = MODEL.natural_history(course_of(), WEEKS, progression=2.0)
    assert faster == pytest.approx(MODEL.natural_history(course_of(), 2.0 * WEEKS), rel=1e-12)


@pytest.mark.parametrize(
    ("person", "factor"),
    [
        ([22.2, 75.0, 1.0, 1.0, 1.0], 1 + 0.195 * 0.28),
        ([22.2, 65.0, 1.0, 1.0, 1.0], (1 + 0.24) * (1 + 0.195 * 0.28)),
        ([22.2, 75.0, 1.0, 1.0, 0.0], 0.698 * (1 + 0.195 * 0.28)),
        ([35.0, 75.0, 0.0, 2.0, 1.0], 1 + 0.195 * 1.28),
    ],
)
def test_the_speed_has_its_conditional_normal_law_given_the_baseline(person, factor):
    n = 200_000
    speed = MODEL.draw_course(Covariates(NAMES, np.tile(person, (n, 1))), np.random.default_rng(3)).speed
    bl, _, female, alleles, _ = person
    eta1 = np.log(bl / (22.2 * (1 if female else 0.953) * (1 + 0.0372 * (alleles - 0.72))))
    mean = (0.153 + 0.0224 / 0.156 * eta1) * factor
    sd = np.sqrt(0.0413 - 0.0224**2 / 0.156) * factor
    assert speed.mean() == pytest.approx(mean, abs=5 * sd / np.sqrt(n))
    assert speed.std() == pytest.approx(sd, abs=5 * sd / np.sqrt(2 * n))


def test_a_lognormal_baseline_gives_back_the_published_covariance():
    n = 200_000
    g = np.random.default_rng(4)
    eta1 = np.sqrt(0.156) * g.standard_normal(n)
    bl = 22.2 * (1 + 0.0372 * 0.28) * np.exp(eta1)
    keep = bl < 69.9
    columns = np.column_stack([bl, np.full(n, 75.0), np.ones(n), np.ones(n), np.ones(n)])[keep]
    eta2 = MODEL.draw_course(Covariates(NAMES, columns), g).speed / (1 + 0.195 * 0.28) - 0.153
    covariance = np.cov(eta1[keep], eta2)
    assert covariance[0, 1] == pytest.approx(0.0224, abs=0.0008)
    assert covariance[1, 1] == pytest.approx(0.0413, abs=5 * 0.0413 * np.sqrt(2 / n))


def test_measurement_has_the_beta_moments():
    n = 300_000
    natural = np.array([3.0, 24.0, 60.0])
    drawn = MODEL.measure(np.tile(natural, (n, 1)), np.zeros((n, 3)), np.random.default_rng(5))
    m = natural / 70
    sd = 70 * np.sqrt(m * (1 - m) / 88.5)
    assert (np.abs(drawn.mean(0) - natural) < 5 * sd / np.sqrt(n)).all()
    assert drawn.std(0) == pytest.approx(sd, rel=0.01)
    assert MODEL.measured_mean(natural, np.zeros(3)) == pytest.approx(natural)


def test_the_placebo_term_is_off_until_asked_for():
    assert (MODEL.placebo_response(course_of(), WEEKS) == 0.0).all()
    dipping = ConradoAdasCog(placebo_points=1.5, placebo_onset_weeks=4.0)
    response = dipping.placebo_response(course_of(), WEEKS)
    assert response[7] == pytest.approx(-1.5 * (1 - np.exp(-WEEKS / 4.0)))
    assert (response == response[0]).all()


def test_extreme_speeds_stay_inside_the_scale():
    course = ConradoCourse(np.array([0.05, 0.5, 0.97]), np.array([-30.0, 0.0, 40.0]))
    scores = MODEL.natural_history(course, np.array([0.0, 500.0]))
    assert np.isfinite(scores).all()
    assert scores.min() > 0.0
    assert scores.max() < 70.0
    assert np.isfinite(MODEL.measure(scores, np.full((3, 2), -10.0), np.random.default_rng(6))).all()


def test_take_keeps_each_participant_whole():
    rows = np.array([9, 2])
    course = course_of()
    taken = MODEL.natural_history(MODEL.take(course, rows), WEEKS)
    assert (taken == MODEL.natural_history(course, WEEKS)[rows]).all()

"""Kinetics, leukopenia and theophylline against Friberg 2002, public data, and an accurate solver."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import curve_fit

from tests.conformance.disease.drawn_people import people_of, realised
from trialsim.disease.pharmacology import leukopenia, theophylline
from trialsim.disease.pharmacology.interactions import exposure_ratio
from trialsim.disease.pharmacology.kinetics import (
    absorbed,
    absorbed_into_two,
    infused,
    repeated,
    steady_state,
    two_compartments,
)
from trialsim.disease.pharmacology.leukopenia import leukocyte_courses, paclitaxel
from trialsim.errors import InputError

ONE, CYCLE = np.ones(1), 504.0


def courses(times: np.ndarray, marks: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Counts of the typical person at marks, the lowest, and its day."""
    kept, lowest, hour = leukocyte_courses(
        7.21 * ONE, 124.0 * ONE, 28.9 * ONE, paclitaxel(times), times, np.searchsorted(times, marks)
    )
    return kept[0], float(lowest[0]), float(hour[0] / 24)


def friberg(time: float, state: np.ndarray) -> list[float]:
    """Leukocytes and two compartments of paclitaxel as one system of equations, written on its own."""
    p, a, b, c, n, central, peripheral = state
    k = 4 / 124
    infusion = 368.9 / 3 if time < 3 else 0.0
    return [
        k * p * (1 - 28.9 * central / 290) * (7.21 / n) ** 0.239 - k * p, k * (p - a), k * (a - b),
        k * (b - c), k * (c - n), infusion - (285 + 204) / 290 * central + 204 / 995 * peripheral,
        204 / 290 * central - 204 / 995 * peripheral,
    ]  # fmt: skip


def exact(until: np.ndarray) -> np.ndarray:
    """Leukocytes at hours, by an eighth-order method at a tolerance of 1e-12."""
    first = solve_ivp(friberg, (0, 3 - 1e-12), [7.21] * 5 + [0.0, 0.0], "DOP853", rtol=1e-12, atol=1e-12)
    late = solve_ivp(
        friberg, (3.0, CYCLE), first.y[:, -1], "DOP853", rtol=1e-12, atol=1e-12, dense_output=True
    )
    return np.asarray(late.sol(until)[4])


def test_nadir_after_315_mg_of_paclitaxel_of_friberg_2002() -> None:
    """2.919 on day 9.24."""
    _, lowest, day = courses(leukopenia.time_grid(np.array([0.0, CYCLE])), np.array([CYCLE]))
    assert lowest == pytest.approx(2.919, abs=0.01)
    assert day == pytest.approx(9.24, abs=0.05)


def test_our_steps_against_an_eighth_order_solver_at_a_tight_tolerance() -> None:
    hours = np.array([24.0, 96.0, 168.0, 221.5, 336.0, 480.0])
    truth = exact(hours)
    own = courses(leukopenia.time_grid(np.append(hours, CYCLE)), hours)[0]
    assert np.abs(own - truth).max() < 1e-3
    errors = [
        np.abs(courses(np.arange(0, CYCLE + step / 2, step), hours)[0] - truth).max()
        for step in (0.5, 0.25, 0.125)
    ]
    assert errors[0] < 5e-4
    # Of fourth order: half the step, a sixteenth of the error.
    assert errors[1] < errors[0] / 12
    assert errors[2] < errors[1] / 12 or errors[2] < 1e-9


@pytest.mark.parametrize(
    ("dose", "severe"), [(0.5, 2.9), (0.75, 11.8), (1.0, 26.9), (1.25, 43.0), (1.5, 56.3)]
)
def test_severe_leukopenia_by_dose_by_another_run_of_friberg_2002(dose: float, severe: float) -> None:
    """No paper prints these shares: they are of another programmer's run, with people of his own."""
    found = realised("leukopenia", people_of("leukopenia", 20_000), "grade_3", 0.69, dose=dose)
    assert 100 * found.outcomes.mean() == pytest.approx(severe, abs=3)


def test_grades_agree_with_the_lowest_count_and_without_a_dose_nobody_has_any() -> None:
    people = people_of("leukopenia", 2_000)
    grade = realised("leukopenia", people, "worst_grade", 0.69).outcomes[:, 0]
    lowest = realised("leukopenia", people, "nadir", 0.69).outcomes[:, -1]
    assert np.array_equal(grade >= 3, lowest < 2)
    assert np.array_equal(grade == 4, lowest < 1)
    placebo = realised("leukopenia", people, "nadir", 0.69, dose=0.0).outcomes[:, -1]
    assert placebo == pytest.approx(people.column("leukocytes"))


def test_theophylline_of_twelve_people(shared: Callable[[str], Path]) -> None:
    """Absorption 1.61 an hour (log SD .74), elimination .088 (.19), clearance .0402 L/h/kg (.28)."""
    with shared("data/medicaldata_mit/theoph.csv").open() as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    fits = []
    for subject in sorted({row["Subject"] for row in rows}):
        own = [row for row in rows if row["Subject"] == subject]
        time, seen = (np.array([row[name] for row in own]) for name in ("Time", "conc"))

        def course(t: np.ndarray, *logs: float, dose: float = own[0]["Dose"]) -> np.ndarray:
            absorption, elimination, clearance = np.exp(logs)
            return absorbed(t, dose, absorption, elimination, clearance / elimination)

        fits.append(curve_fit(course, time, seen, p0=np.log([1.5, 0.09, 0.04]))[0])
    centre, spread = np.exp(np.mean(fits, axis=0)), np.std(fits, axis=0, ddof=1)
    assert centre[0] == pytest.approx(theophylline.ABSORPTION, abs=0.01)
    assert centre[1] == pytest.approx(theophylline.ELIMINATION, abs=0.001)
    assert centre[2] == pytest.approx(theophylline.CLEARANCE, abs=0.0005)
    assert spread == pytest.approx([0.739, 0.186, 0.282], abs=0.01)


def test_a_half_life_of_about_eight_hours_and_who_is_above_20_mg_l() -> None:
    assert np.log(2) / theophylline.ELIMINATION == pytest.approx(7.9, abs=0.05)
    people = people_of("asthma", 20_000)
    peaks = [realised("theophylline", people, "harm", 3.0, dose=dose).outcomes.mean() for dose in (0, 1, 2)]
    assert peaks[0] == 0
    assert 0 < peaks[1] < 0.2 < peaks[2]
    inhibited = realised("theophylline", people, "harm", 3.0, dose=1.0, clearance=0.65).outcomes.mean()
    assert inhibited > 2 * peaks[1]


def test_the_peak_at_steady_state_is_the_highest_of_all_times() -> None:
    absorption, elimination = np.array([1.61, 0.3]), np.array([0.088, 0.2])
    grid = np.linspace(0, 12, 12_001)
    for ka, k, at in zip(
        absorption, elimination, theophylline.peak_time(absorption, elimination), strict=True
    ):
        course = steady_state(grid, 12.0, 320.0, ka, k, 32.0)
        assert grid[course.argmax()] == pytest.approx(float(at), abs=0.002)


def test_steady_state_is_what_many_doses_add_up_to() -> None:
    time = np.arange(0, 12 * 60 + 1, 0.5)
    many = repeated(absorbed(time, 320.0, 1.61, 0.088, 32.0), 60, 24)
    last = (time >= 12 * 59) & (time < 12 * 60)
    closed = steady_state(time[last] - 12 * 59, 12.0, 320.0, 1.61, 0.088, 32.0)
    assert many[last] == pytest.approx(closed, abs=1e-10)


def test_absorption_as_fast_as_elimination_has_its_limit() -> None:
    near = absorbed(np.array([5.0]), 100.0, 0.1 + 1e-11, 0.1, 10.0)
    assert near == pytest.approx(100 * 0.1 * 5 * np.exp(-0.5) / 10)


def test_an_average_antibody_of_davda_2014_under_the_skin() -> None:
    """Two compartments against an accurate solver; half of it is gone in 23 days, as of antibodies."""
    response = two_compartments(0.200, 3.61, 0.747, 2.75)
    assert np.log(2) / response[0, 1] == pytest.approx(23.2, abs=0.1)
    days = np.array([1.0, 7.0, 28.0, 84.0])

    def slopes(_: float, y: np.ndarray) -> list[float]:
        return [
            -0.282 * y[0], 0.282 * y[0] - (0.2 + 0.747) / 3.61 * y[1] + 0.747 / 2.75 * y[2],
            0.747 / 3.61 * y[1] - 0.747 / 2.75 * y[2],
        ]  # fmt: skip

    truth = solve_ivp(slopes, (0, 84), [74.4, 0, 0], "DOP853", days, rtol=1e-12, atol=1e-14).y[1] / 3.61
    assert absorbed_into_two(days, 74.4, 0.282, response) == pytest.approx(truth, abs=1e-9)


def test_the_largest_interaction_of_midazolam_by_mouth() -> None:
    """17.5 at f_m .90 and F_g .57 (a physiological model: 17); into a vein 10 at the most."""
    assert exposure_ratio(1e12, 0.90, 0.57) == pytest.approx(17.5, abs=0.05)
    assert exposure_ratio(1e12, 0.90) == pytest.approx(10.0)
    assert exposure_ratio(0.0, 0.90, 0.57) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: absorbed(np.ones(1), -1.0, 1.0, 0.1, 10.0),
        lambda: infused(np.ones(1), -1.0, 3.0, np.ones((2, 2))),
        lambda: steady_state(np.ones(1), 12.0, np.nan, 1.0, 0.1, 10.0), lambda: exposure_ratio(1.0, 1.2),
        lambda: exposure_ratio(-1.0, 0.5),
    ],
)  # fmt: skip
def test_a_negative_dose_and_impossible_shares_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(InputError):
        call()

"""An antibody under the skin against Davda et al. 2014 and an accurate solver."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tests.conformance.disease.drawn_people import people_of, realised
from trialsim.data import Covariates
from trialsim.disease import disease_model
from trialsim.disease.pharmacology.antibody import kinetics_of, troughs
from trialsim.disease.pharmacology.kinetics import two_compartments
from trialsim.errors import InputError

PEOPLE = people_of("antibody_trial", 50_000)
ONE = np.ones(1)


def alike(weight: float, n: int = 100_000) -> Covariates:
    return Covariates(("weight",), np.full((n, 1), weight))


def test_spread_of_clearance_and_exposure_of_davda_2014() -> None:
    """.200 L a day at 70 kg, log SD .314 (31 %); twice the weight, 1.82 times the clearance."""
    typical, _, _ = kinetics_of(alike(70.0), np.random.default_rng(1))
    assert np.median(typical) == pytest.approx(0.200, rel=0.01)
    assert np.log(typical).std() == pytest.approx(np.sqrt(0.0987), rel=0.02)
    heavy, _, _ = kinetics_of(alike(140.0), np.random.default_rng(1))
    assert np.median(heavy / typical) == pytest.approx(2**0.865, rel=1e-9)


def test_half_life_and_average_level_of_the_person_of_davda_2014() -> None:
    """23 days, by the slow rate; on average F D / (CL τ) = 19.9 mg/L, 150 mg in four weeks."""
    response = two_compartments(0.200 * ONE, 3.61 * ONE, 0.747 * ONE, 2.75 * ONE)
    assert np.log(2) / response[0, 1, 0] == pytest.approx(23, abs=1)
    # A course between two doses at steady state, from troughs of every shift of the schedule.
    grid = np.arange(1, 281) / 10
    day = 28 * 60 + grid
    level = troughs(day, 0.744 * 150 * ONE, 28 * ONE, 0.282 * ONE, response)[0]
    assert level.mean() == pytest.approx(0.744 * 150 / 0.200 / 28, rel=0.005)


def test_troughs_against_an_accurate_solver_dose_by_dose() -> None:
    def slope(_: float, y: np.ndarray) -> list[float]:
        depot, central, peripheral = y
        out = 0.747 * (central / 3.61 - peripheral / 2.75)
        return [-0.282 * depot, 0.282 * depot - 0.200 * central / 3.61 - out, out]

    y, seen = np.zeros(3), []
    for _ in range(6):
        y[0] += 0.744 * 150
        y = solve_ivp(slope, (0, 28), y, "DOP853", rtol=1e-11, atol=1e-12).y[:, -1]
        seen.append(y[1] / 3.61)
    response = two_compartments(0.200 * ONE, 3.61 * ONE, 0.747 * ONE, 2.75 * ONE)
    found = troughs(28.0 * np.arange(7), 0.744 * 150 * ONE, 28 * ONE, 0.282 * ONE, response)[0]
    assert found[0] == 0.0
    assert found[1:] == pytest.approx(seen, rel=1e-8)


def test_heavier_people_and_longer_intervals_have_less_and_dose_adds_up() -> None:
    months = 10.3
    enough = [
        realised("antibody", PEOPLE, "enough", months, interval=x).outcomes.mean() for x in (1.0, 2.0, 3.0)
    ]
    assert (np.diff(enough) < 0).all()
    light, heavy = (
        realised("antibody", alike(weight), "enough", months, interval=2.0).outcomes.mean()
        for weight in (55.0, 110.0)
    )
    assert heavy < light
    _, response, absorption = kinetics_of(alike(70.0, 50), np.random.default_rng(2))
    single, double = (
        troughs(np.array([56.0]), amount * np.ones(50), 28 * np.ones(50), absorption, response)
        for amount in (1.0, 2.0)
    )
    assert double == pytest.approx(2 * single)
    assert (single > 0).all()


def test_an_absorption_as_fast_as_a_compartment_has_no_pole() -> None:
    response = two_compartments(0.200 * ONE, 3.61 * ONE, 0.747 * ONE, 2.75 * ONE)
    near, at = (
        troughs(np.array([28.0]), 100 * ONE, 28 * ONE, response[0, 1] * (1 + shift), response)[0, 0]
        for shift in (1e-5, 0.0)
    )
    assert at == pytest.approx(near, rel=1e-3)


def test_an_impossible_target_or_a_negative_dose_is_refused() -> None:
    with pytest.raises(InputError, match="must lie between") as refused:
        disease_model("antibody", target=-1.0)
    assert refused.value.field == "target"
    with pytest.raises(InputError, match="must lie between"):
        realised("antibody", PEOPLE, "enough", 10.3, dose=-1.0)

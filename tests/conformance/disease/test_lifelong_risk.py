"""Thirty years of cardiovascular risk against the test person of PREVENT, Khan et al. 2024."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from tests.conformance.disease.drawn_people import people_of, realised
from trialsim.data import Covariates
from trialsim.disease import disease_model
from trialsim.disease.cardiometabolic.lifelong_risk import years_at
from trialsim.disease.cardiometabolic.prevent import risks
from trialsim.errors import InputError

WOMAN = {
    "age": 50.0, "total_cholesterol": 200.0, "hdl": 45.0, "sbp": 160.0, "egfr": 90.0, "bmi": 35.0,
    "female": 1.0, "diabetes": 1.0, "current_smoker": 0.0, "bp_drugs": 1.0, "statin": 0.0,
}  # fmt: skip
NAMES = tuple(one.name for one in disease_model("lifelong_risk").inputs)
PUBLISHED = [("cvd", 0.147, 0.530), ("ascvd", 0.092, 0.354), ("heart_failure", 0.081, 0.390)]


def alike(n: int = 100_000, **changed: float) -> Covariates:
    values = WOMAN | changed
    return Covariates(NAMES, np.tile([values[name] for name in NAMES], (n, 1)))


@pytest.mark.parametrize(("outcome", "ten", "thirty"), PUBLISHED)
def test_risks_of_the_woman_of_prevent_2024(outcome: str, ten: float, thirty: float) -> None:
    of = {name: np.array([value]) for name, value in WOMAN.items()}
    found = [float(one[0]) for one in risks(outcome, of["female"], of)]
    assert found == pytest.approx([ten, thirty], abs=5e-4)


@pytest.mark.parametrize(("outcome", "ten", "thirty"), PUBLISHED)
def test_a_hundred_thousand_of_her_over_thirty_years(outcome: str, ten: float, thirty: float) -> None:
    months = realised("lifelong_risk", alike(), outcome, np.inf).outcomes[:, 0]
    for year, risk in ((10, ten), (30, thirty)):
        error = np.sqrt(risk * (1 - risk) / 100_000)
        assert (months <= 12 * year).mean() == pytest.approx(risk, abs=4 * error + 5e-4)


@pytest.mark.parametrize(
    ("ten", "thirty"), [(0.01, 0.2), (0.147, 0.53), (0.3, 0.4), (0.1, 1 - 0.9**3), (0.4, 0.41)]
)
def test_years_against_a_search_along_the_gompertz_law(ten: float, thirty: float) -> None:
    """The law's two numbers by root finding, and its time by root finding again; a falling hazard too."""
    first, last = -np.log1p(-ten), -np.log1p(-thirty)

    def cumulative(year: float, slope: float) -> float:
        return year if abs(slope) < 1e-12 else float(np.expm1(slope * year) / slope)

    slope = brentq(lambda b: cumulative(30, b) / cumulative(10, b) - last / first, -0.6, 0.6, xtol=1e-14)
    scale = first / cumulative(10, slope)
    for year in (1.0, 7.0, 25.0):
        used = scale * cumulative(year, slope)
        assert years_at(np.array([used]), np.array([ten]), np.array([thirty]))[0] == pytest.approx(
            year, rel=1e-5
        )


def test_a_hazard_that_falls_is_survived_by_some() -> None:
    found = years_at(np.array([0.1, 50.0]), np.array([0.4, 0.4]), np.array([0.41, 0.41]))
    assert np.isfinite(found[0])
    assert np.isinf(found[1])


def test_lower_pressure_and_no_smoke_never_bring_an_event_forward() -> None:
    people = people_of("prevention", 20_000)
    # Below 110 mmHg the equations have a higher risk again, which is no effect of treatment.
    people = people.take(np.flatnonzero(people.column("sbp") >= 120))
    plain = realised("lifelong_risk", people, "cvd", np.inf).outcomes
    for dials in ({"sbp": -10.0}, {"smoking": 0.0}, {"hazard": 0.8}):
        better = realised("lifelong_risk", people, "cvd", np.inf, **dials).outcomes
        assert np.mean(np.minimum(better, 360) >= np.minimum(plain, 360) - 1e-9) > 0.99
        assert (better <= 360).mean() < (plain <= 360).mean()


@pytest.mark.parametrize("age", [0.0, 29.0, 60.0])
def test_nobody_is_followed_from_birth_or_beyond_the_equations(age: float) -> None:
    with pytest.raises(InputError, match="none holds from birth") as refused:
        realised("lifelong_risk", alike(5, age=age), "cvd", np.inf)
    assert refused.value.field == "age"

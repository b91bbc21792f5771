"""Conditional power, sizes and calendars of group-sequential designs (group_sequential.json)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, t

from trialsim.design import (
    BetaSpending,
    HwangShihDeCani,
    MeansQuestion,
    OBrienFlemingSpending,
    PocockSpending,
    conditional_power,
    group_sequential_design,
    means_size,
    predictive_power,
    survival_size,
)
from trialsim.design.group_sequential import (
    GroupSequentialDesign,
    WangTsiatis,
    conditional_bounds,
    repeated_interval,
    repeated_p_value,
    survival_looks,
)
from trialsim.design.group_sequential.crossing import crossing_probabilities
from trialsim.design.sizes import EventForecast, power_of_means
from trialsim.rates import PiecewiseRate, PlannedAccrual

DATA = Path(__file__).parents[1] / "data" / "group_sequential.json"
ENTRIES = json.loads(DATA.read_text())["entries"]
Entry = dict[str, Any]

THIRDS = [1 / 3, 2 / 3, 1.0]
RULES = {
    "asOF": OBrienFlemingSpending(),
    "asP": PocockSpending(),
    "OF": WangTsiatis(0.0),
    "P": WangTsiatis(0.5),
}


def pick(*prefixes: str) -> list[Any]:
    found = [pytest.param(e, id=e["id"]) for e in ENTRIES if e["id"].startswith(prefixes)]
    assert found
    return found


def close(actual: object, expected: object, *, rel: float = 0.0, tol: float = 0.0) -> None:
    np.testing.assert_allclose(actual, expected, rtol=rel, atol=tol)


@pytest.mark.parametrize("entry", pick("rpact_ss_means"))
def test_rpact_size_and_power_of_means(entry: Entry) -> None:
    inputs, expected = entry["inputs"], entry["expected"]
    question = MeansQuestion(inputs["alternative"], sd=inputs["sd"], alpha=inputs["alpha"])
    looks = [look / inputs["K"] for look in range(1, inputs["K"] + 1)]
    design = group_sequential_design(looks, efficacy=RULES[inputs["type"]], power=1 - inputs["beta"])
    fixed = means_size(question, 1 - inputs["beta"]).total
    close(fixed * design.inflation, expected["n_max"], rel=1e-6)
    close(np.array(looks) * fixed * design.inflation, expected["n_stage"], rel=1e-6)
    close(fixed * design.average_sample_number(design.drift), expected["exp_n_h1"], rel=1e-6)
    close(fixed * design.average_sample_number(0.0), expected["exp_n_h0"], rel=1e-6)
    close(design.under_alternative.upper, expected["reject_per_stage"], tol=1e-6)
    drift = float(norm.isf(question.alpha) + norm.ppf(power_of_means(inputs["power_n"], question)))
    close(design.power_at(drift), expected["power_at_400"], tol=1e-6)
    close(design.stopping(drift).upper, expected["power_reject_stage"], tol=1e-6)
    close(inputs["power_n"] * design.expected_information(drift), expected["power_exp_n"], rel=1e-6)


def pooled_t(data: Entry, stages: int) -> tuple[float, float, float, float]:
    """Return estimate, standard error, t and degrees of freedom of the first stages together."""
    sums = []
    for arm in ("1", "2"):
        n, mean, sd = (np.array(data[key + arm][:stages]) for key in ("n", "means", "sd"))
        overall = float(np.dot(n, mean) / n.sum())
        squares = float(np.dot(n - 1, sd**2) + np.dot(n, (mean - overall) ** 2))
        sums.append((float(n.sum()), overall, squares))
    (n1, m1, s1), (n2, m2, s2) = sums
    df = n1 + n2 - 2
    error = math.sqrt((s1 + s2) / df * (1 / n1 + 1 / n2))
    return m1 - m2, error, (m1 - m2) / error, df


@pytest.mark.parametrize("entry", pick("rpact_conditional_power"))
def test_rpact_conditional_power(entry: Entry) -> None:
    inputs = entry["inputs"]
    design = group_sequential_design(THIRDS, alpha=inputs["design"]["alpha"])
    _, _, statistic, df = pooled_t(inputs["data"], inputs["stage"])
    z = float(norm.isf(t.sf(statistic, df)))
    mean = inputs["theta"] / inputs["assumed_sd"] * math.sqrt(inputs["nPlanned"] / 4)
    drift = mean / math.sqrt(1 / 3)  # The mean of the last stage's z, at information 1/3.
    power = conditional_power(design, inputs["stage"], z, drift).upper.sum()
    close(power, entry["expected"]["conditional_power_stage3"], tol=1e-6)


@pytest.mark.parametrize("entry", pick("rpact_interim_analysis"))
def test_rpact_interim_analysis(entry: Entry) -> None:
    inputs, expected = entry["inputs"], entry["expected"]
    design = group_sequential_design(THIRDS, alpha=inputs["design"]["alpha"])
    for look in (1, 2):
        estimate, error, statistic, df = pooled_t(inputs["data"], look)
        p = float(t.sf(statistic, df))
        z = float(norm.isf(p))
        low, high = repeated_interval(design, look, estimate, error, df)
        found = {
            "overall_z": statistic,
            "overall_p": p,
            "repeated_ci_low": low,
            "repeated_ci_high": high,
            "repeated_p": repeated_p_value(design, look, z),
            "conditional_rejection_probability": conditional_power(design, look, z, 0.0).upper.sum(),
        }
        for name, value in found.items():
            close(value, expected[name][look - 1], rel=1e-5)


def beta_design() -> GroupSequentialDesign:
    return group_sequential_design(THIRDS, futility=BetaSpending(HwangShihDeCani(-2.0)))


@pytest.mark.parametrize("entry", pick("gsdesign_conditional_power"))
def test_gsdesign_conditional_and_predictive_power(entry: Entry) -> None:
    inputs, expected = entry["inputs"], entry["expected"]
    design, look, z = beta_design(), inputs["look"], inputs["z"]
    size = math.sqrt(inputs["design"]["n_I"][-1])
    drifts = [z / math.sqrt(look / 3), 0.0, design.drift]
    close(np.array(drifts) / size, expected["theta"], tol=1e-6)
    found = np.array([conditional_power(design, look, z, drift).upper for drift in drifts]).T
    close(found, expected["cp_by_later_look"], tol=1e-6)
    close(found.sum(axis=0), expected["cp_total"], tol=1e-6)
    prior = [0.0, design.drift / 2, design.drift]
    predicted = predictive_power(design, look, z, prior, [0.25, 0.5, 0.25])
    close(predicted, expected["predictive_power"], tol=1e-6)


@pytest.mark.parametrize("entry", pick("gsdesign_bound_conditional_power"))
def test_gsdesign_conditional_power_at_the_bounds(entry: Entry) -> None:
    design = beta_design()
    found = [
        [conditional_power(design, look, side[look - 1]).upper.sum() for side in (design.lower, design.upper)]
        for look in (1, 2)
    ]
    close(found, entry["expected"]["lower_upper"], tol=1e-6)


@pytest.mark.parametrize("entry", pick("gsdesign_ssr"))
def test_gsdesign_second_stage(entry: Entry) -> None:
    z, expected = entry["inputs"]["z1"], entry["expected"]
    design = group_sequential_design([0.5, 1.0])
    added, upper, _ = conditional_bounds(design, 1, z)
    # The package finds the inflation to 3e-6 (its T3 tolerance), the size that follows no better.
    close(added[0] * 200 * design.inflation, expected["n2"], rel=3e-6)
    close(upper[0], expected["z2"], tol=1e-6)
    close(conditional_power(design, 1, z).upper.sum(), expected["cp"], tol=1e-6)


LEAVING = PiecewiseRate((0.00427444119896255,))
CONTROL = PiecewiseRate((math.log(2) / 12,))
EFFECTS = {
    "HR 0.7 throughout": PiecewiseRate((0.7,)),
    "HR 1 for 6 months, then 0.58": PiecewiseRate((1.0, 0.58), (0.0, 6.0)),
}


def forecast_of(effect: PiecewiseRate) -> EventForecast:
    return EventForecast(PlannedAccrual((20.0,), (24.0,)), CONTROL, effect, (LEAVING, LEAVING))


@pytest.mark.parametrize("entry", pick("gsdesign_gsSurv"))
def test_gsdesign_survival_design(entry: Entry) -> None:
    inputs, expected = entry["inputs"], entry["expected"]
    design = group_sequential_design(inputs["timing"], futility=BetaSpending(HwangShihDeCani(-2.0)))
    forecast = EventForecast(
        PlannedAccrual(tuple(inputs["relative_rates"]), tuple(inputs["enrolment_periods"])),
        CONTROL,
        PiecewiseRate((inputs["hr"],)),
        (LEAVING, LEAVING),
    )
    fixed = survival_size(forecast, inputs["T"], method="lachin-foulkes")
    size = fixed.scaled(design.inflation)
    looks = survival_looks(design, size.forecast, size.events)
    close(looks.participants, expected["n"], rel=1e-5)
    close(looks.events, expected["events"], rel=1e-5)
    close(looks.times, expected["T"], rel=1e-5)
    close(size.forecast.accrual.rates, expected["gamma"], rel=1e-5)
    close(design.upper, expected["z_upper"], rel=1e-5)
    # The package's own design with these looks (gsdesign_sfLDOF_tt4_i0.5_0.75) has other last digits.
    close(design.lower, [0.454847983, 1.21117176, 2.01408371], tol=3e-6)
    close(design.lower, expected["z_lower"], rel=1.2e-5)


@pytest.mark.parametrize("entry", pick("gsdesign2_PH_ahr", "gsdesign2_delay6_ahr"))
def test_gsdesign2_average_hazard_ratio(entry: Entry) -> None:
    forecast = forecast_of(EFFECTS[entry["inputs"]["effect"]])
    for row in entry["expected"]["ahr"]:
        time = row["time"]
        close(forecast.average_hazard_ratio(time), row["ahr"], rel=1e-5)
        close(forecast.accrual.expected(time), row["n"], rel=1e-5)
        close(forecast.events(time), row["event"], rel=1e-5)
        close(forecast.information(time), row["info"], rel=1e-5)
        close(forecast.events(time) / 4, row["info0"], rel=1e-5)


WEIGHTED = [e for e in pick("gsdesign2_PH", "gsdesign2_delay6") if "bound" in e.values[0]["expected"]]


@pytest.mark.parametrize("entry", WEIGHTED)
def test_gsdesign2_bounds_without_proportional_hazards(entry: Entry) -> None:
    rows, bounds = entry["expected"]["analysis"], entry["expected"]["bound"]
    theta, information, null_information = (
        np.array([row[key] for row in rows]) for key in ("theta", "info", "info0")
    )
    design = group_sequential_design([*(row["info_frac0"] for row in rows[:-1]), 1.0])
    never, mean = np.full(3, -np.inf), theta * np.sqrt(information)
    upper = np.array([row["z"] for row in bounds])
    null = crossing_probabilities(null_information, np.array(design.upper), never, np.zeros(3))
    found = crossing_probabilities(information, upper, never, mean).upper.copy()
    # The package carries the bound from null to alternative information at its first look only.
    scaled = upper * np.sqrt(information / null_information)
    found[0] = crossing_probabilities(information, scaled, never, mean).upper[0]
    close(design.upper, upper, rel=1e-5)
    close(norm.sf(upper), [row["nominal p"] for row in bounds], rel=1e-5)
    close(np.cumsum(null.upper), [row["probability0"] for row in bounds], rel=1e-5)
    close(np.cumsum(found), [row["probability"] for row in bounds], rel=1e-5)


@pytest.mark.parametrize("entry", WEIGHTED)
def test_gsdesign2_calendar(entry: Entry) -> None:
    if entry["inputs"]["weight"] != "log-rank":
        keys = ("time", "n", "event")
    else:
        keys = ("time", "n", "event", "ahr", "info", "info0")
    forecast = forecast_of(EFFECTS[entry["inputs"]["effect"]])
    for row in entry["expected"]["analysis"]:
        time = forecast.time_of_events(row["event"])
        found = {
            "time": time,
            "n": forecast.accrual.expected(time),
            "event": forecast.events(time),
            "ahr": forecast.average_hazard_ratio(time),
            "info": forecast.information(time),
            "info0": forecast.events(time) / 4,
        }
        for key in keys:
            close(found[key], row[key], rel=1e-5)


@pytest.mark.parametrize("entry", pick("crosstool_rpact_analytic"))
def test_rpact_event_driven_calendar(entry: Entry) -> None:
    expected = entry["expected"]
    design = group_sequential_design([0.5, 0.75, 1.0])
    looks = survival_looks(design, forecast_of(EFFECTS["HR 0.7 throughout"]), 330)
    close(looks.power, expected["power"], tol=1e-5)
    close(looks.stopping.upper, expected["reject_per_stage"], tol=1e-5)
    close(looks.times, expected["analysis_time"], rel=1e-6)
    close(looks.expected()["events"], expected["exp_events"], rel=1e-5)
    close(looks.expected()["duration"], expected["duration"], rel=1e-5)


# Power by formula may be off by this much: Schoenfeld's information is that of a small effect.
OFF = {"H0": 0.001, "PH_HR0.7": 0.005, "delayed6_HR0.58": 0.012}


@pytest.mark.parametrize("entry", pick("crosstool_lrstat", "crosstool_rpact_sim"))
def test_simulated_operating_characteristics_are_near_the_formula(entry: Entry) -> None:
    expected = entry["expected"]
    scenario = next(name for name in OFF if entry["id"].endswith(name))
    effect = {
        "H0": PiecewiseRate((1.0,)),
        "PH_HR0.7": EFFECTS["HR 0.7 throughout"],
        "delayed6_HR0.58": EFFECTS["HR 1 for 6 months, then 0.58"],
    }[scenario]
    design = group_sequential_design([0.5, 0.75, 1.0])
    looks = survival_looks(design, forecast_of(effect), 330)
    assert looks.power == pytest.approx(expected["power"], abs=OFF[scenario])
    mean, duration = looks.expected(), expected.get("exp_duration", expected.get("duration"))
    assert mean["events"] == pytest.approx(expected["exp_events"], rel=0.003)
    assert mean["duration"] == pytest.approx(duration, rel=0.003)
    assert mean["participants"] == pytest.approx(expected["exp_n"], rel=0.003)
    np.testing.assert_allclose(looks.times, expected["analysis_time"], rtol=0.01)


def test_every_entry_of_the_file_is_used() -> None:
    here = ("rpact_ss_", "rpact_conditional", "rpact_interim", "gsdesign_", "gsdesign2_", "crosstool_")
    rest = [e["inputs"] for e in ENTRIES if not e["id"].startswith(here)]
    assert len(ENTRIES) == 393
    # test_boundaries.py picks its entries by these inputs.
    assert all({"type", "sided", "info"} <= set(inputs) or "alpha_type" in inputs for inputs in rest)

"""Non-inferiority and equivalence in declared trials: claims of each kind of estimate against a margin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from tests.declared_files import tables
from trialsim.design import MeansQuestion, events_for_power
from trialsim.design.sizes import power_of_means
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import trial_from_dict
from trialsim.study import run_cells
from trialsim.study.bundles import declared_work
from trialsim.study.declared import declared_result, plan_trial, run_declared_block
from trialsim.study.people.registers import Registers

ALIKE = [{"name": "alike", "kind": "null", "why": "test"}]


def characteristics(made: dict):
    trial = trial_from_dict(made)
    plan = plan_trial(trial)
    found = declared_result(plan, run_cells(declared_work(trial, Registers()), plan.cells))
    return found.operating_characteristics.set_index(["scenario", "analysis"])


def means(null, value: float, replicates: int = 2000, participants: int = 200, **changes) -> dict:
    """Return an unadjusted trial of one visit, SD 1 of the change."""
    made = tables(
        "score", participants=participants, analyses=[{"kind": "unadjusted", "null": null}], **changes
    )
    made["endpoints"][0] |= {"weeks": [12.0], "mean": [0.0, 0.0], "sd": [1.0, 1.0], "correlation": 0.5}
    made["effects"][0]["value"] = value
    made["scenarios"] = [{"name": "works", "kind": "alternative", "why": "test"}]
    made["simulation"] = {"replicates": replicates, "block": 500, "truth": 2000}
    return made


def near(row, expected: float) -> bool:
    return abs(row["rejection_rate"] - expected) < 4 * row["rejection_rate_mcse"] + 0.004


def test_an_effect_of_0_has_the_power_of_the_formula_against_a_margin_and_the_level_at_it() -> None:
    expected = power_of_means(200, MeansQuestion(0.0, margin=-0.4))
    row = characteristics(means(-0.4, 0.0)).loc[("works", "unadjusted")]
    assert near(row, expected)
    assert row["measure"] == "power"
    at = characteristics(means(-0.4, -0.4)).loc[("works", "unadjusted")]
    assert near(at, 0.025)
    assert at["measure"].startswith("type I error")
    beyond = characteristics(means(-0.4, -0.9)).loc[("works", "unadjusted")]
    assert beyond["rejection_rate"] == 0.0


def test_where_lower_is_better_the_margin_lies_above() -> None:
    made = means(0.4, 0.0)
    made["endpoints"][0]["direction"] = "higher_is_worse"
    expected = power_of_means(200, MeansQuestion(0.0, margin=0.4, direction="less"))
    assert near(characteristics(made).loc[("works", "unadjusted")], expected)


def test_equivalence_is_two_one_sided_tests() -> None:
    """Of SD s each arm and n a side: P(|estimate| < limit − z SE) (Schuirmann 1987), t nearly normal."""
    error = math.sqrt(2 / 150)
    expected = 2 * norm.cdf(0.4 / error - norm.isf(0.025)) - 1
    row = characteristics(means([-0.4, 0.4], 0.0, participants=300)).loc[("works", "unadjusted")]
    assert abs(row["rejection_rate"] - expected) < 4 * row["rejection_rate_mcse"] + 0.01
    outside = characteristics(means([-0.4, 0.4], 0.4, participants=300)).loc[("works", "unadjusted")]
    assert near(outside, 0.025)
    assert outside["measure"].startswith("type I error")


def test_a_hazard_ratio_of_1_against_1_3_has_the_power_of_schoenfelds_events() -> None:
    """events_for_power(1, margin=1.3) is 610.6 for 90 %; a quarter of the information here."""
    events = 240
    made = tables("time_to_event", participants=400, analyses=[{"kind": "cox", "null": 1.5}])
    made["effects"][0]["value"] = 1.0
    made["design"] = {"kind": "fixed", "events": events}
    made["enrolment"] = {"kind": "planned", "rates": [40.0], "durations": [10.0], "source": "test"}
    made["scenarios"] = [{"name": "alike", "kind": "alternative", "why": "test"}]
    made["simulation"] = {"replicates": 2000, "block": 500}
    row = characteristics(made).loc[("alike", "cox")]
    expected = norm.sf(norm.isf(0.025) - math.log(1.5) * math.sqrt(events) / 2)
    assert abs(row["rejection_rate"] - expected) < 4 * row["rejection_rate_mcse"] + 0.015
    assert events_for_power(1.0, margin=1.3) == pytest.approx(610.6, abs=0.05)
    made["effects"][0]["value"] = 1.5
    worst = characteristics(made).loc[("alike", "cox")]
    assert abs(worst["rejection_rate"] - 0.025) < 4 * worst["rejection_rate_mcse"] + 0.006


@pytest.mark.parametrize(
    ("kind", "analysis", "null"),
    [
        ("response", "risk_difference", -0.1),
        ("response", "log_odds_ratio", 0.7),
        ("level", "proportional_odds", 0.6),
        ("count", "negative_binomial", 1.25),
        ("recurrent", "lwyy", 1.25),
        ("score", "mmrm", -0.3),
    ],
)
def test_every_kind_of_estimate_is_held_against_its_margin(kind: str, analysis: str, null: float) -> None:
    made = tables(kind, analyses=[{"kind": analysis, "null": null}, {"kind": analysis, "name": "plain"}])
    rows = run_declared_block(plan_trial(trial_from_dict(made)).cells[0], 0, 5).rows
    at = math.log(null) if analysis not in ("risk_difference", "mmrm") else null
    sign = -1 if kind in ("count", "recurrent") else 1
    fitted = rows[f"{analysis}_standard_error"].notna()
    distance = sign * (rows[f"{analysis}_estimate"] - at) / rows[f"{analysis}_standard_error"]
    claimed = rows[f"{analysis}_decision"] == 1
    assert (claimed[fitted & (distance > 2.2)]).all()
    assert not (claimed[fitted & (distance < 1.9)]).any()
    assert not claimed[~fitted].any()
    assert claimed.mean() > (rows["plain_decision"] == 1).mean()
    np.testing.assert_array_equal(rows[f"{analysis}_estimate"], rows["plain_estimate"])


def test_looks_are_held_against_the_margin_too() -> None:
    design = {"kind": "group_sequential", "timing": "information", "information": [0.5, 1.0]}
    row = characteristics(means(-0.4, -0.4, design=design)).loc[("works", "unadjusted")]
    assert near(row, 0.025)


@pytest.mark.parametrize(
    ("kind", "analysis", "message"),
    [
        ("time_to_event", {"kind": "log_rank", "null": 1.3}, "is not served by log_rank"),
        ("time_to_event", {"kind": "max_combo", "null": 1.3}, "is not served by max_combo"),
        ("time_to_event", {"kind": "cox", "null": -0.2}, "is a ratio, which must be above 0"),
        ("joint", {"kind": "ancova", "null": 0.1}, "is not served by ancova with a joint outcome"),
        ("score", {"kind": "ancova", "null": [0.4, -0.4]}, "must be the lower limit, then the upper"),
    ],
)
def test_a_margin_that_cannot_be_is_refused_by_its_field(kind: str, analysis: dict, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        trial_from_dict(tables(kind, analyses=[analysis]))


def test_a_margin_is_not_served_by_designs_that_resize() -> None:
    design = {
        "kind": "sample_size_reestimation", "method": "blinded", "effect": 0.5, "power": 0.9, "largest": 120
    }  # fmt: skip
    with pytest.raises(ProtocolError, match="is not served by the design sample_size_reestimation"):
        trial_from_dict(tables("score", design=design, analyses=[{"kind": "ancova", "null": -0.3}]))

"""Ordered categories and recurrent events of declared trials, each reading against its own true value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialsim.errors import ProtocolError
from trialsim.protocol.declared import trial_from_dict
from trialsim.protocol.reading import read_toml
from trialsim.registry import Truth
from trialsim.study import run_cells
from trialsim.study.bundles import declared_work
from trialsim.study.declared import declared_result, plan_trial
from trialsim.study.people.registers import Registers

PROTOCOLS = Path(__file__).parents[3] / "protocols"
READINGS = ("mean_score", "proportional_odds", "probabilistic_index")


def tables(name: str) -> dict[str, Any]:
    return read_toml(PROTOCOLS / f"{name}.toml", ProtocolError)


def fixed() -> dict[str, Any]:
    found = tables("ordinal_recovery")
    found["design"] = {"kind": "fixed", "alpha": 0.025}
    found["simulation"] = {"replicates": 2000}
    return found


def truths(declared: dict[str, Any]) -> dict[str, Truth]:
    return plan_trial(trial_from_dict(declared)).cells[0].truths


def test_every_reading_is_unbiased_and_covers_without_looks() -> None:
    trial = trial_from_dict(fixed())
    plan = plan_trial(trial)
    table = declared_result(
        plan, run_cells(declared_work(trial, Registers()), plan.cells)
    ).operating_characteristics
    assert list(table["analysis"].unique()) == list(READINGS)
    for row in table.itertuples():
        # The maximum-likelihood log odds ratio is biased outward by about 1 / N.
        assert abs(row.bias) < 4 * row.bias_mcse + (0.01 if row.analysis == "proportional_odds" else 0.0)
        assert abs(row.coverage - 0.95) < 4 * row.coverage_mcse
        if row.measure == "type I error":
            assert abs(row.rejection_rate - 0.025) < 4 * row.rejection_rate_mcse


def test_true_values_by_drawing_one_large_trial() -> None:
    """The slow way: categories by inversion of each arm's own distribution function."""
    found = truths(fixed())
    shares = np.array([0.1, 0.2, 0.3, 0.25, 0.15])
    above = 1 - np.cumsum(shares)[:-1]
    odds = 1.8 * above / (1 - above)
    active = -np.diff(odds / (1 + odds), prepend=1.0, append=0.0)
    levels = np.arange(5)
    index = sum(active[i] * shares[j] * ((i > j) + (i == j) / 2) for i in levels for j in levels)
    assert found["probabilistic_index"].value == pytest.approx(index - 0.5, abs=1e-12)
    assert found["mean_score"].value == pytest.approx(active @ levels - shares @ levels, abs=1e-12)
    assert found["proportional_odds"].value == pytest.approx(np.log(1.8), abs=1e-12)


def test_an_odds_ratio_that_an_analysis_makes_marginal_has_no_true_value() -> None:
    declared = fixed()
    declared["strata"] = [
        {
            "name": "site",
            "levels": ["a", "b"],
            "shares": [0.5, 0.5],
            "outcome": [0.0, 1.5],
            "source": "assumed",
        }
    ]
    left_out = truths(declared)["proportional_odds"]
    assert left_out.value is None
    assert "conditional" in left_out.note
    declared["analyses"] = [{"kind": "proportional_odds", "adjust": ["site"]}]
    assert truths(declared)["proportional_odds"].value == pytest.approx(np.log(1.8))


def test_counts_of_recurrent_events_are_read_with_their_follow_up() -> None:
    declared = tables("recurrent_infections")
    declared["grid"] = []
    declared["discontinuation"] = [
        {
            "cause": "withdrawal", "cumulative": {"placebo": 0.1, "active": 0.3}, "mechanism": "MCAR",
            "source": "assumed",
        }
    ]  # fmt: skip
    declared["participants"] = 200
    declared["simulation"] = {"replicates": 1000}
    trial = trial_from_dict(declared)
    plan = plan_trial(trial)
    table = declared_result(
        plan, run_cells(declared_work(trial, Registers()), plan.cells)
    ).operating_characteristics
    assert set(table["analysis"]) == {"lwyy", "negative_binomial"}
    assert (table["bias"].abs() < 4 * table["bias_mcse"] + 0.01).all()


def test_counts_without_times_still_need_equal_follow_up() -> None:
    declared = tables("recurrent_infections")
    declared["endpoints"][0]["kind"] = "count"
    declared["analyses"] = [{"kind": "negative_binomial"}]
    declared["discontinuation"] = [
        {
            "cause": "withdrawal", "cumulative": {"placebo": 0.1, "active": 0.1}, "mechanism": "MCAR",
            "source": "assumed",
        }
    ]  # fmt: skip
    with pytest.raises(ProtocolError, match="same follow-up"):
        trial_from_dict(declared)

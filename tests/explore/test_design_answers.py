"""Every number of the design view is that of a command with the same input."""

from __future__ import annotations

import json
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from trialsim.cli.commands import commands
from trialsim.cli.sizing.size import size
from trialsim.explore.answers.design import design_answer
from trialsim.explore.answers.frontier import frontier_answer
from trialsim.explore.answers.pareto import RISK_STEP, pareto_answer, unbeaten
from trialsim.explore.answers.saved import protocol_of
from trialsim.explore.answers.state import NOT_SHOWN, read_state, size_options
from trialsim.explore.starting import beginning_of, start_with
from trialsim.protocol.declared import trial_from_dict
from trialsim.study.sizing.numbers import planning_numbers

STATES: dict[str, dict[str, Any]] = {
    "usual": {},
    "unequal": {"ratio": 1.5, "dropout": 0.2, "dropout_active": 0.05, "effect": -1.7, "power": 0.8},
    "priced": {"control_price": 3e4, "active_price": 4e4, "month_price": 1e5, "per_month": 12},
    "binary": {"scale": "binary", "control_rate": 0.25, "odds_ratio": 1.8},
    "count": {"scale": "count", "rate_ratio": 0.6, "alpha": 0.1},
    "survival": {"scale": "survival", "hazard_ratio": 0.65, "loss": 0.01, "ratio": 2},
}


def printed(command: str) -> Any:
    done = CliRunner().invoke(commands, shlex.split(command)[1:], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["tables"]


@pytest.mark.parametrize("name", STATES)
def test_sizes_and_savings_are_those_of_the_command_that_is_shown(name: str) -> None:
    found = design_answer(read_state(STATES[name]))
    rows = printed(f"{found['command']} --json")
    assert found["sizes"] == rows["sizes"]
    assert found["savings"] == rows["savings"]
    scored = {one["figure"]: one for one in rows["sizes"]}
    for row in found["rows"][2:]:
        assert row["total"] == scored[row["analysis"]]["prognostic_total"]
        assert row["controls"] == scored[row["analysis"]]["prognostic_controls"]


@pytest.mark.parametrize("name", ["usual", "unequal"])
def test_the_frontier_is_that_of_the_command_that_is_shown(name: str) -> None:
    found = frontier_answer(read_state(STATES[name]), ["prognostic", "map"])
    assert found["rows"] == printed(f"{found['command']} --json --quiet")["frontier"]
    assert found["active"] == design_answer(read_state(STATES[name]))["rows"][1]["active"]


def test_options_that_the_page_does_not_show_have_the_defaults_of_the_command() -> None:
    context = click.Context(size)
    defaults = {one.name: one.get_default(context) for one in size.params}
    defaults = {name: None if repr(value) == "Sentinel.UNSET" else value for name, value in defaults.items()}
    assert {name: defaults[name] for name in NOT_SHOWN} == NOT_SHOWN
    shown = set(size_options(read_state({})))
    assert shown == set(defaults) - {"protocol", "figure", "as_json", "output"}


def test_a_protocol_begins_with_its_own_numbers() -> None:
    file = Path("protocols/copd_twins.toml")
    begun = beginning_of(start_with(file))
    numbers = printed(f"trialsim size --from {file} --partial-lower {begun.state['partial_lower']} --json")
    assert design_answer(read_state(begun.state))["sizes"] == numbers["sizes"]
    assert begun.state["looks"] == 2
    assert begun.state["ratio"] == 2.0


def test_a_run_begins_with_what_its_history_said_of_the_score() -> None:
    begun = beginning_of(start_with(Path("reports/example")))
    assert 0.47 < begun.state["partial_correlation"] < 0.48
    assert 0.41 < begun.state["partial_lower"] < 0.42
    # The page compares with the baseline alone; the run's own rival saves as much, and that is said.
    assert any(
        "prognostic covariates: beyond that the discounted score saves -21 ± 15" in note
        for note in begun.notes
    )


def test_a_design_without_a_formula_says_so_and_shows_an_example() -> None:
    begun = beginning_of(start_with(Path("protocols/ordinal_recovery.toml")))
    assert begun.state == {}
    assert "has no formula" in begun.notes[0]


def test_looks_make_a_trial_larger_at_most_and_smaller_on_average() -> None:
    one, three = (design_answer(read_state({"looks": looks})) for looks in (1, 3))
    for before, after in zip(one["rows"], three["rows"], strict=True):
        assert before["total"] <= after["total"] <= 1.05 * before["total"]
        assert after["expected"] < 0.85 * before["total"]
    # The curve of a design with looks passes through its power at its size.
    row = three["rows"][1]
    assert abs(row["power"] - 0.9) < 0.005
    stops = [one["stops_under_the_null"] for one in three["looks"]["rows"]]
    assert abs(sum(stops) - 0.025) < 1e-6


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("looks", [1, 3])
def test_a_saved_protocol_has_the_numbers_of_the_page(name: str, looks: int) -> None:
    state = read_state(STATES[name] | {"looks": looks})
    trial = trial_from_dict(tomllib.loads(protocol_of(state).text))
    row = next(one for one in design_answer(state)["rows"] if one["analysis"] == "discounted")
    numbers = planning_numbers(trial, Path())
    for field in ("effect", "sd", "control_rate", "odds_ratio", "rate_ratio", "exposure", "dispersion",
                  "control_median", "hazard_ratio", "accrual", "loss"):  # fmt: skip
        if state.get(field) is not None:
            assert numbers[field] == pytest.approx(state[field], rel=1e-6, abs=1e-12), field
    assert numbers["alpha"] == pytest.approx(state["alpha"])
    if state["scale"] == "continuous":
        assert numbers["baseline_correlation"] == pytest.approx(state["baseline_correlation"])
        assert numbers["partial_correlation"] == state["partial_correlation"]
    else:
        together = 1 - (1 - state["baseline_correlation"] ** 2) * (1 - state["partial_correlation"] ** 2)
        # By simulated people, but for a count.
        assert numbers["partial_correlation"] == pytest.approx(together**0.5, abs=0.01)
    if state["scale"] != "count":
        assert trial.participants == row["total"]


@pytest.mark.parametrize("name", ["usual", "survival"])
def test_run_accepts_a_saved_protocol(name: str, tmp_path: Path) -> None:
    file = tmp_path / "explored_design.toml"
    file.write_text(protocol_of(read_state(STATES[name]), "A <b>title</b>").text, encoding="utf-8")
    done = CliRunner().invoke(commands, ["run", str(file), "--plan"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "3 cells planned = 3 run + 0 refused" in done.output


def test_more_effect_needs_fewer_and_more_power_more() -> None:
    def total(**changed: float) -> int:
        return int(design_answer(read_state(changed))["rows"][3]["total"])

    assert total(effect=2.2) < total() < total(effect=1.8)
    assert total(power=0.95) > total() > total(partial_correlation=0.5)
    assert total(correlation_discount=0.6) > total() > total(dropout=0.0)


def test_no_design_of_the_front_is_beaten_in_all_three_measures() -> None:
    grid = {"power": [0.8, 0.9], "ratio": [1, 2], "looks": [1, 2], "sized_for": ["ancova", "discounted"]}
    points = pareto_answer(read_state({}), grid)["points"]
    measures = ("participants", "months", "compared")
    assert len(points) == 16
    for one in points:
        one["compared"] = round(one["risk"] / RISK_STEP)
    for one in points:
        beaten = any(
            all(other[m] <= one[m] for m in measures) and any(other[m] < one[m] for m in measures)
            for other in points
        )
        assert one["unbeaten"] is not beaten
    # A trial sized without the score holds its power whatever the score says.
    plain = [one for one in points if one["sized_for"] == "ancova"]
    assert all(one["risk"] <= 1 - one["power"] + 1e-9 for one in plain)


def test_rows_that_are_equal_do_not_beat_each_other() -> None:
    import numpy as np

    assert unbeaten(np.ones((2, 3))).tolist() == [True, True]

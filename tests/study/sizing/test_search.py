"""Sizes that are searched for are those of the formula, and the search refuses what it cannot reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from tests.declared_files import tables
from trialsim.errors import DesignError, ProtocolError
from trialsim.protocol.declared import DeclaredTrial, trial_from_dict
from trialsim.study.declared import plan_trial, run_declared_block
from trialsim.study.people.registers import Registers
from trialsim.study.sizing.prepare import prepare_trial
from trialsim.study.sizing.rivals import with_rivals
from trialsim.study.sizing.search import search_sizes
from trialsim.study.sizing.sizes import size_trial

Z = float(-ndtri(0.025))


def z_test(drift: float, rng: np.random.Generator):
    def claims(size: int, names: Sequence[str], trials: int) -> dict[str, int]:
        power = float(ndtr(drift * np.sqrt(size) - Z))
        return {name: int(rng.binomial(trials, power)) for name in names}

    return claims


@pytest.mark.parametrize("drift", [0.02, 0.05, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("guess", [8, 200, 20_000])
def test_the_size_of_a_z_test_is_within_two_percent_from_any_first_guess(drift: float, guess: int) -> None:
    exact = ((Z + float(ndtri(0.9))) / drift) ** 2
    found = search_sizes(
        z_test(drift, np.random.default_rng(3)), ["z"], power=0.9, alpha=0.025, guess=guess, largest=100_000
    )["z"]
    assert found.exact == pytest.approx(exact, rel=0.025)
    assert found.lower < found.exact < found.upper
    assert found.size % 2 == 0
    assert found.size >= found.exact


def test_the_interval_covers() -> None:
    exact = ((Z + float(ndtri(0.8))) / 0.1) ** 2
    inside = 0
    for seed in range(200):
        found = search_sizes(
            z_test(0.1, np.random.default_rng(seed)), ["z"], power=0.8, alpha=0.025, guess=300
        )["z"]
        inside += found.lower <= exact <= found.upper
    assert inside >= 180


def test_what_is_out_of_reach_is_refused() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(DesignError, match="out of reach"):
        search_sizes(z_test(0.001, rng), ["z"], power=0.9, alpha=0.025, guess=100, largest=5_000)
    with pytest.raises(DesignError, match="out of reach"):
        search_sizes(z_test(-0.1, rng), ["z"], power=0.9, alpha=0.025, guess=100, largest=5_000)
    with pytest.raises(DesignError, match="out of reach"):
        search_sizes(z_test(0.0, rng), ["z"], power=0.9, alpha=0.025, guess=100, largest=5_000)


def test_a_power_that_does_not_grow_with_the_size_has_no_size() -> None:
    """A trial that is read before all have come: beyond 500 participants nobody more is seen."""
    rng = np.random.default_rng(1)
    honest = z_test(0.1, rng)

    def saturated(size: int, names: Sequence[str], trials: int) -> dict[str, int]:
        return honest(min(size, 500), names, trials)

    for guess in (100, 600, 5_000):
        with pytest.raises(DesignError, match="does not grow with the size"):
            search_sizes(saturated, ["z"], power=0.9, alpha=0.025, guess=guess)


def test_rivals_stand_beside_every_scored_analysis_and_none_twice() -> None:
    made = tables(
        "score", twins={"source": "assumed", "partial_correlation": 0.3}, sizing={"power": 0.8},
        analyses=[{"kind": "ancova"}, {"kind": "ancova", "name": "twin", "adjust": ["score"]}],
    )  # fmt: skip
    found = with_rivals(trial_from_dict(made))
    assert [(one.analysis.label, one.why) for one in found] == [
        ("ancova", "declared"), ("twin", "declared"), ("twin_mmrm", "MMRM"),
    ]  # fmt: skip
    times = tables(
        "time_to_event", twins={"source": "assumed", "c_index": 0.7}, sizing={},
        analyses=[{"kind": "adjusted_log_rank", "adjust": ["score"]}],
    )  # fmt: skip
    assert [one.analysis.kind for one in with_rivals(trial_from_dict(times))] == [
        "adjusted_log_rank", "log_rank",
    ]  # fmt: skip


def test_a_marginal_law_is_sized_as_the_formula_says_and_a_score_saves_its_square() -> None:
    made = tables(
        "score", twins={"source": "assumed", "partial_correlation": 0.5}, sizing={"power": 0.9},
        participants=None, simulation={"replicates": 100, "block": 500},
        analyses=[{"kind": "ancova", "name": "twin", "adjust": ["score"]}],
    )  # fmt: skip
    found = size_trial(trial_from_dict(made), Registers())
    exact = found.sizes.set_index(["analysis", "score"])["participants"]
    # Mean difference .5, SD 1, correlation .25 with the baseline; HC3 and t cost a few participants.
    formula = 4 * (Z + float(ndtri(0.9))) ** 2 * (1 - 0.25**2) / 0.25
    assert exact["twin_without_score", "not used"] == pytest.approx(formula + 3, rel=0.03)
    assert exact["twin", "as declared"] == pytest.approx(0.75 * formula + 5, rel=0.03)
    assert (
        exact["twin", "as declared"] < exact["twin", "discounted"] < exact["twin_without_score", "not used"]
    )
    assert set(found.savings["beyond"]) == {"twin_without_score", "twin_mmrm"}
    assert found.savings["best"].sum() == 2
    assert found.chosen == "twin"


def test_sizes_are_the_same_twice_and_those_that_change_at_a_look_are_refused() -> None:
    made = tables("response", sizing={"power": 0.8}, simulation={"replicates": 100, "block": 500})
    trial = trial_from_dict(made)
    one, two = (size_trial(trial, Registers()).sizes for _ in range(2))
    assert one.equals(two)
    resized = {"kind": "sample_size_reestimation", "method": "unblinded", "largest": 120}
    with pytest.raises(ProtocolError, match="size changes at a look"):
        size_trial(trial_from_dict(made | {"design": resized}), Registers())


def on_grid(values: list[float], **changes: object) -> DeclaredTrial:
    made = tables(
        "response", sizing={"power": 0.8, "trials": 4000, "largest_trial": 2000}, participants=200,
        simulation={"replicates": 200, "block": 200},
        grid=[{"field": "effects.active.value", "values": values, "why": "test"}],
    )  # fmt: skip
    return trial_from_dict(made | changes)


def test_every_point_of_a_grid_has_its_size_and_is_simulated_at_it() -> None:
    trial = on_grid([2.0, 3.0])
    made = prepare_trial(trial, Registers())
    assert made.sizes is not None
    table = made.sizes.sizes.set_index("effects.active.value")["participants"]
    alone = size_trial(on_grid([3.0], grid=[]), Registers()).sizes
    assert table[3.0] < table[2.0] / 1.8
    assert table[2.0] == alone["participants"].iloc[0], "as without the grid: the file's own effect is 2"
    plan = plan_trial(made.trial, at_its_size=made.at_its_size)
    assert {(cell.kind, cell.settings["effects.active.value"], cell.participants) for cell in plan.cells} == {
        (kind, value, table[value]) for kind in ("alternative", "null") for value in (2.0, 3.0)
    }
    powers = [run_declared_block(cell, 0, 5).sums for cell in plan.cells if cell.kind == "alternative"]
    assert [one.stopping["risk_difference"].efficacy.sum() / 200 for one in powers] == pytest.approx(
        [0.8, 0.8], abs=4 * 0.03
    )


def test_a_point_whose_power_is_out_of_reach_is_listed_and_the_others_run() -> None:
    trial = on_grid([1.0, 3.0])
    made = prepare_trial(trial, Registers())
    plan = plan_trial(made.trial, at_its_size=made.at_its_size)
    assert plan.in_words == "4 cells planned = 2 run + 2 refused"
    assert all("out of reach" in one.refusal for one in plan.refused)
    with pytest.raises(DesignError, match="no point of the grid has a size"):
        size_trial(on_grid([1.0, 0.9]), Registers())


def test_an_axis_of_what_is_searched_is_refused() -> None:
    with pytest.raises(ProtocolError, match="is what is searched for"):
        on_grid([], grid=[{"field": "participants", "values": [100, 200], "why": "test"}])

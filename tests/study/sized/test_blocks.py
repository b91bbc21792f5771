"""A block is read as the protocol asks, and its sums are those of its rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from trialsim.analysis.linear import fit_linear
from trialsim.protocol import Analysis, Protocol, protocol_from_dict
from trialsim.study import build_register, generate_history
from trialsim.study.sized.blocks import analyse_block, run_block
from trialsim.study.sized.cells import Cell
from trialsim.trial import TrialSize, simulate_block


@pytest.fixture(scope="module")
def register(small: Any) -> Any:
    return build_register(
        small.protocol, small.card, small.disease, small.prognosis, small.protocol.alternative
    )


@pytest.fixture(scope="module")
def block(small: Any, register: Any) -> Any:
    return simulate_block(
        small.protocol, small.disease, register.pool, TrialSize(40, 60),
        effect="assumed", replicates=30, stream_name="t", block=0,
    )  # fmt: skip


def test_a_register_has_the_same_bits_on_any_number_of_cores(small: Any) -> None:
    facts = []
    for threads in (1, 2, 3, 4):
        with threadpool_limits(threads, user_api="blas"):
            asked = small.protocol, small.card, small.disease, small.prognosis, small.protocol.alternative
            facts.append(build_register(*asked).facts)
    assert facts[1:] == facts[:1] * 3


@pytest.mark.parametrize("slopes", ["common", "interacted"])
@pytest.mark.parametrize("variance", ["hc0", "hc3", "model"])
@pytest.mark.filterwarnings("ignore::trialsim.analysis.linear.UnsafeStandardErrorWarning")
def test_slopes_and_variance_reach_the_fit(block: Any, slopes: Any, variance: Any) -> None:
    found = analyse_block(block, Analysis(slopes=slopes, variance=variance))
    change = block.outcomes[..., -1] - block.baseline
    both = np.stack([block.baseline, block.score], axis=-1)
    for name, covariates in (("unadjusted", None), ("ancova", both[..., :1]), ("prognostic", both)):
        direct = fit_linear(change, block.arm, covariates, slopes=slopes, variance=variance)
        np.testing.assert_array_equal(found[name].standard_error, direct.standard_error)
        np.testing.assert_array_equal(found[name].estimate, direct.estimate)


def test_sums_are_those_of_the_rows(small: Any, register: Any) -> None:
    cell = Cell(small.protocol.alternative, "ancova", TrialSize(60, 60), 200, 200)
    truth = register.facts.true_effect
    result = run_block(register.pool, small.protocol, small.disease, truth, cell, 0)
    from scipy.stats import t

    for name, tally in result.sums.tallies.items():
        estimate = result.rows[f"{name}_estimate"]
        half = t.ppf(0.975, result.rows[f"{name}_df"]) * result.rows[f"{name}_standard_error"]
        assert tally.rejected == (result.rows[f"{name}_p_value"] <= 0.05).sum()
        assert tally.covered == (abs(estimate - truth) <= half).sum()
        assert tally.deviation == pytest.approx((estimate - truth).sum())
    assert result.sums.conduct.controls_analysed == result.rows["controls_analysed"].sum()


def test_coverage_is_nominal(result: Any) -> None:
    for cell in result.cells:
        for one in cell.characteristics.values():
            assert abs(one.coverage - 0.95) < 4 * np.sqrt(0.95 * 0.05 / one.counts.fitted)


def test_worlds_drift_as_declared(result: Any) -> None:
    plain, faster = result.fact("null"), result.fact("faster_decline_null")
    # The placebo response, the same in both, is about -0.34 points at week 78.
    assert 1.3 < (faster.mean_change + 0.34) / (plain.mean_change + 0.34) < 1.6
    assert result.fact("milder_population").baseline_mean < plain.baseline_mean - 0.3


def changed(protocol: Protocol, **tables: Any) -> Protocol:
    return protocol_from_dict(protocol.to_dict() | tables)


def test_a_generated_history_drops_out_like_the_control_arm(small: Any) -> None:
    last = np.isfinite(small.history.outcomes[:, -1]).mean()
    assert abs(last - 0.8) < 4 * np.sqrt(0.2 * 0.8 / 400)
    whole = generate_history(changed(small.protocol, dropout=[]), small.card, small.disease)
    assert np.isfinite(whole.outcomes).all()
    seen = np.isfinite(small.history.outcomes)
    np.testing.assert_array_equal(whole.outcomes[seen], small.history.outcomes[seen])


def test_the_gain_is_judged_at_the_last_visit(small: Any, sampler: Any) -> None:
    from trialsim.prognosis import cross_validate, gain_beyond_baseline
    from trialsim.streams import stream

    cv = cross_validate(small.history, seed=small.protocol.seed, cache=small.cache, sampler=sampler)
    again = gain_beyond_baseline(
        cv.outcomes[:, -1], cv.baseline, cv.score[:, -1],
        generator=stream(small.protocol.seed, "", 0, "bootstrap"),
    )  # fmt: skip
    assert again == small.gain


def test_bounds_of_the_history_reach_the_plan(small: Any, result: Any) -> None:
    gain, planned = small.gain, result.plan.gain
    assert planned.partial_correlation_lower == gain.partial_correlation_95[0]
    assert planned.partial_correlation_upper == gain.partial_correlation_95[1]
    assert planned.gain_lower == gain.gain_90[0]
    control, active = result.fact("alternative").moments.partial_correlation
    assert planned.active_to_control == pytest.approx(min(active / control, 1.0))
    for name, r in planned.drift_partial_correlations.items():
        weakened = gain.partial_correlation * result.fact(name).moments.partial_correlation[0] / control
        assert r == pytest.approx(weakened)

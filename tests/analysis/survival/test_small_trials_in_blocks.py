"""Small trials in blocks, and simulated ones: the p value of each is that of the data-frame door."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.declared_files import tables
from trialsim.analysis import adjusted_log_rank, gray_test, log_rank, max_combo
from trialsim.analysis.competing_risks import gray_test_block
from trialsim.analysis.survival import adjusted_log_rank_block, log_rank_block, max_combo_block
from trialsim.protocol.declared import trial_from_dict
from trialsim.registry import SeenTimes
from trialsim.registry.registered import reader
from trialsim.study.declared.engine import engine_of

NAMES = ("log_rank", "adjusted", "max_combo", "gray")


def trials(size: int, seed: int, number: int = 6) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    arm = np.tile(np.arange(size) % 2, (number, 1))
    time = rng.exponential(10, (number, size)).round(1) + 0.1
    event = (rng.random((number, size)) < 0.8).astype(int)
    return {"time": time, "event": event, "arm": arm, "x": rng.standard_normal((number, size))}


def block_p(name: str, data: dict[str, np.ndarray], test: str) -> np.ndarray:
    t, e, a = data["time"], data["event"], data["arm"]
    if name == "log_rank":
        return log_rank_block(t, e, a, test=test).p_value
    if name == "adjusted":
        return adjusted_log_rank_block(t, e, a, data["x"][..., None], test=test).p_value
    if name == "max_combo":
        return max_combo_block(t, e, a, test=test).p_value
    return gray_test_block(t, e, a, test=test).p_value


def frame_p(name: str, data: dict[str, np.ndarray], r: int) -> float:
    frame = pd.DataFrame({key: values[r] for key, values in data.items()})
    options = {"time": "time", "event": "event", "arm": "arm", "control": 0}
    if name == "adjusted":
        return adjusted_log_rank(frame, covariates="x", **options).p_value
    if name == "gray":
        return gray_test(frame, cause=1, censored=0, **options).p_value
    return {"log_rank": log_rank, "max_combo": max_combo}[name](frame, **options).p_value


@pytest.mark.parametrize("name", NAMES)
def test_each_trial_of_a_block_has_the_p_value_of_its_own_data_frame(name: str) -> None:
    data = trials(10, 3)
    by_block = block_p(name, data, "automatic")
    by_frame = [frame_p(name, data, r) for r in range(len(by_block))]
    np.testing.assert_allclose(by_block, by_frame, rtol=1e-12)
    # Shares of the 252 ways to give the arms again, and no normal law.
    np.testing.assert_allclose(by_block * 252, np.round(by_block * 252), atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_three_against_three_never_claim_at_5_percent(name: str) -> None:
    """The least p value that six participants can have is 2 of 20."""
    data = trials(6, 5, 150)
    data["time"] = np.where(data["arm"] == 1, data["time"] + 100, data["time"])
    data["event"] = np.ones((150, 6), int)
    assert block_p(name, data, "automatic").min() >= 0.1 - 1e-12
    # The normal law claims here, or has no variance for so few.
    asymptotic = block_p(name, data, "asymptotic")
    assert (np.isnan(asymptotic) | (asymptotic < 0.05)).any()


@pytest.mark.parametrize("name", NAMES)
def test_trials_that_are_not_small_keep_their_p_value(name: str) -> None:
    data = trials(80, 7)
    np.testing.assert_array_equal(block_p(name, data, "automatic"), block_p(name, data, "asymptotic"))


@pytest.mark.parametrize("name", NAMES)
def test_a_trial_without_events_says_nothing(name: str) -> None:
    data = trials(8, 9, 2)
    data["event"][0] = 0
    found = block_p(name, data, "automatic")
    assert not found[0] < 1
    assert 0 < found[1] <= 1


@pytest.mark.parametrize("kind", ["log_rank", "stratified_log_rank", "adjusted_log_rank", "max_combo"])
def test_a_simulated_trial_of_few_is_read_by_the_rule_for_small_samples(kind: str) -> None:
    data = trials(6, 11, 60)
    far = np.where(data["arm"] == 1, data["time"] + 100, data["time"])
    one = reader(kind, "time_to_event")
    assert one is not None
    seen = SeenTimes(
        arm=data["arm"].astype(np.int8), covariates=None, stratum=np.zeros(far.shape, np.int64),
        time=far, event=np.ones(far.shape, np.int8),
    )  # fmt: skip
    found = one.block(seen, {})
    assert found.decision is not None
    assert set(np.array(found.decision.tests)[found.decision.test]) == {"exact"}
    np.testing.assert_allclose(found.decision.p_value, 0.1, rtol=1e-9)


@pytest.mark.parametrize("kind", ["log_rank", "max_combo"])
def test_a_declared_trial_of_six_claims_nothing_and_one_of_sixteen_keeps_its_level(kind: str) -> None:
    """A fixed trial that is read when all have had the event: claims of 4,000 trials, in both worlds."""

    def claims(size: int, ratio: float) -> float:
        trial = trial_from_dict(
            tables(
                "time_to_event", participants=size, analyses=[{"kind": kind}],
                design={"kind": "fixed", "events": size - 1, "alpha": 0.025},
                effects=[{"kind": "hazard_ratio", "arm": "active", "value": ratio, "source": "Assumed"}],
            )
        )  # fmt: skip
        reading = engine_of(trial, None).read(1_000, 3, 0).readings[kind]
        return float((reading.stopping.decision == 1).mean())

    assert claims(6, 0.001) == 0.0
    assert claims(16, 1.0 - 1e-9) <= 0.025 + 4 * np.sqrt(0.025 * 0.975 / 1_000)
    assert claims(16, 0.001) > 0.95

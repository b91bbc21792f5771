"""A block is a pure function of its names, and its components have separate streams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialsim.data import TrialBlock
from trialsim.disease import disease_model
from trialsim.protocol import Protocol, protocol_from_dict, read_protocol
from trialsim.trial import Pool, TrialSize, simulate_block

PROTOCOL = Path(__file__).parents[2] / "protocols" / "alzheimers_phase2.toml"
DISEASE = disease_model("delor2013_cdr_sb")


@pytest.fixture(scope="module")
def pool() -> Pool:
    generator = np.random.default_rng(1)
    baseline = generator.uniform(1.0, 6.0, size=500)
    slope = generator.uniform(0.0, 0.5, size=500)
    natural = baseline[:, None] + slope[:, None] * np.arange(7)
    return Pool(natural, np.zeros((500, 7)), baseline + 0.1, baseline + 1.0, np.ones(500))


def changed(**tables: Any) -> Protocol:
    return protocol_from_dict(read_protocol(PROTOCOL).to_dict() | tables)


def simulate(pool: Pool, protocol: Protocol | None = None, **options: Any) -> TrialBlock:
    fields = {"effect": "none", "replicates": 20, "stream_name": "s", "block": 0} | options
    return simulate_block(protocol or changed(), DISEASE, pool, TrialSize(30, 60), **fields)


def test_the_same_names_give_the_same_bytes(pool: Pool) -> None:
    one, two = simulate(pool), simulate(pool)
    np.testing.assert_array_equal(one.outcomes, two.outcomes)
    np.testing.assert_array_equal(one.arm, two.arm)


@pytest.mark.parametrize("other", [{"block": 1}, {"stream_name": "t"}])
def test_other_names_give_other_trials(pool: Pool, other: dict[str, Any]) -> None:
    assert (simulate(pool).register_index != simulate(pool, **other).register_index).any()


def test_dropout_can_change_without_changing_a_patient(pool: Pool) -> None:
    without = simulate(pool, changed(dropout=[]))
    with_dropout = simulate(pool)
    seen = np.isfinite(with_dropout.outcomes)
    assert 0.7 < seen[..., -1].mean() < 0.85
    np.testing.assert_array_equal(without.outcomes[seen], with_dropout.outcomes[seen])
    np.testing.assert_array_equal(without.enrolment_month, with_dropout.enrolment_month)


def test_missing_is_monotone_and_starts_at_the_dropout_week(pool: Pool) -> None:
    block = simulate(pool)
    seen = np.isfinite(block.outcomes)
    assert (seen[..., 1:] <= seen[..., :-1]).all()
    np.testing.assert_array_equal(seen, block.dropout_week[..., None] > block.weeks)


def test_the_effect_reaches_active_participants_alone(pool: Pool) -> None:
    null, effect = simulate(pool, effect="none"), simulate(pool, effect="assumed")
    control = (null.arm == 0)[..., None] & np.isfinite(null.outcomes)
    active = (null.arm == 1)[..., None] & np.isfinite(null.outcomes)
    np.testing.assert_array_equal(null.outcomes[control], effect.outcomes[control])
    assert effect.outcomes[active].mean() < null.outcomes[active].mean()


def test_scores_and_baselines_belong_to_the_participants_of_the_register(pool: Pool) -> None:
    block = simulate(pool)
    np.testing.assert_array_equal(block.baseline, pool.baseline[block.register_index])
    np.testing.assert_array_equal(block.score, pool.score[block.register_index])

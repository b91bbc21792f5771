"""MMRM takes the score of each visit: the twin's expectation there, with a coefficient of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.declared_files import tables
from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.protocol.declared import DeclaredTrial, trial_from_dict
from trialsim.study.declared.adjusting import scores_at_visits
from trialsim.study.declared.engine import Engine, engine_of
from trialsim.study.people.assumed import register_assumed
from trialsim.trial.register import Register

WEEKS = [4.0, 8.0, 12.0, 24.0]
REPLICATES = 3000


def trial(effect: float = 0.5, people: int = 100) -> DeclaredTrial:
    made = tables("score")
    made["endpoints"][0] |= {"weeks": WEEKS, "mean": [0.0] * 5, "sd": [1.0] * 5, "correlation": 0.5}
    made["effects"][0]["value"] = effect
    made |= {
        "participants": people,
        "twins": {"source": "assumed", "partial_correlation": 0.4},
        "analyses": [{"kind": "mmrm", "adjust": ["score"]}],
        "discontinuation": [
            {
                "cause": "any", "cumulative": {"control": 0.3, "active": 0.2}, "mechanism": "MAR",
                "previous": 0.8, "strategy": "hypothetical", "source": "test",
            }
        ],
    }  # fmt: skip
    return trial_from_dict(made)


def at_visits(of: DeclaredTrial, noise: float = 1.0) -> Register:
    """Return people whose score at a visit is the outcome on placebo there, with an error of its own."""
    register = register_assumed(of, 20_000)
    control = register.outcomes[0, :, 1:]
    error = np.random.default_rng(3).standard_normal(control.shape)
    return replace(register, scores=control + noise * error)


def estimates(engine: Engine, blocks: int = REPLICATES // 250) -> np.ndarray:
    """Return estimate, standard error and p value of each replicate (R, 3)."""
    found = [engine.read(250, 5, block).readings["mmrm"].estimates for block in range(blocks)]
    return np.concatenate([np.column_stack([one.estimate, one.standard_error, one.p_value]) for one in found])


def test_the_model_has_the_score_of_each_visit_with_its_own_coefficient() -> None:
    asked = trial()
    register = at_visits(asked)
    engine = engine_of(asked, register)
    sample = engine.sample(20, 5, 0)
    found = sample.read(asked.analyses[0])
    trials, rows = sample.outcomes, sample.people.rows
    assert rows is not None
    expected = fit_mmrm_block(
        trials.on_treatment, trials.arm, trials.baseline[..., None], register.scores[rows],  # type: ignore[union-attr]  # visits
        by_visit=True, scores_by_visit=True,
    )  # fmt: skip
    np.testing.assert_array_equal(found.estimate, expected.estimate)
    np.testing.assert_array_equal(found.standard_error, expected.standard_error)
    last_alone = replace(register, scores=register.scores[:, -1:])
    other = replace(sample, register=last_alone).read(asked.analyses[0])
    assert np.abs(found.estimate - other.estimate).max() > 0.01


def test_one_score_for_all_visits_is_a_covariate_like_any_other() -> None:
    asked = trial()
    register = register_assumed(asked, 5_000)
    repeated = replace(register, scores=np.repeat(register.scores, len(WEEKS), axis=1))
    analysis, rows = asked.analyses[0], np.zeros((1, 3), dtype=np.int64)
    assert scores_at_visits(analysis, register, rows) is None
    assert scores_at_visits(analysis, repeated, rows) is None
    one, two = (engine_of(asked, each).sample(10, 5, 0).read(analysis) for each in (register, repeated))
    np.testing.assert_array_equal(one.estimate, two.estimate)


def test_scores_at_visits_keep_the_level_and_their_standard_error_is_the_spread() -> None:
    null = trial(effect=0.0)
    found = estimates(engine_of(null, at_visits(null)))
    error = np.sqrt(0.05 * 0.95 / len(found))
    assert (found[:, 2] < 0.05).mean() == pytest.approx(0.05, abs=4 * error)
    spread = found[:, 0].std()
    assert found[:, 1].mean() == pytest.approx(spread, rel=4 / np.sqrt(2 * len(found)) + 0.01)
    assert found[:, 0].mean() == pytest.approx(0.0, abs=4 * spread / np.sqrt(len(found)))


def test_scores_at_visits_tell_as_much_of_the_last_visit_as_the_score_of_that_visit() -> None:
    """Only those who leave have less than the last visit: what earlier scores tell of them is little."""
    asked = trial()
    register = at_visits(asked)
    last_alone = replace(register, scores=register.scores[:, -1:])
    matched, last = (estimates(engine_of(asked, one), 4) for one in (register, last_alone))
    assert (matched[:, 1] ** 2).mean() == pytest.approx((last[:, 1] ** 2).mean(), rel=0.03)
    assert matched[:, 0].mean() == pytest.approx(0.5, abs=4 * matched[:, 0].std() / np.sqrt(len(matched)))


def test_a_useless_score_costs_next_to_nothing() -> None:
    asked = trial()
    register = at_visits(asked)
    useless = register.with_useless_scores(np.random.default_rng(1))
    without = asked.model_copy(
        update={"analyses": (asked.analyses[0].model_copy(update={"adjust": ()}),), "twins": asked.twins}
    )
    shuffled, plain = estimates(engine_of(asked, useless), 4), estimates(engine_of(without, register), 4)
    assert (shuffled[:, 1] ** 2).mean() == pytest.approx((plain[:, 1] ** 2).mean(), rel=0.06)

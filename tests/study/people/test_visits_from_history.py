"""Registers of a history of scores: the model's own law, effects, drifts, one posterior draw a person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.prognosis.stand_ins import coefficients_of, made_up_prognosis
from tests.study.people.stand_ins import SOUND, declare, visits
from trialsim.errors import HistoryError
from trialsim.prognosis.models.regression import Regression
from trialsim.prognosis.validation.rivals import compare_rivals
from trialsim.study.people.drawing import register_of
from trialsim.study.people.facts import facts_of
from trialsim.study.people.learning import LearntTwins
from trialsim.study.people.own_spread import spread_factors
from trialsim.study.people.reproduction import reproduction

SCALES = np.array([0.3, 0.3, 0.6, 0.3, 0.2, 0.4])


def learnt(draws: int = 40, spread: float = 0.0) -> LearntTwins:
    """Return twins with draws around one point of the posterior."""
    history = visits()
    whole = history.take(np.isfinite(history.outcomes).all(axis=1))
    rng = np.random.default_rng(3)
    coefficients = rng.normal(0, 0.15, coefficients_of(whole)) + spread * rng.standard_normal(
        (draws, coefficients_of(whole))
    )
    model = made_up_prognosis(whole, np.tile(SCALES, (draws, 1)), coefficients)
    rivals = compare_rivals(
        whole.outcomes[:, -1], whole.baseline[:, None], whole.covariates,
        whole.baseline + rng.standard_normal(len(whole)), generator=rng, replicates=50,
    )  # fmt: skip
    return LearntTwins("learned", history, model, facts_of(history), SOUND, rivals)


def test_changes_have_the_mean_and_the_covariance_of_the_model():
    twins = learnt()
    register = register_of(declare("score", register=200_000), twins, Path())
    change = register.outcomes[0, :, 1:] - register.outcomes[0, :, :1]
    left = register.outcomes[0, :, 1:] - register.scores
    se = np.sqrt(1 / 200_000)
    factors = spread_factors(twins.model, twins.history, 5)
    expected = twins.model.residual_covariance([12.0, 24.0])[0] * np.outer(factors, factors)
    np.testing.assert_allclose(left.mean(axis=0), 0, atol=4 * left.std() * se)
    np.testing.assert_allclose(np.cov(left.T), expected, rtol=0.03)
    # The mean of the model over the history's own participants.
    history = twins.history
    mean = twins.model.predict(history.covariates, history.baseline, [12.0, 24.0]).score.mean(axis=0)
    np.testing.assert_allclose(
        change.mean(axis=0), mean - history.baseline.mean(), atol=5 * change.std() * se
    )


def test_each_person_has_a_posterior_draw_of_ones_own():
    """The variance holds that of the regression between draws; a slow sum over draws agrees."""
    twins = learnt(draws=60, spread=0.08)
    register = register_of(declare("score", register=200_000), twins, Path())
    model, history = twins.model, twins.history
    x = model.standardisation.matrix(history.covariates, history.baseline)
    rows = Regression.at(model.standardisation, np.array([12.0, 24.0])).rows(x)
    means = (rows @ model.coefficients.T) * model.standardisation.unit + history.baseline[:, None, None]
    within = np.einsum("vv->v", model.residual_covariance([12.0, 24.0]).mean(axis=0))
    factors = spread_factors(model, history, 5)
    expected = factors**2 * (within + means.var(axis=2).mean(axis=0)) + means.mean(axis=2).var(axis=0)
    np.testing.assert_allclose(register.outcomes[0, :, 1:].var(axis=0), expected, rtol=0.02)


def test_the_baseline_is_measured_and_the_same_in_every_arm():
    twins = learnt()
    register = register_of(declare("score"), twins, Path())
    assert register.outcomes.shape == (2, 20_000, 3)
    assert register.scores.shape == (20_000, 2)
    assert set(register.outcomes[0, :, 0]) <= set(twins.history.baseline)
    np.testing.assert_array_equal(register.outcomes[0, :, 0], register.outcomes[1, :, 0])


@pytest.mark.parametrize(
    ("effect", "added"),
    [
        ({"kind": "shift", "value": 0.0}, (0.0, 0.0)),
        ({"kind": "shift", "value": -1.5}, (-1.5, -1.5)),
        ({"kind": "shift", "value": -1.5, "full_by_week": 24.0}, (-0.75, -1.5)),
        ({"kind": "slope_change", "per_month": -0.2}, (-0.2 * 12 / (365.25 / 84), -0.2 * 24 / (365.25 / 84))),
    ],
)
def test_points_are_added_to_everybody(effect, added):
    trial = declare("score", effects=[{"arm": "active", "source": "t", **effect}])
    register = register_of(trial, learnt(), Path())
    difference = register.outcomes[1, :, 1:] - register.outcomes[0, :, 1:]
    np.testing.assert_allclose(difference, np.tile(added, (20_000, 1)), atol=1e-9)
    if not any(added):
        assert register.outcomes[0].tobytes() == register.outcomes[1].tobytes()


def test_a_drift_of_points_moves_both_arms_and_not_the_twins():
    twins = learnt()
    plain = register_of(declare("score"), twins, Path())
    moved = register_of(declare("score", drift={"outcome_shift": 0.7}), twins, Path())
    np.testing.assert_allclose(moved.outcomes[:, :, 1:], plain.outcomes[:, :, 1:] + 0.7)
    np.testing.assert_array_equal(moved.outcomes[:, :, 0], plain.outcomes[:, :, 0])
    np.testing.assert_array_equal(moved.scores, plain.scores)
    heavier = register_of(declare("score", drift={"covariate_shift": {"baseline": 0.4}}), twins, Path())
    baseline = twins.history.baseline
    found = (heavier.outcomes[0, :, 0].mean() - baseline.mean()) / baseline.std()
    assert found == pytest.approx(0.4, abs=0.03)


def test_useless_scores_are_those_of_others():
    useless = register_of(declare("score", useless=True), learnt(), Path())
    plain = register_of(declare("score"), learnt(), Path())
    left = plain.outcomes[0, :, -1] - plain.outcomes[0, :, 0]
    told, lost = (
        np.corrcoef(r.scores[:, -1] - plain.outcomes[0, :, 0], left)[0, 1] for r in (plain, useless)
    )
    assert told > 0.1
    assert abs(np.corrcoef(useless.scores[:, -1], plain.outcomes[0, :, -1])[0, 1]) < 0.03
    assert lost < told


def test_a_register_is_held_against_the_historys_own_moments():
    twins, trial = learnt(), declare("score")
    register = register_of(trial, twins, Path())
    table = reproduction(trial, twins, register)
    for week in (12, 24):
        row = table.loc[f"SD of change, week {week}"]
        # What parts them is who was observed at the visit, and a register of 20,000.
        assert row["register"] == pytest.approx(row["history"], rel=0.04)
    assert list(table.index[:2]) == ["mean change, week 12", "SD of change, week 12"]
    change = twins.history.outcomes[:, 0] - twins.history.baseline
    assert table.loc["SD of change, week 12", "history"] == pytest.approx(np.nanstd(change, ddof=1))
    wider = replace(register, outcomes=register.outcomes * [1.0, 1.0, 3.0])
    assert not reproduction(trial, twins, wider).loc["SD of change, week 24", "agree"]


def test_a_model_that_spreads_otherwise_than_its_history_is_refused():
    twins = learnt()
    wide = replace(twins.history, outcomes=twins.history.outcomes * [1.0, 4.0])
    with pytest.raises(HistoryError, match=r"the model spreads changes at week 24 by .* SD of"):
        spread_factors(twins.model, wide, 5)


def test_a_world_with_other_people_has_the_same_factors():
    twins = learnt()
    plain = register_of(declare("score"), twins, Path())
    moved = register_of(declare("score", drift={"covariate_shift": {"age": 0.3}}), twins, Path())
    left = [(one.outcomes[0, :, 1:] - one.scores).std(axis=0) for one in (plain, moved)]
    np.testing.assert_allclose(*left, rtol=1e-9)

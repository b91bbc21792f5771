"""Registers of a history's people, where the model is known: closed forms, nulls, drifts, useless scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import spearmanr

from tests.study.people.stand_ins import UNIT, declare, eta_of, outcome_twins
from trialsim.errors import HistoryError, ProtocolError
from trialsim.study.people.drawing import register_of
from trialsim.study.people.from_history import register_from_history

KINDS = ("response", "level", "count", "recurrent", "time_to_event")
MONTHS = UNIT * 84 / 365.25
FOLDER = Path()


def draw(kind, learnt, **changes):
    return register_of(declare(kind, **changes), learnt, FOLDER)


def summary(kind, outcomes):
    """Return one number a person that grows with the outcome (M,)."""
    if kind == "recurrent":
        return np.isfinite(outcomes).sum(axis=1).astype(float)
    return -outcomes[:, 0] if kind == "time_to_event" else outcomes[:, 0]


def null(kind):
    ratio = {"response": "odds_ratio", "level": "odds_ratio", "time_to_event": "hazard_ratio"}
    effect = {"arm": "active", "source": "t", "value": 1.0, "kind": ratio.get(kind, "rate_ratio")}
    return {"effects": [effect]}


@pytest.mark.parametrize("kind", KINDS)
def test_arms_without_effect_are_equal_and_equal_calls_give_equal_bytes(kind):
    learnt = outcome_twins(kind)
    register = draw(kind, learnt, **null(kind))
    assert register.outcomes[0].tobytes() == register.outcomes[1].tobytes()
    again = draw(kind, learnt, **null(kind))
    for name in ("covariates", "scores", "outcomes", "levels"):
        assert getattr(register, name).tobytes() == getattr(again, name).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_an_effect_changes_the_active_arm_alone_and_everybody_the_same_way(kind):
    learnt = outcome_twins(kind)
    plain, changed = draw(kind, learnt, **null(kind)), draw(kind, learnt)
    assert plain.outcomes[0].tobytes() == changed.outcomes[0, :, : plain.outcomes.shape[2]].tobytes()
    control, active = (summary(kind, one) for one in changed.outcomes)
    better = active - control
    # Odds of 2 for responses and levels; a rate and a hazard of 0.6.
    assert (better >= 0).all() if kind in ("response", "level") else (better <= 0).all()
    assert (better != 0).any()


def test_responses_have_the_probability_and_the_odds_ratio_of_each_person():
    learnt = outcome_twins("response")
    register = draw("response", learnt, register=200_000)
    eta = eta_of(learnt.history.covariates)
    for arm, ratio in ((0, 1.0), (1, 2.0)):
        expected = expit(eta + np.log(ratio)).mean()
        assert register.outcomes[arm].mean() == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(200_000))
    # The score is the logit of one's own probability.
    assert np.unique(register.scores.round(6)).size == len(learnt.history)
    own = expit(register.scores[:, 0])
    assert own.mean() == pytest.approx(expit(eta).mean(), abs=0.005)


def test_levels_have_proportional_odds():
    learnt = outcome_twins("level")
    register = draw("level", learnt, register=200_000)
    eta = eta_of(learnt.history.covariates, 0.0)
    cuts = np.log([0.5 / 0.5, 0.8 / 0.2])
    for arm, ratio in ((0, 1.0), (1, 2.0)):
        for level, cut in enumerate(cuts):
            expected = expit(eta + np.log(ratio) - cut).mean()
            assert (register.outcomes[arm] > level).mean() == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("kind", ["count", "recurrent"])
def test_counts_have_the_rate_the_dispersion_and_the_rate_ratio(kind):
    learnt = outcome_twins(kind)
    register = draw(kind, learnt, register=200_000)
    mean = np.exp(eta_of(learnt.history.covariates)) * 6.0 / MONTHS
    for arm, ratio in ((0, 1.0), (1, 0.6)):
        found = summary(kind, register.outcomes[arm])
        own = mean * ratio
        variance = (own + 0.8**2 * own**2).mean() + own.var()
        assert found.mean() == pytest.approx(own.mean(), abs=4 * np.sqrt(variance / 200_000))
        assert found.var() == pytest.approx(variance, rel=0.05)
    if kind == "recurrent":
        times = register.outcomes[0]
        seen = times[np.isfinite(times)]
        assert seen.min() > 0
        assert seen.max() <= 6.0
        # Given how many there are, times of a constant rate are uniform.
        assert seen.mean() == pytest.approx(3.0, abs=4 * 6 / np.sqrt(12 * len(seen)))
        assert (np.diff(times, axis=1)[np.isfinite(times[:, 1:])] > 0).all()


def cumulative(family, time):
    """Return the cumulative hazard of a person with a linear predictor of 0, time in units."""
    if family == "piecewise":
        rates = np.exp(np.array([0.0, 0.5, -0.5]))
        spent = [min(time, 0.3), min(max(time - 0.3, 0), 0.3), max(time - 0.6, 0)]
        return float(rates @ spent)
    return float(time**1.4)


@pytest.mark.parametrize("family", ["piecewise", "weibull", "cure"])
@pytest.mark.parametrize("from_month", [0.0, 5.0])
def test_times_have_the_hazard_of_each_person_and_its_ratio_from_a_month_on(family, from_month):
    learnt = outcome_twins("time_to_event", family=family)
    effect = {"kind": "hazard_ratio", "arm": "active", "value": 0.6, "from_month": from_month, "source": "t"}
    register = draw("time_to_event", learnt, effects=[effect], register=200_000)
    hazard = np.exp(eta_of(learnt.history.covariates))
    never = expit(-1.0) if family == "cure" else 0.0
    for month in (2.0, 5.0, 10.0, 20.0):
        at, start = (cumulative(family, one / MONTHS) for one in (month, min(month, from_month)))
        for arm, whole in ((0, at), (1, start + 0.6 * (at - start))):
            expected = ((1 - never) * -np.expm1(-hazard * whole)).mean()
            assert (register.outcomes[arm] <= month).mean() == pytest.approx(expected, abs=0.0046)
    if family == "cure":
        assert np.isinf(register.outcomes).all(axis=0).mean() == pytest.approx(never, abs=0.005)
        assert (np.isinf(register.outcomes[0]) == np.isinf(register.outcomes[1])).all()
    early = register.outcomes[0] <= from_month
    np.testing.assert_allclose(register.outcomes[1][early], register.outcomes[0][early])


@pytest.mark.parametrize("kind", KINDS)
def test_scores_tell_the_outcome_and_useless_ones_do_not(kind):
    learnt = outcome_twins(kind)
    told = draw(kind, learnt)
    useless = draw(kind, learnt, useless=True)
    outcome = summary(kind, told.outcomes[0])
    assert spearmanr(told.scores[:, 0], outcome).statistic > 0.15
    assert abs(spearmanr(useless.scores[:, 0], outcome).statistic) < 4 / np.sqrt(len(told))
    assert useless.outcomes.tobytes() == told.outcomes.tobytes()
    np.testing.assert_array_equal(np.sort(useless.scores[:, 0]), np.sort(told.scores[:, 0]))


@pytest.mark.parametrize(
    ("kind", "drift"),
    [
        ("response", {"odds_ratio": 2.0}), ("level", {"odds_ratio": 2.0}), ("count", {"rate_ratio": 0.6}),
        ("recurrent", {"rate_ratio": 0.6}), ("time_to_event", {"hazard_ratio": 0.6}),
    ],
)  # fmt: skip
def test_a_drift_is_the_effect_of_the_same_size_in_every_arm(kind, drift):
    learnt = outcome_twins(kind)
    treated, drifted = draw(kind, learnt), draw(kind, learnt, drift=drift, **null(kind))
    one, other = (summary(kind, register.outcomes[1]) for register in (treated, drifted))
    np.testing.assert_allclose(one, other, rtol=1e-12)
    assert drifted.outcomes[0].tobytes() == drifted.outcomes[1].tobytes()
    assert drifted.scores.tobytes() == treated.scores.tobytes(), "twins do not know of the drift"


def test_a_shift_of_covariates_moves_their_means_by_so_many_sds():
    learnt = outcome_twins("response")
    plain, moved = draw("response", learnt), draw("response", learnt, drift={"covariate_shift": {"age": 0.5}})
    age = learnt.history.covariates.column("age")
    found = (moved.column("age").mean() - age.mean()) / age.std()
    assert found == pytest.approx(0.5, abs=4 / np.sqrt(len(moved)))
    assert moved.outcomes[0].mean() > plain.outcomes[0].mean() + 0.04
    both = draw("response", learnt, drift={"covariate_shift": {"age": -0.3, "sex": 0.2}})
    sex = learnt.history.covariates.column("sex")
    assert (both.column("sex").mean() - sex.mean()) / sex.std() == pytest.approx(0.2, abs=0.03)
    # The share of odds that a person has is unchanged: only who they are.
    assert set(np.unique(moved.column("age"))) <= set(age)


@pytest.mark.parametrize("shift", [{"age": 3.0}, {"sex": 2.0}])
def test_a_shift_to_people_whom_the_history_does_not_have_is_refused(shift):
    with pytest.raises(ProtocolError, match=r"covariate_shift: .*Mend: ask for a smaller shift"):
        draw("response", outcome_twins("response"), drift={"covariate_shift": shift})


def test_drifts_of_another_outcome_are_refused():
    with pytest.raises(ProtocolError, match=r"does not move a response outcome.*use odds_ratio"):
        draw("response", outcome_twins("response"), drift={"hazard_ratio": 2.0})


def test_only_eligible_people_are_drawn_and_too_few_are_refused():
    learnt = outcome_twins("response")
    people = {"kind": "history", "register": 5_000, "eligibility": [{"covariate": "age", "at_least": 65.0}]}
    assert draw("response", learnt, population=people).column("age").min() >= 65.0
    people["eligibility"] = [{"covariate": "age", "at_least": 90.0}]
    with pytest.raises(HistoryError, match="participants of the history are eligible, at least 20"):
        draw("response", learnt, population=people)


def test_factors_are_covariates_at_cuts_and_effects_differ_in_a_level():
    learnt = outcome_twins("response")
    strata = [{"name": "old", "levels": ["no", "yes"], "covariate": "age", "cuts": [60.0], "source": "t"}]
    effect = {"kind": "odds_ratio", "arm": "active", "value": 1.0, "source": "t",
              "subgroup": {"factor": "old", "level": "yes", "value": 3.0}}  # fmt: skip
    register = draw("response", learnt, strata=strata, effects=[effect])
    np.testing.assert_array_equal(register.levels[:, 0], register.column("age") >= 60.0)
    same = (register.outcomes[0] == register.outcomes[1])[:, 0]
    assert same[register.levels[:, 0] == 0].all()
    assert not same[register.levels[:, 0] == 1].all()


def test_a_trial_of_a_history_needs_it_to_be_learnt_from():
    with pytest.raises(ProtocolError, match="history: is not read yet"):
        register_of(declare("response"), None, FOLDER)


def test_someone_without_a_value_is_drawn_like_the_others():
    learnt = outcome_twins("response")
    learnt.history.covariates.values[:30, 0] = np.nan
    register = register_from_history(declare("response"), learnt)
    assert 0 < np.isnan(register.column("age")).mean() < 0.2
    assert np.isfinite(register.scores).all()
    assert np.isfinite(register.outcomes).all()

"""AIPW with anybody's predictions: against refits by hand, with hard data, and with scores that mislead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from trialsim.analysis.linear import fit_linear
from trialsim.analysis.predictions import aipw, aipw_block
from trialsim.errors import AnalysisError

N = 40


def one_trial(seed=3, effect=0.7, size=N):
    rng = np.random.default_rng(seed)
    arm = (rng.permutation(size) % 3 > 0).astype(int)
    x, sex = rng.normal(10, 3, size), rng.choice(["f", "m"], size)
    model = 0.8 * x + rng.normal(0, 2, size)
    y = model + effect * arm + (sex == "m") + rng.normal(0, 2, size) * (1 + arm)
    return pd.DataFrame({"arm": np.where(arm, "drug", "placebo"), "x": x, "sex": sex, "model": model, "y": y})


def refitted(y, arm, x, leave_out=True):
    """Residuals from and gaps between predictions of each person, every model fitted without that person."""
    n = len(y)
    prior = np.cov(x.T, bias=True).reshape(x.shape[1], x.shape[1])
    residual, gap = np.empty(n), np.empty(n)
    for i in range(n):
        predicted = []
        for a in (0, 1):
            rows = [k for k in range(n) if arm[k] == a and (k != i or not leave_out)]
            D = np.column_stack([np.ones(len(rows)), x[rows]])
            penalty = np.zeros((D.shape[1], D.shape[1]))
            penalty[1:, 1:] = prior
            beta = np.linalg.solve(D.T @ D + penalty, D.T @ y[rows])
            predicted.append(np.r_[1.0, x[i]] @ beta)
        residual[i], gap[i] = y[i] - predicted[arm[i]], predicted[1] - predicted[0]
    return residual, gap


def influence(residual, gap, arm):
    n, phi = len(arm), gap - gap.mean()
    for a, sign in ((0, -1), (1, 1)):
        here = arm == a
        size = here.sum()
        deviation = residual - residual[here].mean()
        phi = phi + sign * np.where(here, n / size * np.sqrt(size / (size - 1)) * deviation, 0.0)
    theta = residual[arm == 1].mean() - residual[arm == 0].mean() + gap.mean()
    return theta, phi


def test_a_frame_equals_refits_without_each_person_and_the_best_of_a_dense_search():
    data = one_trial()
    found = aipw(data, outcome="y", arm="arm", control="placebo", score="model", covariates=["x", "sex"])
    arm = (data["arm"] == "drug").to_numpy().astype(int)
    x = np.column_stack([data["x"], data["sex"] == "m"]).astype(float)
    y, model = data["y"].to_numpy(), data["model"].to_numpy()
    ours = influence(*refitted(y, arm, x), arm)
    theirs = influence(y - model, np.zeros(N), arm)
    assert found.candidates["estimate"].tolist() == pytest.approx([ours[0], theirs[0]], abs=1e-9)
    # The weight by which the mixture varies least, the models having seen everybody.
    seen = influence(*refitted(y, arm, x, leave_out=False), arm)[1]
    w = -(seen - theirs[1]) @ theirs[1] / np.square(seen - theirs[1]).sum()
    assert found.candidates["weight"].tolist() == pytest.approx([w, 1 - w], abs=1e-9)
    phi = w * ours[1] + (1 - w) * theirs[1]
    assert found.effect == pytest.approx(w * ours[0] + (1 - w) * theirs[0], abs=1e-9)
    apart = seen - theirs[1]
    leverage = apart**2 / (apart @ apart)
    assert found.variance == pytest.approx(np.square(phi / (1 - leverage)).sum() / N**2, rel=1e-9)
    for other in np.linspace(w - 1, w + 1, 41):
        mixed, best = (one * seen + (1 - one) * theirs[1] for one in (other, w))
        assert mixed @ mixed >= best @ best - 1e-9


def test_a_score_alone_is_the_prediction_powered_estimator():
    """θ = difference of means less λ times the difference of predictions, λ* in closed form."""
    data = one_trial()
    found = aipw(data, outcome="y", arm="arm", control="placebo", score="model")
    arm, y, f = data["arm"] == "drug", data["y"], data["model"]
    share = {side: 1 / (arm == side).sum() for side in (True, False)}
    cov = sum(share[s] * np.cov(y[arm == s], f[arm == s])[0, 1] for s in (True, False))
    var = sum(share[s] * f[arm == s].var() for s in (True, False))
    lam = cov / var
    gap = y[arm].mean() - y[~arm].mean() - lam * (f[arm].mean() - f[~arm].mean())
    assert found.candidates["weight"].tolist() == pytest.approx([1 - lam, lam], abs=1e-12)
    assert found.effect == pytest.approx(gap, abs=1e-12)


def test_without_predictions_it_is_the_difference_of_means_with_welchs_error():
    data = one_trial()
    found = aipw(data, outcome="y", arm="arm", control="placebo")
    arm = data["arm"] == "drug"
    assert found.effect == pytest.approx(data["y"][arm].mean() - data["y"][~arm].mean(), rel=1e-12)
    welch = sum(one.var() / len(one) for one in (data["y"][arm], data["y"][~arm]))
    assert found.variance == pytest.approx(welch, rel=1e-12)
    theirs = stats.ttest_ind(data["y"][arm], data["y"][~arm], equal_var=False)
    (row,) = found.to_frame().itertuples()
    assert (row.statistic, row.p_value, row.df) == pytest.approx((theirs.statistic, theirs.pvalue, theirs.df))


def test_two_scores_that_say_the_same_share_a_weight_and_a_constant_one_has_none():
    data = one_trial().assign(again=lambda d: 2 * d["model"], nothing=5.0)
    one = aipw(data, outcome="y", arm="arm", control="placebo", score="model")
    flat = aipw(data, outcome="y", arm="arm", control="placebo", score="nothing")
    plain = aipw(data, outcome="y", arm="arm", control="placebo")
    both = aipw(data, outcome="y", arm="arm", control="placebo", score=["model", "again"])
    assert flat.effect == pytest.approx(plain.effect)
    assert both.effect == pytest.approx(one.effect, abs=1e-6)
    assert flat.variance == pytest.approx(plain.variance)
    assert both.variance == pytest.approx(one.variance)


def test_nothing_is_gained_by_setting_models_that_say_nothing_against_each_other():
    """Residuals without oneself are larger; a mixture that cancelled that would call it precision."""
    rng = np.random.default_rng(4)
    y, noise, arm = (
        rng.normal(size=(300, 40)),
        rng.normal(size=(300, 40, 1)),
        np.tile(np.arange(40) % 2, (300, 1)),
    )
    plain, found = aipw_block(y, arm), aipw_block(y, arm, noise, np.zeros((300, 40, 1)))
    ratio = found.standard_error**2 / plain.standard_error**2
    assert 1.0 < ratio.mean() < 1.2
    assert ratio.min() > 0.7


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_units_rows_and_arms_change_nothing_else(factor):
    data = one_trial()
    asked = {"outcome": "y", "arm": "arm", "score": "model", "covariates": ["x", "sex"]}
    found = aipw(data, control="placebo", **asked)
    mixed = aipw(data.sample(frac=1, random_state=1), control="placebo", **asked)
    assert (mixed.effect, mixed.variance) == (found.effect, found.variance)
    swapped = aipw(data, control="drug", **asked)
    assert (swapped.effect, swapped.variance) == pytest.approx((-found.effect, found.variance))
    units = aipw(data.assign(x=data["x"] * factor - 7), control="placebo", **asked)
    assert (units.effect, units.variance) == pytest.approx((found.effect, found.variance))
    other = data.assign(y=data["y"] * factor, model=data["model"] * factor)
    scaled = aipw(other, control="placebo", **asked)
    assert scaled.effect / factor == pytest.approx(found.effect)
    coded = data.assign(sex=data["sex"].map({"f": "z", "m": "a"}))
    assert aipw(coded, control="placebo", **asked).effect == pytest.approx(found.effect)


def test_who_is_missing_is_left_out():
    data = one_trial()
    gone = data.assign(y=data["y"].where(data.index > 4))
    asked = {"outcome": "y", "arm": "arm", "control": "placebo", "score": "model", "covariates": "x"}
    found, without = aipw(gone, **asked), aipw(data[5:], **asked)
    assert found.left_out == 5
    assert (found.effect, found.variance) == (without.effect, without.variance)


def block(effect, rng, size=60, trials=400, binary=False):
    arm = np.tile(np.arange(size) % 2, (trials, 1)).astype(np.int8)
    x = rng.normal(size=(trials, size, 2))
    y = x[..., 0] + effect * arm + rng.normal(size=(trials, size))
    return (y > 0.5).astype(float) if binary else y, arm, x


@pytest.mark.parametrize("binary", [False, True])
def test_power_rises_with_the_effect_without_bound_and_on_the_other_side(binary):
    for sign in (1, -1):
        claims = []
        for effect in (0.0, 0.3, 1.0, 10.0, 1e6):
            y, arm, x = block(sign * effect, np.random.default_rng(5), binary=binary)
            found = aipw_block(y, arm, x, -3.0 * x[..., :1])
            claims.append(float((sign * found.decision.z > 1.96).mean()))
        assert claims == sorted(claims)
        assert claims[0] < 0.06
        assert claims[-1] >= (0.99 if binary else 1.0)  # all of one arm respond, of the other some


@pytest.mark.parametrize(
    "kind", ["ties", "a level nobody has", "a level of one", "as many covariates as people"]
)
def test_hard_data_have_an_answer(kind):
    y, arm, x = block(0.0, np.random.default_rng(8), trials=200)
    if kind == "ties":
        y = np.round(y)
    elif kind == "a level nobody has":
        x = np.concatenate([x, np.zeros((*x.shape[:2], 1))], axis=-1)
    elif kind == "a level of one":
        x = np.concatenate([x, (np.arange(60) == 7)[None, :, None] * np.ones((200, 1, 1))], axis=-1)
    else:
        x = np.random.default_rng(9).normal(size=(200, 60, 40))
    found = aipw_block(y, arm, x, x[..., :1])
    assert (found.status == 0).all()
    assert found.rejects(0.05).mean() < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)


def test_what_cannot_be_estimated_is_named_and_decided_by_a_test_that_exists():
    y = np.array([[0.0, 0, 0, 1, 1, 1], [1.0, 1, 1, 1, 1, 1], [1.0, 2, np.nan, 3, np.nan, np.nan]])
    found = aipw_block(y, np.tile([0, 0, 0, 1, 1, 1], (3, 1)))
    named = [found.reasons[k] for k in found.status]
    assert named == ["no_residual_variance", "constant_outcome", "too_few_participants"]
    assert found.decision.z[0] == pytest.approx(fit_linear(y[:1], [[0, 0, 0, 1, 1, 1]]).decision.z[0])
    assert found.decision.z[1] == 0.0
    assert np.isnan(found.decision.z[2])
    empty = aipw_block([[1.0, 2, 3, 4]], [[0, 0, 0, 0]])
    assert empty.reasons[empty.status[0]] == "arm_empty"
    # One participant in an arm is refused for the size, not for the shape of the numbers.
    alone = aipw_block([[1.0, 2, 3, 4]], [[0, 0, 0, 1]])
    assert alone.reasons[alone.status[0]] == "too_few_participants"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"score": "sex"}, "sex: must hold numbers"),
        ({"score": "x", "covariates": "x"}, "named in more than one place"),
        ({"level": 95}, "level"),
        ({"control": "nobody"}, "control"),
    ],
)
def test_what_cannot_be_asked(change, words):
    asked = {"outcome": "y", "arm": "arm", "control": "placebo", "score": "model"} | change
    with pytest.raises(AnalysisError, match=words):
        aipw(one_trial(), **asked)


def test_a_score_that_is_not_known_for_somebody_is_refused():
    y, arm, x = block(0.0, np.random.default_rng(8), trials=2)
    x[1, 3, 0] = np.nan
    with pytest.raises(AnalysisError, match="scores: is not finite"):
        aipw_block(y, arm, None, x)


def test_it_gains_what_the_score_explains():
    """The variance falls by the square of the correlation, as least squares has it in large trials."""
    rng = np.random.default_rng(11)
    size, trials, r = 400, 400, 0.6
    score = rng.normal(size=(trials, size))
    y = r * score + np.sqrt(1 - r**2) * rng.normal(size=(trials, size))
    arm = np.tile(np.arange(size) % 2, (trials, 1))
    ratio = (
        aipw_block(y, arm, None, score[..., None]).standard_error ** 2
        / aipw_block(y, arm).standard_error ** 2
    )
    assert ratio.mean() == pytest.approx(1 - r**2, abs=4 * ratio.std() / np.sqrt(trials) + 0.005)

"""Data too extreme for an estimate still decide a trial, and a level that nobody has changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trialsim.analysis.counts import negative_binomial_block
from trialsim.analysis.linear.block import fit_linear
from trialsim.analysis.marginal.block import fit_marginal
from trialsim.analysis.ordinal import probabilistic_index_block, proportional_odds_block
from trialsim.streams import stream


def rare_levels(replicates=300, participants=80):
    """Return arms, levels of a factor with shares .60, .38 and .02, and its indicators without the first."""
    chance = stream(20261130, "empty_levels", 0, "outcome")
    arm = np.tile(np.arange(participants) % 2, (replicates, 1)).astype(np.int8)
    level = chance.choice(3, size=arm.shape, p=[0.60, 0.38, 0.02])
    return arm, level, (level[..., None] == np.arange(1, 3)).astype(float), chance


def without(indicators, k):
    return np.delete(indicators, k, axis=2)


def test_ancova_drops_a_level_that_nobody_has():
    arm, level, indicators, chance = rare_levels()
    y = chance.normal(size=arm.shape) + 0.7 * arm + 0.1 * level
    found = fit_linear(y, arm, indicators)
    assert (found.status == 0).all()
    absent = ~(level == 2).any(axis=1)
    assert 0.1 < absent.mean() < 0.4
    plain = fit_linear(y[absent], arm[absent], without(indicators[absent], 1))
    for name in ("estimate", "standard_error", "df", "p_value"):
        np.testing.assert_allclose(getattr(found, name)[absent], getattr(plain, name), rtol=1e-12)


@pytest.mark.parametrize("slopes", ["common", "interacted"])
def test_ancova_drops_an_absent_reference_level(slopes):
    arm, level, indicators, chance = rare_levels(replicates=20)
    level = np.where(level == 0, 1, level)
    level[:, :6] = 2  # three of each arm, so that every arm has both levels
    indicators = (level[..., None] == np.arange(1, 3)).astype(float)
    y = chance.normal(size=arm.shape) + 0.7 * arm + 0.1 * level
    found = fit_linear(y, arm, indicators, slopes=slopes)
    plain = fit_linear(y, arm, indicators[..., :1], slopes=slopes)
    assert (found.status == 0).all()
    for name in ("estimate", "standard_error", "df"):
        np.testing.assert_allclose(getattr(found, name), getattr(plain, name), rtol=1e-10)


def test_arms_without_spread_are_no_proof_of_nothing():
    arm = np.repeat([[0, 1]], 4, axis=1)
    found = fit_linear(arm.astype(float), arm)
    assert found.to_frame()["status"].tolist() == ["no_residual_variance"]
    assert found.decision.counts() == {"none": 0, "t": 0, "score": 1, "no_difference": 0}
    assert found.decision.p_value[0] == pytest.approx(2 * stats.t.sf(np.sqrt(7.0), 7))
    assert found.rejects(0.05).all()
    assert fit_linear(-arm.astype(float), arm).decision.z[0] == pytest.approx(-found.decision.z[0])


ANALYSES = {
    "ancova": lambda y, a, x: fit_linear(y, a, x),
    "risk_difference": lambda y, a, x: fit_marginal(y > 1, a, x, family="binomial"),
    "log_odds_ratio": lambda y, a, x: fit_marginal(y > 1, a, x, family="binomial", contrast="log_odds_ratio"),
    "rate_ratio": lambda y, a, x: fit_marginal(y, a, x, family="negative_binomial", contrast="log_ratio"),
    "proportional_odds": lambda y, a, x: proportional_odds_block(y, a, x),
    "negative_binomial": lambda y, a, x: negative_binomial_block(y, np.ones(y.shape), a, x),
}


@pytest.mark.parametrize("name", ANALYSES)
def test_a_level_that_nobody_has_is_dropped_in_every_analysis(name):
    arm, level, indicators, chance = rare_levels(replicates=60)
    y = np.minimum(chance.poisson(1.2 + 0.8 * arm + 0.2 * level), 4).astype(float)
    found = ANALYSES[name](y, arm, indicators)
    absent = ~(level == 2).any(axis=1)
    assert (found.status[absent] == 0).all()
    plain = ANALYSES[name](y[absent], arm[absent], without(indicators[absent], 1))
    np.testing.assert_allclose(found.estimate[absent], plain.estimate, rtol=1e-9)
    np.testing.assert_allclose(found.decision.z[absent], plain.decision.z, rtol=1e-9)


BINARY = ("risk_difference", "log_odds_ratio")
EVERY = ANALYSES | {"index": lambda y, a, x: probabilistic_index_block(y, a)}


@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("participants", [16, 60])
@pytest.mark.parametrize("name", EVERY)
def test_power_never_falls_as_the_effect_grows_without_bound(name, participants, adjusted):
    chance = stream(20261130, f"extreme.{participants}", 0, "outcome")
    arm = np.tile(np.arange(participants) % 2, (400, 1)).astype(np.int8)
    x = chance.normal(size=(*arm.shape, 1)) if adjusted else None
    u = chance.random(arm.shape)
    cuts = np.array([0.4, 0.7, 0.9, 0.98])
    power = []
    for log_ratio in (0.0, 1.0, 2.0, 3.5, 6.0, 12.0):
        for sign in (1.0, -1.0):
            eta = np.log(cuts / (1 - cuts))[:, None, None] - sign * log_ratio * arm
            y = (u > 1 / (1 + np.exp(-eta))).sum(axis=0).astype(float)
            found = EVERY[name](y, arm, x)
            claims = np.sign(found.decision.z) == sign
            power.append((found.rejects(0.05) & claims).mean())
    up, down = np.array(power[0::2]), np.array(power[1::2])
    for one in (up, down):
        assert (np.diff(one) > -4 * np.sqrt(0.25 / 400)).all()
    assert up[0] < 0.05
    assert up[-1] > (0.6 if participants == 16 and name in BINARY else 0.98)
    # Downwards an effect is limited: the controls themselves are mostly in the lowest categories.
    assert down[-1] == pytest.approx(down[-2], abs=0.05)
    if participants == 60:
        assert down[-1] > (0.6 if name in BINARY else 0.95)

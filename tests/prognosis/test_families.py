from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import bernoulli, kstest, weibull_min

from trialsim.prognosis.families import (
    FAMILIES,
    Responses,
    beta,
    draw_prior,
    draw_responses,
    effects,
    exposure,
    log_likelihood,
    parameter_names,
    probability,
)

CUTS = np.array([0.2, 0.5])


def point(family, seed=3, studies=2):
    return draw_prior(family, 2, studies, 3 if family == "piecewise" else 1, np.random.default_rng(seed))


def made_up(family, n=12, studies=2):
    rng = np.random.default_rng(1)
    member = np.eye(studies)[np.arange(n) % studies] if studies else np.zeros((n, 0))
    return Responses(
        rng.standard_normal((n, 2)),
        member,
        (np.arange(n) % 3 > 0) * 1.0,
        rng.uniform(0.01, 1.0, n),
        CUTS if family == "piecewise" else np.empty(0),
    )


def by_hand(family, params, data):
    """Return the log likelihood participant by participant, from densities and numerical integrals."""
    total = 0.0
    for i in range(len(data.event)):
        eta = params["intercept"][0] + data.x[i] @ beta(params)[0] + data.member[i] @ effects(params)[0]
        if family == "binary":
            total += bernoulli(1 / (1 + np.exp(-eta))).logpmf(data.event[i])
            continue
        t = data.time[i]
        if family == "piecewise":
            steps = np.cumsum(np.r_[0.0, params["delta"][0] * params["step_raw"][0]])
            hazard = lambda s, steps=steps, eta=eta: np.exp(eta + steps[int((s > CUTS).sum())])  # noqa: E731  # a def in a loop reads worse
            inner = [c for c in CUTS if c < t]
            total += data.event[i] * np.log(hazard(t)) - quad(hazard, 0, t, points=inner or None)[0]
            continue
        k = np.exp(params["log_shape"][0])
        law = weibull_min(k, scale=np.exp(-eta / k))
        cured = 1 / (1 + np.exp(-params["logit_cure"][0])) if family == "cure" else 0.0
        total += (
            np.log((1 - cured) * law.pdf(t)) if data.event[i] else np.log(cured + (1 - cured) * law.sf(t))
        )
    return total


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("studies", [0, 2])
def test_likelihoods_are_those_of_scipys_laws(family, studies):
    data, params = made_up(family, studies=studies), point(family, studies=studies)
    assert log_likelihood(family, params, data)[0] == pytest.approx(by_hand(family, params, data), rel=1e-7)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("studies", [0, 2])
def test_pymc_has_the_same_likelihoods(family, studies):
    import pytensor

    from trialsim.prognosis.fit import outcome_model

    data, params = made_up(family, studies=studies), point(family, studies=studies)
    given = {name: pytensor.tensor.constant(v) for name, v in outcome_model.as_data(family, data).items()}
    free = {name: pytensor.tensor.constant(value[0]) for name, value in params.items()}
    density = outcome_model.log_likelihood(family, free, given)
    plain = pytensor.compile.mode.Mode(linker="py", optimizer=None)
    found = float(pytensor.function([], density, mode=plain)())
    assert found == pytest.approx(log_likelihood(family, params, data)[0], rel=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_pymc_has_the_priors_that_are_drawn(family):
    """Log prior at one point, up to the log Jacobian of the half-normals: PyMC against scipy by hand."""
    from scipy.stats import halfnorm, norm

    from trialsim.prognosis.fit import outcome_model

    data, params = made_up(family), point(family)
    model = outcome_model.build_model(family, data)
    value, expected = {}, 0.0
    for variable in model.free_RVs:
        given = params[variable.name][0]
        positive = variable.name in ("tau", "omega", "delta")
        value[model.rvs_to_values[variable].name] = np.log(given) if positive else given
        law = halfnorm(scale=0.5) if positive else {
            "intercept": norm(0, 1.5), "log_shape": norm(0, 0.5), "logit_cure": norm(-1, 1)
        }.get(variable.name, norm())  # fmt: skip
        expected += np.sum(law.logpdf(given)) + (np.log(given) if positive else 0.0)
    assert {v.name for v in model.free_RVs} == set(parameter_names(family, 3, 2))
    found = model.compile_logp(vars=model.free_RVs, mode="FAST_COMPILE")(value)
    # PyMC writes the half-normal's constant with ten digits.
    assert found == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("family", FAMILIES)
def test_draws_follow_their_probabilities(family):
    params, n = point(family, seed=8), 40_000
    cuts = CUTS if family == "piecewise" else np.empty(0)
    eta = np.full((1, n), 0.3)
    times = np.array([0.1, 0.3, 0.9])
    drawn = draw_responses(family, params, eta, cuts, np.random.default_rng(5))[0]
    expected = probability(family, params, eta[:, :1], times, cuts)[0, 0]
    share = np.full(3, drawn.mean()) if family == "binary" else (drawn[:, None] <= times).mean(axis=0)
    assert (np.abs(share - expected) < 4.5 * np.sqrt(expected * (1 - expected) / n)).all()


def test_weibull_times_are_weibull():
    params = point("weibull", seed=2)
    drawn = draw_responses("weibull", params, np.full((1, 5000), -0.4), np.empty(0), np.random.default_rng(1))
    k = np.exp(params["log_shape"][0])
    assert kstest(drawn[0], weibull_min(k, scale=np.exp(0.4 / k)).cdf).pvalue > 1e-4


def test_exposure_adds_up_to_the_time():
    time = np.array([0.05, 0.2, 0.4, 2.0])
    np.testing.assert_allclose(exposure(time, CUTS).sum(axis=1), time)
    np.testing.assert_allclose(exposure(np.array([0.4]), CUTS), [[0.2, 0.2, 0.0]])

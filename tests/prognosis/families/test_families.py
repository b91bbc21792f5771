from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import bernoulli, kstest, logistic, nbinom, weibull_min

from trialsim.prognosis.families import (
    FAMILIES,
    EventFamily,
    Responses,
    Shape,
    beta,
    effects,
)
from trialsim.prognosis.families.ordinal import cutpoints
from trialsim.prognosis.families.piecewise import exposure

CUTS = np.array([0.2, 0.5])
LEVELS = 4


def point(family, seed=3, studies=2):
    intervals = 3 if family == "piecewise" else 1
    shape = Shape(2, studies, intervals, LEVELS if family == "ordinal" else 0)
    return FAMILIES[family].draw_prior(shape, np.random.default_rng(seed))


def made_up(family, n=12, studies=2):
    rng = np.random.default_rng(1)
    member = np.eye(studies)[np.arange(n) % studies] if studies else np.zeros((n, 0))
    outcome = {"ordinal": np.arange(n) % LEVELS, "count": np.arange(n) % 5}.get(family, np.arange(n) % 3 > 0)
    return Responses(
        rng.standard_normal((n, 2)),
        member,
        outcome * 1.0,
        rng.uniform(0.01, 1.0, n),
        CUTS if family == "piecewise" else np.empty(0),
        LEVELS if family == "ordinal" else 0,
    )


def log_density_by_hand(family, params, eta, y, t):
    """Return one participant's log density, from SciPy's laws and numerical integrals."""
    if family == "binary":
        return bernoulli(1 / (1 + np.exp(-eta))).logpmf(y)
    if family == "ordinal":
        share = params["share"][0]
        ends = np.r_[-np.inf, [np.log(share[:k].sum() / share[k:].sum()) for k in range(1, LEVELS)], np.inf]
        return np.log(np.diff(logistic(loc=eta).cdf(ends)))[int(y)]
    if family == "count":
        size = 1 / params["rate_cv"][0] ** 2
        return nbinom(size, size / (size + t * np.exp(eta))).logpmf(y)
    if family == "piecewise":
        steps = np.cumsum(np.r_[0.0, params["delta"][0] * params["step_raw"][0]])

        def hazard(s):
            return np.exp(eta + steps[int((s > CUTS).sum())])

        inner = [c for c in CUTS if c < t]
        return y * np.log(hazard(t)) - quad(hazard, 0, t, points=inner or None)[0]
    k = np.exp(params["log_shape"][0])
    law = weibull_min(k, scale=np.exp(-eta / k))
    cured = 1 / (1 + np.exp(-params["logit_cure"][0])) if family == "cure" else 0.0
    return np.log((1 - cured) * law.pdf(t)) if y else np.log(cured + (1 - cured) * law.sf(t))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("studies", [0, 2])
def test_likelihoods_are_those_of_scipys_laws(family, studies):
    data, params = made_up(family, studies=studies), point(family, studies=studies)
    total = 0.0
    for i in range(len(data.outcome)):
        eta = data.x[i] @ beta(params)[0] + data.member[i] @ effects(params)[0]
        eta += params["intercept"][0] if "intercept" in params else 0.0
        total += log_density_by_hand(family, params, eta, data.outcome[i], data.time[i])
    assert FAMILIES[family].log_likelihood(params, data)[0] == pytest.approx(total, rel=1e-7)


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
    assert found == pytest.approx(FAMILIES[family].log_likelihood(params, data)[0], rel=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_pymc_has_the_priors_that_are_drawn(family):
    """Log prior at one point, by PyMC without Jacobians and by SciPy by hand."""
    from scipy.stats import dirichlet, halfnorm, norm

    from trialsim.prognosis.fit import outcome_model

    data, params = made_up(family), point(family)
    model = outcome_model.build_model(family, data)
    laws = {
        **dict.fromkeys(("tau", "omega", "delta"), halfnorm(scale=0.5)),
        "rate_cv": halfnorm(),
        "intercept": norm(0, 2.0 if family == "count" else 1.5),
        "log_shape": norm(0, 0.5),
        "logit_cure": norm(-1, 1),
        "share": dirichlet(np.ones(LEVELS)),
    }
    expected = sum(np.sum(laws.get(name, norm()).logpdf(value[0])) for name, value in params.items())
    assert {v.name for v in model.free_RVs} == set(params)
    value = {}
    for variable in model.free_RVs:
        given = params[variable.name][0]
        if variable.name == "share":
            # PyMC's simplex is a softmax of log shares that sum to 0, without the last.
            given = np.log(given[:-1]) - np.log(given).mean()
        elif variable.name in ("tau", "omega", "delta", "rate_cv"):
            given = np.log(given)
        value[model.rvs_to_values[variable].name] = given
    found = model.compile_logp(vars=model.free_RVs, jacobian=False, mode="FAST_COMPILE")(value)
    # PyMC writes the half-normal's constant with ten digits.
    assert found == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("family", FAMILIES)
def test_draws_moments_and_distribution_functions_agree(family):
    law, params, n = FAMILIES[family], point(family, seed=8), 40_000
    cuts = CUTS if family == "piecewise" else np.empty(0)
    eta, times = np.full((1, n), 0.3), np.array([0.9, 0.1, 0.3])
    drawn = law.draw(params, eta, times, cuts, np.random.default_rng(5))[0]
    mean, second = (one[0, 0] for one in law.moments(params, eta[:, :1], times, cuts))
    for power, expected in ((1, mean), (2, second)):
        sample = drawn**power
        assert (np.abs(sample.mean(axis=0) - expected) < 4.5 * sample.std(axis=0) / np.sqrt(n)).all()
    outcome, seen = law.replicate(params, eta, np.full(n, 0.9), cuts, np.random.default_rng(6))
    values = np.array([0.2, 0.7]) if isinstance(law, EventFamily) else np.array([-1.0, 0.0, 1.0, 2.0])
    found = law.cumulative(
        params, eta[:, :1].repeat(len(values), axis=1), values, np.full(len(values), 0.9), cuts
    )
    what = np.where(outcome[0] > 0, seen[0], np.inf) if isinstance(law, EventFamily) else outcome[0]
    share = (what[:, None] <= values).mean(axis=0)
    assert (np.abs(share - found[0]) <= 4.5 * np.sqrt(found[0] * (1 - found[0]) / n)).all()
    if law.counts_time:
        assert (np.diff(drawn[:, [1, 2, 0]], axis=1) >= 0).all()


def test_weibull_times_are_weibull():
    params = point("weibull", seed=2)
    eta = np.full((1, 5000), -0.4)
    drawn = FAMILIES["weibull"].draw_onset(params, eta, np.empty(0), np.random.default_rng(1))
    k = np.exp(params["log_shape"][0])
    assert kstest(drawn[0], weibull_min(k, scale=np.exp(0.4 / k)).cdf).pvalue > 1e-4


def test_rare_last_levels_keep_their_digits():
    cuts = cutpoints({"share": np.array([[0.5, 0.5 - 1e-20, 1e-20]])})
    assert cuts[0] == pytest.approx([0.0, 20 * np.log(10)])


def test_exposure_adds_up_to_the_time():
    time = np.array([0.05, 0.2, 0.4, 2.0])
    np.testing.assert_allclose(exposure(time, CUTS).sum(axis=1), time)
    np.testing.assert_allclose(exposure(np.array([0.4]), CUTS), [[0.2, 0.2, 0.0]])

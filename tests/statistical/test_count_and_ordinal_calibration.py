"""Type I error, bias and coverage of rate ratio, odds ratio and index, to their Monte Carlo error."""

import numpy as np
import pytest

from trialsim.analysis.counts import negative_binomial_block, negative_binomial_events_block
from trialsim.analysis.ordinal import probabilistic_index_block, proportional_odds_block
from trialsim.streams import stream

R, N = 4000, 300
ARM = np.resize([0, 1, 1], (R, N)).astype(np.int8)
MCSE = np.sqrt(0.05 * 0.95 / R)


def draws(name: str) -> np.random.Generator:
    return stream(20261121, name, 0, "outcome")


def holds(estimates, truth: float) -> None:
    """Check bias to 4 Monte Carlo errors, and coverage to that and a point for the small sample."""
    assert (estimates.status == 0).all()
    error = estimates.estimate - truth
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(R) + 0.01 * error.std()
    missed = (np.abs(error) > 1.96 * estimates.standard_error).mean()
    assert abs(missed - 0.05) < 4 * MCSE + 0.01
    assert estimates.standard_error.mean() == pytest.approx(error.std(), rel=0.04)


@pytest.mark.parametrize("variance", ["model", "robust"])
@pytest.mark.parametrize("effect", [0.0, -0.3])
def test_rate_ratio_of_gamma_poisson_counts(variance, effect):
    generator = draws("counts")
    exposure = generator.uniform(0.5, 2.0, (R, N))
    mean = exposure * 1.5 * np.exp(effect * ARM)
    count = generator.poisson(mean * generator.gamma(2.0, 0.5, (R, N)))
    found = negative_binomial_block(count, exposure, ARM, variance=variance)
    holds(found, effect)
    assert np.median(found.dispersion) == pytest.approx(0.5, rel=0.05)


def test_robust_error_holds_where_the_dispersion_differs_by_arm_and_the_model_does_not():
    generator = draws("unequal dispersion")
    frailty = np.where(ARM == 1, 1.0, generator.gamma(0.5, 2.0, (R, N)))
    count = generator.poisson(2.0 * frailty)
    robust, model = (
        negative_binomial_block(count, np.ones((R, N)), ARM, variance=v) for v in ("robust", "model")
    )
    assert robust.rejects(0.05).mean() < 0.05 + 4 * MCSE + 0.01
    assert model.rejects(0.05).mean() > 0.08


def test_the_sandwich_of_small_samples_keeps_its_level_beside_a_skewed_covariate():
    """The plain one claims about .06 at a one-sided .05: few participants have most of the leverage."""
    generator = draws("skewed covariate")
    replicates, people = 10_000, 100
    arm = np.resize([0, 1], (replicates, people)).astype(np.int8)
    x = generator.lognormal(size=(replicates, people))
    count = generator.poisson(1.5 * x**0.6 * generator.gamma(1.5, 1 / 1.5, x.shape))
    year, columns = np.ones(x.shape), x[:, :, None]
    corrected, plain = (
        negative_binomial_block(count, year, arm, columns, variance=v).rejects(0.1).mean() / 2
        for v in ("corrected", "robust")
    )
    error = np.sqrt(0.1 * 0.9 / replicates) / 2
    assert corrected < 0.05 + 3 * error
    assert plain > 0.05 + 3 * error


def test_rate_ratio_of_recurrent_events():
    generator = draws("events")
    R, N = 1500, 200
    arm = np.resize([0, 1], (R, N))
    rate = 0.25 * np.exp(-0.3 * arm) * generator.gamma(2.0, 0.5, (R, N))
    times = np.cumsum(generator.exponential(1.0, (R, N, 25)), axis=2) / rate[:, :, None]
    follow_up = generator.uniform(4.0, 12.0, (R, N))
    times[times > follow_up[:, :, None]] = np.nan
    found = negative_binomial_events_block(times, follow_up, arm)
    assert (found.status == 0).all()
    error = found.estimate + 0.3
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(R)
    assert found.standard_error.mean() == pytest.approx(error.std(), rel=0.07)


@pytest.mark.parametrize("effect", [0.0, 0.5])
def test_odds_ratio(effect):
    generator = draws("grades")
    grade = np.searchsorted([-1.5, -0.2, 0.8, 2.0], effect * ARM + generator.logistic(size=(R, N)))
    for variance in ("model", "robust"):
        holds(proportional_odds_block(grade, ARM, variance=variance), effect)


def test_index_of_unequal_spreads_holds_its_level_and_wilcoxon_does_not():
    generator = draws("unequal spread")
    y = generator.normal(size=(R, N)) * np.where(ARM == 1, 1.0, 3.0)
    holds(probabilistic_index_block(y, ARM), 0.5)
    assert probabilistic_index_block(y, ARM, variance="null").rejects(0.05).mean() > 0.06


def test_stratified_index_holds_its_level_in_many_small_strata():
    generator = draws("strata")
    strata = np.resize(np.repeat(np.arange(50), 6), (R, N))
    y = np.round(generator.normal(size=(R, N)) + 0.1 * strata)
    for variance in ("robust", "null"):
        found = probabilistic_index_block(y, ARM, strata, variance=variance)
        assert (found.status == 0).all()
        assert abs(found.rejects(0.05).mean() - 0.05) < 4 * MCSE

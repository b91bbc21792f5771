"""The prognosis on histories whose truth is known; tolerances are multiples of Monte Carlo errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from trialsim.prognosis import FitSettings, calibrate, cross_validate, fit_prognosis, gain_beyond_baseline

SHORT = FitSettings(tune=400, draws=300, max_rhat=1.03, min_ess=100.0, max_divergences=10)
FOLDS = FitSettings(tune=300, draws=250, max_rhat=1.05, min_ess=50.0, max_divergences=10)
K = 4.0


@pytest.fixture(scope="module")
def large(simulate_history):
    return simulate_history(participants=1500, dropout=0.08, seed=11)


@pytest.fixture(scope="module")
def validated(large, sampler):
    return cross_validate(large, FOLDS, seed=5, folds=5, sampler=sampler)


def test_parameters_are_recovered(large, sampler):
    fitted = fit_prognosis(large, seed=5, settings=SHORT, sampler=sampler)
    unit, sd = fitted.standardisation.unit, fitted.standardisation.sd
    names = fitted.coefficient_names()
    truth = {"level[x0]": 0.6, "level[x1]": 0.0, "level[x2]": -0.4, "level[baseline]": 0.0}
    truth |= {"slope[x0]": 0.5, "slope[x1]": 0.0, "slope[x2]": 0.0, "slope[baseline_squared]": 0.0}
    columns = fitted.standardisation.labels
    for name, value in truth.items():
        column = columns.index(name.partition("[")[2].rstrip("]"))
        draws = fitted.coefficients[:, names.index(name)] * unit / sd[column]
        assert abs(draws.mean() - value) < K * draws.std(), name
        assert draws.std() < 0.05
    for position, value in {2: 0.8 / unit, 3: 0.5 / unit, 4: 0.0, 5: 0.6 / unit}.items():
        draws = fitted.scales[:, position]
        assert abs(draws.mean() - value) < K * draws.std()


def test_twins_of_a_right_model_are_calibrated(validated):
    for visit in range(len(validated.weeks)):
        pit = validated.pit[:, visit]
        assert kstest(pit[np.isfinite(pit)], "uniform").pvalue > 1e-4
    found = calibrate(validated)
    error = np.sqrt(found.levels[:, None] * (1 - found.levels[:, None]) / found.observed)
    assert (np.abs(found.coverage - found.levels[:, None]) < K * error).all()
    assert (np.abs(found.slope - 1) < K * found.slope_se).all()
    assert (np.abs(found.bias) < K * found.bias_se).all()
    assert (found.pit_p > 1e-4).all()


def test_a_planted_signal_is_found(validated):
    """Var(x'(level + slope)) / (that + participants' and noise) = 1.37 / (1.37 + .64 + .25 + .36) = .523."""
    found = gain_beyond_baseline(
        validated.outcomes[:, -1],
        validated.baseline,
        validated.score[:, -1],
        generator=np.random.default_rng(1),
    )
    truth = (1.1**2 + 0.4**2) / (1.1**2 + 0.4**2 + 0.8**2 + 0.5**2 + 0.6**2)
    error = 2 * np.sqrt(truth) * (1 - truth) / np.sqrt(found.participants)
    assert abs(found.gain - truth) < K * error
    assert found.gain_90[0] > 0.02
    assert found.partial_correlation_95[0] > 0.5


@pytest.mark.parametrize("histories", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_useless_covariates_gain_nothing(simulate_history, sampler, histories):
    """The lower 90 % bound of nothing lies above 2 % in less than one history of twenty."""
    supported = 0
    for seed in range(histories):
        history = simulate_history(participants=150, level=(0.0,) * 6, slope=(0.0,) * 6, seed=100 + seed)
        cv = cross_validate(history, FOLDS, seed=seed, folds=4, sampler=sampler)
        found = gain_beyond_baseline(
            cv.outcomes[:, -1], cv.baseline, cv.score[:, -1], generator=np.random.default_rng(seed)
        )
        supported += found.gain_90[0] > 0.02
    assert supported <= 0.05 * histories + K * np.sqrt(0.05 * histories) * (histories > 20)


@pytest.mark.parametrize("truth", [0.0, 0.15])
def test_bounds_of_the_gain_cover(truth):
    """The lower 95 % bound of a known partial correlation lies above it in 2.5 % of histories."""
    rng = np.random.default_rng(8)
    rho, above, repeats = np.sqrt(truth), 0, 200
    for _ in range(repeats):
        baseline, score, noise = rng.standard_normal((3, 150))
        outcome = baseline + rho * score + np.sqrt(1 - truth) * noise
        found = gain_beyond_baseline(outcome, baseline, score, generator=rng, replicates=400)
        above += found.partial_correlation_95[0] > rho
    assert above <= repeats * 0.025 + K * np.sqrt(repeats * 0.025)

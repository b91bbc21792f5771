"""An updated twin against the refit that it stands for, and against outcomes that came later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.stats import kstest, norm

from trialsim.prognosis import FitSettings, fit_prognosis, update_twins, value_of_updating
from trialsim.prognosis.living import add_interim
from trialsim.prognosis.living.updating import _Conditional, _Joint

SETTINGS = FitSettings(tune=500, draws=1500, max_rhat=1.03, min_ess=300.0, max_divergences=10)
FOLDS = FitSettings(tune=300, draws=250, max_rhat=1.05, min_ess=50.0, max_divergences=10)
WEEKS = np.array([12.0, 24.0, 36.0, 52.0])


def test_the_update_is_the_refit_with_the_participant(simulate_history, sampler):
    """Both are draws from one posterior; they differ by Monte Carlo error and by the standardisation."""
    history = simulate_history(participants=100, dropout=0.0, seed=21)
    newcomer = simulate_history(participants=1, dropout=0.0, seed=22)
    outcomes = newcomer.outcomes.copy()
    outcomes[:, :2] += 3.0
    outcomes[:, 2:] = np.nan
    newcomer = replace(newcomer, outcomes=outcomes)
    seen, weeks = outcomes[:, :2], WEEKS[2:]
    fit = fit_prognosis(history, seed=3, settings=SETTINGS, sampler=sampler)
    refit = fit_prognosis(add_interim(history, newcomer), seed=3, settings=SETTINGS, sampler=sampler)
    updated = update_twins(fit, newcomer.covariates, newcomer.baseline, WEEKS[:2], seen, weeks)
    # The refit's draws know the newcomer, so they must not be weighed by the same visits again.
    joint = _Joint.of(refit, newcomer.covariates, newcomer.baseline, WEEKS)
    conditional = _Conditional.of(joint, np.array([True, True]), 2, np.empty(0))
    mean, _ = conditional.means(joint, np.array([0]), seen)
    variance = np.einsum("dww->w", conditional.covariance) / len(refit.scales) + mean.var(axis=2)
    spread = mean.std(axis=2)
    error = spread / np.sqrt(updated.effective_draws.min()) + spread / np.sqrt(300)
    assert (np.abs(updated.twins.score - mean.mean(axis=2)) < 4.5 * error).all()
    np.testing.assert_allclose(updated.twins.sd, np.sqrt(variance), rtol=0.04)


def test_updated_twins_are_calibrated_for_later_visits(simulate_history, sampler):
    history, trial = (simulate_history(participants=n, dropout=0.0, seed=n) for n in (600, 900))
    fitted = fit_prognosis(history, seed=1, settings=FOLDS, sampler=sampler)
    twins = update_twins(
        fitted, trial.covariates, trial.baseline, WEEKS[:2], trial.outcomes[:, :2], WEEKS[3:]
    ).twins
    pit = norm.cdf((trial.outcomes[:, 3] - twins.score[:, 0]) / twins.sd[:, 0])
    assert kstest(pit, "uniform").pvalue > 1e-4
    inside = (np.abs(pit - 0.5) <= 0.45).mean()
    assert abs(inside - 0.9) < 4 * np.sqrt(0.09 / len(trial))


def test_each_visit_adds(simulate_history, sampler):
    value = value_of_updating(
        simulate_history(participants=300, seed=5), FOLDS, seed=1, folds=3, sampler=sampler
    )
    assert (np.diff(value.twin_r2) > 0).all()
    assert (np.diff(value.twin_sd) < 0).all()

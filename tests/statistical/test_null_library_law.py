"""The null library has the law of patient-level trials analysed by the closed form (Kolmogorov-Smirnov)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.design.repeated_measures import null_library
from trialsim.streams import stream

VISITS, LEVEL = 4, 1e-3


def patient_level(arms, retention, sigma, effect, covariates, replicates, generator):
    participants = sum(arms)
    arm = (np.arange(participants) >= arms[0]).astype(float)
    errors = generator.standard_normal((replicates, participants, VISITS)) @ np.linalg.cholesky(sigma).T
    design = np.ones((replicates, participants, 2 + covariates))
    design[..., 1] = arm
    design[..., 2:] = generator.standard_normal((replicates, participants, covariates))
    outcomes = errors + effect * arm[:, None] + design[..., 2:].sum(axis=2)[..., None]
    share = np.asarray(retention)[arm.astype(int)]
    outcomes[generator.random((replicates, participants))[..., None] > share] = np.nan
    return monotone_block(outcomes, design)


def compare(replicates, arms, covariates, seed):
    retention = np.array([[1.0, 0.95, 0.85, 0.75], [1.0, 0.9, 0.8, 0.7]])
    scale = 1.0 + 0.2 * np.arange(VISITS)
    sigma = np.array([[0.75 ** abs(i - j) for j in range(VISITS)] for i in range(VISITS)]) * np.outer(
        scale, scale
    )
    generator = stream(20261121, f"null library {seed}", 0, "analysis")
    library = null_library(arms, retention, generator, draws=replicates, covariates=covariates)
    drawn = library.estimates(0.7, sigma, generator)
    trials = patient_level(arms, retention, sigma, 0.7, covariates, replicates, generator)
    for name in ("estimate", "standard_error", "df", "statistic"):
        ours, theirs = getattr(drawn, name), getattr(trials, name)
        ours, theirs = ours[drawn.status == 0], theirs[trials.status == 0]
        assert stats.ks_2samp(ours, theirs).pvalue > LEVEL, name
    rejected = trials.rejects(0.05).mean()
    curve = library.power([0.7], sigma)
    error = np.hypot(np.sqrt(rejected * (1 - rejected) / replicates), curve.monte_carlo_error[0])
    assert abs(curve.power[0] - rejected) < 4 * error


@pytest.mark.parametrize(("arms", "covariates"), [((16, 22), 0), ((16, 22), 1), ((30, 24), 2)])
def test_law_equals_patient_level_trials(arms, covariates):
    compare(6_000, arms, covariates, f"{arms} {covariates}")


@pytest.mark.slow
@pytest.mark.parametrize(("arms", "covariates"), [((16, 22), 0), ((20, 20), 1)])
def test_law_equals_many_patient_level_trials(arms, covariates):
    compare(100_000, arms, covariates, f"slow {arms} {covariates}")

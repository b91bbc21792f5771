"""Draws follow the stated posterior, and the jackknife the variance over repeated trials."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trialsim.analysis.imputation import imputation_block
from trialsim.analysis.imputation.draws import (
    Draw,
    Posterior,
    draw_gaps,
    draw_parameters,
    draw_tails,
    posterior_of,
)
from trialsim.analysis.imputation.kernel import Plan
from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.streams import stream

VISITS, LEVEL = 3, 1e-3


def trial(seed, participants=40):
    generator = np.random.default_rng(seed)
    outcomes = generator.standard_normal((participants, VISITS)).cumsum(axis=1)
    outcomes[np.arange(VISITS) >= generator.geometric(0.15, participants)[:, None]] = np.nan
    design = np.column_stack(
        [np.ones(participants), np.arange(participants) % 2, generator.normal(size=participants)]
    )
    return outcomes, design


def test_parameters_follow_the_conjugate_posterior():
    """t_j = RSS_j/chi2(n_j - q + j - V) and [g_j, f_j] normal around least squares given t_j."""
    outcomes, design = trial(1)
    posterior = Posterior(np.zeros(VISITS, np.int64), np.zeros((VISITS, 6, 6)), np.zeros((VISITS, 6)))
    assert posterior_of(outcomes, design, posterior) == 0
    draw = Draw(np.zeros((VISITS, 6)), np.zeros(VISITS), np.zeros((3, VISITS)))
    generator = stream(20261121, "posterior", 0, "imputation")
    found = []
    for _ in range(4_000):
        draw_parameters(posterior, 3, generator, draw)
        found.append(np.concatenate([draw.innovations, draw.coefficients[2, :5]]))
    found = np.array(found)
    for j in range(VISITS):
        here = ~np.isnan(outcomes[:, j])
        columns = np.column_stack([design[here], outcomes[here, :j]])
        solution, residual, *_ = np.linalg.lstsq(columns, outcomes[here, j])
        freedom = here.sum() - 3 + (j + 1) - VISITS
        assert stats.kstest(residual[0] / found[:, j], stats.chi2(freedom).cdf).pvalue > LEVEL
        if j == 2:
            spread = np.sqrt(np.diag(np.linalg.inv(columns.T @ columns)))
            scores = (found[:, VISITS:] - solution) / np.sqrt(found[:, [2]]) / spread
            for column in scores.T:
                assert stats.kstest(column, "norm").pvalue > LEVEL


@pytest.fixture
def known():
    """One draw whose covariance and means are known."""
    lower = np.array([[1.0, 0.0, 0.0], [0.6, 1.0, 0.0], [0.3, 0.5, 1.0]])
    regression = np.eye(3) - np.linalg.inv(lower)
    t = np.array([1.0, 0.7, 0.5])
    means = np.array([[0.2, 0.4, 0.1], [1.0, 0.5, 2.0]])
    conditional = means @ np.linalg.inv(lower).T
    draw = Draw(np.hstack([conditional.T, regression]), t, means)
    return draw, lower @ np.diag(t) @ lower.T


def test_gaps_are_drawn_given_everything_else(known):
    draw, sigma = known
    participants = 20_000
    design = np.column_stack([np.ones(participants), np.ones(participants)])
    filled = np.tile([0.5, 9.0, -0.4], (participants, 1))
    gaps = np.tile([False, True, False], (participants, 1))
    last = np.full(participants, 3)
    draw_gaps(draw, design, last, gaps, stream(1, "gaps", 0, "imputation"), filled)
    mean, seen = draw.means.sum(axis=0), [0, 2]
    weights = np.linalg.solve(sigma[np.ix_(seen, seen)], sigma[seen, 1])
    centre = mean[1] + weights @ (np.array([0.5, -0.4]) - mean[seen])
    spread = np.sqrt(sigma[1, 1] - weights @ sigma[seen, 1])
    assert stats.kstest((filled[:, 1] - centre) / spread, "norm").pvalue > LEVEL
    assert (filled[:, [0, 2]] == [0.5, -0.4]).all()


@pytest.mark.parametrize(
    ("strategy", "mean"),
    [
        (0, [1.2, 0.9, 2.1]),
        (1, [1.2, 0.4, 0.1]),
        (2, [0.2, 0.4, 0.1]),
        (3, [1.2, 1.2 + 0.4 - 0.2, 1.2 + 0.1 - 0.2]),
        (4, [1.2, 1.2, 1.2]),
    ],
)
def test_tails_are_drawn_around_the_mean_of_the_strategy(known, strategy, mean):
    """Own means 1.2, .9, 2.1 and reference means .2, .4, .1; dropout after the first visit."""
    draw, sigma = known
    participants = 20_000
    design = np.column_stack([np.ones(participants), np.ones(participants)])
    filled = np.tile([0.5, np.nan, np.nan], (participants, 1))
    plan = Plan(1, np.arange(2), 0, np.array([strategy, strategy]), 2)
    last = np.ones(participants, np.int64)
    draw_tails(draw, design, last, plan, stream(2, "tails", strategy, "imputation"), filled)
    mean = np.array(mean)
    centre = mean[1:] + sigma[1:, 0] / sigma[0, 0] * (0.5 - mean[0])
    rest = sigma[1:, 1:] - np.outer(sigma[1:, 0], sigma[1:, 0]) / sigma[0, 0]
    scores = (filled[:, 1:] - centre) @ np.linalg.inv(np.linalg.cholesky(rest)).T
    for column in scores.T:
        assert stats.kstest(column, "norm").pvalue > LEVEL
    assert abs(np.corrcoef(scores.T)[0, 1]) < 4 / np.sqrt(participants)


def simulated(replicates, effect, scenario):
    generator = stream(20261121, scenario, 0, "outcome")
    participants = 120
    arm = np.arange(participants) % 2
    design = generator.standard_normal((replicates, participants, 3))
    design[..., 0], design[..., 1] = 1.0, arm
    outcomes = generator.standard_normal((replicates, participants, VISITS)).cumsum(axis=2) + design[..., 2:]
    outcomes += effect * arm[:, None] * np.arange(1, VISITS + 1) / VISITS
    last = generator.geometric(0.12, (replicates, participants))
    outcomes[np.arange(VISITS) >= last[..., None]] = np.nan
    return outcomes, design


def test_jackknife_targets_the_variance_over_repeated_trials():
    outcomes, design = simulated(1_500, 0.8, "jackknife")
    for strategy in ("MAR", "J2R", "CIR"):
        found = imputation_block(outcomes, design, strategy=strategy)
        assert (found.status == 0).all()
        spread = found.estimate.std(ddof=1)
        assert found.standard_error.mean() == pytest.approx(spread, rel=4 / np.sqrt(2 * 1_500))


def test_information_anchoring_keeps_the_loss_of_information_of_MAR():
    outcomes, design = simulated(300, 0.8, "anchored")
    mar = imputation_block(outcomes, design, strategy="MAR").standard_error
    jump = imputation_block(outcomes, design, strategy="J2R").standard_error
    anchored = imputation_block(
        outcomes, design, strategy="J2R", variance="information_anchored"
    ).standard_error
    assert jump.mean() < 0.9 * mar.mean()
    assert anchored.mean() == pytest.approx(mar.mean(), rel=0.03)


def test_type_one_error_of_MAR_is_nominal_and_its_estimate_is_the_mmrm():
    outcomes, design = simulated(2_000, 0.0, "null")
    found = imputation_block(outcomes, design, strategy="MAR")
    level = found.rejects(0.05).mean()
    assert abs(level - 0.05) < 0.006 + 3 * np.sqrt(0.05 * 0.95 / 2_000)
    np.testing.assert_allclose(
        found.estimate, monotone_block(outcomes, design).estimate, rtol=1e-8, atol=1e-10
    )

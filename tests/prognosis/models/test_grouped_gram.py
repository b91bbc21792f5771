"""The density with study effects and a spread that differs, against a dense multivariate normal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from trialsim.prognosis.histories.learnable import learnable_rows
from trialsim.prognosis.models import gram
from trialsim.prognosis.models.design_matrix import standardise
from trialsim.prognosis.models.grouped_gram import (
    draw_coefficients,
    grouped_rows,
    prior_sd,
    study_names,
    study_rows,
    weighted_gram,
)
from trialsim.prognosis.models.terms import ModelTerms

PLAIN = [0.3, 0.2, 0.9, 0.6, -0.4, 0.7]
OMEGA = [0.35, 0.25]
LOGS = {"x0": (0.4, -0.3), "baseline": (-0.2, 0.25)}
CASES = (
    ModelTerms(studies=True),
    ModelTerms(variance=("x0",)),
    ModelTerms(studies=True, variance=("x0", "baseline"), splines=("x1",)),
)


def point(terms):
    logs = [[LOGS[name][k] for name in terms.variance] for k in (0, 1)]
    return np.array([[*PLAIN, *(OMEGA if terms.studies else []), *logs[0], *logs[1]]])


@pytest.fixture
def small(simulate_history):
    """Return a small history with monotone and intermittent gaps, and some participants alike."""
    history = simulate_history(participants=30, dropout=0.15, seed=3, groups=4)
    outcomes = history.outcomes.copy()
    outcomes[::7, 1] = np.nan
    history = replace(history, outcomes=outcomes)
    return history.take(learnable_rows(history))


def dense(history, terms, visits=4):
    """Return outcomes, regression, noise covariance and prior variance, one row an observation."""
    s = standardise(history, terms)
    x, clock = s.matrix(history.covariates, history.baseline), s.clock(history.weeks)
    rate, studies = history.weeks / history.weeks[-1], np.unique(history.group)
    _, _, sd0, sd1, rho, sigma = PLAIN
    sd0, sd1 = sd0 * (visits > 1), sd1 * (visits > 2)
    y, z, blocks = [], [], []
    for i in range(len(history)):
        seen = np.flatnonzero(np.isfinite(history.outcomes[i]))
        wide = sum(LOGS[name][0] * x[i, s.labels.index(name)] for name in terms.variance)
        noisy = sum(LOGS[name][1] * x[i, s.labels.index(name)] for name in terms.variance)
        t = clock[seen]
        effects = sd0**2 + rho * sd0 * sd1 * (t[:, None] + t) + sd1**2 * np.outer(t, t)
        blocks.append(np.exp(2 * wide) * effects + np.exp(2 * noisy) * sigma**2 * np.eye(len(t)))
        for v in seen:
            y.append((history.outcomes[i, v] - history.baseline[i]) / s.unit)
            member = 1.0 * (studies == history.group[i]) * terms.studies
            of_study = [member, member * rate[v] * (visits > 1)] if terms.studies else []
            z.append(np.concatenate([np.eye(visits)[v], x[i], x[i] * clock[v], *of_study]))
    prior = [25.0] * visits + [PLAIN[0] ** 2] * x.shape[1] + [PLAIN[1] ** 2] * x.shape[1]
    if terms.studies:
        prior += [OMEGA[0] ** 2] * len(studies) + [OMEGA[1] ** 2] * len(studies)
    covariance = np.zeros((len(y), len(y)))
    start = 0
    for block in blocks:
        stop = start + len(block)
        covariance[start:stop, start:stop] = block
        start = stop
    return np.array(y), np.array(z), covariance, np.array(prior)


@pytest.mark.parametrize("terms", CASES)
def test_weighted_gram_equals_dense_generalised_least_squares(small, terms):
    y, z, covariance, _ = dense(small, terms)
    found, log_determinant = weighted_gram(
        grouped_rows(small, standardise(small, terms), terms), point(terms)
    )
    w = np.column_stack([y, z])
    np.testing.assert_allclose(found[0], w.T @ np.linalg.solve(covariance, w), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(log_determinant[0], np.linalg.slogdet(covariance)[1], rtol=1e-12)


@pytest.mark.parametrize("terms", CASES)
@pytest.mark.parametrize("visits", [1, 2, 4])
def test_pymc_density_equals_dense_multivariate_normal(simulate_history, terms, visits):
    import pytensor

    from trialsim.prognosis.fit.grouped_model import as_data, log_marginal_likelihood

    weeks = (12.0, 24.0, 36.0, 52.0)[:visits]
    history = simulate_history(participants=30, weeks=weeks, dropout=0.15, seed=3)
    history = history.take(learnable_rows(history))
    rows = grouped_rows(history, standardise(history, terms), terms)
    y, z, covariance, prior = dense(history, terms, visits)
    expected = multivariate_normal(np.zeros(len(y)), covariance + (z * prior) @ z.T).logpdf(y)

    constant = pytensor.tensor.constant
    scales = dict(zip(rows.scale_names, point(terms)[0], strict=True))
    logs = np.array([[LOGS[name][k] for name in terms.variance] for k in (0, 1)]).reshape(2, -1)
    data = {name: constant(value) for name, value in as_data(rows).items()}
    scale = {name: constant(value) for name, value in scales.items() if not name.startswith("log")}
    density = log_marginal_likelihood(data, scale, scale["correlation"], constant(logs))
    plain = pytensor.compile.mode.Mode(linker="py", optimizer=None)
    assert float(density.eval(mode=plain)) == pytest.approx(expected, rel=1e-9)


def test_without_terms_it_is_the_plain_model(small):
    plain, log_determinant = gram.weighted_gram(gram.gram_sums(small, standardise(small)), np.array([PLAIN]))
    rows = grouped_rows(small, standardise(small), ModelTerms())
    found, its = weighted_gram(rows, np.array([PLAIN]))
    np.testing.assert_allclose(found, plain, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(its, log_determinant, rtol=1e-12)


@pytest.mark.parametrize("terms", CASES)
def test_coefficients_have_their_exact_distribution(small, terms):
    rows = grouped_rows(small, standardise(small, terms), terms)
    y, z, covariance, prior = dense(small, terms)
    weight = np.linalg.solve(covariance, np.column_stack([y, z]))
    exact = np.linalg.inv(z.T @ weight[:, 1:] + np.diag(1 / prior))
    mean = exact @ z.T @ weight[:, 0]
    draws = draw_coefficients(rows, np.repeat(point(terms), 8000, axis=0), np.random.default_rng(1))
    sd = np.sqrt(np.diag(exact))
    assert (np.abs(draws.mean(axis=0) - mean) < 4.5 * sd / np.sqrt(8000)).all()
    np.testing.assert_allclose(draws.std(axis=0), sd, rtol=0.05)


def test_priors_follow_the_kind_of_a_coefficient(small):
    terms = CASES[0]
    rows = grouped_rows(small, standardise(small, terms), terms)
    _, _, _, prior = dense(small, terms)
    np.testing.assert_allclose(prior_sd(rows, point(terms))[0] ** 2, prior)
    assert len(study_names(small, terms)) == 8


def test_large_groups_are_kept_as_few_rows(simulate_history):
    terms = ModelTerms(studies=True)
    shapes = []
    for participants in (300, 3000):
        history = simulate_history(participants=participants, dropout=0.0)
        shapes.append(grouped_rows(history, standardise(history), terms).rows.shape)
    assert shapes[0] == shapes[1]


def test_one_visit_has_an_offset_and_no_rate():
    rows = study_rows(np.array([3, 5, 3]), np.array([1.0]))
    np.testing.assert_array_equal(rows[:, 0], [[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]])

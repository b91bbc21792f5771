"""Penalised working models where one participant fixes a coefficient alone, against BFGS."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from trialsim.analysis import g_computation
from trialsim.analysis.marginal import working_model as working
from trialsim.streams import stream


def penalised_likelihood(beta, X, y):
    """Return minus log-likelihood minus half the log determinant of the information."""
    eta = X @ beta
    mu = 1 / (1 + np.exp(-eta))
    information = X.T @ ((mu * (1 - mu))[:, None] * X)
    return -(y @ eta - np.logaddexp(0, eta).sum() + 0.5 * np.linalg.slogdet(information)[1])


def lone(seed, n=60):
    """Return a trial in which one participant is the only one of a site, with the event."""
    chance = stream(seed, "lone", 0, "outcome")
    site = np.where(np.arange(n) == 0, "s9", np.where(chance.random(n) < 0.3, "s1", "s2"))
    arm, x = np.where(np.arange(n) % 2, "drug", "pbo"), chance.normal(size=n)
    y = (chance.random(n) < 0.55).astype(float)
    y[0] = 1.0
    return pd.DataFrame({"y": y, "arm": arm, "x": x, "site": site})


def design(data):
    columns = [
        np.ones(len(data)),
        data["arm"] == "drug",
        data["x"],
        data["site"] == "s2",
        data["site"] == "s9",
    ]
    return np.column_stack(columns).astype(float)


@pytest.mark.parametrize("seed", range(6))
def test_one_participant_of_leverage_one_has_the_coefficient_that_bfgs_finds(seed):
    data = lone(seed)
    X, y = design(data), data["y"].to_numpy()
    beta, mu = np.zeros(X.shape[1]), np.empty(len(y))
    status, column = working.fit_given_theta(working.BINOMIAL, 0.0, X, y, True, beta, mu)
    assert (status, column) == (working.CONVERGED, -1)
    peer = minimize(penalised_likelihood, np.zeros(X.shape[1]), args=(X, y), method="BFGS", tol=1e-10)
    np.testing.assert_allclose(beta, peer.x, atol=2e-5)


def test_the_print_names_who_separates():
    found = g_computation(
        lone(1), outcome="y", arm="arm", family="binomial", covariates=["x", "site"], control="pbo"
    )
    assert found.separated_by == "site[s9]"
    assert "separated by site[s9]" in str(found)


@pytest.mark.parametrize("separation", ["penalise", "limit"])
def test_the_limit_is_that_of_maximum_likelihood_and_the_penalty_is_not(separation):
    data = lone(2)
    found = g_computation(
        data, outcome="y", arm="arm", family="binomial", covariates=["x", "site"], control="pbo",
        separation=separation,
    )  # fmt: skip
    X, y = design(data), data["y"].to_numpy()
    beta = np.zeros(X.shape[1])
    for _ in range(25):  # what R's glm does
        mu = 1 / (1 + np.exp(-X @ beta))
        beta = beta + np.linalg.solve(X.T @ ((mu * (1 - mu))[:, None] * X), X.T @ (y - mu))
    means = [
        np.mean(1 / (1 + np.exp(-np.column_stack([X[:, 0], np.full(60, a), X[:, 2:]]) @ beta)))
        for a in (0, 1)
    ]
    limit = means[1] - means[0]
    assert (found.effects[0] == pytest.approx(limit, abs=1e-7)) == (separation == "limit")

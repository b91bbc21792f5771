"""Correlations of .999995 can be fitted: the restarts and the end of the search follow a fixed rule."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.streams import stream

N = 20
ARM = np.arange(N) % 2 * 1.0


def nearly_singular(
    structure: str, missing: str, seeds: int, visits: int = 3, rho: float = 0.999995
) -> NDArray[np.float64]:
    lag = np.abs(np.subtract.outer(np.arange(visits), np.arange(visits)))
    correlation = rho**lag if structure == "ar1" else np.where(lag, rho, 1.0)
    generator = stream(7, f"nearly singular {structure} {missing}", 0, "outcome")
    y = 5.0 * generator.normal(size=(seeds, N, visits)) @ np.linalg.cholesky(correlation).T + 10.0
    if missing == "gaps":
        y[generator.random(y.shape) < 0.15] = np.nan
    elif missing == "dropout":
        last = generator.choice([visits - 1, visits, visits], (seeds, N))
        y[np.arange(visits) >= last[..., None]] = np.nan
    return y


def dense_deviance(theta: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Return −2 restricted log-likelihood and the last effect, from the Cholesky factor of Σ by participant.

    Outcomes are whitened before they are squared, so that few digits are lost.
    """
    visits = y.shape[1]
    lower = np.zeros((visits, visits))
    lower[np.tril_indices(visits)] = theta
    np.fill_diagonal(lower, np.exp(np.diag(lower)))
    rows, targets, total = [], [], 0.0
    for arm, own in zip(ARM, y, strict=True):
        seen = ~np.isnan(own)
        factor = np.linalg.cholesky((lower @ lower.T)[np.ix_(seen, seen)])
        rows.append(np.linalg.solve(factor, np.hstack([np.eye(visits), arm * np.eye(visits)])[seen]))
        targets.append(np.linalg.solve(factor, own[seen]))
        total += 2 * np.log(np.diag(factor)).sum()
    x, target = np.vstack(rows), np.concatenate(targets)
    q, r = np.linalg.qr(x)
    residual = target - q @ (q.T @ target)
    effect = np.linalg.solve(r, q.T @ target)[-1]
    return total + residual @ residual + 2 * np.log(np.abs(np.diag(r))).sum(), effect


@pytest.mark.parametrize("structure", ["cs", "ar1"])
@pytest.mark.parametrize("missing", ["none", "dropout", "gaps"])
def test_correlations_of_999995_are_fitted_wherever_they_can_be(structure: str, missing: str) -> None:
    """36 nearly singular trials in all: none may fail."""
    y = nearly_singular(structure, missing, 6)
    found = fit_mmrm_block(y, ARM, closed_form=False)
    assert [found.reasons[s] for s in found.status] == ["ok"] * 6
    start = np.linalg.cholesky(np.cov(np.where(np.isnan(y[0]), np.nanmean(y[0], axis=0), y[0]).T))
    np.fill_diagonal(start, np.log(np.diag(start)))
    theta = start[np.tril_indices(3)]
    for _ in range(3):
        best = minimize(lambda at: dense_deviance(at, y[0])[0], theta, method="BFGS", options={"gtol": 1e-7})
        theta = best.x
    assert abs(found.estimate[0] - dense_deviance(theta, y[0])[1]) < 2e-3 * found.standard_error[0]


@pytest.mark.parametrize("covariance", ["us", "ar1", "cs", "csh", "toeph", "adh"])
def test_structures_of_nearly_singular_covariances_converge(covariance: str) -> None:
    for structure in ("cs", "ar1"):
        for missing in ("none", "dropout", "gaps"):
            y = nearly_singular(structure, missing, 3, visits=4)
            found = fit_mmrm_block(np.concatenate([y]), ARM, covariance=covariance, closed_form=False)
            assert "not_converged" not in {found.reasons[s] for s in found.status}


def test_a_visit_that_repeats_another_is_still_refused() -> None:
    y = nearly_singular("ar1", "gaps", 2)
    y[:, :, 2] = y[:, :, 1]
    found = fit_mmrm_block(y, ARM, closed_form=False)
    assert {found.reasons[s] for s in found.status} == {"singular_covariance"}

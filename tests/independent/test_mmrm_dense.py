"""The MMRM against a dense likelihood, participant by participant, written from the definition.

Nothing of the package's kernels is used here: the covariance of each structure, the likelihood, its
derivatives (by differences), Satterthwaite and Kenward-Roger are written a second time, slowly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from trialsim.analysis import mmrm
from trialsim.analysis.repeated_measures.result import MmrmResult

VISITS = 4
ALL = ("us", "toep", "toeph", "ar1", "ar1h", "ad", "adh", "cs", "csh")


def covariance_by_name(name: str, natural: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Σ from natural parameters: elements for us; else variances, then correlations."""
    sigma = np.zeros((VISITS, VISITS))
    if name == "us":
        sigma[np.triu_indices(VISITS)] = natural
        return np.triu(sigma) + np.triu(sigma, 1).T
    several = name in ("toeph", "ar1h", "adh", "csh")
    variances = natural[:VISITS] if several else np.repeat(natural[0], VISITS)
    rho = natural[VISITS if several else 1 :]
    for a in range(VISITS):
        for b in range(VISITS):
            low, high = min(a, b), max(a, b)
            if a == b:
                r = 1.0
            elif name.startswith("toep"):
                r = rho[high - low - 1]
            elif name.startswith("ar1"):
                r = rho[0] ** (high - low)
            elif name.startswith("ad"):
                r = np.prod(rho[low:high])
            else:
                r = rho[0]
            sigma[a, b] = np.sqrt(variances[a] * variances[b]) * r
    return sigma


def natural_of(name: str, sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the natural parameters of a covariance that has the structure."""
    if name == "us":
        return sigma[np.triu_indices(VISITS)]
    scale = np.sqrt(np.diag(sigma))
    correlation = sigma / np.outer(scale, scale)
    variances = np.diag(sigma) if name.endswith("h") else np.diag(sigma)[:1]
    if name.startswith("toep"):
        rho = correlation[0, 1:]
    elif name.startswith("ad"):
        rho = np.diag(correlation, 1)
    else:
        rho = correlation[:1, 1]
    return np.concatenate([variances, rho])


class Dense:
    """A participant-by-participant mixed model."""

    def __init__(self, frame: pd.DataFrame, name: str, restricted: bool) -> None:
        self.name, self.restricted = name, restricted
        observed = frame[frame["y"].notna()]
        self.people = []
        for _, rows in observed.groupby("id"):
            visit = rows["visit"].to_numpy()
            at = np.eye(VISITS)[visit]
            arm = rows["arm"].to_numpy(float)[:, None]
            main = np.column_stack([rows["age"], rows["sex"] == "m"])
            x = np.hstack([at, at * arm, main, at * rows["base"].to_numpy()[:, None]])
            self.people.append((x.astype(float), rows["y"].to_numpy(), visit))

    def solve(self, natural: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
        """Return −2 log-likelihood, coefficients and their variance."""
        sigma = covariance_by_name(self.name, natural)
        information = right = fit = determinant = 0.0
        count = 0
        for x, y, visit in self.people:
            block = sigma[np.ix_(visit, visit)]
            weight = np.linalg.inv(block)
            information = information + x.T @ weight @ x
            right = right + x.T @ weight @ y
            fit += y @ weight @ y
            determinant += np.linalg.slogdet(block)[1]
            count += len(y)
        variance = np.linalg.inv(information)
        coefficients = variance @ right
        deviance = determinant + fit - right @ coefficients
        if self.restricted:
            deviance += np.linalg.slogdet(information)[1]
            count -= len(coefficients)
        return deviance + count * np.log(2 * np.pi), coefficients, variance

    def deviance(self, natural: NDArray[np.float64]) -> float:
        return self.solve(natural)[0]


def gradient(
    function: Callable[[NDArray[np.float64]], float], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the derivatives by differences of fourth order."""
    result = np.zeros(len(at))
    for k in range(len(at)):
        h = 4e-3 * max(abs(at[k]), 0.1)
        step = np.eye(len(at))[k] * h
        values = [function(at + m * step) for m in (-2, -1, 1, 2)]
        result[k] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
    return result


def hessian(function: Callable[[NDArray[np.float64]], float], at: NDArray[np.float64]) -> NDArray[np.float64]:
    slopes = []
    for k in range(len(at)):
        h = 4e-3 * max(abs(at[k]), 0.1)
        step = np.eye(len(at))[k] * h
        values = [gradient(function, at + m * step) for m in (-2, -1, 1, 2)]
        slopes.append((values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h))
    return (np.array(slopes) + np.array(slopes).T) / 2


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    """A small trial with gaps, dropout, a factor, a main effect and a covariate by visit."""
    rng = np.random.default_rng(20261121)
    people = 46
    frame = pd.DataFrame(
        {"id": np.repeat(np.arange(people), VISITS), "visit": np.tile(range(VISITS), people)}
    )
    frame["arm"] = frame["id"] % 2
    frame["age"] = rng.normal(70, 8, people)[frame["id"]]
    frame["base"] = rng.normal(20, 4, people)[frame["id"]]
    frame["sex"] = np.where(rng.random(people) < 0.4, "m", "f")[frame["id"]]
    noise = rng.normal(size=(people, 1)) + rng.normal(size=(people, VISITS)) * [1.0, 1.2, 1.4, 1.7]
    frame["y"] = 5 + 0.4 * frame["visit"] + 0.6 * frame["base"] + 0.02 * frame["age"] + noise.ravel()
    gone = rng.integers(1, 12, people)[frame["id"]] <= frame["visit"]
    gap = rng.random(len(frame)) < 0.06
    frame.loc[gone | gap, "y"] = np.nan
    return frame


def fit(frame: pd.DataFrame, **options: str) -> MmrmResult:
    return mmrm(
        frame,
        outcome="y",
        arm="arm",
        visit="visit",
        participant="id",
        covariates=["age", "sex", "base"],
        by_visit=["base"],
        **options,
    )


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("covariance", ALL)
def test_optimum_and_estimates_are_those_of_the_dense_likelihood(
    trial: pd.DataFrame, covariance: str, method: str
) -> None:
    found = fit(trial, covariance=covariance, method=method)
    dense = Dense(trial, covariance, method == "reml")
    natural = natural_of(covariance, found.covariance.to_numpy())
    np.testing.assert_allclose(covariance_by_name(covariance, natural), found.covariance, rtol=1e-10)
    deviance, coefficients, variance = dense.solve(natural)
    assert found.minus_two_log_likelihood == pytest.approx(deviance, abs=1e-8)
    slope = gradient(dense.deviance, natural) * np.maximum(np.abs(natural), 0.1)
    assert np.abs(slope).max() < 1e-6
    arms = slice(VISITS, 2 * VISITS)
    np.testing.assert_allclose(found.contrasts["estimate"], coefficients[arms], rtol=1e-8)
    error = np.sqrt(np.diag(variance)[arms])
    np.testing.assert_allclose(found.contrasts["standard_error"], error, rtol=1e-8)


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("covariance", ["us", "toeph", "ar1", "cs"])
def test_satterthwaite_is_that_of_numeric_derivatives(
    trial: pd.DataFrame, covariance: str, method: str
) -> None:
    found = fit(trial, covariance=covariance, method=method)
    dense = Dense(trial, covariance, method == "reml")
    natural = natural_of(covariance, found.covariance.to_numpy())
    of_covariance = 2.0 * np.linalg.inv(hessian(dense.deviance, natural))
    last = 2 * VISITS - 1
    variance = dense.solve(natural)[2][last, last]
    slope = gradient(lambda at: dense.solve(at)[2][last, last], natural)
    expected = 2 * variance**2 / (slope @ of_covariance @ slope)
    assert found.contrasts["df"].iloc[-1] == pytest.approx(expected, rel=2e-5)


@pytest.mark.parametrize("covariance", ["us", "toeph", "ar1h", "csh"])
def test_kenward_roger_is_that_of_dense_matrices(trial: pd.DataFrame, covariance: str) -> None:
    """Linear form: first derivatives of Σ only, in whichever parameters."""
    found = fit(trial, covariance=covariance, df="kenward-roger-linear")
    dense = Dense(trial, covariance, True)
    natural = natural_of(covariance, found.covariance.to_numpy())
    of_covariance = 2.0 * np.linalg.inv(hessian(dense.deviance, natural))
    sigma = covariance_by_name(covariance, natural)
    slopes = []
    for k in range(len(natural)):
        h = 1e-5 * max(abs(natural[k]), 0.1)
        step = np.eye(len(natural))[k] * h
        after, before = (covariance_by_name(covariance, natural + s * step) for s in (1, -1))
        slopes.append((after - before) / (2 * h))
    columns = dense.people[0][0].shape[1]
    p = np.zeros((len(natural), columns, columns))
    q = np.zeros((len(natural), len(natural), columns, columns))
    for x, _, visit in dense.people:
        block = np.ix_(visit, visit)
        weight = np.linalg.inv(sigma[block])
        for h, left in enumerate(slopes):
            moved = x.T @ weight @ left[block] @ weight
            p[h] += moved @ x
            for k, right in enumerate(slopes):
                q[h, k] += moved @ right[block] @ weight @ x
    phi = dense.solve(natural)[2]
    inner = np.einsum("hk,hkij->ij", of_covariance, q)
    inner -= np.einsum("hk,hia,ab,kbj->ij", of_covariance, p, phi, p)
    adjusted = phi + 2.0 * phi @ inner @ phi
    arms = slice(VISITS, 2 * VISITS)
    np.testing.assert_allclose(found.contrasts["standard_error"], np.sqrt(np.diag(adjusted)[arms]), rtol=1e-5)
    effects, scale, df = dense.solve(natural)[1][arms], *kenward_roger_several(p, phi, of_covariance, arms)
    together = found.joint_test("arm")
    assert together["denominator_df"] == pytest.approx(df, rel=2e-5)
    f = scale * effects @ np.linalg.solve(adjusted[arms, arms], effects) / VISITS
    assert together["f"] == pytest.approx(f, rel=2e-5)


def kenward_roger_several(
    p: NDArray[np.float64], phi: NDArray[np.float64], of_covariance: NDArray[np.float64], rows: slice
) -> tuple[float, float]:
    """Return scale and denominator df of the F test of some coefficients (Kenward and Roger 1997)."""
    theta = np.zeros_like(phi)
    theta[rows, rows] = np.linalg.inv(phi[rows, rows])
    k = rows.stop - rows.start
    a1 = a2 = 0.0
    for h in range(len(p)):
        for i in range(len(p)):
            one, other = theta @ phi @ p[h] @ phi, theta @ phi @ p[i] @ phi
            a1 += of_covariance[h, i] * np.trace(one) * np.trace(other)
            a2 += of_covariance[h, i] * np.trace(one @ other)
    b = (a1 + 6 * a2) / (2 * k)
    g = ((k + 1) * a1 - (k + 4) * a2) / ((k + 2) * a2)
    bottom = 3 * k + 2 * (1 - g)
    mean = 1 / (1 - a2 / k)
    spread = (
        2 / k * (1 + g / bottom * b)
        / ((1 - (k - g) / bottom * b) ** 2 * (1 - (k + 2 - g) / bottom * b))
    )  # fmt: skip
    rho = spread / (2 * mean**2)
    df = 4 + (k + 2) / (k * rho - 1)
    return df / (mean * (df - 2)), df


def test_a_visit_matched_score_enters_with_one_slope_or_one_a_visit(trial: pd.DataFrame) -> None:
    frame = trial.copy()
    rng = np.random.default_rng(3)
    frame["score"] = frame["base"] + frame["visit"] * rng.normal(1, 0.3, len(frame))
    observed = frame[frame["y"].notna()]
    for by_visit in (False, True):
        found = mmrm(
            frame,
            outcome="y",
            arm="arm",
            visit="visit",
            participant="id",
            covariates=["score"],
            by_visit=["score"] if by_visit else [],
        )
        sigma = found.covariance.to_numpy()
        information = right = 0.0
        for _, rows in observed.groupby("id"):
            visit = rows["visit"].to_numpy()
            at = np.eye(VISITS)[visit]
            score = rows["score"].to_numpy()[:, None]
            x = np.hstack([at, at * rows["arm"].to_numpy()[:, None], at * score if by_visit else score])
            weight = np.linalg.inv(sigma[np.ix_(visit, visit)])
            information = information + x.T @ weight @ x
            right = right + x.T @ weight @ rows["y"].to_numpy()
        coefficients = np.linalg.solve(information, right)[VISITS : 2 * VISITS]
        np.testing.assert_allclose(found.contrasts["estimate"], coefficients, rtol=1e-9)

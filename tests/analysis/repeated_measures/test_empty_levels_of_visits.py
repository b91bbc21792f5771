"""A level of a stratum that nobody in a trial has is left out of MMRM and imputation, as R leaves it out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from tests.declared_files import tables
from tests.study.declared.declared_cells import rows
from trialsim.analysis.imputation import imputation_block
from trialsim.analysis.one_trial.empty_levels import levels_seen
from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.streams import stream

N, V = 80, 2
ARM = np.arange(N) % 2 * 1.0
ONES = np.column_stack([np.ones(N), ARM])


def trial(levels: list[int], shares: list[float], name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return outcomes with dropout, and a region."""
    generator = stream(3, f"empty level {name}", 0, "outcome")
    region = generator.choice(levels, N, p=shares)
    outcome = generator.normal(size=(1, N, V)) + generator.normal(size=(N, 1)) + 0.5 * region[:, None]
    outcome[0, generator.random(N) < 0.15, 1] = np.nan
    return outcome, region


def indicators(region: NDArray[np.int64], levels: int = 3) -> NDArray[np.float64]:
    return (region[:, None] == np.arange(1, levels)) * 1.0


@pytest.mark.parametrize("by_visit", [True, False])
@pytest.mark.parametrize("df", ["satterthwaite", "between-within", "residual", "kenward-roger"])
@pytest.mark.parametrize("closed_form", [True, False])
def test_an_empty_last_level_is_as_if_it_were_not_named(by_visit: bool, df: str, closed_form: bool) -> None:
    outcome, region = trial([0, 1], [0.6, 0.4], "last")
    options = {"by_visit": by_visit, "df": df, "closed_form": closed_form}
    found = fit_mmrm_block(outcome, ARM, indicators(region), **options)
    without = fit_mmrm_block(outcome, ARM, indicators(region, 2), **options)
    assert found.status.tolist() == [0]
    for name in ("estimate", "standard_error", "df", "p_value"):
        np.testing.assert_allclose(getattr(found, name), getattr(without, name), rtol=1e-12)


def test_an_empty_reference_level_is_as_if_the_next_were_the_reference() -> None:
    outcome, region = trial([1, 2], [0.6, 0.4], "first")
    z = np.hstack([ONES, indicators(region)])
    found = fit_mmrm_block(outcome, ARM, indicators(region))
    again = fit_mmrm_block(outcome, ARM, indicators(region - 1, 2))
    np.testing.assert_allclose(found.estimate, again.estimate, rtol=1e-9)
    closed, recoded = (monotone_block(outcome, x) for x in (z, np.hstack([ONES, indicators(region - 1, 2)])))
    np.testing.assert_allclose([closed.estimate, closed.df], [recoded.estimate, recoded.df], rtol=1e-9)
    for strategy in ("MAR", "J2R", "CR", "CIR"):
        jump = imputation_block(outcome, z, strategy=strategy)
        other = imputation_block(outcome, np.hstack([ONES, indicators(region - 1, 2)]), strategy=strategy)
        np.testing.assert_allclose(jump.estimate, other.estimate, rtol=1e-9)
        np.testing.assert_allclose(jump.standard_error, other.standard_error, rtol=1e-9)


def test_a_level_whose_participants_are_all_missing_at_a_visit_has_no_coefficient_there() -> None:
    outcome, region = trial([0, 1], [0.6, 0.4], "late")
    region[:3], outcome[0, :3, 1] = 2, np.nan
    found = fit_mmrm_block(outcome, ARM, indicators(region), by_visit=True)
    design = np.zeros((N, V, 7))
    for visit in range(V):
        columns = [np.ones(N), ARM, region == 1]
        for k, column in enumerate(columns):
            design[:, visit, 3 * visit + k] = column
    design[:, 0, 6] = region == 2

    def deviance(theta: NDArray[np.float64]) -> tuple[float, float]:
        lower = np.array([[np.exp(theta[0]), 0.0], [theta[1], np.exp(theta[2])]])
        sigma = lower @ lower.T
        information, right, total = np.zeros((7, 7)), np.zeros(7), 0.0
        for x, y in zip(design, outcome[0], strict=True):
            seen = ~np.isnan(y)
            inverse = np.linalg.inv(sigma[np.ix_(seen, seen)])
            information += x[seen].T @ inverse @ x[seen]
            right += x[seen].T @ inverse @ y[seen]
            total += y[seen] @ inverse @ y[seen] - np.linalg.slogdet(inverse)[1]
        solution = np.linalg.solve(information, right)
        return total - right @ solution + np.linalg.slogdet(information)[1], solution[4]

    best = minimize(lambda theta: deviance(theta)[0], [0.3, 0.5, 0.1], method="BFGS", options={"gtol": 1e-9})
    assert found.status.tolist() == [0]
    assert found.estimate[0] == pytest.approx(deviance(best.x)[1], abs=1e-6)


def test_what_is_no_indicator_is_never_left_out() -> None:
    outcome, region = trial([0, 1], [0.6, 0.4], "numbers")
    constant = np.full((N, 1), 0.1)
    doubled = np.column_stack([np.arange(N), 2.0 * np.arange(N)])
    for covariates in (constant, doubled):
        found = fit_mmrm_block(outcome, ARM, covariates)
        assert found.reasons[found.status[0]] == "collinear_covariate"
    arm_again = fit_mmrm_block(outcome, ARM, ARM[:, None])
    assert arm_again.reasons[arm_again.status[0]] == "collinear_covariate"
    kept = levels_seen(
        np.column_stack([region == 0, region == 1, constant[:, 0]])[None], np.ones((1, N), bool)
    )
    assert kept.tolist() == [[True, False, True]]


def test_b2_continuous_rare_level_declared_mmrm_keeps_its_power() -> None:
    """Issue case B: shares .60/.38/.02 and n = 80 took the power of MMRM from .97 to .778."""
    rare = [
        {
            "name": "region",
            "levels": ["a", "b", "c"],
            "shares": [0.60, 0.38, 0.02],
            "outcome": [0.0, 1.0, 2.0],
            "source": "test",
        }
    ]
    outcome = {
        "kind": "score",
        "direction": "higher_is_better",
        "weeks": [12.0, 24.0],
        "mean": [50.0, 50.0, 50.0],
        "sd": [8.0, 9.0, 10.0],
        "correlation": 0.6,
        "structure": "exchangeable",
        "source": "test",
    }
    effect = [{"arm": "active", "source": "test", "kind": "shift", "value": 7.0, "full_by_week": 12.0}]
    found = rows(
        tables(
            "score",
            participants=80,
            outcome=outcome,
            effects=effect,
            strata=rare,
            analyses=[{"kind": "mmrm", "adjust": ["region"]}],
            simulation={"replicates": 1000, "block": 1000, "truth": 2000},
        )
    )
    assert (found["mmrm_status"] == "ok").all()
    rejected = next(found[name] for name in found if name.startswith("mmrm") and name.endswith("decision"))
    assert np.mean(rejected == 1) > 0.95

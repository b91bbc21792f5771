"""Dental growth of 27 children (Potthoff and Roy 1964): R nlme 3.1-162, and Pinheiro and Bates 2000.

Distances in mm at 8, 10, 12 and 14 years of 16 boys and 11 girls, R's `Orthodont`. gls and lme by REML.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import mmrm
from trialsim.analysis.repeated_measures import fit_mmrm_block, slopes

AGES = (8.0, 10.0, 12.0, 14.0)
BOYS = """26 25 29 31 21.5 22.5 23 26.5 23 22.5 24 27.5 25.5 27.5 26.5 27 20 23.5 22.5 26 24.5 25.5 27 28.5
22 22 24.5 26.5 24 21.5 24.5 25.5 23 20.5 31 26 27.5 28 31 31.5 23 23 23.5 25 21.5 23.5 24 28
17 24.5 26 29.5 22.5 25.5 25.5 26 23 24.5 26 30 22 21.5 23.5 25"""
GIRLS = """21 20 21.5 23 21 21.5 24 25.5 20.5 24 24.5 26 23.5 24.5 25 26.5 21.5 23 22.5 23.5 20 21 21 22.5
21.5 22.5 23 25 23 23 23.5 24 20 21 22 21.5 16.5 19 19 19.5 24.5 25 28 28"""
DISTANCE = np.array([*BOYS.split(), *GIRLS.split()], dtype=float).reshape(27, 4)
GIRL = np.repeat([0, 1], [16, 11])


def children(ages: tuple[float, ...] = AGES) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "distance": DISTANCE.ravel(),
            "age": np.tile(AGES, 27),
            "child": np.repeat(np.arange(27), 4),
            "sex": np.repeat(np.where(GIRL, "girl", "boy"), 4),
        }
    )
    return frame[frame["age"].isin(ages)]


ROLES = {"outcome": "distance", "arm": "sex", "participant": "child", "control": "boy"}


def test_slopes_of_growth_by_sex_of_pinheiro_and_bates_2000_as_r_nlme_lme() -> None:
    difference = slopes(children(), time="age", **ROLES).to_frame().iloc[0]
    assert difference["estimate"] == pytest.approx(-0.30482955, abs=1e-7)
    assert difference["standard_error"] == pytest.approx(0.134735341, abs=2e-7)


def test_common_mean_at_the_first_age_as_r_nlme_gls_with_corsymm_and_varident() -> None:
    """Longitudinal analysis with a constrained baseline (Liang and Zeger 2000)."""
    found = mmrm(children(), visit="age", common_mean_at=8.0, **ROLES).contrasts
    np.testing.assert_allclose(found["estimate"], [-0.73579977, -1.40528378, -2.53047459], atol=2e-5)
    np.testing.assert_allclose(found["standard_error"], [0.657942936, 0.746482287, 0.746173209], atol=2e-5)


# Ages 8, 10 and 14: at 14, −1.693181818 − 1.684659091.
SPATIAL = {"sp_exp": (0.878406211, -162.6074043), "sp_gau": (0.879360418, -166.8861767)}


@pytest.mark.parametrize("covariance", SPATIAL)
def test_unequal_ages_in_space_as_r_nlme_gls_with_corexp_and_corgaus(covariance: str) -> None:
    error, likelihood = SPATIAL[covariance]
    fit = mmrm(children((8.0, 10.0, 14.0)), visit="age", covariance=covariance, **ROLES)
    assert fit.contrasts["estimate"].iloc[-1] == pytest.approx(-3.377840909, abs=1e-7)
    np.testing.assert_allclose(fit.contrasts["standard_error"], error, atol=2e-6)
    assert -0.5 * fit.minus_two_log_likelihood == pytest.approx(likelihood, abs=1e-5)


@pytest.mark.parametrize("covariance", SPATIAL)
def test_blocks_of_unequal_ages_as_r_nlme_gls_with_corexp_and_corgaus(covariance: str) -> None:
    found = fit_mmrm_block(
        DISTANCE[None][..., [0, 1, 3]], GIRL, covariance=covariance, times=[8.0, 10.0, 14.0]
    )
    assert found.estimate[0] == pytest.approx(-3.377840909, abs=1e-7)
    assert found.standard_error[0] == pytest.approx(SPATIAL[covariance][0], abs=2e-6)

"""Published fits of counts and ordered categories.

- Poisson regression of polyps at 12 months (Giardiello et al. 1993): R's glm, as CAMIS prints it.
- Red mites on 150 apple leaves, k of the negative binomial by maximum likelihood: Bliss and Fisher 1953,
  Biometrics 9:176, where k is our 1/k.
- Tonsil size of carriers of Streptococcus pyogenes (Holmes and Williams 1954): McCullagh 1980,
  J. R. Stat. Soc. B 42:109.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import negative_binomial, win_ratio
from trialsim.analysis.counts import negative_binomial_block
from trialsim.analysis.ordinal import proportional_odds_block


def test_poisson_regression_of_polyps(shared):
    data = pd.read_csv(shared("data/medicaldata_mit/polyps.csv"))
    fit = negative_binomial(
        data, outcome="number12m", arm="treatment", control="placebo", covariates="age", dispersion=0.0,
        variance="model",
    )  # fmt: skip
    np.testing.assert_allclose(fit.coefficients, [-1.359083, -0.038830], atol=5e-7)
    np.testing.assert_allclose(fit.standard_errors, [0.117643, 0.005955], atol=3e-6)
    assert fit.left_out == 2


def test_dispersion_of_mites_on_leaves():
    leaves = np.repeat(np.arange(8), [70, 38, 17, 10, 9, 3, 2, 1])
    count = np.concatenate([leaves, leaves])[None]
    found = negative_binomial_block(count, np.ones(count.shape), np.repeat([[0, 1]], 150, axis=1))
    assert 1 / found.dispersion[0] == pytest.approx(1.02459, abs=5e-6)
    assert found.estimate[0] == pytest.approx(0.0, abs=1e-12)


def test_tonsil_size_of_carriers():
    size = np.concatenate([np.repeat(range(3), counts) for counts in ([19, 29, 24], [497, 560, 269])])
    carrier = np.repeat([1, 0], [72, 1326])
    found = proportional_odds_block(size[None], carrier[None])
    assert found.estimate[0] == pytest.approx(0.603, abs=0.0005)


# Claims and holders of cars up to 25 years and beyond 35, by district and size of motor.
INSURANCE = {
    1: ([(38, 197), (63, 284), (19, 133), (4, 24)], [(156, 1680), (400, 3582), (233, 1640), (77, 452)]),
    2: ([(22, 85), (25, 149), (14, 66), (4, 9)], [(87, 931), (290, 2443), (143, 1110), (53, 322)]),
    3: ([(5, 35), (10, 53), (8, 24), (3, 7)], [(67, 648), (187, 1635), (101, 692), (37, 245)]),
    4: ([(2, 20), (7, 31), (5, 18), (0, 3)], [(36, 316), (102, 724), (63, 344), (33, 114)]),
}


def test_claims_of_car_insurance_by_holders_as_r_mass_glm_nb_with_offset():
    """`Insurance` of MASS 7.3 (Baxter, Coutts and Ross 1980): glm.nb(Claims ~ Age + offset(log(Holders)))."""
    rows = [
        (claims, holders, age)
        for young, old in INSURANCE.values()
        for age, cells in (("young", young), ("old", old))
        for claims, holders in cells
    ]
    data = pd.DataFrame(rows, columns=["claims", "holders", "age"])
    fit = negative_binomial(
        data, outcome="claims", exposure="holders", arm="age", control="old", variance="model"
    )
    row = fit.to_frame().iloc[0]
    assert row["estimate"] == pytest.approx(0.419617235, abs=2e-6)
    assert row["standard_error"] == pytest.approx(0.105485858, abs=2e-6)
    assert 1 / fit.dispersion == pytest.approx(28.7685651, rel=2e-5)


def test_win_odds_of_pain_scores_are_those_of_the_index_of_brunner_and_munzel_as_lawstat_3_6():
    """Of 154 pairs 121.5 are wins, ties half: .788961; Brunner, Vandemeulebroecke and Mutze 2021."""
    control, active = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1], [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]
    data = pd.DataFrame({"pain": control + active, "arm": ["c"] * len(control) + ["a"] * len(active)})
    found = win_ratio(data, outcomes=["pain"], arm="arm", control="c").to_frame().set_index("measure")
    assert found.loc["win odds", "estimate"] == pytest.approx(0.788961 / (1 - 0.788961), abs=2e-5)
    assert found.loc["net benefit", "estimate"] == pytest.approx(2 * 0.788961 - 1, abs=2e-6)


def test_win_ratio_of_permeability_is_35_to_15_as_r_wilcox_test():
    """Hollander and Wolfe 1973: U is 35 of 50 pairs, without ties."""
    term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    early = [1.15, 0.88, 0.90, 0.74, 1.21]
    data = pd.DataFrame({"pd": early + term, "arm": ["early"] * 5 + ["term"] * 10})
    found = win_ratio(data, outcomes=["pd"], arm="arm", control="early").to_frame().set_index("measure")
    assert found.loc["win ratio", "estimate"] == pytest.approx(35 / 15)

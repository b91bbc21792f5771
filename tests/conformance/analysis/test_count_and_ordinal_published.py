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

from trialsim.analysis import negative_binomial
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

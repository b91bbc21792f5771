"""Fidelity measures equal slow definitions, and see what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from trialsim.data import Covariates
from trialsim.errors import InputError
from trialsim.population.individual_data.fidelity import (
    contingency_similarity,
    correlation_similarity,
    fidelity_report,
    ks_complement,
    minimum_by_measure,
    propensity_mse,
    tv_complement,
)
from trialsim.protocol.eligibility import Criterion

RNG = np.random.default_rng(20261121)
REAL = np.column_stack([RNG.normal(70, 8, 400), RNG.integers(0, 2, 400), RNG.integers(0, 3, 400)]).astype(
    float
)
FAKE = np.column_stack([RNG.normal(71, 9, 700), RNG.integers(0, 2, 700), RNG.integers(0, 3, 700)]).astype(
    float
)


def test_ks_and_tv_equal_their_definitions():
    assert ks_complement(REAL[:, 0], FAKE[:, 0]) == pytest.approx(
        1 - stats.ks_2samp(REAL[:, 0], FAKE[:, 0]).statistic, abs=1e-12
    )
    shares = [np.bincount(x[:, 2].astype(int)) / len(x) for x in (REAL, FAKE)]
    assert tv_complement(REAL[:, 2], FAKE[:, 2]) == pytest.approx(
        1 - np.abs(shares[0] - shares[1]).sum() / 2, abs=1e-12
    )


def test_pair_measures_equal_their_definitions():
    r = [np.corrcoef(x[:, 0], x[:, 1])[0, 1] for x in (REAL, FAKE)]
    assert correlation_similarity(REAL[:, :2], FAKE[:, :2]) == pytest.approx(
        1 - abs(r[0] - r[1]) / 2, abs=1e-12
    )
    tables = [np.histogram2d(x[:, 1], x[:, 2], bins=[2, 3])[0] / len(x) for x in (REAL, FAKE)]
    assert contingency_similarity(REAL[:, 1:], FAKE[:, 1:]) == pytest.approx(
        1 - np.abs(tables[0] - tables[1]).sum() / 2, abs=1e-12
    )


def test_pmse_equals_a_logistic_regression_of_statsmodels():
    both = np.concatenate([REAL, FAKE])
    label = np.r_[np.zeros(400), np.ones(700)]
    z = (both - both.mean(0)) / both.std(0)
    design = sm.add_constant(
        np.column_stack(
            [z, z[:, [0]] ** 2, z[:, [2]] ** 2, z[:, 0] * z[:, 1], z[:, 0] * z[:, 2], z[:, 1] * z[:, 2]]
        )
    )
    fitted = sm.Logit(label, design).fit(disp=0).predict()
    c = 700 / 1100
    pmse, ratio = propensity_mse(REAL, FAKE)
    assert pmse == pytest.approx(np.mean((fitted - c) ** 2), rel=1e-6)
    assert ratio == pytest.approx(pmse / (8 * c * (1 - c) ** 2 / 1100), rel=1e-6)


def test_the_ratio_of_two_samples_of_one_population_is_two_on_average():
    rng = np.random.default_rng(1)
    ratios = [propensity_mse(rng.normal(size=(300, 3)), rng.normal(size=(300, 3)))[1] for _ in range(200)]
    # df = 9: a sum of 9 squares, so that the mean has a standard error of 2 √(2/9) / √200.
    assert np.mean(ratios) == pytest.approx(2.0, abs=4.5 * 2 * np.sqrt(2 / 9 / 200) + 0.05)


def test_what_is_wrong_in_one_subgroup_only_is_found_there():
    rng = np.random.default_rng(2)

    def people(flip: bool) -> Covariates:
        age = rng.normal(70, 8, 3000)
        r = np.where((age > 78) & flip, -0.6, 0.6)
        x, e = rng.normal(size=(2, 3000))
        return Covariates(("age", "x", "y"), np.column_stack([age, x, r * x + np.sqrt(1 - r * r) * e]))

    report = fidelity_report(people(False), people(True), [Criterion(covariate="age", at_least=78.0)])
    worst = minimum_by_measure(report).set_index("measure").loc["correlation_similarity"]
    assert worst["group"] == "age at least 78"
    assert worst["of"] == "x – y"
    assert worst["worst"] < 0.5 < 0.85 < worst["mean_over_everybody"]


def test_missing_values_are_left_out_and_small_groups_say_so():
    holed = REAL.copy()
    holed[::7, 0] = np.nan
    names = ("age", "sex", "stage")
    report = fidelity_report(
        Covariates(names, holed), Covariates(names, FAKE), [Criterion(covariate="age", at_least=95.0)]
    )
    assert report.loc[report["group"] == "age at least 95", "of"].tolist() == ["too few"]
    assert report.loc[report["group"] == "everybody", "value"].notna().all()


def test_other_columns_are_refused():
    with pytest.raises(InputError, match="differ") as caught:
        fidelity_report(Covariates(("a",), REAL[:, :1]), Covariates(("b",), FAKE[:, :1]))
    assert "a, b" in str(caught.value)

"""Covariances in space and by group, and sandwiches, of simulated trials: what the tidy face says of each.

The tidy face fits covariances in space and by group by a dense likelihood and BFGS; blocks by Newton's method
on Gram sums, groups as visits that nobody else has.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import mmrm
from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.errors import AnalysisError
from trialsim.streams import stream

WEEKS = np.array([2.0, 4.0, 8.0, 26.0])
ROUNDING = {"rtol": 2e-5, "atol": 1e-7}


def block(replicates: int = 3, participants: int = 60, drop: float = 0.15):
    """Return outcomes with missing visits, arms, and a covariate; arms differ in their spread."""
    chance = stream(20261201, "other_covariances", 0, "outcome")
    arm = np.arange(participants) % 2
    level = chance.normal(size=(replicates, participants, 1))
    noise = chance.normal(size=(replicates, participants, len(WEEKS)))
    x = chance.normal(size=(replicates, participants, 1))
    y = (level + noise) * np.where(arm, 1.6, 0.8)[:, None] + 0.4 * arm[:, None] * WEEKS / 26 + 0.5 * x
    y[chance.random(y.shape) < drop] = np.nan
    return y, arm, x


def tidy(y, arm, x) -> pd.DataFrame:
    people, visits = y.shape
    return pd.DataFrame(
        {
            "y": y.ravel(), "week": np.tile(WEEKS, people), "id": np.repeat(np.arange(people), visits),
            "arm": np.repeat(np.where(arm, "drug", "placebo"), visits), "x": np.repeat(x[:, 0], visits),
        }
    )  # fmt: skip


CASES = {
    "sp_exp": ({"covariance": "sp_exp"}, {"covariance": "sp_exp", "times": WEEKS}),
    "sp_gau": ({"covariance": "sp_gau"}, {"covariance": "sp_gau", "times": WEEKS / 26}),
    "us by arm": ({"covariance_by": "arm"}, {"covariance_by": "arm"}),
    "ar1h by arm": ({"covariance": "ar1h", "covariance_by": "arm"},) * 2,
    "cs by arm": ({"covariance": "cs", "covariance_by": "arm"},) * 2,
    "toeph by arm": ({"covariance": "toeph", "covariance_by": "arm"},) * 2,
    "empirical": ({"errors": "empirical"},) * 2,
    "bias-reduced, ar1": ({"errors": "empirical-bias-reduced", "covariance": "ar1"},) * 2,
    "jackknife, ml": ({"errors": "empirical-jackknife", "method": "ml"},) * 2,
}


@pytest.mark.parametrize("name", CASES)
def test_each_trial_is_read_as_the_tidy_face_reads_it(name: str) -> None:
    asked, of_block = CASES[name]
    y, arm, x = block()
    if of_block.get("covariance_by") == "arm":
        of_block = of_block | {"covariance_by": arm}
    found = fit_mmrm_block(y, arm, x, by_visit=True, **of_block)
    assert (found.status == 0).all()
    for r in range(len(y)):
        fit = mmrm(
            tidy(y[r], arm, x[r]), outcome="y", arm="arm", visit="week", participant="id",
            covariates=["x"], by_visit=["x"], control="placebo", **asked,
        )  # fmt: skip
        last = fit.contrasts.iloc[-1]
        for one, column in (("estimate", "estimate"), ("standard_error", "standard_error"), ("df", "df")):
            np.testing.assert_allclose(getattr(found, one)[r], last[column], err_msg=one, **ROUNDING)


def test_equal_steps_in_space_are_a_positive_ar1() -> None:
    y, arm, x = block()
    one = fit_mmrm_block(y, arm, x, covariance="sp_exp", times=np.arange(4))
    other = fit_mmrm_block(y, arm, x, covariance="ar1")
    for name in ("estimate", "standard_error", "df", "p_value"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-5)


@pytest.mark.parametrize("covariance", ["sp_exp", "sp_gau"])
def test_the_unit_of_time_changes_nothing(covariance: str) -> None:
    y, arm, x = block()
    weeks = fit_mmrm_block(y, arm, x, covariance=covariance, times=WEEKS)
    for unit in (7.0, 1 / 52, 1e-6):
        other = fit_mmrm_block(y, arm, x, covariance=covariance, times=unit * WEEKS)
        np.testing.assert_allclose(weeks.standard_error, other.standard_error, rtol=1e-9)
        own = tidy(y[0], arm, x[0]).assign(week=lambda d, unit=unit: unit * d["week"])
        fit = mmrm(
            own, outcome="y", arm="arm", visit="week", participant="id", covariates=["x"], control="placebo",
            covariance=covariance,
        )  # fmt: skip
        np.testing.assert_allclose(
            fit.contrasts["standard_error"].iloc[-1], weeks.standard_error[0], rtol=2e-5
        )


def test_one_group_changes_nothing_and_labels_do_not_matter() -> None:
    y, arm, x = block()
    plain = fit_mmrm_block(y, arm, x, covariance="ar1h", df="kenward-roger")
    one = fit_mmrm_block(y, arm, x, covariance="ar1h", df="kenward-roger", covariance_by=0 * arm)
    np.testing.assert_allclose(plain.p_value, one.p_value, rtol=1e-8)
    by = fit_mmrm_block(y, arm, x, covariance="ar1h", covariance_by=arm, df="kenward-roger")
    turned = fit_mmrm_block(y, arm, x, covariance="ar1h", covariance_by=1 - arm, df="kenward-roger")
    np.testing.assert_allclose(by.p_value, turned.p_value, rtol=1e-6)
    assert (abs(by.standard_error / plain.standard_error - 1) > 1e-4).all()


def test_complete_data_by_arm_are_the_two_sample_test_of_welch_at_each_visit() -> None:
    """Without missing visits or covariates the effect's variance is s₀²/n₀ + s₁²/n₁."""
    y, arm, _ = block(drop=0.0)
    y = y[:, :50]
    arm = (np.arange(50) < 20).astype(int)
    found = fit_mmrm_block(y, arm, covariance_by=arm)
    last = y[..., -1]
    variance = sum(last[:, arm == a].var(axis=1, ddof=1) / (arm == a).sum() for a in (0, 1))
    np.testing.assert_allclose(found.standard_error**2, variance, rtol=1e-6)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"covariance": "sp_exp"}, "times"),
        ({"covariance": "us", "times": WEEKS}, "times"),
        ({"covariance": "sp_exp", "times": WEEKS[:3]}, "times"),
        ({"covariance": "sp_exp", "times": [1.0, 2.0, 2.0, 3.0]}, "times"),
        ({"covariance": "sp_gau", "times": WEEKS, "covariance_by": "arm"}, "covariance_by"),
        ({"covariance_by": [0.5] * 60}, "covariance_by"),
        ({"errors": "robust"}, "errors"),
        ({"errors": "empirical", "df": "kenward-roger"}, "errors"),
        ({"errors": "empirical", "covariance_by": "arm"}, "errors"),
    ],
)
def test_what_does_not_go_together_is_refused_by_its_field(changed: dict, field: str) -> None:
    y, arm, x = block(replicates=1)
    if changed.get("covariance_by") == "arm":
        changed = changed | {"covariance_by": arm}
    with pytest.raises(AnalysisError, match=f"^{field}: "):
        fit_mmrm_block(y, arm, x, **changed)


def test_a_group_that_is_not_seen_at_a_visit_is_named_and_leaves_the_others_alone() -> None:
    y, arm, x = block(replicates=2)
    sex = (np.arange(60) // 2) % 2
    y[0, sex == 1, 3] = np.nan
    found = fit_mmrm_block(y, arm, x, covariance_by=sex)
    assert found.reasons[found.status[0]] == "too_few_participants_at_visit"
    assert found.status[1] == 0

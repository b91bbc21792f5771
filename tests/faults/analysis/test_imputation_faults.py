"""Bad inputs of the imputation face are refused by name, and without any participant's value."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import reference_based_imputation, tipping_point
from trialsim.analysis.imputation import imputation_block
from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.errors import AnalysisError

FACE = {"outcome": "y", "arm": "arm", "visit": "visit", "participant": "id", "covariates": ["base", "sex"]}


def good():
    generator = np.random.default_rng(1)
    participants, visits = 40, 3
    outcomes = generator.standard_normal((participants, visits)).cumsum(axis=1) + 51.25
    outcomes[::6, 2] = np.nan
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(participants), visits),
            "visit": np.tile([1, 2, 3], participants),
            "arm": np.repeat(np.arange(participants) % 2, visits),
            "base": np.repeat(generator.normal(20.0, 4.0, participants), visits),
            "sex": np.repeat(generator.choice(["F", "M"], participants), visits),
            "y": outcomes.ravel(),
        }
    )


def absent(d):
    return d.drop(columns="base")


def infinite(d):
    d.loc[7, "y"] = np.inf
    return d


def constant(d):
    return d.assign(y=d["y"].where(d["visit"] != 2, 3.0))


def all_missing(d):
    return d.assign(y=d["y"].where(d["visit"] != 3))


def one_participant(d):
    return d[(d["arm"] == 0) | (d["id"] == 1)]


def three_arms(d):
    return d.assign(arm=d["id"] % 3)


def collinear(d):
    return d.assign(base=2.0 * d["arm"] + 5.0)


def covariate_missing(d):
    d.loc[3:5, "base"] = np.nan
    return d


def factor_missing(d):
    d.loc[3:5, "sex"] = None
    return d


def one_level(d):
    return d.assign(sex="F")


def changing(d):
    d.loc[4, "base"] += 1.0
    return d


def twice(d):
    return pd.concat([d, d.iloc[[10]]])


def no_visit(d):
    d["visit"] = d["visit"].astype(float)
    d.loc[9, "visit"] = np.nan
    return d


def text(d):
    return d.assign(y=d["y"].astype(str))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (absent, "base: is not a column"),
        (infinite, "y: must be finite or missing, but is infinite in row 7"),
        (constant, "visit: constant_outcome: y is the same for everybody.*Got 2"),
        (all_missing, "visit: no outcome is observed at this visit. Got 3"),
        (one_participant, "arm 1 has 1 participant"),
        (three_arms, "has 3 arms"),
        (collinear, "base: collinear_covariate: is constant, or a linear combination"),
        (covariate_missing, "base: must be finite, but is missing or infinite in row 3"),
        (factor_missing, "sex: is missing in row 3"),
        (one_level, "sex: collinear_covariate: is constant"),
        (changing, "base: must be the same in every row of a participant, but changes in row 4"),
        (twice, "visit: occurs twice for a participant, again in row 120"),
        (no_visit, "visit: is missing in row 9"),
        (text, "y: must hold numbers"),
        (lambda d: d.iloc[:0], "no rows"),
    ],
)
def test_bad_data_are_refused_by_name(spoil, words):
    data = spoil(good())
    with pytest.raises(AnalysisError, match=words) as caught:
        reference_based_imputation(data, strategy="J2R", **FACE)
    assert not any(f"{value:.6g}"[:7] in str(caught.value) for value in good()["y"].dropna())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"strategy": "LOCF"}, "strategy: is no strategy"),
        ({"strategy": {"0": "MAR"}}, "a strategy for each arm"),
        ({"strategy": "MAR", "reference": 7}, "no such reference arm"),
        ({"strategy": "MAR", "control": 7}, "the control is not an arm of the data. Got 7"),
        ({"strategy": "MAR", "method": "mcmc"}, "method: must be"),
        ({"strategy": "MAR", "variance": "rubin"}, "variance: must be"),
        ({"strategy": "MAR", "method": "bayes"}, "generator: is needed"),
        ({"strategy": "MAR", "variance": "bootstrap"}, "generator: is needed"),
        (
            {"strategy": "MAR", "method": "bayes", "draws": 1, "generator": np.random.default_rng(1)},
            "2 draws",
        ),
        ({"strategy": "MAR", "level": 95}, "level: must be in \\(0, 1\\)"),
        ({"strategy": "MAR", "analysis_covariates": "age"}, "not in the imputation model"),
    ],
)
def test_bad_options_are_refused_by_name(options, words):
    with pytest.raises(AnalysisError, match=words):
        reference_based_imputation(good(), **(FACE | options))


def test_gaps_that_leave_nothing_to_learn_from_are_refused_by_name():
    apart = good()
    odd = (apart["id"] % 4).isin([0, 1])
    apart.loc[odd & (apart["visit"] == 1), "y"] = np.nan
    apart.loc[~odd & (apart["visit"] == 2), "y"] = np.nan
    with pytest.raises(AnalysisError, match="visits_never_observed_together"):
        reference_based_imputation(apart, strategy="MAR", **FACE)
    few = good()
    few.loc[(few["visit"] == 1) & (few["id"] > 3), "y"] = np.nan
    with pytest.raises(AnalysisError, match="too_few_participants_at_visit"):
        reference_based_imputation(few, strategy="MAR", **FACE)


def test_carrying_forward_needs_an_outcome():
    data = good()
    data.loc[data["id"] == 0, "y"] = np.nan
    with pytest.raises(AnalysisError, match="no_outcome_to_carry_forward"):
        reference_based_imputation(data, strategy="LMCF", **FACE)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"visit": 9}, "no visit of the result"),
        ({"shift": 9}, "no arm of the result"),
        ({"alpha": 0.0}, "alpha: must be between"),
        ({"visit": 1}, "no imputed outcome"),
    ],
)
def test_bad_tipping_points_are_refused_by_name(options, words):
    found = reference_based_imputation(good(), strategy="MAR", **FACE)
    with pytest.raises(AnalysisError, match=words):
        tipping_point(found, **options)


@pytest.mark.parametrize(
    "options",
    [{"strategy": "BOCF"}, {"strategy": "MAR", "reference": 2}, {"strategy": "MAR", "variance": "x"}],
)
def test_bad_block_options_are_refused(options):
    with pytest.raises(AnalysisError):
        imputation_block(np.zeros((1, 9, 2)), np.ones((9, 2)), **options)


def test_blocks_need_arms_and_visits_that_exist():
    design = np.column_stack([np.ones(9), np.arange(9) % 2])
    outcomes = np.random.default_rng(1).normal(size=(1, 9, 2))
    for work in (monotone_block, partial(imputation_block, strategy="J2R")):
        with pytest.raises(AnalysisError, match="visit: must be between -2 and 1"):
            work(outcomes, design, visit=2)
        with pytest.raises(AnalysisError, match="arm_column: must be between -2 and 1"):
            work(outcomes, design, arm_column=2)
    with pytest.raises(AnalysisError, match="0 for control and 1 for active"):
        imputation_block(outcomes, np.column_stack([np.ones(9), 1 + np.arange(9) % 2]), strategy="J2R")

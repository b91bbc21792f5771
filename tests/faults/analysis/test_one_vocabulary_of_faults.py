"""The same fault of a data frame is refused in the same words by every analysis that can meet it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import (
    ancova,
    bayesian_adjustment,
    cox,
    g_computation,
    log_rank,
    mmrm,
    negative_binomial,
    probabilistic_index,
    proportional_odds,
    reference_based_imputation,
)
from trialsim.analysis.bayesian.prior import HistoryFit, adjustment_prior
from trialsim.errors import AnalysisError

PRIOR = adjustment_prior(HistoryFit(200, 0.0, 1.0, 1.0, 50.0))
SECRET = 98765.25


class Analysis(NamedTuple):
    run: Callable[..., Any]
    columns: dict[str, Any]
    outcome: str
    covariates: bool = True
    longitudinal: bool = False


VISITS = {"outcome": "y", "arm": "arm", "visit": "visit", "participant": "id"}
EVENTS = {"time": "t", "event": "e", "arm": "arm"}
ANALYSES = {
    "mmrm": Analysis(mmrm, VISITS, "y", longitudinal=True),
    "imputation": Analysis(reference_based_imputation, VISITS | {"strategy": "J2R"}, "y", longitudinal=True),
    "ancova": Analysis(ancova, {"outcome": "y", "arm": "arm"}, "y"),
    "g_computation": Analysis(g_computation, {"outcome": "b", "arm": "arm", "family": "binomial"}, "b"),
    "bayesian": Analysis(
        bayesian_adjustment, {"outcome": "y", "arm": "arm", "score": "age", "prior": PRIOR}, "y", False
    ),
    "negative_binomial": Analysis(negative_binomial, {"outcome": "n", "arm": "arm"}, "n"),
    "proportional_odds": Analysis(proportional_odds, {"outcome": "n", "arm": "arm"}, "n"),
    "probabilistic_index": Analysis(probabilistic_index, {"outcome": "y", "arm": "arm"}, "y", False),
    "log_rank": Analysis(log_rank, EVENTS, "t", False),
    "cox": Analysis(cox, EVENTS, "t"),
}


def trial(analysis: Analysis) -> pd.DataFrame:
    generator = np.random.default_rng(1)
    size, visits = 60, 3
    frame = pd.DataFrame({"id": np.arange(size), "arm": np.where(np.arange(size) % 2, "active", "placebo")})
    frame["sex"] = generator.choice(["F", "M"], size)
    frame["age"] = generator.normal(70, 8, size)
    frame["b"] = generator.integers(0, 2, size).astype(float)
    frame["n"] = np.resize([0.0, 1.0, 2.0, 5.0, 1.0, 3.0, 0.0], size)
    frame["t"] = generator.exponential(10, size)
    frame["e"] = generator.integers(0, 2, size)
    frame["y"] = generator.normal(size=size)
    if analysis.longitudinal:
        frame = frame.loc[np.repeat(np.arange(size), visits)].reset_index(drop=True)
        frame["visit"] = np.tile(["week 4", "week 8", "week 12"], size)
        frame["y"] += generator.normal(size=len(frame))
    return frame


def put(column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[frame["id"] == frame["id"][7], column] = value
        return frame

    return change


def position(frame: pd.DataFrame) -> int:
    return int(np.flatnonzero(frame["id"] == frame["id"][7])[0])


FAULTS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], dict[str, Any], str]] = {
    "no such column": (lambda frame: frame.drop(columns="arm"), {}, r"arm: is not a column.*use one of id"),
    "no rows": (lambda frame: frame.iloc[:0], {}, "data: has no rows"),
    "one arm": (lambda frame: frame[frame["arm"] == "placebo"], {}, "arm: has one level only"),
    "missing arm": (put("arm", None), {}, r"arm: is missing in row {row} \(by position, from 0\)"),
    "unknown control": (
        lambda frame: frame,
        {"control": "sham"},
        "arm: the control is not an arm of the data. Got 'sham'. Mend: use one of active, placebo",
    ),
}
COVARIATE_FAULTS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], list[str], str]] = {
    "collinear number": (
        lambda frame: frame.assign(twice=2 * frame["age"] + 1),
        ["age", "twice"],
        "twice: collinear_covariate",
    ),
    "collinear factor": (
        lambda frame: frame.assign(copy=frame["sex"].map({"F": "x", "M": "y"})),
        ["sex", "copy"],
        r"copy\[.\]: collinear_covariate",
    ),
    "constant number": (lambda frame: frame.assign(flat=3.0), ["flat"], "flat: collinear_covariate"),
    "infinite number": (
        put("age", np.inf), ["age"], r"age: must be finite.*in row {row} \(by position, from 0\)",
    ),
    "missing number": (
        put("age", np.nan), ["age"], r"age: must be finite.*in row {row} \(by position, from 0\)",
    ),
    "missing label": (put("sex", None), ["sex"], r"sex: is missing in row {row} \(by position, from 0\)"),
    "named twice": (lambda frame: frame, ["age", "age"], "age: is named in more than one place"),
}  # fmt: skip


def every(analyses: dict[str, Analysis]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("analysis", analyses.values(), ids=analyses)


EVERY = every(ANALYSES)
WITH_COVARIATES = every({name: one for name, one in ANALYSES.items() if one.covariates})
# A prior from history reads a constant outcome and an arm of one, and gives its level when it prints.
WITHOUT_HISTORY = every({name: one for name, one in ANALYSES.items() if name != "bayesian"})


def refused(analysis: Analysis, frame: pd.DataFrame, words: str, **options: Any) -> None:
    with pytest.raises(AnalysisError, match=words.replace("{row}", str(position(trial(analysis))))) as caught:
        analysis.run(frame, **analysis.columns, **options)
    assert str(SECRET) not in str(caught.value)


@EVERY
@pytest.mark.parametrize("fault", FAULTS)
def test_an_unusable_frame_is_refused_in_the_same_words(analysis: Analysis, fault: str) -> None:
    change, options, words = FAULTS[fault]
    refused(analysis, change(trial(analysis)), words, **options)


@WITHOUT_HISTORY
def test_an_arm_of_one_participant_is_refused_in_the_same_words(analysis: Analysis) -> None:
    frame = trial(analysis)
    refused(
        analysis,
        frame[(frame["arm"] == "placebo") | (frame["id"] == 1)],
        "arm: arm active has 1 participant; each arm needs at least 2",
    )


@WITH_COVARIATES
@pytest.mark.parametrize("fault", COVARIATE_FAULTS)
def test_an_unusable_covariate_is_named_in_the_same_words(analysis: Analysis, fault: str) -> None:
    change, covariates, words = COVARIATE_FAULTS[fault]
    refused(analysis, change(trial(analysis)), words, covariates=covariates)


@EVERY
def test_an_infinite_outcome_is_named_by_its_row(analysis: Analysis) -> None:
    frame = trial(analysis)
    frame.loc[7, analysis.outcome] = np.inf
    refused(analysis, frame, f"{analysis.outcome}: must be finite.*infinite in row 7 ")


@EVERY
def test_an_outcome_that_is_text_or_not_there_is_refused(analysis: Analysis) -> None:
    frame = trial(analysis)
    refused(
        analysis,
        frame.assign(**{analysis.outcome: frame[analysis.outcome].astype(str)}),
        f"{analysis.outcome}: must hold numbers",
    )
    refused(
        analysis,
        frame.assign(**{analysis.outcome: np.nan}),
        f"{analysis.outcome}: .*missing .*in (every )?row",
    )
    refused(analysis, [1, 2, 3], "data: must be a data frame. Got 'list'")


@WITHOUT_HISTORY
def test_a_constant_outcome_is_refused(analysis: Analysis) -> None:
    frame = trial(analysis)
    column, words = (
        ("e", "e: has no event") if analysis.outcome == "t" else (analysis.outcome, "constant_outcome")
    )
    if analysis.run is negative_binomial:
        words = "n: has no event in either arm"
    refused(analysis, frame.assign(**{column: 0.0}), words)


@WITH_COVARIATES
def test_one_covariate_may_be_named_alone(analysis: Analysis) -> None:
    frame = trial(analysis)
    one, listed = (analysis.run(frame, **analysis.columns, covariates=given) for given in ("age", ["age"]))
    assert one.to_frame().equals(listed.to_frame())


@WITHOUT_HISTORY
def test_a_level_is_a_share(analysis: Analysis) -> None:
    refused(analysis, trial(analysis), r"level: must be in \(0, 1\). Got 95", level=95)


@pytest.mark.parametrize("name", ["mmrm", "imputation"])
def test_visits_that_cannot_be_analysed_are_refused_in_the_same_words(name: str) -> None:
    analysis = ANALYSES[name]
    frame = trial(analysis)
    at_8 = frame["visit"] == "week 8"
    refused(analysis, frame.assign(y=frame["y"].mask(at_8)), "visit: no outcome is observed.*Got 'week 8'")
    refused(analysis, frame.assign(y=frame["y"].mask(at_8, 2.5)), "visit: constant_outcome.*Got 'week 8'")
    unseen = frame["y"].mask(at_8 & (frame["arm"] == "active"))
    refused(analysis, frame.assign(y=unseen), "visit: arm_not_observed_at_visit: arm active.*Got 'week 8'")
    refused(analysis, pd.concat([frame, frame.iloc[[4]]]), "visit: occurs twice.*row 180 ")
    late = [*frame["visit"].unique(), "week 16"]
    refused(analysis, frame, "visit: is not a visit in the data. Got 'week 16'", visits=late)
    as_category = frame.assign(visit=pd.Categorical(frame["visit"], late))
    refused(analysis, as_category, "visit: no outcome is observed.*Got 'week 16'")

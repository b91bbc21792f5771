"""Labels, row order and units change no digit; swapping the arms changes the sign."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from trialsim.analysis import (
    adjusted_log_rank,
    cox,
    cumulative_incidence,
    gray_test,
    kaplan_meier,
    log_rank,
    lwyy,
    max_combo,
    milestone_survival,
    restricted_mean_survival,
)
from trialsim.data import Estimates

COLUMNS = {"time": "time", "event": "event", "arm": "arm"}
CAUSES = {"time": "time", "event": "cause", "arm": "arm", "cause": "relapse", "censored": "none"}
ADJUSTED = COLUMNS | {"covariates": ["age", "grade"], "strata": ["site", "sex"]}

ANALYSES: dict[str, Callable[..., Estimates]] = {
    "log_rank": lambda data, **arms: log_rank(data, **COLUMNS, strata=["site", "sex"], **arms).estimates,
    "max_combo": lambda data, **arms: max_combo(data, **COLUMNS, **arms).estimates,
    "milestone": lambda data, **arms: milestone_survival(data, **COLUMNS, at=4, **arms).estimates,
    "restricted": lambda data, **arms: restricted_mean_survival(data, **COLUMNS, tau=4, **arms).estimates,
    "cox": lambda data, **arms: cox(data, **ADJUSTED, **arms).estimates,
    "adjusted_log_rank": lambda data, **arms: adjusted_log_rank(data, **ADJUSTED, **arms).estimates,
    "gray": lambda data, **arms: gray_test(data, **CAUSES, **arms).estimates,
    "incidence": lambda data, **arms: cumulative_incidence(data, **CAUSES, **arms).difference(4),
    "lwyy": lambda data, **arms: lwyy(
        data.assign(start=0.0), participant="person", start="start", stop="time", event="event", arm="arm",
        covariates=["age"], strata="site", **arms,
    ).estimates,
}  # fmt: skip
EVERY = pytest.mark.parametrize("analysis", ANALYSES.values(), ids=ANALYSES)
FEW = settings(deadline=None, max_examples=5)


def trial(seed: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    n = 90
    return pd.DataFrame(
        {
            "person": [f"p{i}" for i in range(n)],
            "time": np.ceil(generator.exponential(6, n)),
            "event": (generator.random(n) < 0.7).astype(int),
            "cause": generator.choice(["none", "relapse", "death"], n),
            "arm": np.where(np.arange(n) % 2 == 0, "placebo", "verum"),
            "age": generator.normal(60, 8, n),
            "grade": generator.choice(["I", "II", "III"], n),
            "site": generator.choice(["aachen", "bonn"], n),
            "sex": generator.choice(["f", "m"], n),
        }
    )


def numbers(estimates: Estimates) -> np.ndarray:
    return np.concatenate(
        [estimates.estimate, estimates.standard_error, estimates.statistic, estimates.p_value]
    )


@EVERY
@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_row_order_changes_no_digit(analysis: Callable[..., Estimates], seed: int) -> None:
    data = trial(seed)
    shuffled = data.sample(frac=1, random_state=seed % 2**31)
    assert_array_equal(numbers(analysis(data)), numbers(analysis(shuffled)))


@EVERY
@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_relabelling_arms_and_strata_changes_no_digit(analysis: Callable[..., Estimates], seed: int) -> None:
    data = trial(seed)
    relabelled = data.assign(
        arm=data.arm.map({"placebo": "Ω-last", "verum": "A-first"}),
        site=data.site.map({"aachen": "zürich", "bonn": "Ålesund"}),
        sex=data.sex.map({"f": 2, "m": 1}),
        person=data.person.str[::-1] + "'",
    )
    assert_array_equal(numbers(analysis(data)), numbers(analysis(relabelled, control="Ω-last")))


@EVERY
@pytest.mark.parametrize("kind", ["bool", "boolean", "Int64", "float32"])
def test_the_type_of_the_event_column_changes_no_digit(analysis: Callable[..., Estimates], kind: str) -> None:
    data = trial(1)
    assert_array_equal(
        numbers(analysis(data)), numbers(analysis(data.astype({"event": kind, "arm": "category"})))
    )


@pytest.mark.parametrize("name", ["cox", "adjusted_log_rank"])
@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_relabelling_a_covariate_changes_no_printed_digit(name: str, seed: int) -> None:
    data = trial(seed)
    relabelled = data.assign(grade=data.grade.map({"I": "worst", "II": "Åverage", "III": "best"}))
    assert_allclose(numbers(ANALYSES[name](data)), numbers(ANALYSES[name](relabelled)), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["log_rank", "max_combo", "cox", "adjusted_log_rank", "gray", "lwyy"])
@FEW
@given(seed=st.integers(0, 2**32 - 1), unit=st.sampled_from([7.0, 1 / 30.4375, 365.25]))
def test_the_unit_of_time_changes_no_digit(name: str, seed: int, unit: float) -> None:
    data = trial(seed)
    rescaled = data.assign(time=data.time * unit)
    assert_array_equal(numbers(ANALYSES[name](data)), numbers(ANALYSES[name](rescaled)))


@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_restricted_means_scale_with_the_unit_of_time(seed: int) -> None:
    data = trial(seed)
    days = restricted_mean_survival(data.assign(time=data.time * 7), **COLUMNS, tau=28).estimates
    weeks = restricted_mean_survival(data, **COLUMNS, tau=4).estimates
    assert_allclose(days.estimate, 7 * weeks.estimate, rtol=1e-12)
    assert_allclose(days.p_value, weeks.p_value, rtol=1e-12)


@EVERY
@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_swapping_the_arms_changes_the_sign(analysis: Callable[..., Estimates], seed: int) -> None:
    data = trial(seed)
    given_, swapped = analysis(data, control="placebo"), analysis(data, control="verum")
    assert_allclose(swapped.estimate, -given_.estimate, rtol=1e-6, atol=1e-9)
    assert_allclose(swapped.statistic, -given_.statistic, rtol=1e-6, atol=1e-9)
    assert_allclose(swapped.p_value, given_.p_value, rtol=1e-6)


@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_without_covariates_and_strata_the_adjusted_test_is_the_log_rank_test(seed: int) -> None:
    data = trial(seed)
    assert_allclose(adjusted_log_rank(data, **COLUMNS).z, log_rank(data, **COLUMNS).z, rtol=1e-12)


@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_without_competing_events_grays_score_is_the_log_rank_score(seed: int) -> None:
    data = trial(seed)
    alone = gray_test(data, **COLUMNS, cause=1)
    assert_allclose(alone.score, log_rank(data, **COLUMNS).score, rtol=1e-9, atol=1e-9)


@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_incidences_of_all_causes_add_up_to_one_minus_kaplan_meier(seed: int) -> None:
    data = trial(seed)
    both = [
        cumulative_incidence(data, **{**CAUSES, "cause": cause}).at([5]) for cause in ("relapse", "death")
    ]
    curve = kaplan_meier(data.assign(event=(data.cause != "none").astype(int)), **COLUMNS).at([5])
    assert_allclose(both[0].incidence + both[1].incidence, 1 - curve.survival, rtol=1e-12)

"""What must not change an MMRM: labels, row order, units, locale; and what an arm swap must turn round."""

from __future__ import annotations

import locale
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.analysis import mmrm
from trialsim.analysis.repeated_measures import fit_mmrm_block
from trialsim.analysis.repeated_measures.result import MmrmResult

NUMBERS = ["estimate", "standard_error", "df", "statistic", "p_value"]
FEW = settings(deadline=None, max_examples=15)


def trial(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    people, weeks = 60, ["week 2", "week 6", "week 10"]
    frame = pd.DataFrame({"id": np.repeat(np.arange(people), 3), "visit": np.tile(weeks, people)})
    frame["arm"] = np.array(["placebo", "low", "high"])[frame["id"] % 3]
    frame["site"] = np.array(["Ähtäri", "beta", "Alpha", "zeta"])[rng.integers(0, 4, people)][frame["id"]]
    frame["age"] = rng.normal(70, 5, people)[frame["id"]]
    frame["score"] = rng.normal(size=180)
    frame["change"] = rng.normal(size=180) + rng.normal(size=people)[frame["id"]] + 0.3 * frame["score"]
    return frame[rng.random(180) > 0.15].reset_index(drop=True)


def fit(frame: pd.DataFrame, **options: Any) -> MmrmResult:
    usual: dict[str, Any] = {
        "outcome": "change",
        "arm": "arm",
        "visit": "visit",
        "participant": "id",
        "covariates": ["age", "site", "score"],
        "by_visit": ["age"],
        "control": "placebo",
        "df": "kenward-roger-linear",
    }
    return mmrm(frame, **(usual | options))


def effects(result: MmrmResult, names: dict[str, str] | None = None) -> np.ndarray:
    """Return the effects in an order that labels do not decide."""
    frame = result.contrasts.replace({"arm": names or {}})
    return frame.sort_values(["arm", "visit"])[NUMBERS].to_numpy()


REFERENCE = effects(fit(trial()))


@FEW
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit(random: Any) -> None:
    frame = trial()
    order = list(range(len(frame)))
    random.shuffle(order)
    np.testing.assert_array_equal(effects(fit(frame.iloc[order])), REFERENCE)


@FEW
@given(st.permutations(["a", "b", "Z", "é"]), st.permutations(["x", "Y"]))
def test_new_names_of_levels_and_arms_change_no_bit(sites: list[str], arms: list[str]) -> None:
    frame = trial()
    renamed = dict(zip(["Ähtäri", "beta", "Alpha", "zeta"], sites, strict=True))
    groups = dict(zip(["low", "high"], arms, strict=True))
    frame["site"] = frame["site"].map(renamed)
    frame["arm"] = frame["arm"].replace(groups)
    back = {new: old for old, new in groups.items()}
    np.testing.assert_array_equal(effects(fit(frame), back), REFERENCE)


@FEW
@given(st.permutations(range(60)))
def test_new_names_of_participants_change_no_bit(numbers: list[int]) -> None:
    frame = trial()
    frame["id"] = [f"S-{numbers[i]}" for i in frame["id"]]
    np.testing.assert_array_equal(effects(fit(frame)), REFERENCE)


def test_character_category_and_object_columns_are_read_alike() -> None:
    frame = trial()
    for kind in ("category", object, "string"):
        changed = frame.astype({"site": kind, "arm": kind, "visit": object if kind == "category" else kind})
        np.testing.assert_array_equal(effects(fit(changed)), REFERENCE)


def test_the_locale_changes_no_bit() -> None:
    before = locale.setlocale(locale.LC_ALL)
    tried = 0
    try:
        for name in ("C", "C.UTF-8", "en_US.UTF-8", "cs_CZ.UTF-8"):
            try:
                locale.setlocale(locale.LC_ALL, name)
            except locale.Error:
                continue
            tried += 1
            np.testing.assert_array_equal(effects(fit(trial())), REFERENCE)
    finally:
        locale.setlocale(locale.LC_ALL, before)
    assert tried >= 1


def test_visits_are_in_the_order_of_time_not_of_the_alphabet() -> None:
    assert fit(trial()).model.trial.visits == ("week 2", "week 6", "week 10")
    ordered = ["week 10", "week 6", "week 2"]
    turned = fit(trial(), visits=ordered)
    assert turned.model.trial.visits == tuple(ordered)
    np.testing.assert_allclose(effects(turned), REFERENCE, rtol=1e-8)


@FEW
@given(st.floats(0.001, 1000.0), st.floats(-1000.0, 1000.0), st.floats(0.001, 1000.0))
def test_units_of_outcome_and_covariates(scale: float, shift: float, other: float) -> None:
    frame = trial()
    frame["change"] = frame["change"] * scale + shift
    frame["age"] = frame["age"] * other - shift
    frame["score"] = frame["score"] * other
    found = effects(fit(frame)) / [scale, scale, 1.0, 1.0, 1.0]
    np.testing.assert_allclose(found, REFERENCE, rtol=1e-6)


@pytest.mark.parametrize("covariance", ["us", "toeph", "ar1", "csh"])
def test_an_arm_swap_turns_the_effect_round(covariance: str) -> None:
    frame = trial()
    frame = frame[frame["arm"] != "low"]
    one, other = (fit(frame, covariance=covariance, control=arm).contrasts for arm in ("placebo", "high"))
    np.testing.assert_allclose(one["estimate"], -other["estimate"], rtol=1e-8)
    for name in ("standard_error", "df", "p_value"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-7)


def test_unstructured_does_not_depend_on_the_order_of_visits_in_a_block() -> None:
    rng = np.random.default_rng(3)
    outcome = rng.normal(size=(5, 50, 4)).cumsum(axis=2)
    outcome[rng.random(outcome.shape) < 0.1] = np.nan
    arm = np.arange(50) % 2
    turned = outcome[..., [3, 1, 0, 2]]
    one = fit_mmrm_block(outcome, arm, tolerance=1e-18)
    other = fit_mmrm_block(turned, arm, visit=0, tolerance=1e-18)
    for name in ("estimate", "standard_error", "df"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-8)


def test_the_listing_and_the_frames_say_what_was_done() -> None:
    result = fit(trial())
    text = str(result)
    for words in (
        "Kenward-Roger, linear form",
        "arm minus placebo",
        "factor levels weighted equally",
        "week 10",
    ):
        assert words in text
    assert list(result.to_frame().columns[:3]) == ["arm", "control", "visit"]
    assert result.ls_means.shape[0] == 9
    means = result.ls_means.set_index(["arm", "visit"])["estimate"]
    expected = means["high", "week 10"] - means["placebo", "week 10"]
    row = result.contrasts.query("arm == 'high' and visit == 'week 10'")
    assert row["estimate"].item() == pytest.approx(expected, rel=1e-10)
    assert len(result.plot().data) == 5

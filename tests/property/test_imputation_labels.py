"""Labels, row order and units change no digit of an imputation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.analysis import reference_based_imputation
from trialsim.analysis.imputation import imputation_block
from trialsim.analysis.repeated_measures.closed_form import monotone_block

FACE = {
    "outcome": "y",
    "arm": "arm",
    "visit": "visit",
    "participant": "id",
    "covariates": ["sex", "region", "base"],
    "control": "control",
}


def trial(seed, gaps):
    generator = np.random.default_rng(seed)
    participants, visits = 60, 3
    outcomes = generator.standard_normal((participants, visits)).cumsum(axis=1)
    outcomes[np.arange(visits) >= generator.geometric(0.12, participants)[:, None]] = np.nan
    if gaps:
        outcomes[np.flatnonzero(~np.isnan(outcomes[:, 2]))[:2], 1] = np.nan
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(participants), visits),
            "visit": np.tile(["week 2", "week 4", "week 12"], participants),
            "arm": np.repeat(np.where(np.arange(participants) % 2 == 1, "active", "control"), visits),
            "sex": np.repeat(generator.choice(["F", "M"], participants), visits),
            "region": np.repeat(generator.choice(["Äland", "Zug", "arles"], participants), visits),
            "base": np.repeat(generator.normal(20.0, 4.0, participants), visits),
            "y": outcomes.ravel(),
        }
    )


def numbers(frame, **changes):
    found = reference_based_imputation(frame, **(FACE | {"strategy": "J2R"} | changes))
    return np.concatenate([found.estimate.ravel(), found.standard_error.ravel(), found.df.ravel()])


@settings(deadline=None, max_examples=6)
@given(
    seed=st.integers(0, 10_000),
    names=st.permutations(["North", "öst", "a b"]),
    method=st.sampled_from(["jack", "bayes"]),
)
def test_labels_and_row_order_change_no_digit(seed, names, method):
    frame = trial(seed, gaps=method == "jack")
    generator = np.random.default_rng(seed + 1)
    renamed = frame.assign(
        id="p" + (9_999 - frame["id"]).astype(str),
        sex=frame["sex"].map({"F": "z woman", "M": "A man"}),
        region=frame["region"]
        .map(dict(zip(["Äland", "Zug", "arles"], names, strict=True)))
        .astype("category"),
        arm=frame["arm"].map({"active": "A", "control": "Z"}),
    ).iloc[generator.permutation(len(frame))]
    options = {"method": "bayes", "draws": 20} if method == "bayes" else {}

    def of(data, control):
        own = {"generator": np.random.default_rng(3)} if method == "bayes" else {}
        return numbers(data, control=control, **options, **own)

    np.testing.assert_array_equal(of(frame, "control"), of(renamed, "Z"))


def test_absent_rows_are_missing_outcomes():
    frame = trial(1, gaps=False)
    np.testing.assert_array_equal(numbers(frame), numbers(frame.dropna(subset="y")))


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 50.0), shift=st.floats(-100.0, 100.0))
@pytest.mark.parametrize("strategy", ["MAR", "J2R", "CR", "CIR", "LMCF"])
def test_units_scale_and_swapped_arms_mirror(strategy, seed, scale, shift):
    frame = trial(seed, gaps=False)
    wide = frame.pivot_table(index="id", columns="visit", values="y", dropna=False)
    outcomes = wide[["week 2", "week 4", "week 12"]].to_numpy()
    arm = np.arange(len(wide)) % 2
    design = np.column_stack([np.ones(len(wide)), arm, frame.groupby("id")["base"].first()])
    mirrored = np.column_stack([np.ones(len(wide)), 1 - arm, design[:, 2]])
    block = imputation_block(outcomes[None], design, strategy=strategy, reference=0)
    scaled = imputation_block(shift + scale * outcomes[None], design, strategy=strategy, reference=0)
    swapped = imputation_block(outcomes[None], mirrored, strategy=strategy, reference=1)
    assert scaled.estimate[0] == pytest.approx(scale * block.estimate[0], rel=1e-6, abs=1e-7 * scale)
    assert scaled.standard_error[0] == pytest.approx(scale * block.standard_error[0], rel=1e-6)
    assert swapped.estimate[0] == pytest.approx(-block.estimate[0], rel=1e-7, abs=1e-9)
    assert swapped.standard_error[0] == pytest.approx(block.standard_error[0], rel=1e-7)


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 50.0))
def test_closed_form_mmrm_follows_units_order_and_arms(seed, scale):
    frame = trial(seed, gaps=False)
    wide = frame.pivot_table(index="id", columns="visit", values="y", dropna=False)
    outcomes = wide[["week 2", "week 4", "week 12"]].to_numpy()
    arm = np.arange(len(wide)) % 2
    design = np.column_stack([np.ones(len(wide)), arm, frame.groupby("id")["base"].first()])
    order = np.random.default_rng(seed).permutation(len(wide))
    block = monotone_block(outcomes[None], design)
    other = monotone_block(
        scale * outcomes[None, order],
        np.column_stack([np.ones(len(wide)), 1 - arm[order], design[order, 2] + 7]),
    )
    assert other.estimate[0] == pytest.approx(-scale * block.estimate[0], rel=1e-7, abs=1e-9 * scale)
    assert other.standard_error[0] == pytest.approx(scale * block.standard_error[0], rel=1e-8)
    assert other.df[0] == pytest.approx(block.df[0], rel=1e-7)

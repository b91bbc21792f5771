"""A file with several arms is not taken for a placebo arm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialsim.errors import HistoryError
from trialsim.prognosis import read_outcome_history
from trialsim.prognosis.histories.arms import arm_columns
from trialsim.protocol import OutcomeTable


def read(folder: Path, name: str, levels: list[object], filters: tuple[dict[str, object], ...] = ()) -> int:
    rng = np.random.default_rng(3)
    n = 180
    rows = pd.DataFrame(
        {
            "participant": np.arange(n),
            name: [levels[k % len(levels)] for k in range(n)],
            "age": rng.normal(60, 8, n).round(1),
            "response": rng.integers(0, 2, n),
        }
    )
    rows.to_csv(folder / "past.csv", index=False)
    table = OutcomeTable.model_validate(
        {
            "endpoint": "response", "family": "binary", "week": 8.0,
            "covariates": ("age",), "filter": filters,
        }
    )  # fmt: skip
    return len(read_outcome_history(folder / "past.csv", table))


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("arm", ["A", "B"]),
        ("TRT01P", ["Drug 10 mg", "Drug 20 mg", "none"]),
        ("Planned.Arm.Code", [0, 1]),
        ("treatment_group", [1, 2, 3]),
        ("RXASP", ["Y", "N"]),
        ("rx", [0, 1]),
        ("group", ["Control", "new"]),
        ("drug", ["PBO", "X"]),
        ("x17", ["Placebo", "Active"]),
        ("therapy", ["Standard of care", "New"]),
        ("aspirin", [0, 1]),
        ("heparin", ["none", "low", "medium", "none"]),
        ("Dexamethasone", ["no", "yes"]),
        ("rosuvastatin", ["Y", "N", "Y"]),
    ],
)
def test_several_arms_are_refused_with_the_mend(tmp_path, name, levels):
    with pytest.raises(
        HistoryError, match=r"looks like the treatment arm.*\[\[history.filter\]\]"
    ) as refusal:
        read(tmp_path, name, levels)
    assert refusal.value.field == name
    assert not any(
        str(level) in str(refusal.value) for level in levels if isinstance(level, str) and len(level) > 3
    )
    # A condition on it is an answer.
    assert read(tmp_path, name, levels, ({"column": name, "equals": levels[0]},)) < 180
    assert read(tmp_path, name, levels, ({"column": name, "one_of": tuple(levels)},)) == 180


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("group", ["north", "south"]),
        ("arm", ["placebo"]),
        ("army", ["yes", "no"]),
        ("treatment_days", list(range(40))),
        ("mid_upper_arm_circumference", [20.5, 21.5, 22.5]),
        ("drug", ["prior", "naive"]),
        ("dose", [5, 10]),
        ("sex", ["F", "M"]),
        ("horTh", ["yes", "no"]),
        ("aspirin_before", [0, 1]),
        ("statin", [0, 1]),
        ("aspirin", [0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ],
)
def test_what_is_no_arm_is_left_alone(tmp_path, name, levels):
    assert read(tmp_path, name, levels) == 180


def test_a_condition_on_another_column_that_leaves_one_arm_is_enough(tmp_path):
    rng = np.random.default_rng(3)
    arm = np.arange(120) % 2
    rows = pd.DataFrame(
        {
            "participant": np.arange(120), "arm": np.where(arm == 0, "placebo", "active"), "trtn": arm,
            "age": rng.normal(60, 8, 120), "response": rng.integers(0, 2, 120),
        }
    )  # fmt: skip
    rows.to_csv(tmp_path / "past.csv", index=False)
    table = OutcomeTable.model_validate(
        {
            "endpoint": "response", "family": "binary", "week": 8.0,
            "covariates": ("age",), "filter": ({"column": "trtn", "equals": 0},),
        }
    )  # fmt: skip
    assert len(read_outcome_history(tmp_path / "past.csv", table)) == 60


def test_a_condition_on_one_drug_of_a_factorial_trial_answers_for_the_other() -> None:
    rows = pd.DataFrame({"aspirin": [0, 1] * 60, "heparin": ["none", "none", "low", "low"] * 30})
    assert set(arm_columns(rows)) == {"aspirin", "heparin"}
    assert arm_columns(rows[rows["aspirin"] == 0], {"aspirin"}) == {}

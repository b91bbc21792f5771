"""The card hamd17 against a public antidepressant trial, and cards of disease models that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import trialsim.disease
from tests.conformance.disease.drawn_people import people_of
from trialsim.disease import disease_model
from trialsim.disease.linear_course import linear_course
from trialsim.errors import InputError
from trialsim.streams import stream

WEEKS = np.array([0.0, 1.0, 2.0, 4.0, 6.0])
CARD = Path(trialsim.disease.__file__).parent / "cards" / "hamd17.toml"


def changes(**dials: float) -> np.ndarray:
    model = disease_model("hamd17")
    people = people_of("depression")
    found = model.draw(people, "hamd17", dials, WEEKS, lambda part: stream(5, "conformance", 0, part))
    return found.outcomes[:, 1:] - found.outcomes[:, :1]


def test_changes_on_placebo_of_the_antidepressant_trial() -> None:
    assert changes().mean(axis=0) == pytest.approx([-1.51, -2.70, -4.07, -5.14], abs=0.12)
    assert changes().std(axis=0) == pytest.approx([3.8, 5.5, 6.2, 6.1], abs=0.2)


def test_the_effect_at_week_6_of_the_antidepressant_trial() -> None:
    """A mixed model gives -2.80 (SE 1.11)."""
    assert (changes(points=-3.2) - changes()).mean(axis=0)[-1] == pytest.approx(-2.80, abs=0.2)


def test_what_the_card_says_is_in_the_rows_of_the_trial(shared: Callable[[str], Path]) -> None:
    rows = pd.read_csv(shared("data/antidepressant_dia/antidepressant.csv"))
    placebo = rows[rows["THERAPY"] == "PLACEBO"].groupby("VISIT")["CHANGE"]
    assert placebo.mean().tolist() == pytest.approx([-1.51, -2.70, -4.07, -5.14], abs=0.005)
    assert placebo.count().tolist() == [88, 81, 76, 65]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("higher_is_worse = true\n", "", "higher_is_worse"),
        ('unit = "points"', 'unit = "points"\ncolour = "red"', "colour"),
        ("lower = 0.0", "lower = 60.0", "lower"),
        ("weeks = [0, 1, 2, 4, 6]\nchange", "weeks = [0, 2, 1, 4, 6]\nchange", "mean.weeks"),
        ("weeks = [0, 1, 2, 4, 6]\nchange", "weeks = [0, 1, 2, 6]\nchange", "mean.weeks"),
        ("change = [0.0,", "change = [1.0,", "mean.change"),
        ("sd = 2.8", "sd = -2.8", "error.sd"),
        ("sd = [0.0, 2.58", "sd = [0.0, -2.58", "spread.sd"),
        ('2.8\nevidence = "computed"', '2.8\nevidence = "sure"', "error.evidence"),
    ],
)  # fmt: skip
def test_a_card_that_cannot_be_is_refused_by_its_field(
    tmp_path: Path, old: str, new: str, field: str
) -> None:
    text = CARD.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "card.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        linear_course(tmp_path / "card.toml")
    assert refused.value.field == field


def test_no_file_and_no_toml_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        linear_course(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(InputError, match="is no TOML"):
        linear_course(tmp_path / "bad.toml")

"""The default example declines as Clarity AD's placebo arm; as many as Delor found are slow by default."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trialsim.data import Covariates
from trialsim.disease import DelorCdrSb
from trialsim.protocol import read_trial
from trialsim.study.people.from_card import register_from_card

ROOT = Path(__file__).parents[3]
PEOPLE = 100_000
# Clarity AD (van Dyck et al. 2023, N Engl J Med 388:9-21): change of the CDR-SB to week 78 on placebo.
CLARITY_CHANGE = 1.66


def test_week_78_of_the_default_example_is_that_of_the_placebo_arm_of_clarity_ad_2023():
    declared = read_trial(ROOT / "protocols" / "alzheimers_phase2.toml")
    trial = declared.model_copy(update={"twins": None, "scenarios": declared.scenarios[:1]})
    people = register_from_card(trial, None, ROOT / "protocols")
    change = people.outcomes[0][:, -1] - people.outcomes[0][:, 0]
    assert change.mean() == pytest.approx(CLARITY_CHANGE, abs=0.15)
    assert 2.0 <= change.std() <= 2.4


def test_44_percent_of_people_with_mild_cognitive_impairment_are_slow_by_default_as_in_delor_2013():
    # ADNI's covariates with mild cognitive impairment are recalled.
    g = np.random.default_rng(4)

    def beta(mean: float, sd: float, low: float, high: float) -> np.ndarray:
        middle, spread = (mean - low) / (high - low), (sd / (high - low)) ** 2
        total = middle * (1 - middle) / spread - 1
        return low + (high - low) * g.beta(middle * total, (1 - middle) * total, PEOPLE)

    columns = {
        "cdr_sb": beta(1.6, 0.9, 0.5, 5.5),
        "mmse": np.full(PEOPLE, 27.0),
        "adas_cog": np.full(PEOPLE, 11.5),
        "faq": beta(3.9, 4.5, 0.0, 30.0),
        "hippocampal_volume": g.normal(0.90, 0.13, PEOPLE),
    }
    people = Covariates(tuple(columns), np.column_stack(list(columns.values())))
    course = DelorCdrSb().draw_course(people, np.random.default_rng(5))
    assert course.slow.mean() == pytest.approx(0.44, abs=0.02)

"""Decision fidelity agrees where populations agree, and sees what plans another trial."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.data import Covariates
from trialsim.design import SizingQuestion
from trialsim.errors import InputError
from trialsim.population import draw_covariates
from trialsim.population.individual_data.fitting import CardFacts, coded, fit_card
from trialsim.study.control_arm.fidelity_of_decision import decision_fidelity

NAMES = ("baseline", "age", "change")
QUESTION = SizingQuestion(effect=0.4)


def people(seed: int, n: int, slope: float = 0.5, sd: float = 1.0) -> Covariates:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    change = 0.4 * x[:, 0] + slope * x[:, 1] + sd * rng.normal(size=n)
    return Covariates(NAMES, np.column_stack([x, change]))


def compare(real: Covariates, synthetic: Covariates) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    return decision_fidelity(real, synthetic, "change", "baseline", ["age"], QUESTION, rng).set_index(
        "quantity"
    )


def test_the_same_population_plans_the_same_trial():
    frame = compare(people(1, 800), people(2, 20_000))
    assert frame["agrees"].all()
    assert frame.loc["sd", "synthetic"] == pytest.approx(np.sqrt(0.4**2 + 0.5**2 + 1), rel=0.03)
    assert frame.loc["partial_correlation", "synthetic"] == pytest.approx(0.5 / np.sqrt(1.25), abs=0.02)
    assert frame.loc["total_ancova", "real"] > frame.loc["total_adjusted", "real"]
    assert frame.loc["power_ancova", "real"] == pytest.approx(0.9, abs=0.01)


def test_a_lost_association_and_a_small_sd_are_seen():
    lost = compare(people(1, 800), people(2, 20_000, slope=0.0, sd=np.sqrt(1.25)))
    assert lost.loc["sd", "agrees"]
    assert not lost.loc["partial_correlation", "agrees"]
    assert not lost.loc["total_adjusted", "agrees"]
    narrow = compare(people(1, 800), people(2, 20_000, sd=0.7))
    assert narrow.loc["total_ancova", "ratio"] < 0.75
    assert narrow.loc["power_ancova", "synthetic"] > 0.95


def test_a_fitted_card_plans_the_trial_of_its_participants():
    real = people(3, 400)
    card = fit_card(real.to_frame(), CardFacts("t", "t", "t", "t", "t", "t"))
    frame = compare(coded(real.to_frame()), draw_covariates(card, 20_000, np.random.default_rng(4)))
    assert frame["agrees"].all()


def test_columns_and_participants_must_be_there():
    with pytest.raises(InputError, match="no such column") as caught:
        decision_fidelity(
            people(1, 50), people(1, 50), "outcome", "baseline", [], QUESTION, np.random.default_rng(1)
        )
    assert caught.value.field == "outcome"
    with pytest.raises(InputError, match="fewer than 30"):
        compare(people(1, 20), people(2, 100))

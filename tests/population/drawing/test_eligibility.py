"""Eligible participants by conditioning have the law of those found by rejection."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import special

from trialsim.errors import InputError
from trialsim.population import LinearCriterion, draw_covariates, draw_eligible, read_card
from trialsim.population.cards.criteria import meets_criteria
from trialsim.population.drawing.orthant import log_mass, truncated
from trialsim.protocol.eligibility import Criterion

EARLY = read_card(Path(__file__).parents[3] / "cohorts" / "alzheimers_early.toml")
RARE = [
    Criterion(covariate="mmse", at_most=23.0),
    Criterion(covariate="cdr_sb", at_least=5.0),
    Criterion(covariate="age", at_most=65.0),
    Criterion(covariate="female", at_least=1.0),
]


def generator(key: int = 7) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=key))


def test_the_rare_eligible_have_the_law_of_those_found_by_rejection():
    quick = draw_eligible(EARLY, 20_000, generator(), RARE)
    everyone = draw_covariates(EARLY, 1_500_000, generator(8)).values
    slow = everyone[meets_criteria(EARLY.names, RARE, everyone).all(axis=1)]
    rate = len(slow) / len(everyone)
    assert rate < 0.002
    error = 5 * np.hypot(np.sqrt(rate / len(everyone)), quick.screen_failure_error)
    assert 1 - quick.screen_failure_rate == pytest.approx(rate, abs=error)
    values = quick.covariates.values
    assert meets_criteria(EARLY.names, RARE, values).all()
    for j, name in enumerate(EARLY.names):
        spread = np.sqrt(slow[:, j].var() / len(slow) + values[:, j].var() / len(values))
        assert abs(slow[:, j].mean() - values[:, j].mean()) <= 4.5 * spread, name
    i, j = EARLY.names.index("faq"), EARLY.names.index("cdr_sb")
    correlations = [np.corrcoef(sample[:, i], sample[:, j])[0, 1] for sample in (slow, values)]
    assert correlations[0] == pytest.approx(correlations[1], abs=5 / np.sqrt(len(slow)))


def test_the_rate_of_the_rare_is_known_within_one_percent():
    quick = draw_eligible(EARLY, 5000, generator(), RARE)
    assert quick.screen_failure_error < 0.01 * (1 - quick.screen_failure_rate)


def test_the_same_stream_gives_the_same_rare_participants():
    first, second = (draw_eligible(EARLY, 100, generator(), RARE).covariates for _ in range(2))
    assert first.values.tobytes() == second.values.tobytes()


def test_a_shift_moves_who_is_eligible():
    plain = draw_eligible(EARLY, 100, generator(), RARE).screen_failure_rate
    older = draw_eligible(EARLY, 100, generator(), RARE, shift={"age": 0.5}).screen_failure_rate
    assert older > plain


def make_body(tmp_path: Path):
    text = """
name = "body"
title = "Body"
population = "Adults"
period = "now"
n = 10
describes = "source"
unlisted_pairs = "independent"
[sources.us]
citation = "us"
licence = "none"
read = true
"""
    for name, kind, mean, sd in (
        ("weight_kg", "lognormal", 80.0, 15.0), ("height_m", "lognormal", 1.7, 0.1),
        ("sbp", "normal", 130.0, 15.0), ("dbp", "normal", 80.0, 10.0), ("age", "gamma", 60.0, 9.0),
    ):  # fmt: skip
        text += f"""
[[margins]]
name = "{name}"
label = "{name}"
kind = "{kind}"
mean = {{ value = {mean}, source = "us", evidence = "assumed" }}
sd = {{ value = {sd}, source = "us", evidence = "assumed" }}
"""
    for first, second, value in (("weight_kg", "height_m", 0.5), ("sbp", "dbp", 0.6)):
        text += f"""
[[correlations]]
between = ["{first}", "{second}"]
value = {value}
source = "us"
evidence = "assumed"
"""
    path = tmp_path / "body.toml"
    path.write_text(text)
    return read_card(path)


@pytest.mark.parametrize(
    "criteria",
    [
        [LinearCriterion({"weight_kg": 1.0, "height_m": -2.0}, at_least=42.0, scale="log")],
        [LinearCriterion({"sbp": 1.0, "dbp": -1.0}, at_least=80.0), Criterion(covariate="age", at_most=55.0)],
        [
            LinearCriterion({"sbp": 1 / 3, "dbp": 2 / 3}, at_most=78.0),
            Criterion(covariate="sbp", at_least=130.0),
            Criterion(covariate="dbp", at_most=70.0),
        ],
        [
            LinearCriterion({"age": 1.0, "sbp": 1.0}, at_least=215.0),
            Criterion(covariate="dbp", at_least=97.0),
        ],
    ],
)
def test_linear_criteria_select_as_rejection_does(tmp_path, criteria):
    card = make_body(tmp_path)
    quick = draw_eligible(card, 4000, generator(), criteria)
    everyone = draw_covariates(card, 1_000_000, generator(9)).values
    slow = everyone[meets_criteria(card.names, criteria, everyone).all(axis=1)]
    rate = len(slow) / len(everyone)
    assert rate < 0.05
    assert 1 - quick.screen_failure_rate == pytest.approx(rate, rel=5 / np.sqrt(len(slow)) + 0.05)
    values = quick.covariates.values
    assert meets_criteria(card.names, criteria, values).all()
    spread = np.sqrt(slow.var(axis=0) / len(slow) + values.var(axis=0) / len(values))
    assert (np.abs(slow.mean(axis=0) - values.mean(axis=0)) < 4.5 * spread).all()


@pytest.mark.parametrize(
    ("criteria", "words"),
    [
        (
            [Criterion(covariate="age", at_least=70.0), Criterion(covariate="age", at_most=60.0)],
            "age .* excludes everyone",
        ),
        (
            [Criterion(covariate="female", at_least=0.2, at_most=0.8)],
            "female from 0.2 to 0.8 excludes everyone",
        ),
        ([LinearCriterion({"weight": 1.0}, at_least=1.0)], "no such covariate"),
    ],
)
def test_criteria_that_leave_nobody_are_named(criteria, words):
    with pytest.raises(InputError, match=words) as caught:
        draw_eligible(EARLY, 10, generator(), criteria)
    assert caught.value.field.startswith("eligibility[")


def test_masses_and_quantiles_hold_in_both_tails():
    low, high = np.array([-30.0, 5.0, -1.0, 8.0]), np.array([-20.0, 6.0, 2.0, np.inf])
    slow = [special.log_ndtr(-20.0), np.log(special.ndtr(-5.0) - special.ndtr(-6.0))]
    slow += [np.log(special.ndtr(2.0) - special.ndtr(-1.0)), special.log_ndtr(-8.0)]
    assert log_mass(low, high) == pytest.approx(slow, rel=1e-9)
    drawn = truncated(low, high, np.full(4, 0.3))
    assert ((drawn >= low) & (drawn <= high)).all()

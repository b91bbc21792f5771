"""A real history that is not on the scale of the trial's population: refused before anything is fitted."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest

import trialsim.study.people.learning as module
from trialsim.data import Covariates
from trialsim.errors import HistoryError, TrialsimWarning
from trialsim.protocol.declared import read_trial
from trialsim.study.people.against_card import hold_against_card
from trialsim.study.people.learning import learn_twins
from trialsim.study.people.modelled.generated import generate_declared_history

PATH = Path(__file__).parents[3] / "protocols" / "cdisc_pilot.toml"
TRIAL = read_trial(PATH)
PAST = Path("past.csv")


@pytest.fixture(scope="module")
def history():
    return replace(generate_declared_history(TRIAL, PATH.parent), generated=False)


def months(history):
    values = history.covariates.values.copy()
    values[:, history.covariates.names.index("age")] *= 12
    return replace(history, covariates=Covariates(history.covariates.names, values))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda h: replace(h, baseline=h.baseline / 70, outcomes=h.outcomes / 70),
            "adas_cog: looks to be on another scale",
        ),
        (months, "age: .* values cannot be"),
    ],
)
def test_another_scale_is_refused_before_a_fit(history, monkeypatch, change, words):
    def learn(*_, **__):
        raise AssertionError("a twin would have been issued")

    monkeypatch.setattr(module, "fit_prognosis", learn)
    monkeypatch.setattr(module, "read_declared_history", lambda *_: change(history))
    with pytest.raises(HistoryError, match=words):
        learn_twins(TRIAL, PATH.parent, PAST)
    monkeypatch.setattr(module, "read_declared_history", lambda *_: history)
    with pytest.raises(AssertionError, match="would have been issued"):
        learn_twins(TRIAL, PATH.parent, PAST)


def test_outcomes_off_the_scale_are_refused(history):
    high = replace(history, outcomes=history.outcomes + 60)
    with pytest.raises(HistoryError, match=r"past.csv: adas11: \d+ values lie outside the endpoint's scale"):
        hold_against_card(TRIAL, PATH.parent, high, PAST)


def with_one(history, name: str, value: float):
    values = history.covariates.values.copy()
    values[3, history.covariates.names.index(name)] = value
    return replace(history, covariates=Covariates(history.covariates.names, values))


@pytest.mark.parametrize(
    ("name", "value"),
    [("age", 99999.0), ("age", 300.0), ("age", -5.0), ("mmse", 99.0), ("bmi", -1.0), ("female", 9.0)],
)
def test_one_value_that_nobody_has_is_refused_as_it_is_read(history, name, value) -> None:
    with pytest.raises(
        HistoryError, match=f"past.csv: {name}: 1 of {len(history)} values cannot be"
    ) as fault:
        hold_against_card(TRIAL, PATH.parent, with_one(history, name, value), PAST)
    assert f"{value:g}" not in str(fault.value).replace("such as 999", "")


def test_values_outside_the_cards_limits_are_counted_and_not_shown(history) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hold_against_card(TRIAL, PATH.parent, history, PAST)
    with pytest.warns(TrialsimWarning) as told:
        hold_against_card(TRIAL, PATH.parent, with_one(history, "age", 97.25), PAST)
    assert [str(one.message) for one in told] == [
        f"past.csv: age: 1 of {len(history)} values lie outside the limits of the card, 50 to 90"
    ]

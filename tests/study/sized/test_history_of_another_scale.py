"""A real history that is not on the scale of the trial's population: refused before anything is fitted."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest

import trialsim.study.sized.run as module
from trialsim.data import Covariates
from trialsim.disease import disease_model
from trialsim.errors import HistoryError, TrialsimWarning
from trialsim.population import read_card
from trialsim.protocol import cohort_path, read_protocol
from trialsim.study import generate_history, load_history, run_study
from trialsim.study.sized import require_population_of_card

PATH = Path(__file__).parents[3] / "protocols" / "cdisc_pilot.toml"


@pytest.fixture(scope="module")
def study():
    protocol = read_protocol(PATH)
    card, disease = read_card(cohort_path(protocol, PATH)), disease_model(protocol.disease.model)
    return protocol, card, disease, replace(generate_history(protocol, card, disease), generated=False)


def months(history):
    values = history.covariates.values.copy()
    values[:, history.covariates.names.index("age")] *= 12
    return replace(history, covariates=Covariates(history.covariates.names, values))


def test_a_history_of_the_population_is_taken(study):
    require_population_of_card(*study)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (lambda h: replace(h, baseline=h.baseline / 70, outcomes=h.outcomes / 70), "adas_cog"),
        (months, "age"),
    ],
)
def test_another_scale_is_refused_before_a_fit(study, monkeypatch, change, column):
    *parts, history = study

    def learn(*_, **__):
        raise AssertionError("a twin would have been issued")

    monkeypatch.setattr(module, "learn", learn)
    with pytest.raises(HistoryError, match=f"{column}: looks to be on another scale"):
        run_study(*parts, change(history))
    with pytest.raises(AssertionError, match="would have been issued"):
        run_study(*parts, history)


def with_one(history, name: str, value: float):
    values = history.covariates.values.copy()
    values[3, history.covariates.names.index(name)] = value
    return replace(history, covariates=Covariates(history.covariates.names, values))


def load(study, monkeypatch, history):
    protocol, card, disease, _ = study
    monkeypatch.setattr("trialsim.study.sized.history.read_history", lambda *_, **__: history)
    return load_history(protocol, "past.csv", disease, card)


@pytest.mark.parametrize(
    ("name", "value"),
    [("age", 99999.0), ("age", 300.0), ("age", -5.0), ("mmse", 99.0), ("bmi", -1.0), ("female", 9.0)],
)
def test_one_value_that_nobody_has_is_refused_as_it_is_read(study, monkeypatch, name, value) -> None:
    history = study[3]
    with pytest.raises(
        HistoryError, match=f"past.csv: {name}: 1 of {len(history)} values cannot be"
    ) as fault:
        load(study, monkeypatch, with_one(history, name, value))
    assert f"{value:g}" not in str(fault.value).replace("such as 999", "")


def test_values_outside_the_cards_limits_are_counted_and_not_shown(study, monkeypatch) -> None:
    history = study[3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load(study, monkeypatch, history) is history
    with pytest.warns(TrialsimWarning) as told:
        load(study, monkeypatch, with_one(history, "age", 97.25))
    assert [str(one.message) for one in told] == [
        f"past.csv: age: 1 of {len(history)} values lie outside the limits of the card, 50 to 90"
    ]

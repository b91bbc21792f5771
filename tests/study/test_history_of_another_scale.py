"""A real history that is not on the scale of the trial's population: refused before anything is fitted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import trialsim.study.run as module
from trialsim.data import Covariates
from trialsim.disease import disease_model
from trialsim.errors import HistoryError
from trialsim.population import read_card
from trialsim.protocol import cohort_path, read_protocol
from trialsim.study import generate_history, require_population_of_card, run_study

PATH = Path(__file__).parents[2] / "protocols" / "cdisc_pilot.toml"


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

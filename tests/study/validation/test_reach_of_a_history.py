"""Reach of a history into the people of a protocol's card, and how good its twins are there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.declared_files import tables
from trialsim.data import Covariates, History
from trialsim.errors import HistoryError, ProtocolError
from trialsim.prognosis import CrossValidation, FitSettings, Prognosis, fit_prognosis
from trialsim.protocol.declared import DeclaredTrial, trial_from_dict
from trialsim.study.people.learning import learnt_of, past_of
from trialsim.study.validation import Finding, ValidationAsked, validate_twins
from trialsim.study.validation.reach import reach_into_card, reach_into_trial

PROTOCOLS = Path(__file__).parents[3] / "protocols"
CARD = PROTOCOLS.parent / "cohorts" / "heart_failure.toml"
COVARIATES = ["age", "female", "apoe4_carrier", "mmse", "adas_cog", "faq", "hippocampal_volume"]
BRIEF = FitSettings(tune=400, draws=400, max_rhat=1.05, min_ess=50.0, max_divergences=20)


def on_card() -> DeclaredTrial:
    return trial_from_dict(
        tables("score") | {
            "population": {"kind": "card", "card": "../cohorts/alzheimers_early.toml"},
            "endpoints": [{"kind": "score", "name": "cdr_sb", "direction": "higher_is_worse",
                           "weeks": [13.0, 26.0, 39.0, 52.0, 65.0, 78.0],
                           "course": {"kind": "model", "model": "delor2013_cdr_sb"}}],
            "effects": [{"arm": "active", "kind": "slowing", "value": 0.3, "source": "t"}],
            "history": {"generated": 150},
            "twins": {"source": "learned", "covariates": COVARIATES},
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def learnt(sampler) -> tuple[DeclaredTrial, History, Prognosis]:
    """Return a trial, a history that its own model makes, and what is learnt from it."""
    trial = on_card()
    past = learnt_of(trial, past_of(trial, PROTOCOLS))
    return trial, past, fit_prognosis(past, seed=1, settings=BRIEF, sampler=sampler)


def in_sample(past: History, model: Prognosis) -> CrossValidation:
    """Return twins of the history's own participants in the place of those of folds."""
    twins = model.predict(past.covariates, past.baseline, past.weeks)
    pit = model.pit(past.covariates, past.baseline, past.weeks, past.outcomes)
    count = len(past)
    return CrossValidation(
        past.weeks, np.arange(count), np.zeros(count, int), past.baseline, past.outcomes,
        twins.score, twins.sd, pit, np.ones(1), np.ones(1), np.ones(1),
    )  # fmt: skip


def of(trial: DeclaredTrial, past: History, model: Prognosis, held_out: CrossValidation) -> list[Finding]:
    return reach_into_trial(trial, PROTOCOLS, past.covariates, past.baseline, model, held_out)


def test_a_history_like_the_population_is_carried_over_by_weights(learnt) -> None:
    trial, past, model = learnt
    held_out = in_sample(past, model)
    people, weighed, calibrated, course = of(trial, past, model, held_out)
    frame = people.frame.set_index(people.frame.columns[0])
    assert frame.loc["baseline"].iloc[0] == pytest.approx(past.baseline.mean(), rel=0.01)
    assert "Inside its hull" in people.notes[0]
    assert any("Generalisability index" in note for note in weighed.notes)
    assert "effective participants" in weighed.frame
    assert "out of sample, by entropy balancing to means" in calibrated.title
    last = course.frame.iloc[-1]
    direct, weighted = last["twins of the population"], last["weighted twins of the history"]
    assert last["week"] == 78
    assert direct == pytest.approx(weighted, abs=0.15), "weights and model agree where the model is linear"
    assert last["weighted outcomes of the history"] == pytest.approx(weighted, abs=3 * last["se"])


def test_a_history_far_away_is_not_carried_over(learnt) -> None:
    trial, past, model = learnt
    values = past.covariates.values.copy()
    values[:, past.covariates.names.index("age")] += 60
    away = replace(past, covariates=Covariates(past.covariates.names, values))
    found = of(trial, away, model, in_sample(past, model))
    assert any("cannot be carried over by entropy balancing to means" in note for note in found[1].notes)
    assert not [one for one in found if one.title.startswith("Mean change on placebo")]


def test_a_protocol_with_a_card_has_no_other_cohort() -> None:
    with pytest.raises(ProtocolError, match="which of the two"):
        validate_twins(on_card(), PROTOCOLS, asked=ValidationAsked(cohort=CARD))


def test_a_history_is_held_against_any_card_on_the_same_scale() -> None:
    rng = np.random.default_rng(5)
    people = Covariates(("age", "dose"), np.column_stack([rng.normal(60, 8, 400), rng.standard_normal(400)]))
    first, weighed = reach_into_card(people, CARD, 1)
    assert any("does not know dose" in note for note in first.notes)
    row = first.frame.set_index(first.frame.columns[0]).loc["age"]
    assert row.iloc[0] == pytest.approx(people.column("age").mean(), rel=1e-3)
    assert any("Far from the history" in note for note in first.notes)
    assert "entropy balancing to means and SDs" in set(weighed.frame["weights"])
    assert any("Generalisability index" in note for note in weighed.notes)
    months = Covariates(("age", "dose"), people.values * [12.0, 1.0])
    with pytest.raises(HistoryError, match="age: looks to be on another scale"):
        reach_into_card(months, CARD, 1)
    with pytest.raises(HistoryError, match="has none of the history's covariates"):
        reach_into_card(Covariates(("height", "dose"), people.values), CARD, 1)

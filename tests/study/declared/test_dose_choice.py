"""Which dose is chosen, and where harm and benefit of a declared trial come from."""

from __future__ import annotations

import numpy as np
import pytest

import trialsim as ts
from tests.declared_files import PLANNED
from trialsim.errors import ProtocolError
from trialsim.population import draw_covariates, read_card
from trialsim.protocol.declared import grid_points, read_trial, trial_from_dict
from trialsim.streams import stream
from trialsim.study.declared import engine_of
from trialsim.study.people.drawing import register_of

DOSES = ("quarter", "half", "full", "double")


@pytest.fixture(scope="module")
def trial():
    declared = read_trial("protocols/dose_finding.toml").to_dict()
    declared["population"] |= {"card": "cohorts/asthma.toml", "register": 4_000}
    declared["participants"] = 300
    declared |= {"twins": None, "history": None}
    declared["analyses"] = [{"kind": "ancova"}]
    return trial_from_dict(declared)


@pytest.fixture(scope="module")
def worlds(trial):
    from pathlib import Path

    found = {}
    for point in grid_points(trial):
        register = register_of(point.trial, None, Path())
        found[point.name] = (point.trial, register, engine_of(point.trial, register))
    return found


def test_harm_of_the_register_is_that_of_the_model_by_dose(worlds):
    """By 200,000 people whom the model draws alone; the limit of 10 % lies between two doses."""
    _, register, engine = worlds["works"]
    people = draw_covariates(read_card("cohorts/asthma.toml"), 200_000, np.random.default_rng(1))
    model = ts.disease_model("theophylline")
    for position, dose in enumerate((0.0, 0.25, 0.5, 1.0, 2.0)):
        found = model.draw(
            people, "harm", {"dose": dose}, np.array([12.0]), lambda part: stream(1, "t", 0, part)
        )
        expected = found.outcomes.mean()
        assert register.harms[position].mean() == pytest.approx(
            expected, abs=4 * np.sqrt(expected * (1 - expected) / 4_000) + 1e-12
        )
    truths = engine.truths()
    assert [truths[f"harm:{name}"].value for name in ("placebo", *DOSES)] == register.harms.mean(
        axis=1
    ).tolist()


def test_the_same_people_are_harmed_at_every_higher_dose(worlds):
    _, register, _ = worlds["works"]
    assert (np.diff(register.harms, axis=0) >= 0).all()


def test_a_dose_beyond_the_limit_is_seldom_chosen_and_never_when_it_is_seen_beyond(worlds):
    _, _, engine = worlds["works"]
    reading = engine.read(400, 5, 0).readings["ancova"]
    counted = reading.counted
    for a in range(1, 5):
        assert not (counted[f"chosen_{a}"] & counted[f"beyond_limit_{a}"]).any()
        assert not (counted[f"chosen_{a}"] & ~counted[f"claim_{a}"]).any()
    assert (sum(counted[f"chosen_{a}"].astype(int) for a in range(1, 5)) <= 1).all()
    # Half of the people at twice the dose are harmed: sixty of them always show it.
    assert counted["beyond_limit_4"].mean() > 0.99


def test_where_doses_only_harm_a_choice_is_an_error_within_the_level(worlds):
    for name in ("null", "harm_without_benefit"):
        _, _, engine = worlds[name]
        counted = engine.read(1_000, 5, 0).readings["ancova"].counted
        chosen = np.mean(sum(counted[f"chosen_{a}"].astype(int) for a in range(1, 5)))
        assert chosen <= 0.025 + 4 * np.sqrt(0.025 * 0.975 / 1_000)


def test_an_inhibitor_makes_the_same_doses_harm_more(worlds):
    plain, beside = (worlds[name][1].harms.mean(axis=1) for name in ("works", "beside_an_inhibitor"))
    assert (beside[1:] >= plain[1:]).all()
    assert beside[3] > plain[3] + 0.1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"endpoint": "fev1"}, r"safety\.endpoint.*use harm"),
        ({"limit": 1.5}, r"safety\.limit"),
        ({"weight": -1.0}, r"safety\.weight"),
    ],
)
def test_an_impossible_harm_is_refused(trial, change, match):
    from pathlib import Path

    made = trial.to_dict()
    made["safety"] |= change
    with pytest.raises(ProtocolError, match=match):
        register_of(grid_points(trial_from_dict(made))[0].trial, None, Path())


def test_a_harm_without_people_or_with_one_dose_is_refused(trial):
    made = trial.to_dict()
    made |= {"arms": made["arms"][:2], "effects": made["effects"][:1], "enrolment": PLANNED}
    made["discontinuation"] = []
    with pytest.raises(ProtocolError, match="chooses between several active arms"):
        trial_from_dict(made)

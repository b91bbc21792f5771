"""Registers of a card and a disease model: the old main job's people, in every arm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.declared_files import tables
from trialsim.errors import InputError, ProtocolError
from trialsim.protocol.declared import DeclaredTrial, trial_from_dict
from trialsim.protocol.declared.grid import grid_points
from trialsim.study.people.drawing import register_of
from trialsim.study.people.modelled.generated import generate_declared_history

PROTOCOLS = Path(__file__).parents[3] / "protocols"
CARDS = {
    "delor2013_cdr_sb": ("../cohorts/alzheimers_early.toml", "cdr_sb"),
    "conrado2014_adas_cog": ("../cohorts/alzheimers_mild_moderate.toml", "adas_cog"),
}


def declare(model: str = "delor2013_cdr_sb", **changes: Any) -> DeclaredTrial:
    """Return the resolved trial of a card's people, without twins unless they are given."""
    card, endpoint = CARDS[model]
    drift = changes.pop("drift", None)
    made = tables("score") | {
        "population": {"kind": "card", "card": card, "register": 20_000},
        "endpoints": [{"kind": "score", "name": endpoint, "direction": "higher_is_worse",
                       "weeks": [26.0, 52.0, 78.0], "course": {"kind": "model", "model": model}}],
        "effects": [{"arm": "active", "kind": "slowing", "value": 0.3, "source": "t"}],
        "scenarios": [
            {"name": "a", "kind": "alternative", "why": "t", **({"drift": drift} if drift else {})}
        ],
    } | changes  # fmt: skip
    (point,) = grid_points(trial_from_dict(made))
    assert point.trial is not None, point.refusal
    return point.trial


@pytest.mark.parametrize("model", list(CARDS))
def test_without_effect_arms_are_equal_and_slowing_saves_its_share_of_the_decline(model):
    nothing = {"arm": "active", "kind": "slowing", "value": 0.0, "source": "t"}
    none = register_of(declare(model, effects=[nothing]), None, PROTOCOLS)
    assert none.outcomes[0].tobytes() == none.outcomes[1].tobytes()
    assert none.scores.shape == (20_000, 0)
    slowed = register_of(declare(model), None, PROTOCOLS)
    assert slowed.outcomes[0].tobytes() == none.outcomes[0].tobytes()
    np.testing.assert_array_equal(slowed.outcomes[1, :, 0], slowed.outcomes[0, :, 0])
    saved = (slowed.outcomes[0] - slowed.outcomes[1]).mean(axis=0)
    assert (np.diff(saved) > 0).all()
    # Natural decline alone is slowed: less than 30 % of what is measured with the placebo response, not 0.
    whole = slowed.outcomes[0, :, -1].mean() - slowed.outcomes[0, :, 0].mean()
    assert 0.15 * whole < saved[-1] < 0.6 * whole


def test_a_shift_is_kept_inside_the_scale_and_a_faster_disease_declines_more():
    effect = {"arm": "active", "kind": "shift", "value": -50.0, "source": "t"}
    register = register_of(declare(effects=[effect]), None, PROTOCOLS)
    assert register.outcomes[1].min() >= 0
    plain = register_of(declare(), None, PROTOCOLS).outcomes[0]
    fast = register_of(declare(drift={"progression": 1.5}), None, PROTOCOLS).outcomes[0]
    assert fast[:, -1].mean() > plain[:, -1].mean() + 0.3
    np.testing.assert_array_equal(fast[:, 0], plain[:, 0])
    older = register_of(declare(drift={"covariate_shift": {"mmse": -0.5}}), None, PROTOCOLS)
    assert older.column("mmse").mean() < register.column("mmse").mean() - 0.5


def test_a_generated_history_is_measured_at_the_visits_and_drops_out_like_the_controls():
    twins = {"source": "learned", "covariates": ["age", "mmse"]}
    stop = [
        {"cause": "all", "cumulative": {"control": 0.3, "active": 0.1}, "mechanism": "MCAR", "source": "t"}
    ]
    trial = declare(twins=twins, history={"generated": 4_000}, discontinuation=stop)
    history = generate_declared_history(trial, PROTOCOLS)
    assert (len(history), history.generated, history.covariates.names) == (4_000, True, ("age", "mmse"))
    assert np.isnan(history.outcomes[:, -1]).mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / 4_000))
    assert np.isfinite(history.baseline).all()
    register = register_of(declare(), None, PROTOCOLS)
    change = history.outcomes[:, -1] - history.baseline
    drawn = register.outcomes[0, :, -1] - register.outcomes[0, :, 0]
    se = np.nanstd(change) / np.sqrt(2_800)
    assert np.nanmean(change) == pytest.approx(drawn.mean(), abs=5 * se)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"endpoints": [{"kind": "score", "name": "other", "direction": "higher_is_worse", "weeks": [26.0],
                         "course": {"kind": "model", "model": "delor2013_cdr_sb"}}]}, "endpoints.name"),
        ({"endpoints": [{"kind": "score", "name": "cdr_sb", "direction": "higher_is_better", "weeks": [26.0],
                         "course": {"kind": "model", "model": "delor2013_cdr_sb"}}]}, "endpoints.direction"),
        ({"population": {"kind": "card", "card": "../cohorts/alzheimers_early.toml",
                         "eligibility": [{"covariate": "shoe_size", "at_least": 3.0}]}}, "eligibility"),
        ({"drift": {"outcome_shift": 18.0}}, "as wide as the endpoint's scale"),
        ({"drift": {"odds_ratio": 2.0}}, "does not move a score outcome"),
        ({"twins": {"source": "learned", "covariates": ["age"]}, "history": {"generated": 100}},
         "not learnt yet"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        register_of(declare(**changes), None, PROTOCOLS)


def test_what_is_not_served_is_refused_by_name():
    trial = declare(twins={"source": "given", "column": "x"}, history={"file": "x.csv"})
    with pytest.raises(ProtocolError, match=r"not served together.*'twins': 'given'"):
        register_of(trial, None, PROTOCOLS)

"""Registers, histories and scores of disease models of events and counts, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.declared_files import tables
from tests.study.people.stand_ins import outcome_twins
from trialsim.data import OutcomeHistory
from trialsim.errors import InputError, ProtocolError, TrialsimWarning
from trialsim.protocol.declared import DeclaredTrial, trial_from_dict
from trialsim.protocol.declared.grid import grid_points
from trialsim.report.sizes import _of_card
from trialsim.study.people.drawing import register_of
from trialsim.study.people.modelled.evidence import evidence_of
from trialsim.study.people.modelled.generated import generate_declared_history
from trialsim.study.people.reproduction import reproduction
from trialsim.study.people.strength import partial_correlation

PROTOCOLS = Path(__file__).parents[3] / "protocols"
DIALS = {"arm": "active", "kind": "dials", "set": {"infection_rate": 0.4}, "source": "t"}


def declare(
    kind: str = "recurrent", months: float = 12.0, course: dict[str, Any] | None = None, **changes: Any
):
    """Return the tables of a trial of infections among the card's people."""
    base = tables("recurrent")
    if kind == "count":
        base["analyses"] = [{"kind": "negative_binomial"}]
    return base | {
        "population": {"kind": "card", "card": "../cohorts/cgd.toml", "register": 20_000},
        "endpoints": [{"kind": kind, "name": "infections", "months": months,
                       "course": {"kind": "model", "model": "cgd_infections"} | (course or {})}],
        "effects": [DIALS], "discontinuation": [],
        "scenarios": [{"name": "a", "kind": "alternative", "why": "t"},
                      {"name": "n", "kind": "null", "why": "t"}],
    } | changes  # fmt: skip


def resolved(made: dict[str, Any], position: int = 0) -> DeclaredTrial:
    point = grid_points(trial_from_dict(made))[position]
    assert point.trial is not None, point.refusal
    return point.trial


def test_arms_share_their_luck_and_a_null_world_takes_the_dials_away() -> None:
    found = register_of(resolved(declare()), None, PROTOCOLS)
    counts = np.isfinite(found.outcomes).sum(axis=2)
    assert (counts[1] <= counts[0]).all()
    assert counts[1].mean() == pytest.approx(0.4 * counts[0].mean(), rel=0.05)
    null = register_of(resolved(declare(), 1), None, PROTOCOLS)
    assert null.outcomes[0].tobytes() == null.outcomes[1].tobytes()
    assert np.array_equal(np.isfinite(null.outcomes[0]).sum(axis=1), counts[0])


def test_a_model_of_event_times_is_counted_where_the_trial_counts() -> None:
    times = register_of(resolved(declare()), None, PROTOCOLS).outcomes
    counted = register_of(resolved(declare("count")), None, PROTOCOLS).outcomes
    assert np.array_equal(np.isfinite(times).sum(axis=2), counted[..., 0])


def test_dials_of_the_course_move_both_arms_and_join_with_the_effect() -> None:
    double = resolved(declare(course={"dials": {"infection_rate": 2.0}}))
    plain = register_of(resolved(declare()), None, PROTOCOLS)
    moved = register_of(double, None, PROTOCOLS)
    for arm in (0, 1):
        before, after = (np.isfinite(one.outcomes[arm]).sum(axis=1).mean() for one in (plain, moved))
        assert after == pytest.approx(2 * before, rel=0.05)


def test_an_assumed_score_tells_of_the_model_what_is_declared() -> None:
    trial = resolved(declare(twins={"source": "assumed", "partial_correlation": 0.3}))
    found = register_of(trial, None, PROTOCOLS)
    counts = np.isfinite(found.outcomes[0]).sum(axis=1).astype(float)
    assert partial_correlation(counts)(found.scores[:, 0]) == pytest.approx(0.3, abs=1e-3)
    with pytest.raises(ProtocolError, match="more than any score can tell"):
        register_of(
            resolved(declare(twins={"source": "assumed", "partial_correlation": 0.99})), None, PROTOCOLS
        )


def learned(**changes: Any) -> DeclaredTrial:
    stop = [{"cause": "s", "cumulative": {"control": 0.3, "active": 0.3}, "mechanism": "MCAR", "source": "t"}]
    twins = {"source": "learned", "family": "count", "covariates": ["age", "autosomal"]}
    return resolved(declare(twins=twins, history={"generated": 4_000}, discontinuation=stop, **changes))


def test_a_generated_history_of_events_is_followed_until_people_leave() -> None:
    history = generate_declared_history(learned(), PROTOCOLS)
    assert isinstance(history, OutcomeHistory)
    assert history.generated
    assert (history.family, history.covariates.names) == ("count", ("age", "autosomal"))
    left = history.time < history.time.max()
    assert left.mean() == pytest.approx(0.3, abs=0.03)
    years = history.time / (365.25 / 7)
    assert history.outcome.sum() / years.sum() == pytest.approx(1.01, abs=0.1)
    # Who leaves at random has the rate of those who stay.
    assert history.outcome[left].sum() / years[left].sum() == pytest.approx(1.01, abs=0.2)


def test_a_real_history_stands_beside_the_people_of_the_card_with_its_own_rate() -> None:
    """The card's people keep the model's rate, and the answer says so where the history has another."""
    trial = learned()
    past = generate_declared_history(trial, PROTOCOLS)
    assert isinstance(past, OutcomeHistory)
    register = register_of(resolved(declare()), None, PROTOCOLS)
    twins = outcome_twins("count")
    like = reproduction(trial, replace(twins, history=past), register)
    twice = replace(past, outcome=2 * past.outcome)
    other = reproduction(trial, replace(twins, history=twice), register)
    assert like["agree"].all()
    assert not other["agree"].any()
    assert other["history"].to_numpy() == pytest.approx(2 * like["history"].to_numpy())
    assert other["register"].to_numpy() == pytest.approx(like["register"].to_numpy())
    (said,) = _of_card(trial, other.reset_index())
    rate = f"{other['history'].iloc[0]:.3g} in the history"
    assert said.startswith("Sizes rest on the disease model and not on the history: events a month is")
    assert rate in said
    assert _of_card(trial, like.reset_index()) == []


def test_evidence_counts_every_number_of_card_and_model() -> None:
    found = evidence_of(resolved(declare()), PROTOCOLS).set_index("part")
    model = found.loc[["Disease model cgd_infections"]]
    assert model["computed"].sum() == 5
    assert model[["published", "recalled", "assumed"]].to_numpy().sum() == 0
    card = found.loc[["Cohort card cgd"]]
    assert (card["computed"].sum(), card["assumed"].sum()) == (7, 1)
    assert evidence_of(resolved(tables("recurrent")), PROTOCOLS).empty


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("unknown dial", {"effects": [DIALS | {"set": {"infections": 0.5}}]}, "no such dial.*infection_rate"),
    ("impossible dial", {"effects": [DIALS | {"set": {"infection_rate": -1.0}}]}, "between 0 and 20"),
    ("unknown dial of the course", {"course": {"dials": {"rate": 2.0}}}, "no such dial"),
    ("impossible dial of the course", {"course": {"dials": {"infection_rate": 1e9}}}, "between 0 and 20"),
    ("unknown model", {"course": {"model": "cgd"}}, "no disease model has this name.*cgd_infections"),
    ("unknown option", {"course": {"options": {"rate": 2.0}}}, "no such option"),
    (
        "card without inputs",
        {"population": {"kind": "card", "card": "../cohorts/copd.toml"}},
        "lacks covariates.*autosomal",
    ),
    (
        "adjusted for what nobody has",
        {"analyses": [{"kind": "negative_binomial", "adjust": ["weight"]}]},
        "no covariate of the card.*weight",
    ),
]


@pytest.mark.parametrize(("why", "changes", "says"), REFUSED, ids=[one[0] for one in REFUSED])
def test_what_a_model_cannot_do_is_refused(why: str, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=f"(?s){says}"):
        register_of(resolved(declare(**changes)), None, PROTOCOLS)


def test_an_endpoint_that_the_model_does_not_have_is_refused_with_the_list() -> None:
    made = declare()
    made["endpoints"][0]["name"] = "deaths"
    with pytest.raises(InputError, match=r"no endpoint of the disease model.*infections"):
        register_of(resolved(made), None, PROTOCOLS)


def test_a_rate_ratio_does_not_act_on_a_model_nor_dials_on_a_marginal_law() -> None:
    ratio = {"arm": "active", "kind": "rate_ratio", "value": 0.5, "source": "t"}
    with pytest.raises(ProtocolError, match="does not act on a disease model"):
        trial_from_dict(declare(effects=[ratio]))
    with pytest.raises(ProtocolError, match="turns dials that only a disease model has"):
        trial_from_dict(tables("recurrent") | {"effects": [DIALS]})


def test_a_drift_says_which_way_to_move_a_model() -> None:
    drifts = [{"name": "a", "kind": "alternative", "why": "t", "drift": {"rate_ratio": 1.5}}]
    with pytest.raises(ProtocolError, match=r"endpoints\.course\.dials"):
        register_of(resolved(declare(scenarios=drifts)), None, PROTOCOLS)
    drifts[0]["drift"] = {"progression": 1.5}
    with pytest.raises(ProtocolError, match="moves the dial speed"):
        register_of(resolved(declare(scenarios=drifts)), None, PROTOCOLS)


def test_a_trial_beyond_the_evidence_warns() -> None:
    with pytest.warns(TrialsimWarning, match="end at week 52.*asks for week 104"):
        register_of(resolved(declare(months=24.0)), None, PROTOCOLS)

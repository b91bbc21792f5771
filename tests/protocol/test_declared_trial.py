"""The format of declared trials: what is read, what is refused and how, and what a grid asks for."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from pathlib import Path

import pytest

from tests.declared_files import OUTCOMES, STRATA, staged, tables
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import DeclaredTrial, grid_points, read_trial, trial_from_dict

PROTOCOLS = Path(__file__).parents[2] / "protocols"
EXAMPLES = sorted(
    path for path in PROTOCOLS.glob("*.toml") if 'format = "trialsim.protocol/2"' in path.read_text()
)


def put(made: dict, path: str, value: object) -> dict:
    """Return tables with a value put at a path of keys and positions."""
    here = changed = deepcopy(made)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        here = here[step]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return changed


SEQUENTIAL = {"kind": "group_sequential", "timing": "events", "events": [20, 40]}
SUBGROUP = {"factor": "sex", "level": "x", "value": 2.0}
CAUSE = {
    "cause": "lost", "cumulative": {"control": 0.6, "active": 0.1}, "mechanism": "MCAR", "source": "t",
}  # fmt: skip
TTE = tables("time_to_event", design=SEQUENTIAL)
VISITS, BINARY = tables("score"), tables("response")
WITH_CAUSE = tables("response", discontinuation=[CAUSE])

ASSUMED = {"source": "assumed", "auc": 0.7}
LEARNED = {"source": "learned", "covariates": ["age"]}
REFUSED = {
    "a strength of another endpoint": (
        BINARY | {"twins": {"source": "assumed", "c_index": 0.7}}, "twins.c_index", "no strength of a score",
    ),
    "two strengths": (BINARY | {"twins": ASSUMED | {"c_index": 0.6}}, "twins.source", "one strength"),
    "learnt from nobody": (BINARY | {"twins": LEARNED}, "twins.source", "a marginal law has none"),
    "twins of stages": (
        staged("response", {"kind": "multi_arm_multi_stage", "stages": [[10, 10]]}) | {"twins": ASSUMED},
        "twins", "draws sums of arms",
    ),
    "twins of a joint outcome": (tables("joint") | {"twins": ASSUMED}, "twins", "not served with a joint"),
    "a score that nobody has": (
        put(BINARY, "analyses", [{"kind": "g_computation", "adjust": ["score"]}]), "analyses.g_computation.adjust",
        "no declared factor, covariate or score",
    ),
    "a score for what takes none": (
        BINARY | {"twins": ASSUMED, "analyses": [{"kind": "risk_difference", "adjust": ["score"]}]},
        "analyses[0].adjust", "takes no covariates",
    ),
    "people beside a marginal law": (
        BINARY | {"population": {"kind": "history"}}, "population", "a marginal law, which has no people",
    ),
    "a law beside a course": (
        put(BINARY, "endpoints.0.course", {"kind": "history"}), "endpoints.probability", "from one place",
    ),
    "neither law nor course": (put(BINARY, "endpoints.0.probability", None), "endpoints.probability", "is missing"),
    "a drift of nobody": (
        put(BINARY, "scenarios.0.drift", {"odds_ratio": 2.0}), "scenarios.works.drift", "needs people",
    ),
    "useless twins without twins": (
        put(BINARY, "scenarios.0.twins", "useless"), "scenarios.works.twins", "there are no twins",
    ),
    "several endpoints": (
        BINARY | {"endpoints": BINARY["endpoints"] * 2}, "endpoints", "an endpoint is named twice",
    ),
    "a slowing without decline": (
        put(VISITS, "effects.0", {"kind": "slowing", "arm": "active", "value": 0.3, "source": "t"}),
        "effects.active.kind", "only a disease model has",
    ),
    "what no size is found by": (BINARY | {"sizing": {"vary": "events"}}, "sizing.vary", "participants"),
    "controls beside nobody": (BINARY | {"sizing": {"vary": "controls"}}, "sizing.active", "controls alone vary"),
    "prices that nothing reads": (
        BINARY | {"costs": {"currency": "EUR", "control": 1.0, "active": 1.0, "source": "t"}}, "costs",
        "sizes by formula",
    ),
    "sizes of what is not read": (
        BINARY | {"sizing": {"analyses": ["cox"]}}, "sizing.analyses", "no declared analysis",
    ),
    "unknown key": (put(BINARY, "endpoints.0.odds", 1.0), "endpoints.odds", "unknown key"),
    "missing key": (put(BINARY, "question", None), "question", "is missing"),
    "NaN": (put(BINARY, "endpoints.0.probability", float("nan")), "endpoints.probability", "finite"),
    "NaN on an axis": (
        BINARY | {"grid": [{"field": "seed", "values": [float("nan")], "why": "t"}]},
        "grid[0].values", "finite",
    ),
    "zero rate": (put(tables("count"), "endpoints.0.rate", 0.0), "endpoints.rate", "greater than 0"),
    "zero accrual": (put(BINARY, "enrolment.rates", [0.0]), "enrolment.rates", "nobody would enter"),
    "no hazard": (
        put(TTE, "endpoints.0.law", {"kind": "piecewise", "hazards": [0.0]}), "endpoints.law.hazards", "no event",
    ),
    "overlapping windows": (
        put(TTE, "endpoints.0.law", {"kind": "piecewise", "hazards": [0.1, 0.2, 0.1], "starts": [0.0, 6.0, 4.0]}),
        "endpoints.law.starts", "overlap",
    ),
    "interim after final": (put(TTE, "design.events", [40, 20]), "design.events", "after the final"),
    "months of another timing": (put(TTE, "design.months", [4.0]), "design.months", "does not belong"),
    "bounds of the calendar": (
        TTE | {"design": {"kind": "group_sequential", "timing": "calendar", "months": [6.0, 12.0],
                          "planned_events": 40, "efficacy": {"rule": "pocock"}}},
        "design.efficacy.rule", "calendar",
    ),
    "parameter of another rule": (
        put(TTE, "design.efficacy", {"rule": "pocock", "gamma": 1.0}), "design.efficacy.gamma", "belong",
    ),
    "visits out of order": (put(VISITS, "endpoints.0.weeks", [24.0, 12.0]), "endpoints.weeks", "ascending"),
    "mean of another length": (put(VISITS, "endpoints.0.mean", [0.0, 0.0]), "endpoints.mean", "3 entries"),
    "two covariances": (
        put(VISITS, "endpoints.0.covariance", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        "endpoints.covariance", "either",
    ),
    "shares of categories": (put(tables("level"), "endpoints.0.shares", [0.5, 0.4]), "endpoints.shares", "to 1"),
    "no kind": (put(BINARY, "endpoints.0.kind", None), "endpoints", "its kind"),
    "unknown kind": (put(BINARY, "endpoints.0.kind", "binry"), "endpoints", "unknown kind"),
    "name that is none": (put(BINARY, "name", "Drug A"), "name", "is no name"),
    "no name of a level": (
        put(tables("response", strata=STRATA), "strata.0.levels", ["F", "m"]),
        "strata[0].levels[0]", "is no name",
    ),
    "ratio that no probability holds": (put(BINARY, "effects.0.value", 1e300), "effects[0].value", "1000000"),
    "negative ratio of a subgroup": (
        put(tables("response", strata=STRATA), "effects.0.subgroup", SUBGROUP | {"level": "f", "value": -2.0}),
        "effects[0].subgroup.value", "0.000001",
    ),
    "endless points": (put(VISITS, "effects.0.value", 1e300), "effects[0].value", "1000000000"),
    "endless SD": (put(VISITS, "endpoints.0.sd.0", 1e200), "endpoints.sd[0]", "1000000000"),
    "endless association": (
        put(tables("joint"), "endpoints.0.association", 1e5), "endpoints.association", "equal to 100",
    ),
    "precision of endless replicates": (
        put(BINARY, "simulation", {"precision": 1e-9}), "simulation.precision", "0.00016",
    ),
    "no control": (put(BINARY, "arms.0.role", "active"), "arms", "control first"),
    "same name twice": (put(BINARY, "arms.1.name", "control"), "arms", "twice"),
    "effect of no arm": (put(BINARY, "effects.0.arm", "other"), "effects", "each active arm once"),
    "effect of another outcome": (
        put(BINARY, "effects.0", {"kind": "shift", "arm": "active", "value": 1.0, "source": "t"}),
        "effects.active.kind", "does not belong",
    ),
    "unknown subgroup": (
        put(tables("response", strata=STRATA), "effects.0.subgroup", SUBGROUP),
        "effects.active.subgroup", "level",
    ),
    "pair that is not served": (
        staged("time_to_event", {"kind": "response_adaptive", "first": 5, "batch": 5, "batches": 2,
                                 "claim": 0.9}),
        "design.kind", "not served with a time_to_event",
    ),
    "analysis of another outcome": (put(BINARY, "analyses.0.kind", "cox"), "analyses.cox", "does not read"),
    "no analysis": (put(BINARY, "analyses", []), "analyses", "is missing"),
    "covariate that is not declared": (
        put(BINARY, "analyses.0", {"kind": "g_computation", "adjust": ["sex"]}),
        "analyses.g_computation.adjust", "no declared factor",
    ),
    "horizon of another analysis": (put(BINARY, "analyses.0.tau", 3.0), "analyses[0].tau", "rmst"),
    "stratum that is not declared": (
        put(BINARY, "randomisation.strata", ["sex"]), "randomisation.strata", "no declared factor",
    ),
    "causes that take an arm": (
        BINARY | {"discontinuation": [CAUSE, CAUSE | {"cause": "more"}]}, "discontinuation", "all of arm",
    ),
    "cause without an arm": (
        put(WITH_CAUSE, "discontinuation.0.cumulative", {"control": 0.1}),
        "discontinuation.lost.cumulative", "each arm",
    ),
    "mechanism that the coefficients deny": (
        put(WITH_CAUSE, "discontinuation.0.mechanism", "MNAR"),
        "discontinuation[0].mechanism", "they make MCAR",
    ),
    "composite without a value": (
        VISITS | {"discontinuation": [CAUSE | {"strategy": "composite"}]}, "endpoints.failure", "composite",
    ),
    "a year of dropout": (
        tables("time_to_event", discontinuation=[CAUSE]), "discontinuation.lost.by_month", "times to events",
    ),
    "replicates and precision": (put(BINARY, "simulation.precision", 0.01), "simulation", "either"),
    "wrong format": (put(BINARY, "format", "trialsim.trial/1"), "format", "trialsim.protocol/2"),
    "participants of stages": (
        staged("response", {"kind": "bayesian", "rule": "posterior", "looks": [10, 20], "claim": 0.9})
        | {"participants": 40},
        "participants", "without stages",
    ),
    "a ratio of stages": (
        put(staged("response", {"kind": "bayesian", "rule": "posterior", "looks": [10, 20], "claim": 0.9}),
            "arms.1.allocation", 2.0),
        "arms.allocation", "stages",
    ),
    "an imputation of those who have not entered": (
        VISITS | {"analyses": [{"kind": "jump_to_reference"}],
                  "design": {"kind": "group_sequential", "timing": "information", "information": [0.5, 1.0]}},
        "analyses.jump_to_reference", "not entered",
    ),
    "events of a resized binary trial": (
        put(BINARY, "design", {"kind": "sample_size_reestimation", "method": "unblinded", "largest": 80,
                               "events": 40}),
        "design.events", "does not belong",
    ),
    "an effect that a blinded size needs": (
        put(BINARY, "design", {"kind": "sample_size_reestimation", "method": "blinded", "largest": 80}),
        "design.effect", "is needed",
    ),
    "adaptive Cox": (
        TTE | {"analyses": [{"kind": "cox"}], "design": {
            "kind": "sample_size_reestimation", "method": "unblinded", "largest": 80, "events": 40,
            "interim_events": 20, "largest_events": 50}},
        "analyses.cox", "not served",
    ),
    "a rate of years given as that of a month": (
        put(tables("recurrent"), "endpoints.0.rate", 900.0), "endpoints.rate", "10,800 events a participant",
    ),
    "a ratio that makes too many events": (
        put(put(tables("recurrent"), "endpoints.0.rate", 30.0), "effects.0.value", 2.0),
        "effects.active.value", "720 events a participant",
    ),
    "a marker that moves the hazard beyond any": (
        put(tables("joint"), "endpoints.0.association", 20.0), "endpoints.association", "moves the log hazard by",
    ),
    "an effect on the marker of another scale": (
        put(tables("joint"), "effects.0.per_month", 1e9), "effects.active.per_month",
        "log hazard ratio of 6,000,000,000",
    ),
    "an effect on the marker's level of another scale": (
        put(tables("joint"), "effects.0.level", -1e9), "effects.active.level",
        "log hazard ratio of 500,000,0",
    ),
    "stages of another number": (
        staged("response", {"kind": "multi_arm_multi_stage", "stages": [[10, 10, 10]]}),
        "design.stages[0]", "2 arms",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_by_its_field(case: str) -> None:
    made, field, words = REFUSED[case]
    with pytest.raises(ProtocolError) as fault:
        trial_from_dict(made, file="x.toml")
    assert (fault.value.field, fault.value.file) == (field, "x.toml")
    assert words in fault.value.problem
    assert fault.value.mend


def test_an_analysis_that_takes_no_score_names_those_that_do() -> None:
    made, _, _ = REFUSED["a score for what takes none"]
    with pytest.raises(ProtocolError) as fault:
        trial_from_dict(made)
    assert fault.value.mend == "leave it out, or use aipw, g_computation, log_odds_ratio"


def test_a_file_without_a_format_is_told_how_it_begins() -> None:
    with pytest.raises(ProtocolError, match="format: is missing") as fault:
        trial_from_dict({name: table for name, table in BINARY.items() if name != "format"})
    assert fault.value.mend == 'begin the file with format = "trialsim.protocol/2"'


def test_counts_without_times_may_be_large() -> None:
    assert trial_from_dict(put(tables("count"), "endpoints.0.rate", 900.0)).outcome.rate == 900


def test_every_fault_stands_at_its_place_in_the_file() -> None:
    with pytest.raises(ProtocolError) as fault:
        trial_from_dict(put(put(tables("level"), "endpoints.0.shares", [1.2, -0.5]), "design.alpha", 7.0))
    assert fault.value.field == "endpoints.shares[0]"
    assert "(and 2 more: endpoints.shares[1]: input should be greater than 0; " in fault.value.problem
    assert "; design.alpha: " in fault.value.problem


def test_a_wrong_entry_is_not_also_called_a_missing_one() -> None:
    with pytest.raises(ProtocolError) as fault:
        trial_from_dict(put(tables("level"), "endpoints.0.shares", [1.2, 0.5]))
    assert fault.value.problem == "input should be less than 1"


@pytest.mark.parametrize("kind", OUTCOMES)
def test_a_trial_survives_its_plain_tables(kind: str) -> None:
    trial = trial_from_dict(tables(kind))
    assert trial_from_dict(trial.to_dict()) == trial
    assert trial_from_dict(trial.to_dict()).content_hash() == trial.content_hash()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_read_and_says_where_its_numbers_come_from(path: Path) -> None:
    trial = read_trial(path)
    assert trial.name == path.stem
    assert trial.question.endswith("?")
    endpoint = tomllib.loads(path.read_text())["endpoints"][0]
    assert endpoint.get("source") or endpoint.get("course")
    kinds = {world.kind for world in trial.scenarios}
    assert "alternative" in kinds
    # Against a margin no effect is what is claimed; errors are counted in a scenario at the margin.
    at_margin = any(one.null for one in trial.analyses) and "at_the_margin" in {
        w.name for w in trial.scenarios
    }
    assert "null" in kinds or at_margin


def test_there_are_examples_of_every_family() -> None:
    trials = [read_trial(path) for path in EXAMPLES]
    assert {trial.outcome.kind for trial in trials} >= {
        "time_to_event", "score", "response", "recurrent",
    }  # fmt: skip
    assert {trial.design.kind for trial in trials} >= {
        "fixed", "group_sequential", "sample_size_reestimation", "multi_arm_multi_stage", "response_adaptive",
    }  # fmt: skip


def axes(**values: list) -> list[dict]:
    return [
        {"field": name.replace("__", "."), "values": given, "why": "test"} for name, given in values.items()
    ]


def gridded(made: dict, **values: list) -> DeclaredTrial:
    return trial_from_dict(made | {"grid": axes(**values)})


def test_a_grid_is_the_full_product_with_the_last_axis_fastest() -> None:
    points = grid_points(gridded(BINARY, participants=[60, 80], effects__value=[1.5, 2.0, 3.0]))
    assert len(points) == 12
    assert [point.name for point in points[:2]] == ["works.g0000", "works.g0001"]
    assert [tuple(point.settings.values()) for point in points[:4]] == [
        (60, 1.5), (60, 2.0), (60, 3.0), (80, 1.5),
    ]  # fmt: skip
    fourth = points[3].trial
    assert fourth is not None
    assert (fourth.participants, fourth.effects[0].value, fourth.grid) == (80, 1.5, ())
    null = points[6].trial
    assert null is not None
    assert null.effects[0].value == 1.0


def test_a_null_world_takes_the_effect_of_the_subgroup_away_too() -> None:
    made = tables("score", strata=STRATA)
    made["effects"][0]["subgroup"] = {"factor": "sex", "level": "m", "value": 1.0}
    null = grid_points(trial_from_dict(made))[1].trial
    assert null is not None
    assert (null.effects[0].value, null.effects[0].subgroup.value) == (0.0, 0.0)


def test_a_point_that_cannot_be_is_counted_and_says_why() -> None:
    points = grid_points(gridded(BINARY, endpoints__probability=[0.3, 1.0]))
    refused = [point for point in points if point.trial is None]
    assert len(points) == 4
    assert [point.name for point in refused] == ["works.g0001", "null.g0001"]
    assert "endpoints.probability" in refused[0].refusal
    assert "less than 1" in refused[0].refusal


BAD_PATHS = {
    "no such field": ({"endpoints__odds": [1.0]}, "has no field 'odds' in endpoints"),
    "through a number": ({"endpoints__probability__x": [1.0]}, "has no field 'x'"),
    "what names the cells": ({"scenarios__works__why": ["x"]}, "same in every cell"),
    "a seed": ({"seed": [1, 2]}, "same in every cell"),
}


@pytest.mark.parametrize("case", BAD_PATHS)
def test_a_path_that_leads_nowhere_is_refused(case: str) -> None:
    values, words = BAD_PATHS[case]
    with pytest.raises(ProtocolError, match=r"grid\[0\]\.field") as fault:
        grid_points(gridded(BINARY, **values))
    assert words in fault.value.problem


def test_a_path_that_could_mean_several_names_them() -> None:
    made = staged("response", {"kind": "multi_arm_multi_stage", "stages": [[10, 10, 10]]}, 3)
    with pytest.raises(ProtocolError, match=r"effects\.active or effects\.other"):
        grid_points(gridded(made, effects__value=[1.0]))
    points = grid_points(gridded(made, effects__other__value=[1.5]))
    assert points[0].trial is not None
    assert [effect.value for effect in points[0].trial.effects] == [2.0, 1.5]


def test_a_grid_that_is_larger_than_declared_is_refused() -> None:
    made = BINARY | {"largest_grid": 5, "grid": axes(participants=[60, 80, 100])}
    with pytest.raises(ProtocolError, match="asks for 6 cells"):
        grid_points(trial_from_dict(made))


def test_a_field_is_set_by_a_scenario_or_by_the_grid() -> None:
    made = put(BINARY, "scenarios.0.set", {"participants": 80}) | {"grid": axes(participants=[60])}
    with pytest.raises(ProtocolError, match="by a scenario and by the grid"):
        grid_points(trial_from_dict(made))


def test_a_world_that_cannot_be_is_refused_by_its_name_in_the_file() -> None:
    made = put(BINARY, "scenarios.0.set", {"endpoints.probability": 2.0})
    with pytest.raises(ProtocolError, match=r"scenarios\[0\]\.set → endpoints\.probability"):
        grid_points(trial_from_dict(made), file="x.toml")


def test_a_file_names_itself_in_its_refusal(tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    path.write_text('format = "trialsim.protocol/2"\nname = 3\n')
    with pytest.raises(ProtocolError) as fault:
        read_trial(path)
    assert fault.value.file == path


def test_the_mark_that_windows_puts_before_a_text_is_no_part_of_it(tmp_path: Path) -> None:
    text = (PROTOCOLS / "ordinal_recovery.toml").read_text(encoding="utf-8")
    marked = tmp_path / "trial.toml"
    marked.write_text(text, encoding="utf-8-sig")
    assert read_trial(marked) == read_trial(PROTOCOLS / "ordinal_recovery.toml")

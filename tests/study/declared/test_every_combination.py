"""Every outcome, analysis and design of the format: a tiny block runs, or the file is refused by name."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from tests.declared_files import declared, staged, tables
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial, trial_from_dict
from trialsim.protocol.declared.design_kinds import design_kinds
from trialsim.protocol.declared.endpoints import endpoints
from trialsim.registry import served as served_by
from trialsim.registry import simulated_names
from trialsim.study.declared.engine import engine_of, truths_of
from trialsim.study.declared.engines.individuals import Individuals
from trialsim.study.declared.engines.times import TimesByLaw
from trialsim.study.declared.survival import SurvivalLooksPlan, read_survival
from trialsim.trial import simulate_survival

DESIGNS_OF = {one.kind: one.designs for one in endpoints()}
STAGED = tuple(one.kind for one in design_kinds() if one.in_stages)
ANALYSES_OF = {kind: served_by(kind) for kind in DESIGNS_OF}
KINDS = simulated_names()
DESIGNS: dict[str, dict[str, Any]] = {
    "fixed": {},
    "group_sequential": {"timing": "information", "information": [0.5, 1.0]},
    "sample_size_reestimation": {"method": "unblinded", "largest": 80},
    "multi_arm_multi_stage": {"stages": [[10, 10], [10, 10]]},
    "response_adaptive": {"first": 10, "batch": 10, "batches": 2, "claim": 0.9},
    "bayesian": {"rule": "posterior", "looks": [10, 20], "claim": 0.95},
}
OF_EVENTS: dict[str, dict[str, Any]] = {
    "fixed": {"events": 30},
    "group_sequential": {"timing": "events", "events": [15, 30]},
    "sample_size_reestimation": {
        "method": "unblinded", "largest": 80, "events": 30, "interim_events": 15, "largest_events": 40,
    },
    "multi_arm_multi_stage": {"events": [15, 30]},
}  # fmt: skip
ADJUSTED = ("adjusted_log_rank",)
NEEDS: dict[str, dict[str, Any]] = {
    "rmst": {"tau": 6.0},
    "weighted_log_rank": {"rho": 0.0, "gamma": 1.0},
    "adjusted_log_rank": {"adjust": ["sex"]},
}
STRATA = [
    {"name": "sex", "levels": ["f", "m"], "shares": [0.4, 0.6], "outcome": [0.0, 0.5], "source": "test"},
]
LEAVING = [
    {
        "cause": "harm", "mechanism": "MNAR", "cumulative": {"control": 0.2, "active": 0.3}, "after": "lost",
        "observed": 0.6, "strategy": "treatment_policy", "current": 0.5, "source": "test",
    }
]  # fmt: skip
# With no covariate both are a difference of shares; who completes has a last value on treatment.
ALIKE = {
    frozenset(("risk_difference", "g_computation")),
    frozenset(("ancova", "ancova_completers")),
}


def design(outcome: str, kind: str) -> dict[str, Any]:
    of_outcome = OF_EVENTS if outcome == "time_to_event" else DESIGNS
    return {"kind": kind, **of_outcome.get(kind, DESIGNS[kind])}


def trial(outcome: str, analysis: str, kind: str) -> DeclaredTrial:
    asked = [{"kind": analysis, **NEEDS.get(analysis, {})}]
    strata = STRATA if analysis.startswith("stratified") or analysis in ADJUSTED else None
    if kind in STAGED and outcome != "time_to_event":
        return trial_from_dict(staged(outcome, design(outcome, kind)) | {"analyses": asked})
    changes: dict[str, Any] = {"participants": 60, "design": design(outcome, kind), "analyses": asked}
    if strata is not None:
        changes |= {"strata": strata, "randomisation": {"kind": "permuted_blocks", "block_sizes": [6],
                                                        "strata": ["sex"]}}  # fmt: skip
    if outcome == "time_to_event" and kind == "multi_arm_multi_stage":
        three = staged(outcome, {}, arms=3)
        changes |= {"arms": three["arms"], "effects": three["effects"]}
        changes.setdefault("randomisation", {"kind": "permuted_blocks", "block_sizes": [6]})
    if analysis == "ancova_composite" and outcome == "score":
        changes["outcome"] = tables(outcome)["endpoints"][0] | {"failure": -2.0}
    return declared(outcome, **changes)


def served(outcome: str, analysis: str, kind: str) -> bool:
    """Return what the tables of the format promise; further refusals are listed beside it."""
    if analysis not in ANALYSES_OF[outcome] or kind not in DESIGNS_OF[outcome]:
        return False
    if outcome == "time_to_event":
        adaptive = kind in ("sample_size_reestimation", "multi_arm_multi_stage")
        return not adaptive or analysis in ("log_rank", "stratified_log_rank")
    return kind not in STAGED and not (analysis == "jump_to_reference" and kind != "fixed")


@pytest.mark.parametrize("outcome", ANALYSES_OF)
def test_a_block_of_every_served_combination_runs_and_every_other_is_refused_by_name(outcome: str) -> None:
    runs = 0
    for analysis, kind in itertools.product(KINDS, DESIGNS):
        if not served(outcome, analysis, kind):
            with pytest.raises(ProtocolError) as refusal:
                engine_of(trial(outcome, analysis, kind))
            named = {analysis, kind, refusal.value.field}
            assert named & {analysis, kind, "analyses", "design.kind"}, (analysis, kind, refusal.value)
            assert any(word in str(refusal.value) for word in (analysis, kind)), (analysis, kind)
            continue
        made = trial(outcome, analysis, kind)
        found = engine_of(made).read(3, 1, 0).readings
        assert list(found) == [analysis], (analysis, kind)
        assert np.isfinite(found[analysis].statistic).any(), (analysis, kind)
        assert analysis in truths_of(made), (analysis, kind)
        runs += 1
    assert runs >= len(ANALYSES_OF[outcome])


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [(o, k) for o, kinds in DESIGNS_OF.items() for k in kinds if k in STAGED and o != "time_to_event"],
)
def test_a_block_of_every_design_in_stages_runs(outcome: str, kind: str) -> None:
    made = trial_from_dict(staged(outcome, design(outcome, kind)))
    assert list(engine_of(made).read(3, 1, 0).readings) == ["selected_arm"]


@pytest.mark.parametrize("outcome", [one for one in ANALYSES_OF if one != "count"])
def test_no_analysis_answers_for_another(outcome: str) -> None:
    kinds = ANALYSES_OF[outcome]
    changes: dict[str, Any] = {"participants": 60, "design": design(outcome, "fixed")}
    if outcome == "score":
        changes |= {
            "outcome": tables(outcome)["endpoints"][0] | {"failure": -2.0},
            "intercurrent_events": LEAVING,
        }
    if outcome == "time_to_event":
        changes |= {"strata": STRATA, "randomisation": {"kind": "permuted_blocks", "block_sizes": [6],
                                                        "strata": ["sex"]}}  # fmt: skip
    changes["analyses"] = [{"kind": kind, **NEEDS.get(kind, {})} for kind in kinds]
    found = engine_of(declared(outcome, **changes)).read(40, 1, 0).readings
    same = {
        frozenset((one, other))
        for one, other in itertools.combinations(kinds, 2)
        if np.array_equal(found[one].statistic, found[other].statistic, equal_nan=True)
    }
    assert same <= ALIKE


@pytest.mark.parametrize(
    ("outcome", "analysis"),
    [
        ("response", "mean_score"),
        ("level", "risk_difference"),
        ("count", "lwyy"),
        ("recurrent", "cox"),
        ("score", "rmst"),
        ("time_to_event", "mmrm"),
    ],
)
def test_a_reader_given_another_outcomes_analysis_refuses_it(outcome: str, analysis: str) -> None:
    """Past the door too: a kind that a reader does not know is no reason to read something else."""
    made = declared(outcome)
    wrong = AnalysisDeclared(kind=analysis, **NEEDS.get(analysis, {}))  # type: ignore[arg-type]
    with pytest.raises(ProtocolError, match=f"does not read a {outcome} outcome") as refusal:
        read_by(made, wrong)
    assert refusal.value.value == analysis


def read_by(made: DeclaredTrial, wrong: AnalysisDeclared) -> None:
    """Give a reader an analysis that the door would have refused."""
    engine = engine_of(made)
    if not isinstance(engine, TimesByLaw):
        assert isinstance(engine, Individuals)
        engine.sample(3, 1, 0).read(wrong)
        return
    assert engine.world is not None
    asked = made.model_copy(update={"analyses": (wrong,)})
    trials = simulate_survival(engine.world, 3, lambda _: np.random.default_rng(1))
    read_survival(asked, trials, SurvivalLooksPlan.of(made).of_trials(trials), {wrong.label: None})

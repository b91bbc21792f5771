"""Sizes by formula are those of the design room, and where no formula holds the reason is named."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import ndtri

from tests.declared_files import STRATA, tables
from trialsim.analysis.recurrent_events import lwyy_block
from trialsim.analysis.simulated import recurrences, times
from trialsim.analysis.survival import cox_block
from trialsim.data import Estimates
from trialsim.design import MarginalQuestion, group_sequential_design
from trialsim.design.group_sequential import PowerSpending, WangTsiatis
from trialsim.design.other_trials import proportional_odds_size
from trialsim.design.repeated_measures import large_sample_inflation, large_sample_size
from trialsim.design.sizes import PlanningMoments, SizingQuestion, marginal_size, size_for_power
from trialsim.protocol.declared import trial_from_dict
from trialsim.study.declared.engine import engine_of
from trialsim.study.people.assumed import register_assumed
from trialsim.study.sizing.formulas.door import FormulaSize, formula_size
from trialsim.study.sizing.formulas.whole_register import register_formula
from trialsim.study.sizing.varied import WholeTrial

NEEDED = float(-ndtri(0.025) + ndtri(0.9)) ** 2


def by_formula(kind: str, analysis: dict[str, Any], **changes: Any) -> FormulaSize:
    trial = trial_from_dict(tables(kind, analyses=[analysis], **changes))
    register = None if trial.twins is None else register_assumed(trial, 50_000)
    return formula_size(WholeTrial(trial, 50_000), trial, trial.analyses[0], register, 0.9)


def test_least_squares_has_the_size_of_the_design_room() -> None:
    found = by_formula("score", {"kind": "ancova"})
    moments = PlanningMoments((1.0, 1.0), (0.25, 0.25), (0.0, 0.0))
    wanted = size_for_power(moments, "ancova", SizingQuestion(0.5, power=0.9))
    assert wanted.total - 2 < found.size <= wanted.total
    change = by_formula("score", {"kind": "unadjusted"})
    # The change has the variance 2 (1 - .25).
    moments = PlanningMoments((1.5**0.5, 1.5**0.5), (0.0, 0.0), (0.0, 0.0))
    wanted = size_for_power(moments, "unadjusted", SizingQuestion(0.5, power=0.9))
    assert wanted.total - 2 < change.size <= wanted.total


def test_factors_that_are_adjusted_for_leave_what_the_law_leaves() -> None:
    simple = {"strata": STRATA, "randomisation": {"kind": "simple"}}
    plain = by_formula("score", {"kind": "unadjusted"})
    # Sex adds the same points at baseline and after: nothing of it is in the change.
    assert by_formula("score", {"kind": "unadjusted"}, **simple).size == pytest.approx(plain.size)
    within = by_formula("score", {"kind": "ancova", "adjust": ["sex"]}, **simple)
    assert within.size == pytest.approx(by_formula("score", {"kind": "ancova"}).size, abs=2.5)


def test_the_mixed_model_pays_for_dropout_as_lu_luo_and_chen_say() -> None:
    leaving = [
        {"cause": "left", "cumulative": {"control": 0.3, "active": 0.2}, "mechanism": "MCAR", "source": "t"}
    ]
    found = by_formula("score", {"kind": "mmrm"}, discontinuation=leaving)
    # Residuals given the baseline, which correlates .5 and .25 with the visits.
    cross = 0.5 - 0.5 * 0.25
    sd = np.sqrt([1 - 0.5**2, 1 - 0.25**2])
    correlation = np.array([[1.0, cross / sd.prod()], [cross / sd.prod(), 1.0]])
    phi = [large_sample_inflation(correlation, [(1 - lost) ** 0.5, 1 - lost]) for lost in (0.3, 0.2)]
    _, student = large_sample_size(0.5, sd=float(sd[1]), inflation=(phi[0], phi[1]), power=0.9)
    assert found.size == pytest.approx(student, rel=0.01)
    complete = by_formula("score", {"kind": "ancova"}, discontinuation=leaving)
    assert complete.size > found.size


@pytest.mark.parametrize("contrast", ["difference", "log_odds_ratio"])
def test_responses_have_the_marginal_size(contrast: str) -> None:
    kind = {"difference": "risk_difference", "log_odds_ratio": "log_odds_ratio"}[contrast]
    odds = 2.0 * 0.3 / 0.7
    question = MarginalQuestion("binary", (0.3, odds / (1 + odds)), (0.0, 0.0), contrast)
    assert by_formula("response", {"kind": kind}).size == pytest.approx(
        sum(marginal_size(question, adjusted=False))
    )


def test_a_score_in_the_working_model_saves_what_the_register_says() -> None:
    made = {"twins": {"source": "assumed", "auc": 0.75}}
    plain = by_formula("response", {"kind": "g_computation"}, **made)
    scored = by_formula("response", {"kind": "g_computation", "adjust": ["score"]}, **made)
    trial = trial_from_dict(tables("response", **made))
    register = register_assumed(trial, 50_000)
    # What least squares on the score leaves of both arms is close to what the logistic model leaves.
    left = [1 - np.corrcoef(register.outcomes[arm, :, 0], register.scores[:, 0])[0, 1] ** 2 for arm in (0, 1)]
    assert scored.size / plain.size == pytest.approx(np.mean(left), abs=0.02)


def test_counts_levels_and_events_have_their_textbook_sizes() -> None:
    mean = np.array([2.4, 2.4 * 0.6])
    counts = 2 * NEEDED * (1 / mean + 0.5).sum() / math.log(0.6) ** 2
    for kind, analysis in (("count", "negative_binomial"), ("recurrent", "lwyy")):
        assert by_formula(kind, {"kind": analysis}).size == pytest.approx(counts, rel=1e-6)
    levels = proportional_odds_size([0.5, 0.3, 0.2], 0.5, power=0.9).total
    assert by_formula("level", {"kind": "proportional_odds"}).size == pytest.approx(levels, rel=1e-6)
    # 40 events of 60 participants.
    events = 4 * NEEDED / math.log(0.6) ** 2
    assert by_formula("time_to_event", {"kind": "log_rank"}).size == pytest.approx(events * 60 / 40)
    assert by_formula("time_to_event", {"kind": "cox"}).size == pytest.approx(events * 60 / 40)


def test_events_by_a_month_are_those_that_accrual_and_hazards_give() -> None:
    quick = {"kind": "planned", "rates": [100_000.0], "durations": [1.0], "source": "t"}
    found = by_formula(
        "time_to_event", {"kind": "log_rank"}, design={"kind": "fixed", "month": 12.0}, enrolment=quick
    )
    # Everybody enters at once: half of the controls, and 1 - 2^-.6 of the others, have the event by month 12.
    share = (0.5 + 1 - 0.5**0.6) / 2
    assert found.size * share == pytest.approx(4 * NEEDED / math.log(0.6) ** 2, rel=0.01)


@pytest.mark.parametrize("rule", ["o_brien_fleming", "pocock"])
def test_looks_cost_their_inflation(rule: str) -> None:
    looks = {"kind": "group_sequential", "timing": "information", "information": [0.4, 0.7, 1.0]}
    found = by_formula("response", {"kind": "risk_difference"}, design=looks | {"efficacy": {"rule": rule}})
    delta = {"o_brien_fleming": 0.0, "pocock": 0.5}[rule]
    design = group_sequential_design([0.4, 0.7, 1.0], efficacy=WangTsiatis(delta), alpha=0.025, power=0.9)
    fixed = by_formula("response", {"kind": "risk_difference"})
    assert found.size / fixed.size == pytest.approx(design.inflation, rel=1e-6)
    assert f"{design.inflation:.3f}" in found.name


def test_futility_that_stops_costs_power_that_the_size_gives_back() -> None:
    looks = {
        "kind": "group_sequential", "timing": "information", "information": [0.5, 1.0], "power": 0.8,
        "efficacy": {"rule": "power", "rho": 3.0}, "futility": {"rule": "power", "rho": 1.0},
    }  # fmt: skip
    without = {name: value for name, value in looks.items() if name not in ("futility", "power")}
    more = by_formula("response", {"kind": "risk_difference"}, design=looks).size
    less = by_formula("response", {"kind": "risk_difference"}, design=without).size
    plain = group_sequential_design([0.5, 1.0], efficacy=PowerSpending(3.0), alpha=0.025, power=0.9)
    assert less / by_formula("response", {"kind": "risk_difference"}).size == pytest.approx(plain.inflation)
    assert more > 1.02 * less


SCORED = {
    "level": ("auc", 0.7, ("proportional_odds",)),
    "recurrent": ("partial_correlation", 0.3, ("lwyy", "negative_binomial")),
    "time_to_event": ("c_index", 0.68, ("adjusted_log_rank", "cox")),
}


@pytest.mark.parametrize("kind", SCORED)
def test_a_score_saves_in_large_samples_wherever_it_is_adjusted_for(kind: str) -> None:
    name, strength, analyses = SCORED[kind]
    plain = {"proportional_odds": "proportional_odds", "adjusted_log_rank": "log_rank"}
    for one in analyses:
        made = {"twins": {"source": "assumed", name: strength}}
        scored = by_formula(kind, {"kind": one, "adjust": ["score"]}, **made)
        unscored = by_formula(kind, {"kind": plain.get(one, one)}, **made)
        assert scored.name == "large samples, over the register"
        assert 0.6 < scored.size / unscored.size < 0.97


@pytest.mark.parametrize(
    ("kind", "analysis", "module", "block"),
    [("recurrent", "lwyy", recurrences, lwyy_block), ("time_to_event", "cox", times, cox_block)],
)
def test_the_register_knows_the_degrees_of_freedom_of_its_trials(
    kind: str, analysis: str, module: Any, block: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The formula asks for what Student's t costs with the degrees of freedom that simulated trials have."""
    name, strength, _ = SCORED[kind]
    asked, twins = {"kind": analysis, "adjust": ["score"]}, {"twins": {"source": "assumed", name: strength}}
    size = by_formula(kind, asked, **twins).size
    people = 4 * math.ceil(size / 4)
    design = {"kind": "fixed"} | ({"events": round(people * 40 / 60)} if kind == "time_to_event" else {})
    trial = trial_from_dict(tables(kind, participants=people, analyses=[asked], design=design, **twins))
    reading = engine_of(trial, register_assumed(trial, 50_000)).read(200, 5, 0).readings[analysis]
    df = float(np.median(reading.estimates.df))
    assert 0.2 * size < df < size

    def plain(*data: Any, **told: Any) -> Estimates:
        return block(*data, **told | {"variance": "robust"})

    monkeypatch.setattr(module, f"{analysis}_block", plain)
    normal = by_formula(kind, asked, **twins).size
    critical = stats.t.ppf(0.975, df)
    away = optimize.brentq(lambda one: stats.nct.sf(critical, df, one) - 0.9, 1, 8)
    assert size / normal == pytest.approx(away**2 / NEEDED, rel=0.01)
    assert size > 1.01 * normal


@pytest.mark.parametrize(
    ("kind", "analysis", "changes", "words"),
    [
        ("score", "ancova", {"discontinuation": [
            {"cause": "left", "cumulative": {"control": 0.2, "active": 0.2}, "mechanism": "MNAR",
             "current": -1.0, "source": "t"}]}, "dropout depends on outcomes"),
        ("score", "mmrm", {"outcome": {"kind": "score", "source": "t", "direction": "higher_is_better",
                                       "weeks": [12.0, 24.0], "mean": [0.0, 0.0, 0.0], "sd": [1.0, 1.0, 1.0],
                                       "correlation": 0.5, "gaps": 0.1}}, "missed in between"),
        ("score", "ancova", {"effects": [{"arm": "active", "source": "t", "kind": "shift", "value": -0.5}]},
         "no effect to claim"),
        ("time_to_event", "max_combo", {}, "weights, or covariates"),
        ("time_to_event", "log_rank", {"effects": [
            {"arm": "active", "source": "t", "kind": "hazard_ratio", "value": 0.6, "from_month": 3.0}]},
         "not proportional"),
        ("response", "risk_difference", {"design": {"kind": "group_sequential", "timing": "calendar",
                                                    "months": [6.0, 9.0],
                                                    "efficacy": {"rule": "lan_demets_obf"}}}, "calendar"),
        ("response", "risk_difference",
         {"effects": [{"arm": "active", "source": "t", "kind": "odds_ratio", "value": 1.001}]},
         "out of reach"),
    ],
)  # fmt: skip
def test_where_no_formula_holds_the_reason_is_named(
    kind: str, analysis: str, changes: dict[str, Any], words: str
) -> None:
    found = by_formula(kind, {"kind": analysis}, **changes)
    assert math.isnan(found.size)
    assert found.name.startswith("none: ")
    assert words in found.name


@pytest.mark.parametrize("analysis", ["log_rank", "cox"])
def test_a_whole_register_that_still_enrols_gives_the_textbook_power(analysis: str) -> None:
    twins = {"source": "assumed", "c_index": 0.68}
    # 40 events of 60 come before the last have entered.
    slow = {"kind": "planned", "rates": [1.2], "durations": [50.0], "source": "t"}
    trial = trial_from_dict(
        tables("time_to_event", analyses=[{"kind": analysis}], twins=twins, enrolment=slow)
    )
    found = register_formula(trial, trial.analyses[0], register_assumed(trial, 50_000))
    size = by_formula("time_to_event", {"kind": analysis}).size
    assert found.power(size / 2, size / 2) == pytest.approx(0.9, abs=0.015)

"""The tables of declared trials: every number is the one that its rows give."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pandas as pd
import pytest

from tests.declared_files import STRATA, declared, staged, tables
from trialsim.design import tally
from trialsim.protocol.declared import trial_from_dict
from trialsim.streams import stream
from trialsim.study.declared import (
    DeclaredPlan,
    DeclaredResult,
    DeclaredSums,
    declared_result,
    engine_of,
    plan_trial,
    run_declared_block,
)
from trialsim.study.declared.drawing.worlds import longitudinal_world, survival_world
from trialsim.study.declared.truths.estimands import declared_truth
from trialsim.trial import true_values

EVENTS = {
    "discontinuation": [
        {
            "cause": "lack", "cumulative": {"control": 0.25, "active": 0.1}, "mechanism": "MAR",
            "previous": -0.3, "strategy": "treatment_policy", "source": "t",
        }
    ],
    "intercurrent_events": [
        {
            "cause": "adverse", "cumulative": {"control": 0.05, "active": 0.15}, "mechanism": "MCAR",
            "observed": 0.5, "strategy": "hypothetical", "source": "t",
        }
    ],
}  # fmt: skip


def run(made: dict) -> tuple[DeclaredPlan, list[DeclaredSums], list[pd.DataFrame]]:
    plan = plan_trial(trial_from_dict(made))
    sums, rows = [], []
    for cell in plan.cells:
        blocks = [run_declared_block(cell, index, 5) for index in range(len(cell.blocks))]
        total = blocks[0].sums
        for block in blocks[1:]:
            total = total + block.sums
        sums.append(total)
        rows.append(pd.concat([block.rows for block in blocks], ignore_index=True))
    return plan, sums, rows


def result_of(made: dict) -> tuple[DeclaredResult, list[pd.DataFrame]]:
    plan, sums, rows = run(made)
    return declared_result(plan, sums), rows


def test_operating_characteristics_are_those_of_the_rows() -> None:
    design = {"kind": "group_sequential", "timing": "information", "information": [0.5, 1.0]}
    result, rows = result_of(tables("response", design=design, strata=STRATA))
    table = result.operating_characteristics.set_index("scenario")
    for scenario, one in zip(("works", "null"), rows, strict=True):
        row = table.loc[scenario]
        claims = one["risk_difference_decision"] == 1
        error = one["risk_difference_estimate"] - row["true_effect"]
        half = 1.959963984540054 * one["risk_difference_standard_error"]
        assert row["trials"] == 100
        assert row["rejection_rate"] == pytest.approx(claims.mean())
        assert row["bias"] == pytest.approx(error.mean())
        assert row["mean_squared_error"] == pytest.approx((error**2).mean())
        assert row["coverage"] == pytest.approx((error.abs() <= half).mean())
        for name in ("size", "months"):
            values = one[f"risk_difference_{name}"]
            assert row[f"expected_{name}"] == pytest.approx(values.mean())
            assert row[f"expected_{name}_mcse"] == pytest.approx(values.std(ddof=0) / np.sqrt(99))
            assert (row[f"least_{name}"], row[f"most_{name}"]) == (values.min(), values.max())
        looks = result.looks[result.looks["scenario"] == scenario].set_index("look")
        at_first = claims & (one["risk_difference_look"] == 1)
        assert looks.loc[1, "efficacy"] == pytest.approx(at_first.mean())
        assert looks.loc[2, "cumulative_efficacy"] == pytest.approx(claims.mean())
    assert table.loc["null", "measure"] == "type I error"
    assert table.loc["null", "true_effect"] == 0


def test_the_ledger_holds_each_analysis_against_each_true_value() -> None:
    analyses = [{"kind": "mmrm"}, {"kind": "ancova_all_observed"}]
    made = tables("score", analyses=analyses, **EVENTS)
    trial = trial_from_dict(made)
    result, rows = result_of(made)
    ledger = result.ledger[result.ledger["scenario"] == "works"]
    values = true_values(
        longitudinal_world(trial), 2000, stream(5, "truth", 0, "outcome"), stream(5, "truth", 0, "dropout"),
        ["treatment_policy", "hypothetical", "while_on_treatment", "principal_stratum",
         ("treatment_policy", "hypothetical")],
    )  # fmt: skip
    names = ["treatment_policy", "hypothetical", "while_on_treatment", "principal_stratum", "declared"]
    assert len(ledger) == 2 * len(names)
    for name, truth in zip(names, values, strict=True):
        for analysis in ("mmrm", "ancova_all_observed"):
            row = ledger[(ledger["estimand"] == name) & (ledger["analysis"] == analysis)].iloc[0]
            assert row["true_effect"] == truth.value
            assert row["true_effect_mcse"] == truth.mcse
            error = rows[0][f"{analysis}_estimate"] - truth.value
            assert row["bias"] == pytest.approx(error.mean())
            assert row["bias_mcse_with_truth"] == pytest.approx(np.hypot(row["bias_mcse"], truth.mcse))
            assert row["rejection_rate"] == pytest.approx((rows[0][f"{analysis}_decision"] == 1).mean())
    declared_row = result.operating_characteristics.iloc[0]
    assert declared_row["true_effect"] == values[-1].value


def test_failures_are_counted_by_reason_and_reject_nothing() -> None:
    analyses = [{"kind": "rmst", "tau": 60.0}, {"kind": "log_rank"}]
    made = tables("time_to_event", analyses=analyses, design={"kind": "fixed", "month": 18.0})
    result, rows = result_of(made)
    row = result.operating_characteristics.query("analysis == 'rmst' and scenario == 'works'").iloc[0]
    assert row["failed"] == 100
    assert row["rejection_rate"] == 0
    assert np.isnan(row["bias"])
    failures = result.failures.query("analysis == 'rmst' and scenario == 'works'").set_index("reason")
    assert failures["count"].sum() == 100
    assert set(rows[0]["rmst_status"]) == set(failures.index)
    assert (row["failed_share"], row["undecided_share"], row["usable"]) == (1, 1, False)
    assert row["unreadable_looks"] == 100


def test_arms_in_stages_are_summed() -> None:
    design = {"kind": "multi_arm_multi_stage", "stages": [[20, 20, 20], [20, 20, 20]], "keep_best": 1}
    result, _ = result_of(staged("response", design, 3))
    arms = result.arms[result.arms["scenario"] == "works"].set_index("arm")
    assert list(arms.index) == ["control", "active", "other"]
    assert arms.loc["active", "open_at_end"] + arms.loc["other", "open_at_end"] >= 1
    total = result.operating_characteristics.iloc[0]["expected_size"]
    assert arms["participants"].sum() == pytest.approx(total)


def test_every_cell_is_accounted_for_and_tables_survive_csv() -> None:
    made = tables("response")
    made["grid"] = [{"field": "endpoints.probability", "values": [0.3, 1.0], "why": "test"}]
    result, _ = result_of(made)
    assert result.reconciliation == "4 cells planned = 2 run + 2 refused"
    assert list(result.refused["endpoints.probability"]) == [1.0, 1.0]
    assert result.refused["reason"].str.contains("less than 1").all()
    for frame in result.frames().values():
        back = pd.read_csv(StringIO(frame.to_csv(index=False)), keep_default_na=False, na_values=[""])
        assert list(back.columns) == list(frame.columns)
        assert len(back) == len(frame)


def truth_of(made: dict, kind: str, **more: object) -> float | None:
    trial = trial_from_dict(made | {"analyses": [{"kind": kind, **more}]})
    survival = survival_world(trial) if trial.outcome.kind == "time_to_event" else None
    return declared_truth(trial, trial.analyses[0], survival, None).value


def test_true_values_have_their_closed_forms() -> None:
    binary = tables("response", strata=STRATA)
    risks = [[1 / (1 + np.exp(-(np.log(0.3 / 0.7) + a + b))) for b in (0, 0.5)] for a in (0, np.log(2))]
    control, active = (0.4 * one[0] + 0.6 * one[1] for one in risks)
    assert truth_of(binary, "g_computation") == pytest.approx(active - control)
    odds = np.log(active / (1 - active)) - np.log(control / (1 - control))
    assert truth_of(binary, "log_odds_ratio") == pytest.approx(odds)
    visits = tables("score", strata=STRATA)
    visits["effects"][0] |= {"full_by_week": 48.0, "subgroup": {"factor": "sex", "level": "m", "value": 2.0}}
    assert truth_of(visits, "mmrm") == pytest.approx((0.5 + 0.6 * 2.0) / 2)
    counts = tables("count", strata=STRATA)
    counts["effects"][0]["subgroup"] = {"factor": "sex", "level": "m", "value": 0.5}
    rates = [0.4 + 0.6 * np.exp(0.5), 0.6 * (0.4 + 0.6 * np.exp(0.5) * 0.5)]
    assert truth_of(counts, "negative_binomial") == pytest.approx(np.log(rates[1] / rates[0]))
    above = 1 / (1 + np.exp(-(np.log([1.0, 0.25]) + np.log(2))))
    assert truth_of(tables("level"), "mean_score") == pytest.approx(above.sum() - 0.7)


def test_true_values_of_times_to_events_are_given_only_where_there_is_one() -> None:
    plain = tables("time_to_event")
    assert truth_of(plain, "cox") == pytest.approx(np.log(0.6))
    hazard = np.log(2) / 12
    curve = [(1 - np.exp(-h * 10)) / h for h in (hazard, 0.6 * hazard)]
    assert truth_of(plain, "rmst", tau=10.0) == pytest.approx(curve[1] - curve[0])
    late = tables("time_to_event")
    late["effects"][0]["from_month"] = 4.0
    assert truth_of(late, "cox") is None
    scheme = {"kind": "permuted_blocks", "block_sizes": [4], "strata": ["sex", "region"]}
    strata = tables("time_to_event", strata=STRATA, randomisation=scheme)
    assert truth_of(strata, "log_rank") is None
    assert truth_of(strata, "stratified_log_rank") == pytest.approx(np.log(0.6))
    assert truth_of(plain, "max_combo") is None


def test_a_law_under_a_ratio_is_the_law_with_proportional_hazards() -> None:
    months = np.array([3.0, 12.0, 30.0])
    for law in (
        {"kind": "weibull", "scale": 12.0, "shape": 1.4},
        {"kind": "cure", "cured": 0.3, "uncured": {"kind": "median", "median": 8.0}},
        {"kind": "piecewise", "hazards": [0.1, 0.05], "starts": [0.0, 6.0]},
    ):
        trial = declared("time_to_event", outcome={"kind": "time_to_event", "law": law, "source": "t"})
        control, active = survival_world(trial).events
        np.testing.assert_allclose(active.survival(months), control.survival(months) ** 0.6)
        needs = np.array([0.1, 0.3, 5.0])
        np.testing.assert_allclose(active.time_of(needs), control.time_of(needs / 0.6))


def test_competing_causes_end_follow_up_beside_dropout() -> None:
    lost = {
        "cause": "lost", "cumulative": {"control": 0.1, "active": 0.2}, "by_month": 12.0,
        "mechanism": "MCAR", "source": "t",
    }  # fmt: skip
    made = tables("time_to_event", discontinuation=[lost])
    made["endpoints"][0]["competing"] = [
        {"name": "death", "law": {"kind": "piecewise", "hazards": [0.01, 0.03], "starts": [0.0, 6.0]},
         "source": "t"}
    ]  # fmt: skip
    leave = survival_world(trial_from_dict(made)).dropout
    for law, share in zip(leave, (0.1, 0.2), strict=True):
        assert law is not None
        np.testing.assert_allclose(law.survival([12.0]), (1 - share) * np.exp(-0.06 - 0.18))


def test_a_tally_is_that_of_the_design_room() -> None:
    plan, sums, _ = run(tables("response"))
    cell = plan.cells[0]
    total = None
    for index, size in enumerate(cell.blocks):
        one = engine_of(cell.trial).read(size, 5, index).readings["risk_difference"].estimates
        block = tally(one, cell.truths["risk_difference"].value, 0.05, 1.959963984540054 * one.standard_error)
        total = block if total is None else total + block
    assert total == sums[0].tallies["risk_difference"]


def test_a_precision_is_a_stopping_rule_that_is_fixed_beforehand() -> None:
    plan = plan_trial(declared("response", simulation={"precision": 0.02, "block": 50}))
    cell = plan.cells[0]
    assert cell.rule is not None
    assert (cell.rule.precision, cell.replicates) == (0.02, 625)
    sums = run_declared_block(cell, 0, 5).sums
    (claims, trials), *_ = sums.rejections()
    assert (claims, trials) == (int(sums.stopping["risk_difference"].efficacy.sum()), 50)

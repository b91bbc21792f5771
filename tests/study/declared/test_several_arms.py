"""Fixed trials with several active arms: each is read as a trial of two arms, and claimed with the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, norm

import trialsim as ts
from tests.declared_files import EFFECTS, STRATA, tables
from trialsim.analysis.simulated.recurrences import lwyy
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import FixedDesign, trial_from_dict
from trialsim.registry import SeenRecurrences, SeenTimes
from trialsim.study.declared import engine_of, plan_trial, run_declared_block
from trialsim.study.declared.claims import claim_counts
from trialsim.study.declared.engines.several_arms import claimed_together
from trialsim.trial.register import Register

NAMES = ("control", "low", "high")


def three_arms(kind: str, values=(0.3, 0.8), **changes) -> dict:
    made = tables(kind, randomisation={"kind": "simple"}, **changes)
    made["arms"] = [{"name": name, "role": "active" if i else "control"} for i, name in enumerate(NAMES)]
    made["effects"] = [
        {"arm": name, "source": "test", **EFFECTS[kind], "value": value}
        for name, value in zip(NAMES[1:], values, strict=True)
    ]
    return made


def world(made: dict, index: int = 0):
    """Return a resolved trial of a world, and what carries it out."""
    trial = plan_trial(trial_from_dict(made)).cells[index].trial
    return trial, engine_of(trial)


def people_of(found, replicate: int, active: int, names: tuple[str, ...]) -> pd.DataFrame:
    """Return the rows of the control and one active arm of one trial."""
    arm = found.arm[replicate]
    keep = (arm == 0) | (arm == active)
    columns = {name: found.columns[name][replicate][keep] for name in names}
    return pd.DataFrame({"arm": np.where(arm[keep] == 0, "control", "active"), **columns})


@pytest.mark.parametrize("active", [1, 2])
def test_an_arm_is_read_as_ancova_reads_it_and_the_control_alone(active):
    # Dropout and simple randomisation: sizes differ between replicates, and some people have no outcome.
    leave = dict.fromkeys(NAMES, 0.15)
    _, engine = world(
        three_arms(
            "score", analyses=[{"kind": "ancova"}],
            discontinuation=[{"cause": "lost", "cumulative": leave, "mechanism": "MCAR", "source": "test"}],
        )
    )  # fmt: skip
    found, everybody = engine.read(4, 5, 0).readings, engine.everybody(4, 5, 0)
    one = found[f"ancova[{NAMES[active]}]"].estimates
    for replicate in range(4):
        data = people_of(everybody, replicate, active, ("baseline", "week_24"))
        fitted = ts.analysis.ancova(
            data, outcome="week_24", arm="arm", covariates="baseline", control="control"
        )
        frame = fitted.to_frame()
        assert one.estimate[replicate] == pytest.approx(frame["estimate"].iloc[0], abs=1e-10)
        assert one.standard_error[replicate] == pytest.approx(frame["standard_error"].iloc[0], abs=1e-10)


def test_an_arm_of_responses_is_the_difference_of_two_shares():
    _, engine = world(three_arms("response", values=(1.5, 3.0), strata=STRATA))
    found, everybody = engine.read(6, 5, 0).readings, engine.everybody(6, 5, 0)
    for active in (1, 2):
        one = found[f"risk_difference[{NAMES[active]}]"].estimates
        for replicate in range(6):
            shares = people_of(everybody, replicate, active, ("outcome",)).groupby("arm").outcome.mean()
            assert one.estimate[replicate] == pytest.approx(shares["active"] - shares["control"])


def test_recurrent_events_of_an_arm_are_those_of_its_people_alone():
    # Places that belong to nobody have no follow-up: they must not tell of any rate.
    _, engine = world(three_arms("recurrent", values=(0.9, 0.4)))
    found, everybody, sample = (
        engine.read(6, 5, 0).readings,
        engine.everybody(6, 5, 0),
        engine.sample(6, 5, 0),
    )
    for active in (1, 2):
        one = found[f"lwyy[{NAMES[active]}]"].estimates
        for replicate in range(6):
            data = people_of(everybody, replicate, active, ("events", "months"))
            sums = data.groupby("arm")[["events", "months"]].sum()
            rates = sums.events / sums.months
            # Everybody is followed to the end, so that the proportional rate is the ratio of the rates.
            expected = np.log(rates["active"] / rates["control"])
            assert one.estimate[replicate] == pytest.approx(expected, abs=1e-7)
            keep = (sample.people.arm[replicate] == 0) | (sample.people.arm[replicate] == active)
            alone = SeenRecurrences(
                arm=(sample.people.arm[replicate][keep] > 0).astype(np.int8)[None],
                times=sample.outcomes.times[replicate][keep][None],
                follow_up=sample.outcomes.follow_up[replicate][keep][None],
            )
            assert one.standard_error[replicate] == pytest.approx(lwyy(alone).standard_error[0], rel=1e-6)


def test_times_of_an_arm_are_read_when_all_arms_have_the_events():
    chance = np.random.default_rng(3)
    outcomes = chance.exponential(12.0, 4_000) / np.array([1.0, 0.8, 0.5])[:, None]
    nobody = np.empty((4_000, 0))
    register = Register(
        np.array([], dtype=np.str_), nobody, nobody, outcomes[..., None], nobody.astype(np.int64)
    )
    made = three_arms("time_to_event", values=(0.8, 0.5), analyses=[{"kind": "cox"}])
    trial = plan_trial_without_people(made)
    engine = engine_of(trial, register)
    found, everybody = engine.read(5, 5, 0).readings, engine.everybody(5, 5, 0)
    entry, event = everybody.columns["month_of_entry"], everybody.columns["event"] == 1
    ends = entry + everybody.columns["months"]
    for replicate in range(5):
        month = np.sort(ends[replicate][event[replicate]])[39]
        assert found["cox[high]"].counted["months"][replicate, 0] == pytest.approx(month)
        keep = everybody.arm[replicate] != 1
        follow = np.maximum(month - entry[replicate], 0)[keep]
        time = everybody.columns["months"][replicate][keep]
        alone = SeenTimes(
            arm=(everybody.arm[replicate][keep] == 2).astype(np.int8)[None],
            time=np.minimum(time, follow)[None],
            event=((time <= follow) & (entry[replicate][keep] <= month)).astype(np.int8)[None],
        )  # fmt: skip
        reader = ts.registry.reader("cox", "time_to_event")
        expected = reader.block(alone, trial.analyses[0].settings_of(reader))
        assert found["cox[high]"].estimates.estimate[replicate] == pytest.approx(
            expected.estimate[0], abs=1e-9
        )


def plan_trial_without_people(made: dict):
    """Return the first world of a trial whose people are given as a register."""
    from trialsim.protocol.declared import grid_points

    return grid_points(trial_from_dict(made))[0].trial


def test_claims_are_as_frequent_as_the_bivariate_normal_law_says_without_an_effect():
    made = three_arms(
        "score", values=(0.0, 0.0), participants=240, analyses=[{"kind": "ancova"}],
        simulation={"replicates": 2000, "block": 2000},
    )  # fmt: skip
    _, engine = world(made, 1)
    readings = engine.read(2000, 5, 0).readings
    z = np.column_stack([readings[f"ancova[{name}]"].statistic[:, 0] for name in NAMES[1:]])
    size = np.full((2000, 3), 80)
    # Equal arms share the control: correlation one half.
    assert np.corrcoef(z.T)[0, 1] == pytest.approx(0.5, abs=4 * 0.75 / np.sqrt(2000))
    law = multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]])
    for multiplicity, bound in (("none", norm.isf(0.025)), ("bonferroni", norm.isf(0.0125))):
        expected = 1 - law.cdf([bound, bound])
        found = claimed_together(z, size, FixedDesign(kind="fixed", multiplicity=multiplicity)).any(axis=1)
        assert abs(found.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / 2000)
    # The reported arm is the better one of two: optimistic by the mean of the larger of two normals.
    reported = readings["ancova"].estimates
    optimism = reported.estimate / reported.standard_error
    assert optimism.mean() == pytest.approx(np.sqrt(0.5 / np.pi), abs=4 / np.sqrt(2000))
    # Dunnett's test spends all of alpha; the others of the closed ones no more.
    for multiplicity in ("closed_dunnett", "closed_bonferroni", "closed_simes"):
        found = claimed_together(z, size, FixedDesign(kind="fixed", multiplicity=multiplicity)).any(axis=1)
        assert found.mean() < 0.025 + 4 * np.sqrt(0.025 * 0.975 / 2000)
    np.testing.assert_array_equal(
        readings["ancova"].stopping.decision,
        claimed_together(z, size_of(engine), FixedDesign(kind="fixed")).any(axis=1),
    )


def size_of(engine):
    arm = engine.everybody(2000, 5, 0).arm
    return np.stack([(arm == a).sum(axis=1) for a in range(3)], axis=1)


def test_holm_claims_by_its_own_rule():
    chance = np.random.default_rng(2)
    z, size = chance.normal(1.5, 1.0, (500, 3)), np.full((500, 4), 50)
    z[:20, 1] = np.nan
    design = FixedDesign(kind="fixed", multiplicity="closed_bonferroni")
    for row, claims in zip(z, claimed_together(z, size, design), strict=True):
        p = np.where(np.isnan(row), 1.0, norm.sf(row))
        expected = np.zeros(3, dtype=bool)
        open_ = (~np.isnan(row)).sum()
        for rank, k in enumerate(np.argsort(p)):
            # A hypothesis without a test is in no intersection, and is never claimed.
            if np.isnan(row[k]) or p[k] > 0.025 / (open_ - rank):
                break
            expected[k] = True
        np.testing.assert_array_equal(claims, expected)


def test_the_result_says_who_is_claimed_and_what_is_an_error():
    from trialsim.study.declared import declared_result

    made = three_arms(
        "score", values=(0.0, 1.0), analyses=[{"kind": "ancova"}],
        scenarios=[{"name": "one", "kind": "alternative", "why": "test"}],
    )  # fmt: skip
    plan = plan_trial(trial_from_dict(made))
    sums = run_declared_block(plan.cells[0], 0, 5).sums
    found = declared_result(plan, [sums])
    row = found.operating_characteristics.set_index("analysis")
    assert row.measure.to_dict() == {
        "ancova": "any claim, right or wrong", "ancova[low]": "type I error", "ancova[high]": "power",
    }  # fmt: skip
    arms = found.arms.set_index("arm").claim
    assert arms["low"] == row.rejection_rate["ancova[low]"] == row.family_wise_error["ancova"]
    assert arms["high"] == row.rejection_rate["ancova[high]"] == row.disjunctive_power["ancova"]


def test_claims_that_are_wrong_are_counted_as_errors():
    claims = np.array([[True, False], [False, True], [False, False]])
    found = claim_counts(claims, np.array([False, True]))
    assert found["false_claim"].tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sizing": {"power": 0.9}}, "sizing"),
        ({"analyses": [{"kind": "ancova", "null": -0.1}]}, "null"),
    ],
)
def test_what_is_served_with_one_active_arm_alone_is_refused(changes, field):
    with pytest.raises(ProtocolError, match=f"{field}.*is served with one active arm"):
        trial_from_dict(three_arms("score", **changes))


def test_multiplicity_of_one_active_arm_is_refused():
    with pytest.raises(ProtocolError, match="is not read with one active arm"):
        trial_from_dict(tables("score", design={"kind": "fixed", "multiplicity": "none"}))


def test_a_marginal_law_of_times_is_refused_with_what_would_do():
    with pytest.raises(ProtocolError, match=r"endpoints\.course.*multi_arm_multi_stage"):
        world(three_arms("time_to_event", values=(0.8, 0.5)))

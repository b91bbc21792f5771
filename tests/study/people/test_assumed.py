"""Assumed twins tell as much as is declared, and leave every arm's marginal law what it is."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from tests.declared_files import STRATA, tables
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import grid_points, trial_from_dict
from trialsim.streams import stream
from trialsim.study.declared import plan_trial, run_declared_block
from trialsim.study.declared.engine import engine_of
from trialsim.study.people.assumed import register_assumed
from trialsim.study.people.registers import Registers

STRENGTH = {
    "score": ("partial_correlation", 0.4),
    "response": ("auc", 0.72),
    "level": ("auc", 0.7),
    "count": ("partial_correlation", 0.35),
    "recurrent": ("partial_correlation", 0.35),
    "time_to_event": ("c_index", 0.68),
}
PEOPLE = 200_000


def with_twins(kind: str, value: float | None = None, **changes: object) -> dict:
    name, usual = STRENGTH[kind]
    twins = {"source": "assumed", name: usual if value is None else value}
    return tables(kind, twins=twins, **changes)


def strength_of(kind: str, control: np.ndarray, score: np.ndarray) -> float:
    """Return the strength by the textbook: least squares, the Mann-Whitney statistic, pairs."""
    if kind == "score":
        x = np.column_stack([np.ones(len(score)), control[:, 0]])
        left = [v - x @ np.linalg.lstsq(x, v, rcond=None)[0] for v in (control[:, -1], score)]
        return float(np.corrcoef(*left)[0, 1])
    if kind in ("count", "recurrent"):
        events = control[:, 0] if kind == "count" else np.isfinite(control).sum(axis=1)
        return float(np.corrcoef(events, score)[0, 1])
    if kind == "response":
        had = control[:, 0] == 1
        return float(mannwhitneyu(score[had], score[~had]).statistic / had.sum() / (~had).sum())
    some = np.random.default_rng(1).choice(len(score), (2, 400_000))
    y = control[:, 0] if kind == "level" else -control[:, 0]
    differ = y[some[0]] != y[some[1]]
    right = (y[some[0]] > y[some[1]]) == (score[some[0]] > score[some[1]])
    return float(right[differ].mean())


@pytest.mark.parametrize("kind", STRENGTH)
def test_the_score_has_the_declared_strength_at_200000_people(kind: str) -> None:
    register = register_assumed(trial_from_dict(with_twins(kind)), PEOPLE)
    found = strength_of(kind, register.outcomes[0], register.scores[:, 0])
    assert found == pytest.approx(STRENGTH[kind][1], abs=0.01)


@pytest.mark.parametrize("kind", STRENGTH)
def test_stronger_scores_tell_more_and_none_tells_nothing(kind: str) -> None:
    none = {"auc": 0.5, "c_index": 0.5}.get(STRENGTH[kind][0], 0.0)
    found = [
        strength_of(kind, one.outcomes[0], one.scores[:, 0])
        for one in (
            register_assumed(trial_from_dict(with_twins(kind, value)), 20_000)
            for value in (none, none + 0.1, none + 0.2)
        )
    ]
    assert found[0] == pytest.approx(none, abs=0.02)
    assert found[0] < found[1] < found[2]


def test_every_arm_keeps_its_marginal_law() -> None:
    binary = register_assumed(trial_from_dict(with_twins("response")), PEOPLE)
    odds = 2.0 * 0.3 / 0.7
    assert binary.outcomes.mean(axis=(1, 2)) == pytest.approx([0.3, odds / (1 + odds)], abs=0.005)
    times = register_assumed(trial_from_dict(with_twins("time_to_event")), PEOPLE).outcomes[..., 0]
    assert np.median(times, axis=1) == pytest.approx([12.0, 20.0], rel=0.02)
    counts = register_assumed(trial_from_dict(with_twins("count")), PEOPLE).outcomes[..., 0]
    mean = np.array([2.4, 2.4 * 0.6])
    assert counts.mean(axis=1) == pytest.approx(mean, rel=0.02)
    assert counts.var(axis=1) == pytest.approx(mean + 0.5 * mean**2, rel=0.04)
    recurrent = register_assumed(trial_from_dict(with_twins("recurrent")), PEOPLE).outcomes
    assert np.isfinite(recurrent).sum(axis=2).mean(axis=1) == pytest.approx(mean, rel=0.02)
    visits = register_assumed(trial_from_dict(with_twins("score")), PEOPLE).outcomes
    assert visits.mean(axis=1) == pytest.approx(np.array([[0, 0, 0], [0, 0.5, 0.5]]), abs=0.01)
    assert np.corrcoef(visits[0], rowvar=False)[0] == pytest.approx([1.0, 0.5, 0.25], abs=0.01)
    levels = register_assumed(trial_from_dict(with_twins("level")), PEOPLE).outcomes[0, :, 0]
    assert np.bincount(levels.astype(int)) / PEOPLE == pytest.approx([0.5, 0.3, 0.2], abs=0.005)


@pytest.mark.parametrize("kind", STRENGTH)
def test_without_an_effect_both_arms_have_the_same_outcome_and_strata_keep_their_shares(kind: str) -> None:
    made = with_twins(kind, strata=STRATA, randomisation={"kind": "simple"})
    made["scenarios"] = [{"name": "null", "kind": "null", "why": "test"}]
    (cell,) = plan_trial(trial_from_dict(made), register_of=Registers()).cells
    register = register_assumed(cell.trial, 20_000)
    np.testing.assert_array_equal(register.outcomes[0], register.outcomes[1])
    assert (register.levels == 1).mean(axis=0) == pytest.approx([0.6, 0.3], abs=0.02)
    assert all(truth.value in (0.0, None) for truth in cell.truths.values())


def test_more_than_a_score_can_tell_is_refused() -> None:
    with pytest.raises(ProtocolError, match="more than any score can tell") as fault:
        register_assumed(trial_from_dict(with_twins("count", 0.999)), 5_000)
    assert fault.value.field == "twins.partial_correlation"
    assert "at most" in fault.value.mend


ADJUSTED = {
    "score": "ancova", "response": "g_computation", "level": "proportional_odds",
    "count": "negative_binomial", "recurrent": "lwyy", "time_to_event": "cox",
}  # fmt: skip


@pytest.mark.parametrize("kind", STRENGTH)
def test_a_score_gives_power_a_useless_one_none_and_a_null_stays_a_null(kind: str) -> None:
    plain = {"kind": ADJUSTED[kind], "name": "plain"}
    made = with_twins(
        kind, participants=120, analyses=[plain, plain | {"name": "scored", "adjust": ["score"]}],
        simulation={"replicates": 600, "block": 600, "truth": 2000},
    )  # fmt: skip
    made["scenarios"].append({"name": "useless", "kind": "other", "why": "test", "twins": "useless"})
    registers = Registers()
    claims = {}
    for cell in plan_trial(trial_from_dict(made), register_of=registers).cells:
        sums = run_declared_block(cell, 0, 5, registers(cell.trial)).sums
        assert not any(one.failures for one in sums.tallies.values())
        claims[cell.name] = {name: int(one.efficacy.sum()) for name, one in sums.stopping.items()}
    assert claims["works"]["scored"] > claims["works"]["plain"]
    # The plain analysis does not see the score: the same trials, the same claims.
    assert claims["useless"]["plain"] == claims["works"]["plain"]
    assert claims["useless"]["scored"] < claims["works"]["scored"]
    assert claims["null"]["scored"] <= 600 * 0.025 + 4 * np.sqrt(600 * 0.025 * 0.975)


SCHEMES = (
    {"kind": "simple"},
    {"kind": "permuted_blocks", "block_sizes": [4]},
    {"kind": "permuted_blocks", "block_sizes": [4], "strata": ["sex"]},
    {"kind": "minimisation", "factors": ["sex", "region"]},
)


def test_people_with_a_time_to_an_event_are_the_same_under_every_randomisation() -> None:
    found = [
        register_assumed(
            trial_from_dict(with_twins("time_to_event", strata=STRATA, randomisation=scheme)), 5_000
        )
        for scheme in SCHEMES
    ]
    for one in found[1:]:
        np.testing.assert_array_equal(one.outcomes, found[0].outcomes)
        np.testing.assert_array_equal(one.scores, found[0].scores)


@pytest.mark.parametrize("scheme", SCHEMES[1:])
def test_factors_are_balanced_in_trials_of_times_to_an_event(scheme: dict) -> None:
    """Arms within a level differ by less than simple randomisation lets them."""
    apart = []
    for one in (scheme, SCHEMES[0]):
        made = with_twins("time_to_event", strata=STRATA, randomisation=one, participants=200,
                          design={"kind": "fixed", "events": 100})  # fmt: skip
        made["analyses"] = [{"kind": "adjusted_log_rank", "adjust": ["score"]}]
        trial = grid_points(trial_from_dict(made))[0].trial
        assert trial is not None
        engine = engine_of(trial, Registers()(trial))
        people, _ = engine.recruit(200, partial(stream, 5, "balance", 0))
        sign = 2 * people.arm - 1
        level = people.levels[..., 0] == 1
        apart.append(np.abs((sign * level).sum(axis=1)).mean())
    factor = 1.0 if scheme.get("strata") is None and scheme["kind"] == "permuted_blocks" else 0.5
    assert apart[0] < factor * apart[1]


def test_a_block_that_recruits_is_pure() -> None:
    made = with_twins("response", analyses=[{"kind": "g_computation", "adjust": ["score"]}])
    cell = plan_trial(trial_from_dict(made), register_of=Registers()).cells[0]
    one, two = (run_declared_block(cell, 1, 5, Registers()(cell.trial)) for _ in range(2))
    assert one.rows.equals(two.rows)


def test_recurrent_events_are_the_same_however_many_people_are_drawn_at_a_time(monkeypatch):
    from trialsim.study.people import assumed

    mean = np.random.default_rng(2).gamma(2.0, 1.5, (2, 300))
    whole = assumed._recurrences(mean, 12.0, np.random.default_rng(1))
    monkeypatch.setattr(assumed, "_STEPS_AT_A_TIME", 1_000)
    parts = assumed._recurrences(mean, 12.0, np.random.default_rng(1))
    np.testing.assert_array_equal(whole, parts)
    steps = np.cumsum(
        np.random.default_rng(1).standard_exponential((300, assumed._most_steps(mean.max()))), axis=1
    )
    months = steps * (12.0 / mean)[..., None]
    np.testing.assert_array_equal(whole, np.where(months <= 12.0, months, np.nan)[..., : whole.shape[2]])


def test_more_recurrent_events_than_memory_holds_are_refused():
    from trialsim.study.people.potential import require_room

    with pytest.raises(ProtocolError, match=r"somebody has 400 events or more.* kind = \"count\""):
        require_room(2, 100_000, 400)
    require_room(2, 100_000, 312)

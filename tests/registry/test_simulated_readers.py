"""Readers of simulated trials: each is whole, served where it says, and refused elsewhere by name."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.declared_files import declared, tables
from trialsim.analysis.simulated.times import SeenLooks
from trialsim.data import Estimates
from trialsim.errors import AnalysisError, ProtocolError
from trialsim.protocol.declared import trial_from_dict
from trialsim.protocol.declared.endpoints import endpoints
from trialsim.registry import (
    Estimator,
    Reader,
    SeenTimes,
    SeenValues,
    Setting,
    Truth,
    estimator,
    reader,
    readers,
    register,
    registered,
    served,
    simulated_names,
)
from trialsim.registry.block_reader import imported
from trialsim.registry.simulated import SIMULATED, WORDS
from trialsim.study.declared.engine import engine_of, truths_of

ROOT = Path(__file__).parents[2]
KINDS = [one.kind for one in endpoints()]


@pytest.fixture
def no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered, "_BY_HAND", {})


@pytest.mark.parametrize(("name", "one"), SIMULATED, ids=[f"{n}-{r.endpoint}" for n, r in SIMULATED])
def test_a_reader_takes_its_settings_and_is_called_so(name: str, one: Reader) -> None:
    parameters = inspect.signature(imported(one.function)).parameters.values()
    taken = {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
    assert set(taken) == {setting.name for setting in one.settings}
    for setting in one.settings:
        default = taken[setting.name]
        assert setting.default == (None if default is inspect.Parameter.empty else default)
    assert one in readers(name)
    assert reader(name, one.endpoint) == one


def test_who_reads_no_frame_says_so_and_is_described() -> None:
    assert set(WORDS) <= set(simulated_names())
    for name in WORDS:
        with pytest.raises(AnalysisError, match="reads simulated trials alone"):
            estimator(name).frame(None)  # type: ignore[arg-type]  # refused before it is read
    with pytest.raises(AnalysisError, match="reads neither a data frame nor simulated trials"):
        Estimator("nothing", None, "rows", "nothing", "none")


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_lists_what_is_served(kind: str) -> None:
    other = next(name for name in simulated_names() if name not in served(kind))
    made = tables(kind, analyses=[{"kind": other, **_needed(other)}])
    with pytest.raises(ProtocolError, match=f"does not read a {kind} outcome") as refusal:
        trial_from_dict(made)
    assert all(name in str(refusal.value) for name in served(kind))


def _needed(name: str) -> dict[str, Any]:
    return {setting.name: 1.0 for one in readers(name) for setting in one.settings if setting.default is None}


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_on_trials_names_what_is_served(kind: str) -> None:
    page = (ROOT / "docs" / "trials.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{kind}` \|.*\|$", page, re.MULTILINE)
    last = row.split("|")[-2]
    unlisted = {"adjusted_log_rank"} if kind == "time_to_event" else set()
    assert set(re.findall(r"`(\w+)`", last)) | unlisted == set(served(kind))


def test_all_looks_in_one_pass_are_each_look_by_itself() -> None:
    chance = np.random.default_rng(3)
    shape = (6, 80)
    entry, time = np.sort(chance.uniform(0, 10, shape)), chance.exponential(12, shape)
    arm, event = chance.integers(0, 2, shape).astype(np.int8), chance.integers(0, 2, shape).astype(np.int8)
    stratum = chance.integers(0, 3, shape)
    months = np.tile([8.0, 15.0, 40.0], (6, 1))
    looks = SeenLooks(entry, time, event, arm, stratum, 3, months)
    for name in ("log_rank", "stratified_log_rank"):
        one = reader(name, "time_to_event")
        assert one is not None
        together, statistic = one.every_look(looks)
        for k in range(3):
            follow = np.maximum(months[:, k, None] - entry, 0.0)
            seen = SeenTimes(
                arm=arm, stratum=stratum, time=np.minimum(time, follow),
                event=((event == 1) & (time <= follow) & (entry <= months[:, k, None])).astype(np.int8),
            )  # fmt: skip
            alone = one.block(seen)
            np.testing.assert_allclose(together[k].statistic, alone.statistic, rtol=1e-9)
            np.testing.assert_allclose(statistic[:, k], -alone.statistic, rtol=1e-9)


def half(seen: SeenValues, *, weight: float = 0.5) -> Estimates:
    """Return weight times the difference of shares: an estimator of another package."""
    active, control = (np.where(seen.arm == a, seen.values, np.nan) for a in (1, 0))
    shares = [np.nanmean(active, axis=1), np.nanmean(control, axis=1)]
    error = np.sqrt(sum(p * (1 - p) / 30 for p in shares)) * weight
    found, n = weight * (shares[0] - shares[1]), len(seen.arm)
    z = found / error
    return Estimates(
        "half", found, error, np.full(n, np.inf), z, 2 * np.exp(-np.abs(z)), np.zeros(n, np.int8)
    )


def true_half(law: Any, asked: Any) -> Truth:
    return Truth(law.risk_difference(asked) * asked.given("weight", 0.5))


HALF = Estimator(
    "half",
    None,
    "a response",
    "half of the difference of risks",
    "share",
    readers=(
        Reader(
            "response",
            half,
            true_half,
            settings=(Setting("weight", 0.0, 1.0, default=0.5),),
            designs=("fixed",),
            because="is read at the end",
        ),
    ),
)


def test_an_estimator_of_another_package_is_read_with_its_settings(no_others: None) -> None:
    with pytest.raises(ProtocolError, match="is no analysis of simulated trials"):
        declared("response", analyses=[{"kind": "half"}])
    register(HALF)
    trial = declared("response", analyses=[{"kind": "half"}, {"kind": "half", "name": "all", "weight": 1.0}])
    found = engine_of(trial).read(20, 1, 0).readings
    np.testing.assert_allclose(2 * found["half"].estimates.estimate, found["all"].estimates.estimate)
    truths = truths_of(trial)
    assert truths["all"].value == pytest.approx(2 * truths["half"].value)
    assert trial_from_dict(trial.to_dict()) == trial


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"weight": 2.0}, "must be a number at least 0 and at most 1"),
        ({"weight": "much"}, "must be a number"),
        ({"tau": 3.0}, "is needed by rmst"),
        ({"wait": 1.0}, "unknown key"),
        ({"adjust": ["sex"]}, "half takes no covariates"),
    ],
)
def test_settings_that_it_does_not_have_are_refused(
    no_others: None, changed: dict[str, Any], words: str
) -> None:
    register(HALF)
    with pytest.raises(ProtocolError, match=words):
        declared("response", analyses=[{"kind": "half"} | changed])


def test_designs_that_it_does_not_serve_are_refused_in_its_words(no_others: None) -> None:
    register(HALF)
    looks = {"kind": "group_sequential", "timing": "information", "information": [0.5, 1.0]}
    with pytest.raises(ProtocolError, match="is read at the end") as refusal:
        declared("response", design=looks, analyses=[{"kind": "half"}])
    assert "risk_difference" in str(refusal.value)


def test_a_truth_that_no_law_knows_is_refused(no_others: None) -> None:
    (one,) = HALF.readers
    register(replace(HALF, readers=(replace(one, truth="median"),)))
    with pytest.raises(AnalysisError, match="is nothing that the law of a response outcome knows"):
        truths_of(declared("response", analyses=[{"kind": "half"}]))

"""``trialsim size --from`` and ``trialsim frontier --from``: the numbers of a protocol, each overridable."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.cli.in_process import run
from tests.declared_files import STRATA, tables, write_protocol
from trialsim.protocol.declared import trial_from_dict
from trialsim.study.sizing.numbers import planning_numbers

PROTOCOLS = Path(__file__).parents[2] / "protocols"


def numbers(kind: str, **changes: Any) -> dict[str, Any]:
    return planning_numbers(trial_from_dict(tables(kind, **changes)), PROTOCOLS)


def test_a_score_gives_effect_spread_and_correlation_of_the_change() -> None:
    leaving = [
        {"cause": "left", "cumulative": {"control": 0.2, "active": 0.1}, "mechanism": "MCAR", "source": "t"}
    ]
    found = numbers(
        "score", discontinuation=leaving, twins={"source": "assumed", "partial_correlation": 0.4},
        sizing={"power": 0.8}, costs={"currency": "EUR", "control": 5.0, "active": 7.0, "source": "t"},
    )  # fmt: skip
    # SD 1 throughout, correlation .25 of baseline and last visit.
    sd = math.sqrt(2 - 2 * 0.25)
    assert found["sd"] == pytest.approx(sd)
    assert found["baseline_correlation"] == pytest.approx((0.25 - 1) / sd)
    assert (found["effect"], found["partial_correlation"]) == (0.5, 0.4)
    assert (found["dropout"], found["dropout_active"]) == (0.2, 0.1)
    assert (found["power"], found["alpha"], found["allocation"]) == (0.8, 0.05, "1:1")
    assert (found["control_price"], found["active_price"], found["per_month"]) == (5.0, 7.0, 10.0)


def test_other_kinds_give_their_laws_and_the_strength_of_a_score() -> None:
    response = numbers("response", twins={"source": "assumed", "auc": 0.75})
    assert (response["scale"], response["control_rate"], response["odds_ratio"]) == ("binary", 0.3, 2.0)
    assert 0.3 < response["partial_correlation"] < 0.5
    count = numbers("count", twins={"source": "assumed", "partial_correlation": 0.3})
    assert [count[name] for name in ("scale", "control_rate", "rate_ratio", "exposure", "dispersion")] == [
        "count", 0.2, 0.6, 12.0, 0.5,
    ]  # fmt: skip
    assert count["partial_correlation"] == 0.3
    leaving = [{"cause": "left", "cumulative": {"control": 0.2, "active": 0.2}, "mechanism": "MCAR",
                "by_month": 12.0, "source": "t"}]  # fmt: skip
    times = numbers("time_to_event", discontinuation=leaving, twins={"source": "assumed", "c_index": 0.7})
    assert [times[name] for name in ("scale", "control_median", "hazard_ratio")] == ["survival", 12.0, 0.6]
    assert times["accrual"] == pytest.approx(6.0)
    assert times["loss"] == pytest.approx(1 - 0.8 ** (1 / 12))
    assert times["duration"] > times["accrual"]
    assert 0.2 < times["partial_correlation"] < 0.7


def test_the_month_of_a_number_of_events_is_the_one_by_which_they_are_expected() -> None:
    found = numbers("time_to_event", design={"kind": "fixed", "month": 15.0})
    assert found["duration"] == 15.0
    quick = {"kind": "planned", "rates": [100_000.0], "durations": [1.0], "source": "t"}
    found = numbers("time_to_event", design={"kind": "fixed", "events": 30}, enrolment=quick)
    # Of 60 who enter at once half have the event when the mean of both curves is one half.
    at = found["duration"]
    assert (0.5 ** (at / 12) + 0.5 ** (0.6 * at / 12)) / 2 == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("level", {}, "a level outcome has no formula"),
        ("time_to_event", {"outcome": {"kind": "time_to_event", "source": "t", "frailty": 0.5,
                                       "law": {"kind": "median", "median": 12.0}}}, "not constant"),
        ("response", {"strata": STRATA, "randomisation": {"kind": "simple"},
                      "effects": [{"arm": "active", "source": "t", "kind": "odds_ratio", "value": 2.0,
                                   "subgroup": {"factor": "sex", "level": "m", "value": 2.0}}]}, "subgroup"),
    ],
)  # fmt: skip
def test_what_has_no_such_numbers_is_refused(kind: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Exception, match=words) as fault:
        numbers(kind, **changes)
    assert "trialsim run" in fault.value.mend


def answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run(monkeypatch, *arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)["tables"]


def test_size_from_a_protocol_is_size_from_its_numbers(monkeypatch, capsys) -> None:
    asked = answer(monkeypatch, capsys, "size", "--from", str(PROTOCOLS / "copd_twins.toml"))
    sd = math.sqrt(0.45**2 + 0.48**2 - 2 * 0.85**4 * 0.45 * 0.48)
    rho = (0.85**4 * 0.45 * 0.48 - 0.45**2) / (sd * 0.45)
    told = answer(
        monkeypatch, capsys, "size", "--effect", "0.1", "--sd", str(sd), "--baseline-correlation", str(rho),
        "--partial-correlation", "0.35", "--allocation", "1:2", "--dropout", "0.15",
        "--dropout-active", "0.1", "--per-month", "30",
    )  # fmt: skip
    assert asked == told
    more = answer(
        monkeypatch, capsys, "size", "--from", str(PROTOCOLS / "copd_twins.toml"), "--effect", "0.2"
    )
    assert more["sizes"][0]["ancova_total"] < asked["sizes"][0]["ancova_total"] / 3


def test_frontier_from_a_protocol_takes_its_active_arm(monkeypatch, capsys, tmp_path) -> None:
    made = tables(
        "response", sizing={"vary": "controls", "active": 150, "power": 0.8},
        effects=[{"arm": "active", "source": "t", "kind": "odds_ratio", "value": 2.2}],
    )  # fmt: skip
    file = str(write_protocol(tmp_path / "protocol.toml", made))
    more = ("--history", "400", "--method", "prognostic", "--quiet")
    asked = answer(monkeypatch, capsys, "frontier", "--from", file, *more)
    told = answer(
        monkeypatch, capsys, "frontier", "--scale", "binary", "--control-rate", "0.3", "--odds-ratio", "2.2",
        "--active", "150", "--power", "0.8", *more,
    )  # fmt: skip
    assert asked == told
    assert run(monkeypatch, "frontier", "--from", file) == 2
    assert "--history" in capsys.readouterr().err, "no history is declared"


def test_the_numbers_of_a_history_are_its_own(tmp_path) -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"participant": np.arange(120), "age": rng.normal(60, 8, 120).round(1)})
    frame["y"] = (rng.random(120) < 0.4).astype(int)
    frame.to_csv(tmp_path / "past.csv", index=False)
    made = tables("response") | {
        "population": {"kind": "history"},
        "endpoints": [{"kind": "response", "name": "y", "direction": "higher_is_better", "months": 6.0,
                       "course": {"kind": "history"}}],
        "history": {"file": "past.csv"},
        "twins": {"source": "learned", "covariates": ["age"]},
        "analyses": [{"kind": "g_computation", "adjust": ["score"]}],
    }  # fmt: skip
    found = planning_numbers(trial_from_dict(made), tmp_path)
    assert found["control_rate"] == frame["y"].mean()
    assert found["history"] == 120
    assert "partial_correlation" not in found, "it is not known before it is learnt"


@pytest.mark.parametrize("name", ["level", "missing"])
def test_a_protocol_that_cannot_be_taken_is_one_clear_line(monkeypatch, capsys, tmp_path, name) -> None:
    file = tmp_path / "protocol.toml"
    if name == "level":
        write_protocol(file, tables("level"))
    assert run(monkeypatch, "size", "--from", str(file)) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert str(file) in said
    assert "Traceback" not in said

"""A protocol that cannot be run is refused with file, field, value and mend."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trialsim.errors import ProtocolError
from trialsim.protocol import read_trial

EXAMPLE = (Path(__file__).parents[3] / "protocols" / "alzheimers_phase2.toml").read_text()


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(ProtocolError) as caught:
        read_trial(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "Mend:" in message
    return message


# (what is replaced, by what, field named, words of the problem)
FAULTS = {
    "unknown key": ("seed = 20261121", "seed = 20261121\nsede = 3", "sede", "unknown key"),
    "wrong type": ("seed = 20261121", 'seed = "one"', "seed", "integer"),
    "NaN": ("value = 0.30", "value = nan", "effects[0].value", "finite"),
    "infinity": ("value = 0.30", "value = inf", "effects[0].value", "finite"),
    "negative rate": ("rate_per_site_month = 0.5", "rate_per_site_month = -0.5", "rate_per_site_month", "greater"),
    "zero rate": ("rate_per_site_month = 0.5", "rate_per_site_month = 0.0", "rate_per_site_month", "greater"),
    "allocation 0": ('role = "control"', 'role = "control"\nallocation = 0.0', "arms[0].allocation", "greater than 0"),
    "dropout 1": ("{ placebo = 0.05, active = 0.10 }", "{ placebo = 1.0, active = 0.10 }", "cumulative.placebo", "less than 1"),
    "dropout adds up to 1": ("{ placebo = 0.05, active = 0.10 }", "{ placebo = 0.85, active = 0.10 }", "discontinuation", "together take all of arm 'placebo'"),
    "dropout of an unknown arm": ("{ placebo = 0.05, active = 0.10 }", "{ placebo = 0.05, drug = 0.1 }", "discontinuation.adverse_event.cumulative", "must give a share for each"),
    "visits out of order": ("65.0, 78.0]", "78.0, 65.0]", "endpoints.weeks", "ascending"),
    "visit twice": ("65.0, 78.0]", "65.0, 65.0]", "endpoints.weeks", "ascending"),
    "no visit": ("weeks = [13.0, 26.0, 39.0, 52.0, 65.0, 78.0]", "weeks = []", "endpoints.weeks", "at least 1"),
    "alpha 0": ("alpha = 0.025", "alpha = 0.0", "design.alpha", "greater than 0"),
    "power 1": ("power = 0.90", "power = 1.0", "sizing.power", "less than 1"),
    "discount above 1": ("correlation_discount = 0.9", "correlation_discount = 1.1", "correlation_discount", "less than or equal"),
    "unknown standard error": ('name = "prognostic"', 'name = "prognostic"\nvariance = "hc9"', "analyses[2].variance", "hc0"),
    "unknown strategy": ('strategy = "hypothetical"', 'strategy = "hopeful"', "strategy", "hypothetical"),
    "slowing above 1": ("value = 0.30", "value = 1.30", "effects[0].value", "less than or equal to 1"),
    "two replicate rules": ("replicates = 4000", "replicates = 4000\nprecision = 0.01", "simulation", "either replicates or precision"),
    "scenario twice": ('name = "faster_decline_null"', 'name = "faster_decline"', "scenarios", "given twice"),
    "no drift in another world": ("drift = { progression = 1.3 }\nwhy = \"The trial", "why = \"The trial", "scenarios[2]", "alternative again"),
    "a drift that moves nothing": ("{ progression = 1.3 }", "{ progression = 1.0 }", "drift", "moves nothing"),
    "two controls": ('role = "active"', 'role = "control"', "arms", "the control first"),
    "same arm twice": ('name = "active"\nrole', 'name = "placebo"\nrole', "arms", "given twice"),
    "empty range": ("at_least = 50.0\nat_most = 90.0", "at_least = 90.0\nat_most = 50.0", "population.eligibility[0]", "below at_most"),
    "broken TOML": ("seed = 20261121", "seed = = 1", "", "not valid TOML"),
    "key twice": ("seed = 20261121", "seed = 1\nseed = 2", "", "not valid TOML"),
    "missing table": ("[design]", "[designs]", "design", "is missing"),
    "format of the future": ("trialsim.protocol/2", "trialsim.protocol/9", "format", "trialsim.protocol/2"),
    "format of the past": ("trialsim.protocol/2", "trialsim.protocol/1", "format", "docs/protocol.md says what moved where"),
    "no format": ('format = "trialsim.protocol/2"\n', "", "format", "begin the file with format ="),
    "reversed text": ('title = "Disease', 'title = "\u202eDisease', "", "hidden control character"),
    "nested too deeply": ("weeks = [13.0", "weeks = " + "[" * 200 + "13.0", "", "nested too deeply"),
    "long key": ("seed = 20261121", ".".join("a" * 300) + " = 1", "", "nested too deeply"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(tmp_path: Path, fault: str) -> None:
    old, new, field, problem = FAULTS[fault]
    assert old in EXAMPLE
    message = refused(tmp_path, EXAMPLE.replace(old, new, 1))
    assert field in message
    assert re.search(re.escape(problem), message), message


def test_empty_file(tmp_path: Path) -> None:
    assert "is empty" in refused(tmp_path, "  \n")


def test_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(b"\x80\x04\x95pickle")
    with pytest.raises(ProtocolError, match="not UTF-8"):
        read_trial(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"nowhere.toml: file not found"):
        read_trial(tmp_path / "nowhere.toml")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="is not a file"):
        read_trial(tmp_path)


def test_large_file(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_text("# " + "x" * 1_100_000)
    with pytest.raises(ProtocolError, match="larger than 1 MB"):
        read_trial(path)


def test_several_faults_are_all_named(tmp_path: Path) -> None:
    text = EXAMPLE.replace("alpha = 0.025", "alpha = 0.0").replace("power = 0.90", "power = 2.0")
    message = refused(tmp_path, text)
    assert "design.alpha" in message
    assert "sizing.power" in message

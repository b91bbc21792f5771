"""Data sets of endpoints other than a score at visits: times to an event, and one number a participant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.small_trial import TRIAL
from trialsim.cli.commands import commands
from trialsim.errors import BundleError
from trialsim.exchange import datasets_of_run
from trialsim.exchange.adam import Dataset
from trialsim.study import replay_declared_trial
from trialsim.study.bundles import open_bundle

ROOT = Path(__file__).parents[2]
RESPONSE = (
    ('kind = "score"', 'kind = "response"'),
    ("weeks = [12.0]\nmean = [10.0, 10.0]\nsd = [2.0, 2.0]\ncorrelation = 0.5\n", "probability = 0.4\n"),
    ('kind = "shift"', 'kind = "odds_ratio"'),
    ("value = 1.0", "value = 1.8"),
    ('kind = "ancova"', 'kind = "g_computation"'),
)


def run(protocol: Path, folder: Path, *options: str) -> Path:
    args = ["run", str(protocol), "--quiet", "--workers", "1", "-o", str(folder), *options]
    done = CliRunner().invoke(commands, args)
    assert done.exit_code == 0, done.output
    (manifest,) = folder.glob("*/manifest.json")
    return manifest.parent


def test_times_to_an_event_are_those_of_the_replayed_trial(tmp_path: Path) -> None:
    bundle = run(ROOT / "protocols/survival_delayed_effect.toml", tmp_path / "out", "--replicates", "250")
    study = open_bundle(bundle)
    name = study.cells[0].name
    made = {one.name: one for one in datasets_of_run(bundle, [(name, 3)])}
    people = replay_declared_trial(study, study.cell(name), 3).participants
    times = made["ADTTE"].frame
    assert set(made) == {"ADSL", "ADTTE", "ADSIM"}
    np.testing.assert_array_equal(times["AVAL"], people["months"])
    np.testing.assert_array_equal(times["CNSR"] == 0, people["event"] == 1)
    assert set(times["CNSR"]) == {0, 1}
    assert times["PARAMCD"].unique().tolist() == ["OUTCOME"]


def test_one_number_a_participant_is_the_value_of_the_endpoint(tmp_path: Path) -> None:
    text = TRIAL.format(effect=1.0, participants=80, seed=1)
    for old, new in RESPONSE:
        assert old in text
        text = text.replace(old, new)
    protocol = tmp_path / "response.toml"
    protocol.write_text(text)
    bundle = run(protocol, tmp_path / "out")
    study = open_bundle(bundle)
    made: dict[str, Dataset] = {one.name: one for one in datasets_of_run(bundle, [("works", 5)])}
    people = replay_declared_trial(study, study.cell("works"), 5).participants
    frame = made["ADEFF"].frame
    assert len(frame) == 80
    np.testing.assert_array_equal(frame["AVAL"], people["outcome"])
    assert frame["PARAMCD"].unique().tolist() == ["SCORE"]
    assert frame["BASE"].isna().all()
    with pytest.raises(BundleError, match="is no replicate of works"):
        datasets_of_run(bundle, [("works", 5_000)])

"""A trial that runs in seconds, for tests that need a whole bundle."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from trialsim.cli.commands import commands

TRIAL = """
format = "trialsim.protocol/2"
name = "small"
title = "A small trial"
question = "What changes?"
seed = {seed}
participants = {participants}

[[arms]]
name = "placebo"
role = "control"
allocation = 1.0

[[arms]]
name = "active"
role = "active"
allocation = 1.0

[[endpoints]]
name = "score"
kind = "score"
direction = "higher_is_better"
weeks = [12.0]
mean = [10.0, 10.0]
sd = [2.0, 2.0]
correlation = 0.5
source = "Assumed"

[[effects]]
kind = "shift"
arm = "active"
value = {effect}
source = "Assumed"

[enrolment]
kind = "planned"
rates = [20.0]
durations = [12.0]
source = "Assumed"

[randomisation]
kind = "permuted_blocks"
block_sizes = [4]

[design]
kind = "fixed"
alpha = 0.025

[[analyses]]
kind = "ancova"

[simulation]
replicates = 400
block = 100

[[scenarios]]
name = "works"
kind = "alternative"
why = "As assumed"

[[scenarios]]
name = "null"
kind = "null"
why = "No effect"
"""


def run_small_trial(folder: Path, effect: float = 1.0, participants: int = 80, seed: int = 1) -> Path:
    """Run the trial once, and return its bundle."""
    path = folder / f"small_{effect}_{participants}_{seed}.toml"
    if not path.exists():
        path.write_text(TRIAL.format(effect=effect, participants=participants, seed=seed))
        args = ["run", str(path), "--quiet", "--workers", "1", "-o", str(path.with_suffix(""))]
        done = CliRunner().invoke(commands, args)
        assert done.exit_code == 0, done.output
    (bundle,) = path.with_suffix("").glob("small-*")
    return bundle

"""One trial as its user runs it: a fresh clone, a stranger's history, scored trials, sizes, memory, luck."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from trialsim.errors import TrialsimError
from trialsim.prognosis import FitSettings
from trialsim.prognosis.validation.longitudinal import FOLD_SETTINGS
from trialsim.prognosis.validation.outcome import FOLD_SETTINGS as OUTCOME_FOLD_SETTINGS
from trialsim.protocol.declared import DeclaredTrial, read_trial, trial_from_dict
from trialsim.streams import stream
from trialsim.study.declared.engine import engine_of
from trialsim.study.people.assumed import register_assumed
from trialsim.study.people.learning import Fits, LearntTwins, learn_twins
from trialsim.study.running.backend import Processes
from trialsim.study.sizing.sizes import size_trial

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
SEED, BLOCK, PEOPLE = 20261130, 250, 400
LUCKY_SEEDS = (1, 20)
# Files of participants, and what `trialsim new` is told of them.
HISTORIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "pilot": (
        "cdisc_pilot/adas_total.csv",
        ("--filter", "locf=0", "--filter", "anl=1", "--filter", "arm=placebo", "--join", "subjects.csv"),
    ),
    "antidepressant": ("antidepressant_dia/antidepressant.csv", ()),
    "gbsg2": ("lifelines_mit/gbsg2.csv", ("--filter", "horTh=no")),
    "heart_failure": ("hf_clinical_records/hf_clinical_records.csv", ()),
}


def trialsim(*arguments: str, folder: Path, python: str = sys.executable, **environment: str) -> float:
    """Return the wall seconds of a command, run in a folder."""
    start = time.perf_counter()
    subprocess.run(
        [python, "-m", "trialsim", *arguments], check=True, cwd=folder, stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )  # fmt: skip
    return time.perf_counter() - start


def demo_cold() -> Iterator[Figure]:
    """Time ``make demo`` in a fresh clone without any cache of ours: install, compile, learn, simulate."""
    with tempfile.TemporaryDirectory() as folder:
        clone, home = Path(folder) / "clone", Path(folder) / "home"
        start = time.perf_counter()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        apart = {"TRIALSIM_CACHE": str(home / "cache"), "NUMBA_CACHE_DIR": str(home / "numba")}
        apart["PYTENSOR_FLAGS"] = f"base_compiledir={home / 'pytensor'}"
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        subprocess.run(
            ["make", "--no-print-directory", "install"], cwd=clone, check=True,
            env=inherited | apart, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        installed = time.perf_counter() - start
        subprocess.run(
            ["make", "--no-print-directory", "demo"], cwd=clone, check=True, env=inherited | apart,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wall = time.perf_counter() - start
    limit = f"{_cores()} cores; installing {installed:.0f} s of it"
    yield Figure("demo_cold: clone, install and demo", wall, "s", goal=120, at_most=True, limit=limit)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def strangers_history(people: int = 300, visits: tuple[int, ...] = (0, 4, 8, 12, 24)) -> pd.DataFrame:
    """Return a placebo arm that nobody has fitted a model to: FEV1 at five visits, six covariates."""
    rng = stream(SEED, "stranger", 0, "history")
    age, height = rng.normal(64, 8, people), rng.normal(170, 9, people)
    packs, bmi = rng.gamma(3, 12, people), rng.normal(26, 4, people)
    sex, inhaler = rng.integers(0, 2, people), rng.integers(0, 2, people)
    own = 1.3 + 0.01 * (height - 170) - 0.008 * (age - 64) + rng.normal(0, 0.35, people)
    slope = -0.002 - 0.00005 * packs + rng.normal(0, 0.003, people)
    leaves = rng.exponential(120, people)
    rows = [
        {
            "subject": f"S{who:04d}", "week": week, "age": round(age[who]), "height": round(height[who]),
            "pack_years": round(packs[who]), "bmi": round(bmi[who], 1), "sex": "FM"[sex[who]],
            "inhaler": ("no", "yes")[inhaler[who]],
            "fev1": round(own[who] + slope[who] * week + rng.normal(0, 0.12), 2),
        }
        for who in range(people)
        for week in visits
        if week == 0 or leaves[who] > week
    ]  # fmt: skip
    return pd.DataFrame(rows)


def run_learned() -> Iterator[Figure]:
    """Time ``run`` on a stranger's history: 300 people, 5 visits, 4 worlds of 10,000 replicates."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        strangers_history().to_csv(folder / "past.csv", index=False)
        started = trialsim("new", "past.csv", "--yes", folder=folder)
        options = ("run", "protocol.toml", "--quiet", "--cache", "cache", "-o", "out")
        # What is compiled is kept; nothing of the fit is.
        trialsim(*options, "--replicates", "100", "--seed", "1", folder=folder)
        wall = trialsim(*options, "--replicates", "10000", folder=folder)
    limit = f"{_cores()} cores; `trialsim new` {started:.1f} s before it"
    yield Figure("run_learned: learn, size, 4 x 10,000", wall, "s", goal=120, at_most=True, limit=limit)


def scored(kind: str) -> DeclaredTrial:
    """Return a trial of 400 with a score of an assumed strength, read with it."""
    outcome: dict[str, dict[str, Any]] = {
        "mmrm": {
            "kind": "score", "direction": "higher_is_better", "weeks": [4.0, 8.0, 12.0, 18.0, 24.0],
            "mean": [0.0] * 6, "sd": [1.0] * 6, "correlation": 0.7,
        },
        "g_computation": {
            "kind": "response", "direction": "higher_is_better", "probability": 0.3, "months": 6.0,
        },
        "adjusted_log_rank": {"kind": "time_to_event", "law": {"kind": "median", "median": 12.0}},
    }  # fmt: skip
    effect = {
        "mmrm": ("shift", 0.2), "g_computation": ("odds_ratio", 1.6),
        "adjusted_log_rank": ("hazard_ratio", 0.7),
    }  # fmt: skip
    strength = {"mmrm": "partial_correlation", "g_computation": "auc", "adjusted_log_rank": "c_index"}
    survival = kind == "adjusted_log_rank"
    return trial_from_dict(
        {
            "format": "trialsim.protocol/2", "name": "scored", "title": "Scored", "question": "How fast?",
            "seed": SEED, "participants": PEOPLE,
            "arms": [{"name": "control", "role": "control"}, {"name": "active", "role": "active"}],
            "endpoints": [{"name": "y", "source": "benchmark", **outcome[kind]}],
            "effects": [
                {"arm": "active", "source": "benchmark", "kind": effect[kind][0], "value": effect[kind][1]}
            ],
            "enrolment": {
                "kind": "planned", "rates": [25.0], "durations": [16.0], "source": "benchmark",
            },
            "randomisation": {"kind": "permuted_blocks", "block_sizes": [4]},
            "discontinuation": [
                {
                    "cause": "any", "cumulative": {"control": 0.15, "active": 0.15}, "mechanism": "MCAR",
                    "source": "benchmark", **({"by_month": 24.0} if survival else {}),
                }
            ],
            "twins": {"source": "assumed", strength[kind]: 0.4 if kind == "mmrm" else 0.7},
            "design": {"kind": "fixed", "alpha": 0.025, **({"events": 250} if survival else {})},
            "analyses": [{"kind": kind, "adjust": ["score"]}],
            "simulation": {"replicates": 1000, "block": BLOCK},
            "scenarios": [{"name": "works", "kind": "alternative", "why": "benchmark"}],
        }
    )  # fmt: skip


def trial_scored() -> Iterator[Figure]:
    """Time whole trials of 400 read with a score, on one core: recruit, allocate, lose, estimate, decide."""
    goals = {"mmrm": 4_000.0, "g_computation": 3_000.0, "adjusted_log_rank": 8_000.0}
    for kind, goal in goals.items():
        trial = scored(kind)
        register = register_assumed(trial)
        yield _rate(f"trial_scored: {kind}", trial, register, goal)
        if kind == "mmrm":
            # As learnt twins have them: an expectation at each visit, which move together.
            steps = np.linspace(0.6, 1.0, 5)
            noise = stream(SEED, "matched", 0, "twins").standard_normal((len(register), 1))
            at_visits = register.scores * steps + 0.2 * noise * steps[::-1]
            matched = replace(register, scores=at_visits)
            yield _rate("trial_scored: mmrm, a score at each visit", trial, matched, goal)


def _rate(name: str, trial: DeclaredTrial, register: Any, goal: float) -> Figure:
    engine, blocks = engine_of(trial, register), iter(range(10_000))
    with threadpool_limits(1):
        spent = seconds(lambda: engine.read(BLOCK, SEED, next(blocks)), 15)
    return Figure(name, BLOCK / spent, "trials/s", goal=goal, limit=f"n = {PEOPLE}, one core")


def size_search() -> Iterator[Figure]:
    """Time the search for a size within 2 % in a design with looks, where no formula gives one."""
    trial = read_trial(ROOT / "protocols" / "copd_twins.toml")
    register = register_assumed(trial.model_copy(update={"scenarios": trial.scenarios[:1]}))
    with Processes(_cores()) as workers:
        start = time.perf_counter()
        found = size_trial(trial, lambda _: register, workers)
        wall = time.perf_counter() - start
    rows = found.sizes
    half = (rows["participants_upper_95"] - rows["participants_lower_95"]) / 2 / rows["participants"]
    limit = f"{len(rows)} sizes on {_cores()} cores"
    yield Figure("size_search: wall", wall, "s", goal=60, at_most=True, limit=limit)
    yield Figure("size_search: widest half interval", 100 * float(half.max()), "%", goal=2.0, at_most=True)


MEMORY = """
import json, resource, sys
from trialsim.protocol.declared import trial_from_dict
from trialsim.study.people.assumed import register_assumed
trial = trial_from_dict(json.load(sys.stdin))
register = register_assumed(trial)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, register.outcomes.nbytes / 1e9)
"""


def register_memory() -> Iterator[Figure]:
    """Measure the peak memory of a process that draws 100,000 people of heavy laws."""
    for name, endpoint, effect in (
        ("score at 24 visits", {
            "kind": "score", "direction": "higher_is_better", "weeks": [float(k) for k in range(1, 25)],
            "mean": [0.0] * 25, "sd": [1.0] * 25, "correlation": 0.7,
        }, ("shift", 0.2)),
        ("recurrent, up to 200 events", {
            "kind": "recurrent", "rate": 2.0, "dispersion": 0.5, "months": 12.0,
        }, ("rate_ratio", 0.8)),
    ):  # fmt: skip
        made = scored("mmrm").to_dict()
        made |= {"endpoints": [{"name": "y", "source": "benchmark", **endpoint}], "discontinuation": []}
        made["effects"] = [{"arm": "active", "source": "b", "kind": effect[0], "value": effect[1]}]
        read_by = "lwyy" if endpoint["kind"] == "recurrent" else "mmrm"
        made["analyses"] = [{"kind": read_by, "adjust": ["score"]}]
        trial = trial_from_dict(made)
        text = json.dumps(trial.to_dict())
        done = subprocess.run(
            [sys.executable, "-c", MEMORY], input=text, text=True, capture_output=True, check=True
        )
        peak, kept = (float(part) for part in done.stdout.split())
        yield Figure(
            f"register_memory: {name}", peak, "GB", goal=1.5, at_most=True,
            limit=f"the outcomes alone {kept:.2f} GB",
        )  # fmt: skip


def started(name: str, folder: Path, file: str, told: tuple[str, ...]) -> Path:
    """Return the protocol that ``trialsim new`` writes for a shared file, with what it is told."""
    target = folder / f"{name}.toml"
    trialsim("new", str(SHARED / file), "--yes", *told, "-o", str(target), folder=folder)
    return target


def learnt_with(protocol: Path, seed: int) -> LearntTwins:
    """Return the twins of a protocol with another seed, whole fit and every fold, without a cache."""
    trial = read_trial(protocol).model_copy(update={"seed": seed})
    one = partial(replace, cores=1)
    folds = FOLD_SETTINGS if trial.outcome.kind == "score" else OUTCOME_FOLD_SETTINGS
    whole = FitSettings() if trial.outcome.kind == "score" else FitSettings(accept=0.95)
    return learn_twins(trial, protocol.parent, fits=Fits(one(whole), one(folds)))


def refused_for_luck(seeds: tuple[int, int] = LUCKY_SEEDS) -> Iterator[Figure]:
    """Count refusals and repeated fits over seeds (first, last) and histories: whole fits and ten folds."""
    first, last = seeds
    tried = last - first + 1
    with tempfile.TemporaryDirectory() as folder:
        for history in HISTORIES:
            if not (SHARED / HISTORIES[history][0]).exists():
                continue
            protocol = started(history, Path(folder), *HISTORIES[history])
            refused, repeated, said = 0, 0, ""
            start = time.perf_counter()
            for seed in range(first, last + 1):
                try:
                    repeated += learnt_with(protocol, seed).judgement.fits_repeated
                except TrialsimError as fault:
                    refused, said = refused + 1, f"; {fault}"
            wall = (time.perf_counter() - start) / tried
            yield Figure(
                f"refused_for_luck: {history}, seeds {first} to {last}", refused, "refused",
                goal=0, at_most=True,
                limit=f"{repeated} of {11 * tried} fits made again; {wall:.1f} s a seed{said}",
            )  # fmt: skip


BENCHMARKS = {
    "demo_cold": demo_cold,
    "refused_for_luck": refused_for_luck,
    "register_memory": register_memory,
    "run_learned": run_learned,
    "size_search": size_search,
    "trial_scored": trial_scored,
}

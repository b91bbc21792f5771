"""Equal inputs give equal bytes whatever was compiled: kernels of an empty cache and of a full one."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialsim.streams import stream

ROOT = Path(__file__).parents[3]
PEOPLE = 120


def of_visits() -> pd.DataFrame:
    """Return a small history of a score at visits: the fit of a mixed model."""
    rng = stream(20261201, "caches", 0, "history")
    age, own = rng.normal(62, 8, PEOPLE), rng.normal(20, 4, PEOPLE)
    rows = [
        (
            f"P{who:03d}",
            week,
            round(age[who]),
            round(own[who] + 0.08 * week + 0.2 * (age[who] - 62) + noise, 1),
        )
        for week in (0, 4, 12)
        for who, noise in enumerate(rng.normal(0, 2, PEOPLE))
    ]
    return pd.DataFrame(rows, columns=["subject", "week", "age", "severity"])


def of_responses() -> pd.DataFrame:
    """Return a small history of a response: the fit of an outcome family."""
    rng = stream(20261201, "caches", 1, "history")
    age = rng.normal(62, 8, PEOPLE).round()
    responder = rng.random(PEOPLE) < 1 / (1 + np.exp(-(age - 62) / 6))
    return pd.DataFrame({"subject": range(PEOPLE), "age": age, "responder": responder.astype(int)})


def results(folder: Path, name: str, kernels: Path) -> dict[str, str]:
    """Run the whole way in a process of its own, its twins fitted anew; return each result's SHA-256."""
    subprocess.run(
        [
            sys.executable, "-m", "trialsim", "run", "protocol.toml", "--replicates", "250", "--quiet",
            "--workers", "1", "--cache", f"fits_{name}", "-o", name,
        ],
        cwd=folder, check=True, stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(kernels)},
    )  # fmt: skip
    (found,) = (folder / name).glob("*/results")
    files = [path for path in sorted(found.rglob("*")) if path.is_file()]
    return {
        path.relative_to(found).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


@pytest.mark.slow
@pytest.mark.parametrize("history", [of_visits, of_responses])
def test_a_whole_run_is_the_same_with_a_cold_and_a_warm_cache(history, tmp_path: Path) -> None:
    history().to_csv(tmp_path / "past.csv", index=False)
    subprocess.run(
        [sys.executable, "-m", "trialsim", "new", "past.csv", "--yes"], cwd=tmp_path, check=True,
        stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    kernels = tmp_path / "kernels"
    cold = results(tmp_path, "cold", kernels)
    compiled = {path.name for path in kernels.rglob("*.nbc")}
    warm = results(tmp_path, "warm", kernels)
    assert len(compiled) > 20
    assert {path.name for path in kernels.rglob("*.nbc")} == compiled, "the second run compiled something"
    assert any("replicates" in name for name in cold)
    assert cold == warm

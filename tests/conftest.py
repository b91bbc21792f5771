"""Fixtures that every room's tests share."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from _pytest.doctest import DoctestModule
from numba.core.caching import IndexDataCacheFile

from trialsim.data import Covariates, History
from trialsim.prognosis import Sampler

pytest_plugins = ["tests.real_histories", "tests.small_study", "tests.spread"]

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

# `make test` tries the same examples every day; `make qualify` looks for new ones.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

_save = IndexDataCacheFile.save


def _save_one_at_a_time(self: Any, key: Any, data: Any) -> None:
    """Save a compiled kernel while no other process does.

    Numba reads a kernel's index, adds to it and writes it without a lock: two processes that compile two
    signatures of one kernel at the same time would give both the same file.
    """
    with open(f"{self._index_path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _save(self, key, data)


IndexDataCacheFile.save = _save_one_at_a_time


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Leave out doctests of test files: there are none, and every process would look for them for long."""
    found = yield
    tests = file_path.name.startswith("test_")
    return [one for one in found if not (tests and isinstance(one, DoctestModule))]


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Return a function from a path under the shared folder to the file, skipping where it is missing."""

    def find(relative: str) -> Path:
        path = SHARED / relative
        if not path.exists():
            pytest.skip(f"needs the optional shared folder: {relative} is not here")
        return path

    return find


@pytest.fixture(scope="session")
def sampler() -> Sampler:
    """Return the one prognostic model that the whole session compiles, at its first fit."""
    return Sampler()


@pytest.fixture(scope="session")
def simulate_history() -> Callable[..., History]:
    """Return a function that simulates a history from the Gaussian model that the prognosis fits.

    Its keywords: participants, weeks, level and slope (coefficients of the covariates), sds of
    participants' level, slope and of noise, the share that drops out at each visit, and a seed.
    """

    def simulate(
        participants: int = 200,
        weeks: tuple[float, ...] = (12.0, 24.0, 36.0, 52.0),
        level: tuple[float, ...] = (0.6, 0.0, -0.4),
        slope: tuple[float, ...] = (0.5, 0.0, 0.0),
        sds: tuple[float, float, float] = (0.8, 0.5, 0.6),
        dropout: float = 0.05,
        groups: int = 4,
        seed: int = 1,
    ) -> History:
        rng = np.random.default_rng(seed)
        week = np.array(weeks)
        half = (week[-1] - week[0]) / 2 or 1.0
        clock = (week - (week[0] + week[-1]) / 2) / half
        x = rng.standard_normal((participants, len(level)))
        effects = rng.standard_normal((participants, 2)) * sds[:2]
        change = 1.5 + clock + (x @ np.array(level) + effects[:, 0])[:, None]
        change = change + (x @ np.array(slope) + effects[:, 1])[:, None] * clock
        change = change + sds[2] * rng.standard_normal(change.shape)
        baseline = 20 + 5 * rng.standard_normal(participants)
        outcomes = baseline[:, None] + change
        outcomes[np.cumsum(rng.random(change.shape) < dropout, axis=1) > 0] = np.nan
        names = tuple(f"x{position}" for position in range(len(level)))
        return History(
            "score", "simulated", True, Covariates(names, x), week, baseline, outcomes,
            rng.integers(groups, size=participants),
        )  # fmt: skip

    return simulate

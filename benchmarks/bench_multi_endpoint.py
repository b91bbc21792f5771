"""Speed of whole trials with several endpoints: two endpoints, three hypotheses, three looks, on one core."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure
from trialsim.protocol.declared import trial_from_dict
from trialsim.study.declared.engine import engine_of

GOAL, BLOCK, BLOCKS = 3_000.0, 500, 6
FILE = Path(__file__).parents[1] / "protocols" / "pfs_os_response.toml"


def two_endpoints() -> dict[str, Any]:
    """Return the shipped protocol with progression-free and overall survival, in all and in a population."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    for field, key in (("endpoints", "name"), ("effects", "endpoint"), ("analyses", "endpoint")):
        tables[field] = [one for one in tables[field] if one[key] != "response"]
    tables["dependence"] = tables["dependence"][:1]
    tables["strata"] = [
        {"name": "marker", "levels": ["low", "high"], "shares": [0.5, 0.5], "source": "Assumed"}
    ]
    tables["hypotheses"] = [
        {"name": "pfs", "analyses": ["pfs_log_rank"], "weight": 0.8, "passes": {"os": 0.5, "pfs_high": 0.5}},
        {
            "name": "os", "analyses": ["os_log_rank"], "weight": 0.2, "passes": {"pfs": 1.0},
            "planned_events": 250,
        },
        {
            "name": "pfs_high", "analyses": ["pfs_log_rank"], "passes": {"os": 1.0},
            "population": {"factor": "marker", "level": "high"},
        },
    ]  # fmt: skip
    return tables


def multi_endpoint() -> Iterable[Figure]:
    engine = engine_of(trial_from_dict(two_endpoints()))
    with threadpool_limits(1):
        engine.read(BLOCK, 1, 0)
        start = time.process_time()
        for block in range(1, BLOCKS + 1):
            engine.read(BLOCK, 1, block)
        rate = BLOCK * BLOCKS / (time.process_time() - start)
    yield Figure(
        "multi_endpoint N=420, PFS and OS by illness-death, 3 hypotheses in a graph, 3 looks", rate,
        "trials/s", goal=GOAL,
    )  # fmt: skip


BENCHMARKS = {"multi_endpoint": multi_endpoint}

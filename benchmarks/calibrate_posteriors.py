"""Run the long simulation-based calibration study of a model, and keep its record in the repository.

    python -m benchmarks.calibrate_posteriors gaussian --day 2026-11-21

The record goes to ``tests/prognosis/data/sbc_<model>.json``. Two processes share the work.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

from benchmarks.calibration.ranks import RankRecord, count_ranks, source_hash
from benchmarks.calibration.studies import STUDIES

SEED = 20261121
PROCESSES = 2
PARTS = 20
FOLDER = Path(__file__).parents[1] / "tests" / "prognosis" / "data"
_compiled: dict[str, object] = {}


def run_part(
    model: str, seed: int, first: int, count: int
) -> tuple[dict[str, list[int]], list[dict[str, float]]]:
    """Run some simulations; a process compiles its model once."""
    study = STUDIES[model]
    sampler = _compiled.setdefault(model, study.sampler())
    return study.ranks(seed, first, count, sampler)


def main() -> None:
    """Run the study and write its record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=sorted(STUDIES))
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=SEED, help="other simulations than those of before")
    parser.add_argument("--day", type=date.fromisoformat, required=True, help="today, ISO")
    asked = parser.parse_args()
    study, size = STUDIES[asked.model], asked.simulations // PARTS
    ranks: dict[str, list[int]] = {}
    diagnostics: list[dict[str, float]] = []
    before = source_hash(study.sources)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        parts = [pool.submit(run_part, asked.model, asked.seed, part * size, size) for part in range(PARTS)]
        for part in parts:
            some, of_fits = part.result()
            for name, values in some.items():
                ranks.setdefault(name, []).extend(values)
            diagnostics.extend(of_fits)
    if source_hash(study.sources) != before:
        raise SystemExit("the sources of the model changed while the study ran")
    record = RankRecord(
        model=asked.model,
        source=before,
        day=asked.day.isoformat(),
        seed=asked.seed,
        simulations=size * PARTS,
        settings=study.settings,
        counts={name: count_ranks(values, study.draws).tolist() for name, values in ranks.items()},
        worst_rhat=max(one["max_rhat"] for one in diagnostics),
        divergences=sum(one["divergences"] for one in diagnostics),
    )
    FOLDER.mkdir(exist_ok=True)
    record.save(FOLDER / f"sbc_{asked.model}.json")


if __name__ == "__main__":
    main()

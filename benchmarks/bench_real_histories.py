"""Real participants to their end: `trialsim new`, `run`, and what the report's first screen says."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmarks.bench_one_trial import HISTORIES, SHARED, started, trialsim
from benchmarks.figure import Figure

REPLICATES = 2000
_STROKE = "ist/ist.csv.gz"
_UNTREATED = ("--filter", "aspirin=0", "--filter", "heparin=none")
_AT_ENTRY = (
    "--covariates",
    "delay_hours,consciousness,male,age,onset_in_sleep,systolic_bp,deficit_face,deficit_arm,deficit_leg,"
    "deficit_dysphasia,stroke_subtype",
)
REAL: dict[str, tuple[str, tuple[str, ...]]] = HISTORIES | {
    "stroke, four levels": (
        _STROKE,
        (*_UNTREATED, *_AT_ENTRY, "--outcome", "outcome_6_months", "--direction", "higher_is_better",
         "--levels", "dead,dependent,not_recovered,recovered"),
    ),
    "stroke, dead within 14 days": (
        _STROKE, (*_UNTREATED, *_AT_ENTRY, "--outcome", "dead_14_days", "--months", "0.5"),
    ),
    "a published curve": (
        "kmdata/participants.csv",
        ("--filter", "figure_id=AIO0207(b)_3B", "--filter", "arm=bev", "--time-unit", "months"),
    ),
}  # fmt: skip


def real_histories() -> Iterator[Figure]:
    """Yield the share saved beyond the best analysis without a twin; the answer in words stands beside it."""
    for name, (file, told) in REAL.items():
        if not (SHARED / file).exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            protocol = started(name.replace(",", "").replace(" ", "_"), Path(folder), file, told)
            wall = trialsim(
                "run", str(protocol), "--replicates", str(REPLICATES), "--quiet", "-o", "out",
                folder=Path(folder),
            )  # fmt: skip
            (results,) = Path(folder).glob("out/*/results")
            said = json.loads((results / "answer.json").read_text(encoding="utf-8"))["sentences"]
            saved = _saved(results / "savings.csv")
        yield Figure(
            f"real_histories: {name}", saved, "% saved", limit=f"{'. '.join(said[:2])}; {wall:.0f} s"
        )


def _saved(file: Path) -> float:
    """Return the share saved as declared beyond the best rival; 0 where a history has no covariate."""
    if not file.exists():
        return 0.0
    savings = pd.read_csv(file)
    return 100 * float(savings[savings["best"]]["share_saved"].iloc[0])


BENCHMARKS = {"real_histories": real_histories}

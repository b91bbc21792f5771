"""Compute runs in this process, and leave their tables and the machine's facts in a folder.

python -m tests.processors.compute FOLDER [RUN ...]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.processors.runs import RUNS
from trialsim.study.bundles.machine import machine


def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or RUNS:
        target = folder / name
        target.mkdir()
        for place, (table, frame) in enumerate(RUNS[name]().items()):
            content = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(
                {"table": table}
            )
            pq.write_table(content, target / f"{place}.parquet")
    (folder / "machine.json").write_text(json.dumps(machine(), indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

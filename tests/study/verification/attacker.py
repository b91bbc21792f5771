"""Somebody who changes a bundle and makes every hash consistent again, with our own code where that helps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import stdtrit

from trialsim.data import Estimates
from trialsim.design import tally
from trialsim.report.again import _render, _with_tables
from trialsim.study import seal
from trialsim.study.bundles.alone.counting import PLAN
from trialsim.study.bundles.alone.files import file_sha256
from trialsim.study.bundles.alone.script import SCRIPT
from trialsim.study.bundles.alone.sealing import (
    BLOCKS,
    LOG,
    MANIFEST,
    PLACE_OF_ROOT,
    REPORT,
    block_lines,
    canonical,
    in_order,
)
from trialsim.study.bundles.log import FIRST_OUTCOME, LAST_OUTCOME, PLAN_FROZEN, PROTOCOL_FROZEN
from trialsim.study.bundles.of_declared_trial import open_bundled_trial, plan_examples
from trialsim.study.bundles.record import rows_hash
from trialsim.study.bundles.tables import write_table
from trialsim.study.verification.tables_again import plan_of, result_of

_NUMBERS = ("estimate", "standard_error", "df", "p_value")
FACTS = ("kind", "protocol", "title", "seed", "inputs")


def manifest(bundle: Path) -> dict[str, Any]:
    return json.loads((bundle / MANIFEST).read_text())


def reseal(bundle: Path, **changed: Any) -> None:
    """Write the manifest, its hashes and the root on the report again, with some facts changed."""
    old = manifest(bundle)
    facts = {name: old[name] for name in FACTS if name in old} | changed
    page = bundle / REPORT
    if page.exists():
        page.write_bytes(page.read_bytes().replace(old["root"].encode(), PLACE_OF_ROOT.encode()))
    (bundle / MANIFEST).unlink()
    # Our own sealing would put the honest script back.
    script = (bundle / SCRIPT).read_text(encoding="utf-8")
    with patch("trialsim.study.bundles.bundle.script_text", return_value=script):
        seal(bundle, facts)


def relog(bundle: Path, keep: Callable[[list[dict]], list[dict]] = lambda events: events) -> None:
    """Write the log again so that it is of what the bundle now holds."""
    events = [json.loads(line) for line in (bundle / LOG).read_bytes().splitlines()]
    lines = block_lines(bundle)
    of = {
        PROTOCOL_FROZEN: open_bundled_trial(bundle).trial.content_hash(),
        PLAN_FROZEN: file_sha256(bundle / PLAN, PLAN),
        FIRST_OUTCOME: hashlib.sha256(lines[0][0]).hexdigest(),
        LAST_OUTCOME: file_sha256(bundle / BLOCKS, BLOCKS),
    }
    write_log(bundle, keep([event | {"of": of.get(event["event"], event["of"])} for event in events]))


def write_log(bundle: Path, events: list[dict]) -> None:
    head, written = PLACE_OF_ROOT, []
    for number, event in enumerate(events):
        line = canonical(event | {"number": number, "before": head})
        head = hashlib.sha256(line).hexdigest()
        written.append(line + b"\n")
    (bundle / LOG).write_bytes(b"".join(written))


def change_rows(bundle: Path, cell: str, change: Callable[[pd.DataFrame, int], pd.DataFrame | None]) -> None:
    """Change the rows of each block of a cell; a block that becomes None is dropped."""
    path = bundle / "results" / "replicates" / f"{cell}.parquet"
    record = pq.ParquetFile(path)
    schema = record.schema_arrow
    groups = [change(record.read_row_group(k).to_pandas(), k) for k in range(record.num_row_groups)]
    with pq.ParquetWriter(path, schema) as writer:
        for group in groups:
            if group is not None:
                writer.write_table(pa.Table.from_pandas(group, schema=schema, preserve_index=False))


def record_blocks(bundle: Path, *, sums: bool = True) -> None:
    """Write the record of blocks again from the rows: their hashes and, if asked, sums that agree."""
    study = open_bundled_trial(bundle)
    old = {(one["cell"], one["index"]): one for _, one in block_lines(bundle)}
    lines = []
    for cell in study.cells:
        record = study.recorded(cell)
        for index in range(record.num_row_groups):
            table = record.read_row_group(index)
            line = dict(old.get((cell.name, index), old[cell.name, 0]))
            line |= {"index": index, "replicates": table.num_rows, "rows": rows_hash(table)}
            if sums:
                line["sums"] = _sums(line["sums"], table.to_pandas(), cell)
            lines.append(in_order(line))
    (bundle / BLOCKS).write_bytes(b"".join(line + b"\n" for line in lines))


def _sums(sums: dict, rows: pd.DataFrame, cell: Any) -> dict:
    """Return sums whose counts and moments are those of changed rows."""
    sums = json.loads(json.dumps(sums)) | {"trials": len(rows)}
    for name, stops in sums["stopping"].items():
        decision, alpha = rows[f"{name}_decision"].to_numpy(), cell.trial.design.alpha
        numbers = [
            rows[f"{name}_{key}"].to_numpy() for key in ("estimate", "standard_error", "df", "p_value")
        ]
        failed = ~np.isfinite(numbers[0])
        one = Estimates(
            name, *numbers[:3], numbers[0], numbers[3], failed.astype(np.int8), ("ok", "singular")
        )
        truth = cell.truths[name].value or 0.0
        moments = tally(one, truth, 2 * alpha, stdtrit(one.df, 1 - alpha) * one.standard_error)
        rejected = sums["tallies"][name]["rejected"]
        sums["tallies"][name] = asdict(moments) | {"rejected": rejected}
        stops |= {
            "trials": len(rows), "efficacy": [int((decision == 1).sum())],
            "futility": [int((decision == -1).sum())], "undecided": int((decision == 0).sum()),
        }  # fmt: skip
        for key in ("size", "months"):
            values = rows[f"{name}_{key}"].to_numpy().astype(float)
            stops["sums"][key], stops["squares"][key] = float(values.sum()), float((values**2).sum())
            stops["least"][key], stops["most"][key] = float(values.min()), float(values.max())
        sums["decided"][name] = dict.fromkeys(sums["decided"][name], 0) | {"t": len(rows)}
    return sums


def forge(bundle: Path) -> None:
    """Make tables, examples, report, log and seal what the record of blocks now gives."""
    study = open_bundled_trial(bundle)
    plan = plan_of(study)
    result, problems = result_of(study, plan)
    assert result is not None, problems
    for name, frame in result.frames().items():
        write_table(frame, bundle / "results", name)
    write_table(plan_examples(plan, bundle), bundle / "examples", "trials")
    relog(bundle)
    page = _render(study, plan, _with_tables(study, result)[0])
    (bundle / REPORT).write_text(page, encoding="utf-8")
    inputs = study.manifest["inputs"] | {"trial": study.trial.content_hash()}
    reseal(bundle, inputs=inputs, seed=study.trial.seed)


def forge_rows(bundle: Path, cell: str, change: Callable[[pd.DataFrame, int], pd.DataFrame | None]) -> None:
    """Change rows, and everything that follows from them."""
    change_rows(bundle, cell, change)
    record_blocks(bundle)
    forge(bundle)


def edit_json(path: Path, change: Callable[[Any], Any]) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps(change(content) or content))


def edit_table(bundle: Path, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Change a table in both of its forms."""
    frame = pd.read_parquet(bundle / f"{name}.parquet")
    write_table(change(frame), (bundle / name).parent, Path(name).name)


def with_value(column: str, row: int, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        frame.loc[row, column] = value
        return frame

    return change


def other_plan(bundle: Path, change: Callable[[list[dict]], list[dict]]) -> None:
    edit_json(bundle / PLAN, change)

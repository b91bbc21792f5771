"""Dataset-JSON 1.1: one data set a file, with the meaning of its columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from trialsim.errors import HistoryError
from trialsim.exchange.adam.dataset import Dataset, Variable
from trialsim.study.bundles.alone.files import LARGEST_TEXT, UnsoundError, read_plain, strict_json
from trialsim.version import __version__

VERSION_OF_FORMAT = "1.1.0"
SYSTEM = "trialsim"
_KINDS = {"string": "string", "integer": "integer", "double": "double"}
# Types of others' files that are read: dates stay texts.
_READ = {
    "string": "string", "integer": "integer", "double": "double", "float": "double", "decimal": "double",
    "boolean": "string", "datetime": "string", "date": "string", "time": "string", "URI": "string",
}  # fmt: skip


def to_dataset_json(dataset: Dataset, study: str, created: str) -> dict[str, Any]:
    """Return a data set as the content of a Dataset-JSON 1.1 file.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    study : str
        Its ``studyOID``.
    created : str
        When the file is written: ISO 8601, UTC.

    Returns
    -------
    dict
        Attributes in the order of the standard, rows last. Missing values are null.

    Source: CDISC, Dataset-JSON 1.1 (December 2024).

    Examples
    --------
    >>> one = Variable("AVAL", "Analysis Value", "double", "Simulated")
    >>> made = to_dataset_json(Dataset("ADX", "X", (one,), ("AVAL",), pd.DataFrame({"AVAL": [1.5]})), "SIM-X",
    ...                        "2026-01-01T00:00:00")
    >>> made["records"], made["columns"][0]["dataType"], made["rows"]
    (1, 'double', [[1.5]])
    """
    return {
        "datasetJSONCreationDateTime": created,
        "datasetJSONVersion": VERSION_OF_FORMAT,
        "fileOID": f"{study}.{dataset.name}",
        "originator": "Synthetic data: nobody in this file is real",
        "sourceSystem": {"name": SYSTEM, "version": __version__},
        "studyOID": study,
        "metaDataVersionOID": f"MDV.{study}",
        "metaDataRef": "define.json",
        "itemGroupOID": f"IG.{dataset.name}",
        "records": len(dataset.frame),
        "name": dataset.name,
        "label": dataset.label,
        "columns": [_column(dataset, one) for one in dataset.variables],
        "rows": dataset.rows(),
    }


def _column(dataset: Dataset, one: Variable) -> dict[str, Any]:
    column: dict[str, Any] = {
        "itemOID": f"IT.{dataset.name}.{one.name}",
        "name": one.name,
        "label": one.label,
        "dataType": _KINDS[one.kind],
    }
    if one.kind == "string":
        column["length"] = max((len(str(value)) for value in dataset.frame[one.name]), default=1) or 1
    if one.name in dataset.keys:
        column["keySequence"] = dataset.keys.index(one.name) + 1
    return column


def read_dataset_json(path: Path) -> pd.DataFrame:
    """Read a Dataset-JSON 1.1 file, anybody's.

    Parameters
    ----------
    path : Path
        A ``.json`` file with one data set.

    Returns
    -------
    DataFrame
        With its columns; numbers as floats where one is missing, dates as text.

    Raises
    ------
    HistoryError
        No such file, no JSON, or rows that do not fit its columns.

    Source: CDISC, Dataset-JSON 1.1 (December 2024).

    Examples
    --------
    >>> import json
    >>> from tempfile import TemporaryDirectory
    >>> content = {"datasetJSONVersion": "1.1.0", "records": 1, "rows": [["41.5"]],
    ...            "columns": [{"name": "AGE", "dataType": "decimal"}]}
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "adsl.json"
    ...     _ = path.write_text(json.dumps(content))
    ...     float(read_dataset_json(path)["AGE"].iloc[0])
    41.5
    """
    try:
        content = strict_json(read_plain(path, path.name, LARGEST_TEXT), path.name)
    except UnsoundError as fault:
        raise HistoryError(fault.problem, file=path, mend="give a Dataset-JSON 1.1 file") from None
    if not isinstance(content, dict) or not str(content.get("datasetJSONVersion", "")).startswith("1.1"):
        raise HistoryError(
            "must be Dataset-JSON 1.1", file=path, field="datasetJSONVersion",
            value=content.get("datasetJSONVersion") if isinstance(content, dict) else None,
            mend="convert it to version 1.1",
        )  # fmt: skip
    columns, rows = content.get("columns"), content.get("rows", [])
    if not isinstance(columns, list) or not all(_is_column(one) for one in columns) or not columns:
        raise HistoryError("must list columns with a name and a known dataType", file=path, field="columns")
    if not isinstance(rows, list):
        raise HistoryError("must be a list of rows", file=path, field="rows")
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(columns):
            raise HistoryError(
                f"must have {len(columns)} values, one a column", file=path, field=f"rows[{number}]"
            )
        if any(isinstance(cell, list | dict) for cell in row):
            raise HistoryError("holds several values in a cell", file=path, field=f"rows[{number}]")
    if content.get("records", len(rows)) != len(rows):
        raise HistoryError(
            f"says {len(rows)} rows are there", file=path, field="records", value=content["records"],
            mend="get the whole file again",
        )  # fmt: skip
    names = [one["name"] for one in columns]
    if len(set(names)) < len(names):
        raise HistoryError("must be all different", file=path, field="columns.name")
    frame = pd.DataFrame(rows, columns=names, dtype=object)
    for one in columns:
        if _READ[one["dataType"]] != "string":
            frame[one["name"]] = _numeric(frame[one["name"]], one["name"], path)
    return frame


def _is_column(one: Any) -> bool:
    if not isinstance(one, dict) or not isinstance(one.get("name"), str):
        return False
    return isinstance(one.get("dataType"), str) and one["dataType"] in _READ


def _numeric(values: pd.Series, name: str, path: Path) -> pd.Series:
    # A decimal may be written as text, so that no digit is lost on the way.
    found = pd.to_numeric(values, errors="coerce")
    wrong = found.isna() & values.notna()
    if wrong.any():
        raise HistoryError(
            "must be a number", file=path, field=f"rows[{int(wrong.to_numpy().argmax())}].{name}"
        )
    return found

"""Data sets on disk: Dataset-JSON, SAS transport files (XPORT version 5) or Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trialsim.errors import BundleError
from trialsim.exchange.adam.dataset import LONGEST_TEXT, Dataset
from trialsim.exchange.adam.dataset_json import to_dataset_json
from trialsim.exchange.adam.define import definition


def _dataset_json(dataset: Dataset, study: str, path: Path, created: str) -> None:
    content = to_dataset_json(dataset, study, created)
    path.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def _typed(dataset: Dataset, text: str, missing: object) -> pd.DataFrame:
    """Return the values with one type a column: floats, and texts where an empty one is `missing`."""
    columns = {}
    for one in dataset.variables:
        values = dataset.frame[one.name]
        if one.kind == "string":
            said = [missing if value is None or value != value else str(value) for value in values]
            columns[one.name] = pd.Series(said, dtype=text)
        else:
            columns[one.name] = pd.Series(values.to_numpy(dtype=np.float64))
    return pd.DataFrame(columns)


def _xport(dataset: Dataset, study: str, path: Path, created: str) -> None:
    try:
        import pyreadstat
    except ModuleNotFoundError:
        raise BundleError(
            "needs the package pyreadstat", field="format", value="xport",
            mend="pip install 'trialsim[exchange]', or use dataset-json or parquet",
        ) from None  # fmt: skip
    frame = _typed(dataset, "object", "")
    for one in dataset.variables:
        if one.kind == "string" and frame[one.name].str.len().max() > LONGEST_TEXT:
            raise BundleError(
                f"has a text of more than {LONGEST_TEXT} characters, which XPORT version 5 cannot hold",
                field=f"{dataset.name}.{one.name}", mend="use dataset-json or parquet",
            )  # fmt: skip
    pyreadstat.write_xport(
        frame,
        str(path),
        file_label=dataset.label,
        column_labels=[one.label for one in dataset.variables],
        table_name=dataset.name,
        file_format_version=5,
    )


def _parquet(dataset: Dataset, study: str, path: Path, created: str) -> None:
    table = pa.Table.from_pandas(_typed(dataset, "object", None), preserve_index=False)
    for place, one in enumerate(dataset.variables):
        field = table.schema.field(place).with_metadata({"label": one.label, "origin": one.origin})
        table = table.set_column(place, field, table.column(place))
    pq.write_table(table.replace_schema_metadata({"label": dataset.label, "study": study}), path)


FORMATS: dict[str, tuple[str, Callable[[Dataset, str, Path, str], None]]] = {
    "dataset-json": (".json", _dataset_json),
    "xport": (".xpt", _xport),
    "parquet": (".parquet", _parquet),
}


def write_datasets(
    datasets: Sequence[Dataset], folder: Path, kind: str, run: dict[str, str] | None = None
) -> list[Path]:
    """Write data sets, one a file, and ``define.json`` beside them.

    Parameters
    ----------
    datasets : sequence of Dataset
        As `datasets_of_run`.
    folder : Path
        New, or empty.
    kind : {'dataset-json', 'xport', 'parquet'}
        The format; XPORT needs the package pyreadstat, and has eight bytes a number as SAS has them.
    run : dict, optional
        Where the data come from, such as the root of the bundle.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    BundleError
        Another format, a folder that holds something, or a value that the format cannot hold.

    Examples
    --------
    >>> from trialsim.exchange.adam.dataset import Variable
    >>> one = Variable("STUDYID", "Study Identifier", "string", "Of the protocol")
    >>> made = Dataset("ADX", "X (synthetic)", (one,), (), pd.DataFrame({"STUDYID": ["SIM-X"]}))
    >>> with TemporaryDirectory() as folder:
    ...     [path.name for path in write_datasets([made], Path(folder) / "adam", "parquet")]
    ['adx.parquet', 'define.json']
    """
    if kind not in FORMATS:
        raise BundleError(f"must be one of {', '.join(FORMATS)}", field="format", value=kind)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BundleError("is there already", file=folder, mend="name a new folder")
    suffix, write = FORMATS[kind]
    study = str(datasets[0].frame["STUDYID"].iloc[0])
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        for one in datasets:
            write(one, study, made / f"{one.name.lower()}{suffix}", created)
        about = json.dumps(definition(datasets, study, run or {}), indent=1, ensure_ascii=False)
        (made / "define.json").write_text(about + "\n", encoding="utf-8")
        # All files appear at once: nobody finds half of them.
        made.replace(folder)
    return sorted(folder.iterdir())

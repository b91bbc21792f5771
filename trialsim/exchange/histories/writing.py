"""The files of a history: its rows, where each value comes from, and its data card; all of them, or none."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from trialsim.errors import HistoryError
from trialsim.exchange.histories.building import Built
from trialsim.protocol.writing import whole_file


def paths_of(output: Path) -> tuple[Path, Path, Path]:
    """Return the files that are written: the history, its provenance and its data card.

    Examples
    --------
    >>> [path.name for path in paths_of(Path("history.csv"))]
    ['history.csv', 'history.provenance.csv', 'history.card.json']
    """
    stem = output.stem
    return output, output.with_name(f"{stem}.provenance.csv"), output.with_name(f"{stem}.card.json")


def refuse_output(output: Path, folder: Path, force: bool) -> None:
    """Refuse an output that is no CSV file, lies in the data's own folder, or is there already.

    Parameters
    ----------
    output : Path
        File of the history.
    folder : Path
        The data.
    force : bool
        Whether what is there may be overwritten.

    Raises
    ------
    HistoryError
        Nothing was read or written.

    Examples
    --------
    >>> refuse_output(Path("history.xlsx"), Path("adam"), force=False)
    Traceback (most recent call last):
        ...
    trialsim.errors.HistoryError: history.xlsx: --output: must end in .csv. Mend: name a CSV file.
    """
    if output.suffix != ".csv":
        raise HistoryError("must end in .csv", file=output, field="--output", mend="name a CSV file")
    inside = folder.resolve() if folder.is_dir() else None
    if inside is not None and inside in output.resolve().parents:
        raise HistoryError("lies in the folder of the data", file=output, field="--output",
                           mend="name a file elsewhere, where it is not read as one of them")  # fmt: skip
    there = [path for path in paths_of(output) if path.exists()]
    if there and not force:
        raise HistoryError("is there already", file=there[0], mend="give another --output, or --force")


def write(built: Built, card: dict[str, Any], output: Path, dates: bool) -> None:
    """Write a history, its provenance and its data card.

    Parameters
    ----------
    built : Built
        The history.
    card : dict
        Its data card.
    output : Path
        CSV file of the history.
    dates : bool
        Whether the provenance has calendar dates; days from day 0 it always has.

    Raises
    ------
    HistoryError
        A file cannot be written; none is.

    Examples
    --------
    >>> import pandas as pd
    >>> from tempfile import TemporaryDirectory
    >>> rows = pd.DataFrame({"participant": ["p0001"], "score": [2.0]})
    >>> built = Built(rows, rows.assign(date="2020-01-10"), (), pd.Series(dtype=float), {})
    >>> with TemporaryDirectory() as folder:
    ...     write(built, {}, Path(folder) / "history.csv", dates=False)
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['history.card.json', 'history.csv', 'history.provenance.csv']
    """
    provenance = built.provenance if dates else built.provenance.drop(columns="date")
    with ExitStack() as files:
        whole = [files.enter_context(whole_file(path, HistoryError)) for path in paths_of(output)]
        built.history.to_csv(whole[0], index=False, lineterminator="\n")
        provenance.to_csv(whole[1], index=False, lineterminator="\n")
        text = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False)
        whole[2].write_text(text + "\n", encoding="utf-8")

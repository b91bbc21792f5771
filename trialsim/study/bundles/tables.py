"""Tables of a bundle: written in two forms, and read with a limit on what they may claim to hold."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trialsim.study.bundles.alone.files import UnsoundError, open_plain
from trialsim.study.bundles.bundle import unsound

LARGEST_TABLE = 2**30


def write_table(frame: pd.DataFrame, folder: Path, name: str) -> None:
    """Write a table as Parquet and as CSV, side by side."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / f"{name}.parquet", index=False)
    frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def read_frame(folder: Path, name: str) -> pd.DataFrame:
    """Return a table of a bundle from its Parquet file.

    Parameters
    ----------
    folder : Path
        The bundle.
    name : str
        Of the table, such as ``results/looks``.

    Raises
    ------
    BundleError
        The file is none, or would take more memory than a table has.
    """
    file = f"{name}.parquet"
    try:
        with open_plain(folder / file, file) as handle:
            found = pq.ParquetFile(handle)
            facts = found.metadata
            sizes = (facts.row_group(k).total_byte_size for k in range(facts.num_row_groups))
            if sum(sizes) > LARGEST_TABLE:
                raise UnsoundError(file, f"claims more than the {LARGEST_TABLE:,} bytes that are read")
            frame: pd.DataFrame = found.read().to_pandas()
    except UnsoundError as fault:
        raise unsound(fault, folder) from None
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as fault:
        problem = f"is no table that can be read ({type(fault).__name__})"
        raise unsound(UnsoundError(file, problem), folder) from None
    return frame

"""Any number of participants into a Parquet file, in bounded memory and the same bytes every time."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trialsim.data import Floats
from trialsim.population.cards.card import CohortCard
from trialsim.population.drawing.copula import solve_copula
from trialsim.population.drawing.sampler import CHUNK, Sampler
from trialsim.protocol.writing import whole_file

FORMAT_TAG = "trialsim.participants/1"


def stream_to_parquet(
    card: CohortCard, n: int, generator: np.random.Generator, path: Path, *, threads: int = 4
) -> None:
    """Draw participants into a Parquet file, a row group at a time.

    The values are those of `draw_covariates`, whatever the number of threads: normals are drawn in order
    by one thread, only their transformation is shared. The card's hash and the format go into the file's
    metadata.

    Parameters
    ----------
    card : CohortCard
        The population.
    n : int
        Participants, at least 0.
    generator : Generator
        Source of chance.
    path : Path
        The file; complete or absent.
    threads : int
        Threads that transform.

    Raises
    ------
    InputError
        If the file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from trialsim.population.card_files.reading import read_card
    >>> card = read_card("cohorts/alzheimers_early.toml")
    >>> with TemporaryDirectory() as folder:
    ...     stream_to_parquet(card, 1000, np.random.default_rng(1), Path(folder) / "people.parquet")
    ...     print(pq.read_metadata(Path(folder) / "people.parquet").num_rows)
    1000
    """
    sampler = Sampler.of(solve_copula(card))
    schema = pa.schema(
        [(name, pa.float64()) for name in card.names],
        metadata={"format": FORMAT_TAG, "card": card.name, "card_hash": card.content_hash()},
    )
    with (
        whole_file(path) as scratch,
        pq.ParquetWriter(
            scratch, schema, compression="zstd", compression_level=1, use_dictionary=False
        ) as writer,
    ):
        _write(sampler, n, generator, writer, schema, threads)


def _write(
    sampler: Sampler,
    n: int,
    generator: np.random.Generator,
    writer: pq.ParquetWriter,
    schema: pa.Schema,
    threads: int,
) -> None:
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Floats]] = deque()
        for start in range(0, n, CHUNK):
            normals = generator.standard_normal((min(CHUNK, n - start), len(sampler.root)))
            waiting.append(pool.submit(sampler.transform, normals))
            # No more chunks are ahead than threads can take: this is what bounds the memory.
            if len(waiting) > threads:
                _append(writer, schema, waiting.popleft().result())
        while waiting:
            _append(writer, schema, waiting.popleft().result())


def _append(writer: pq.ParquetWriter, schema: pa.Schema, values: Floats) -> None:
    columns = [pa.array(np.ascontiguousarray(column)) for column in values.T]
    writer.write_table(pa.table(columns, schema=schema))

"""Streams give the values of a plain draw, the same bytes for any number of threads, and replay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from trialsim.population import draw_covariates, read_card
from trialsim.population.drawing.sampler import CHUNK
from trialsim.population.drawing.streaming import stream_to_parquet

COHORTS = Path(__file__).parents[3] / "cohorts"


def generator() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=11))


def test_a_stream_is_a_draw_and_its_bytes_do_not_depend_on_threads(tmp_path):
    card = read_card(COHORTS / "type2_diabetes.toml")
    n = CHUNK + 1000
    files = [tmp_path / f"{threads}.parquet" for threads in (1, 3)]
    for threads, file in zip((1, 3), files, strict=True):
        stream_to_parquet(card, n, generator(), file, threads=threads)
    assert files[0].read_bytes() == files[1].read_bytes()
    table = pq.read_table(files[0])
    assert table.to_pandas().to_numpy().tobytes() == draw_covariates(card, n, generator()).values.tobytes()
    assert table.schema.metadata[b"card_hash"].decode() == card.content_hash()
    assert pq.ParquetFile(files[0]).num_row_groups == 2


def test_nobody_is_a_file_too(tmp_path):
    stream_to_parquet(read_card(COHORTS / "als.toml"), 0, generator(), tmp_path / "none.parquet")
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0
    assert [file.name for file in tmp_path.iterdir()] == ["none.parquet"]

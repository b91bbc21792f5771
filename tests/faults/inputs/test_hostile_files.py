"""Files that are made to break their reader: refused in words, at once, and without much memory."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.in_process import run
from tests.small_trial import TRIAL
from trialsim.errors import HistoryError, ProtocolError
from trialsim.prognosis.histories import rows
from trialsim.prognosis.histories.rows import read_table
from trialsim.protocol.declared import grid_points, read_trial
from trialsim.study.starting import spelling

SOUND = TRIAL.format(effect=1.0, participants=80, seed=1)
GRID = SOUND + '\n[[grid]]\nfield = "participants"\nvalues = [60, 80]\nwhy = "Sizes"\n'
DEEP = ".".join("a" * 5000)
FACTS = {"population": "x", "period": "x", "citation": "x", "licence": "x", "describes": "enrolled"}
CARD = [word for name, value in FACTS.items() for word in (f"--{name}", value)]

PROTOCOLS = {
    "an SD of 5e-324": (SOUND, "sd = [2.0, 2.0]", "sd = [2.0, 5e-324]", r"sd\[1\]: is nearer to 0"),
    "an SD of 1e-310": (SOUND, "sd = [2.0, 2.0]", "sd = [1e-310, 2.0]", r"sd\[0\]: is nearer to 0"),
    "a rate of 5e-324": (SOUND, "rates = [20.0]", "rates = [5e-324]", r"enrolment\.rates\[0\]: is nearer to 0"),
    "an effect of 1e-310": (SOUND, "value = 1.0", "value = 1e-310", r"effects\[0\]\.value: is nearer to 0"),
    "an effect of -5e-324": (SOUND, "value = 1.0", "value = -5e-324", r"effects\[0\]\.value: is nearer to 0"),
    "1e308 weeks": (SOUND, "weeks = [12.0]", "weeks = [1e308]", r"weeks\[0\]: is larger than any"),
    "a mean of -1e308": (SOUND, "mean = [10.0, 10.0]", "mean = [-1e308, 1.0]", r"mean\[0\]: is larger than any"),
    "a seed of 4,000 digits": (SOUND, "seed = 1", "seed = 1" + "0" * 4000, "an integer of 4001 digits"),
    "a seed of 6,000 digits": (SOUND, "seed = 1", "seed = 1" + "0" * 6000, "is not valid TOML"),
    "400 digits of participants": (SOUND, "participants = 80", "participants = 1" + "0" * 400, "401 digits"),
    "400 digits in a grid": (GRID, "values = [60, 80]", f"values = [1{'0' * 400}]", "401 digits"),
    "a key 5,000 deep in a grid": (GRID, "values = [60, 80]", f"values = [{{{DEEP} = 1}}]", "nested too deeply"),
    "a key 5,000 deep in a scenario": (SOUND, 'why = "No effect"', f'why = "x"\nset = {{{DEEP} = 1}}', "too deeply"),
    "a key 5,000 deep on a line": (SOUND, "[design]", f"{DEEP} = 1\n[design]", "nested too deeply"),
    "a quoted key 5,000 deep": (SOUND, "[design]", '"a".' * 5000 + "a = 1\n[design]", "nested too deeply"),
    "a table 5,000 deep": (SOUND, "[design]", f"[{DEEP}]\n[design]", "nested too deeply"),
    "a date in a grid": (GRID, "values = [60, 80]", "values = [2020-01-01]", r"values\[0\]: is a date or a time"),
    "a time in a grid": (GRID, "values = [60, 80]", "values = [12:30:00]", r"values\[0\]: is a date or a time"),
    "a moment in a grid": (GRID, "[60, 80]", "[2020-01-01T00:00:00Z]", r"values\[0\]: is a date or a time"),
    "a date as a title": (SOUND, 'title = "A small trial"', "title = 2020-01-01", "title: is a date or a time"),
    "a date in a scenario": (SOUND, 'why = "No effect"', 'why = "x"\nset = {seed = 2020-01-01}', "is a date"),
    "an escape of the terminal": (SOUND, "A small trial", "\\u001b[2Jgone", "title: holds a hidden control"),
    "text from right to left": (SOUND, "A small trial", "\\u202egone", "title: holds a hidden control"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_hostile_protocol_is_refused_in_words_and_at_once(name: str, tmp_path: Path) -> None:
    text, old, new, said = PROTOCOLS[name]
    assert old in text
    path = tmp_path / "x.toml"
    path.write_text(text.replace(old, new, 1))
    start = time.process_time()
    with pytest.raises(ProtocolError, match=said) as fault:
        grid_points(read_trial(path))
    assert time.process_time() - start < 5
    assert len(str(fault.value)) < 500


def test_dots_in_words_and_numbers_are_no_deep_key(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    words = "See a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t ... and 1.2, 3.4"
    path.write_text(SOUND.replace("As assumed", words) + "\n# a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u\n")
    assert read_trial(path).scenarios[0].why == words


def test_words_like_markup_stand_on_the_terminal_as_they_are(monkeypatch, capsys, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    text = SOUND.replace("A small trial", "[/bold] [red]x[/] [link=http://x]").replace("= 400", "= 100")
    path.write_text(text)
    assert run(monkeypatch, "run", str(path), "--quiet", "--workers", "1", "-o", str(tmp_path / "out")) == 0
    assert "[/bold] [red]x[/] [link=http://x]" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
@pytest.mark.parametrize("target", ["pipe", "/dev/zero", "/dev/random", "folder"])
def test_data_that_are_no_file_are_refused_unopened(
    name: str, target: str, monkeypatch, capsys, tmp_path: Path
) -> None:
    path = tmp_path / name
    if target == "pipe":
        os.mkfifo(path)
    elif target == "folder":
        path.mkdir()
    else:
        path.symlink_to(target)
    with pytest.raises(HistoryError, match="is not a file"):
        read_table(path)
    assert run(monkeypatch, "cohort", "fit", str(path), *CARD, "-o", str(tmp_path / "card.toml")) == 2
    assert "is not a file" in capsys.readouterr().err
    assert not (tmp_path / "card.toml").exists()


def test_a_parquet_file_of_too_many_cells_is_refused_unread(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "many.parquet"
    pq.write_table(pa.table({"a": np.zeros(1_000_000), "b": np.zeros(1_000_000)}), path)
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(rows, "MOST_CELLS", 1_999_999)
    with pytest.raises(HistoryError, match="claims 2,000,000 cells"):
        read_table(path)


def test_nested_columns_and_damaged_metadata_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1, 2], "b": [[1], [2, 3]]}), path)
    with pytest.raises(HistoryError, match="b: holds several values in a cell"):
        read_table(path)
    table = pa.table({"a": [1, 2]})
    for said in (b"{", b"{}", b"[]", b'{"columns": 3}', json.dumps({"index_columns": ["x"]}).encode()):
        pq.write_table(table.replace_schema_metadata({b"pandas": said}), path)
        with suppress(HistoryError):
            assert list(read_table(path)["a"]) == [1, 2]


def test_texts_that_are_no_utf8_are_refused_without_showing_them(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    bad = pa.array([b"secret\xff", b"b"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"a": bad}), path)
    with pytest.raises(HistoryError, match="cannot be read as Parquet") as refusal:
        read_table(path)
    assert "secret" not in str(refusal.value)


def test_rows_with_more_cells_than_the_header_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2,3\n4,5,6\n")
    with pytest.raises(HistoryError, match="more cells than the 2 names of its header"):
        read_table(path)


def test_control_characters_never_reach_the_terminal(monkeypatch, capsys, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,a\x1b[31m,b\x0cc\n1,2,3\n")
    assert run(monkeypatch, "analyse", str(path), "--method", "t-test", "--outcome", "y", "--arm", "id",
               "--control", "1") == 2  # fmt: skip
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert len(said.strip().splitlines()) == 1


def test_every_truncation_of_a_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}).to_parquet(path)
    content = path.read_bytes()
    for length in range(1, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(HistoryError):
            read_table(path)


def test_a_packed_file_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 100_000))
    monkeypatch.setattr(spelling, "LARGEST_UNPACKED", 100_000)
    with pytest.raises(HistoryError, match="unpacks to more than 100,000 bytes"):
        spelling.read_spelled(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(HistoryError, match="cannot be unpacked"):
        spelling.read_spelled(path)


@pytest.mark.parametrize("limits", ["x=-1e999:1e999", "x=0:1e308", "x=-1e300:0", "x=nan:1", "x=1:0", "x=0"])
def test_limits_beyond_all_measure_are_refused(limits: str, monkeypatch, capsys, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    pd.DataFrame({"x": np.arange(40.0)}).to_csv(path, index=False)
    card = [*CARD, "--limits", limits, "-o", str(tmp_path / "card.toml")]
    assert run(monkeypatch, "cohort", "fit", str(path), *card) == 2
    assert "--limits" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["json", "ast", "pathlib", "numpy", "click"])
def test_modules_in_the_folder_that_one_starts_in_are_not_run(module: str, tmp_path: Path) -> None:
    (tmp_path / f"{module}.py").write_text("raise SystemExit('ran the file of somebody else')")
    done = subprocess.run(
        [sys.executable, "-m", "trialsim", "--version"], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}, timeout=60,
    )  # fmt: skip
    assert "ran the file" not in done.stderr
    assert done.returncode == 0, done.stderr

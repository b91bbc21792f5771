"""No participant of a history is found again in anything that is written: identifiers, texts, or measured values."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.cli.in_process import run

SITES = ("CANARY-SITE-Ulm", "CANARY-SITE-Graz")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    """Return a history whose every identifier and measured value is known by its digits."""
    rng = np.random.default_rng(71)
    people = 160
    age = np.round(rng.normal(61, 9, people), 9)
    level = 20 + 0.08 * (age - 61) + rng.normal(0, 2, people)
    rows = []
    for number in range(people):
        for week in (0, 12, 24):
            value = level[number] + 0.05 * week + rng.normal(0, 1)
            rows.append((f"CANARY-{number:04d}", SITES[number % 2], week, age[number], round(value, 9)))
    frame = pd.DataFrame(rows, columns=["participant", "site", "week", "age", "score"])
    path = tmp_path_factory.mktemp("canary") / "history.csv"
    frame.to_csv(path, index=False)
    return path, frame


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file's bytes, and what packed files hold, unpacked."""
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        raw = path.read_bytes()
        yield str(path), raw
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            yield f"{path} (columns)", table.to_pandas().to_csv(index=False, float_format="%.17g").encode()
            yield (
                f"{path} (numbers)",
                b"".join(
                    column.to_numpy().astype(np.float64).tobytes()
                    for column in table.columns
                    if column.type in ("double", "float")
                ),
            )
        elif zipfile.is_zipfile(io.BytesIO(raw)):
            with zipfile.ZipFile(path) as packed:
                for name in packed.namelist():
                    yield f"{path}:{name}", packed.read(name)


def found_in(folder: Path, frame: pd.DataFrame, said: str) -> list[str]:
    """Return where an identifier, a text or a measured value of somebody is."""
    numbers = pd.concat([frame["age"], frame["score"]]).unique()
    # Nine decimals of a measured value: no number that is computed has them by chance.
    digits = [f"{value:.9f}".rstrip("0").encode() for value in numbers]
    as_bytes = [np.float64(value).tobytes() for value in numbers]
    wanted = re.compile(b"|".join([b"CANARY", *map(re.escape, digits), *map(re.escape, as_bytes)]))
    places = [*contents(folder), ("what was said", said.encode())]
    return [f"{name}: {hit[0][:20]!r}" for name, content in places if (hit := wanted.search(content))]


def test_what_is_looked_for_would_be_found(planted: tuple[Path, pd.DataFrame], tmp_path: Path) -> None:
    _, frame = planted
    for name, write in (
        ("a.csv", frame[["score"]].head(3).to_csv),
        ("b.parquet", frame[["age"]].head(3).to_parquet),
        ("c.parquet", frame[["participant"]].head(3).to_parquet),
    ):
        folder = tmp_path / name[0]
        folder.mkdir()
        write(folder / name)
        assert found_in(folder, frame, "")
    np.savez_compressed(tmp_path / "d.npz", kept=frame["score"].head(3).to_numpy())
    (tmp_path / "d").mkdir()
    (tmp_path / "d.npz").rename(tmp_path / "d" / "d.npz")
    assert found_in(tmp_path / "d", frame, "")
    assert found_in(tmp_path / "d", frame, "CANARY-0001")


def test_nobody_is_found_in_what_is_refused(
    planted: tuple[Path, pd.DataFrame], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    history, frame = planted
    text, out = history.read_text(), tmp_path / "out"
    out.mkdir()
    first = f"{frame['score'][3]}"
    broken = history.with_name("broken.csv")
    asked = ("--outcome", "score", "--kind", "score", "-o", str(out / "trial.toml"), "--yes")
    for change in (
        text.replace(first, "CANARY-word", 1),
        text.replace("participant,", "who,", 1).replace("score", "points", 1),
        text.replace(first, f"{first},CANARY-more", 1),
        text.replace(",12,", ",CANARY-visit,"),
        text[: len(text) // 2],
        text + text,
    ):
        broken.write_text(change)
        assert run(monkeypatch, "new", str(broken), *asked) in (0, 2)
        analysed = (
            "--method",
            "mmrm",
            "--outcome",
            "score",
            "--arm",
            "site",
            "--control",
            "x",
            "--visit",
            "week",
        )
        assert run(monkeypatch, "analyse", str(broken), *analysed, "--participant", "participant") == 2
        for path in out.iterdir():
            # The protocol names the file, and no one in it.
            assert path.suffix in (".toml", ".csv")
            path.unlink()
    said = capsys.readouterr()
    assert said.err.count("Error: ") >= 6
    assert found_in(out, frame, (said.out + said.err).replace(SITES[0], "").replace(SITES[1], "")) == []


@pytest.mark.slow
def test_nobody_is_found_in_runs_caches_exports_and_messages(
    planted: tuple[Path, pd.DataFrame], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    history, frame = planted
    cache, out = tmp_path / "cache", tmp_path / "out"
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    protocol = history.with_name("trial.toml")
    new = (
        "new",
        str(history),
        "--yes",
        "--outcome",
        "score",
        "--kind",
        "score",
        "--group",
        "site",
        "-o",
        str(protocol),
    )
    assert run(monkeypatch, *new) == 0
    text = protocol.read_text()
    (out / "protocol").mkdir(parents=True)
    (out / "protocol" / "trial.toml").write_text(text)
    sized = text[: text.index("[sizing]")] + text[text.index("[simulation]") :]
    small = re.sub(r"replicates = \d+", "replicates = 200", re.sub(r"block = \d+", "block = 100", sized))
    protocol.write_text(small.replace("seed = ", "participants = 100\nseed = ", 1))
    at = ("--cache", str(cache))
    assert (
        run(monkeypatch, "run", str(protocol), "--quiet", "--workers", "1", "-o", str(out / "run"), *at) == 0
    )
    assert run(monkeypatch, "twins", "validate", str(protocol), "-o", str(out / "twins"), *at) in (0, 2)
    (bundle,) = (one.parent for one in (out / "run").glob("*/manifest.json"))
    assert (
        run(monkeypatch, "export", "data", str(bundle), "-o", str(out / "adam"), "--history", str(history))
        == 0
    )
    # Refusals: a column that mixes words and numbers, an unknown column, a broken row.
    broken = history.with_name("broken.csv")
    for change in (
        lambda t: t.replace(f"{frame['score'][3]}", "CANARY-word", 1),
        lambda t: t.replace("score", "points", 1),
    ):
        broken.write_text(change(history.read_text()))
        assert (
            run(monkeypatch, "run", str(protocol), "--history", str(broken), "-o", str(out / "bad"), *at) == 2
        )
    said = capsys.readouterr()
    assert "Error" in said.err
    assert found_in(out, frame, said.out + said.err) == []
    assert found_in(cache, frame, "") == []
    assert found_in(tmp_path / "scratch", frame, "") == []

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from trialsim.errors import HistoryError, TrialsimWarning
from trialsim.prognosis.twins import store
from trialsim.prognosis.twins.store import address, digest, read, recall, write

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([True, False])}
META = {"key": "k1", "note": "µ"}


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "deep" / "x.npz"
    write(path, ARRAYS, META)
    arrays, meta = read(path)
    assert meta == META
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
    assert [file.name for file in path.parent.iterdir()] == ["x.npz"]


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("x.npz", "y.npz"):
        write(tmp_path / name, ARRAYS, META)
    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "y.npz").read_bytes()


def test_digest_tells_names_shapes_types_and_facts_apart():
    ways = [
        digest(ARRAYS, META),
        digest({"a": ARRAYS["b"], "b": ARRAYS["a"]}, META),
        digest(ARRAYS | {"a": ARRAYS["a"].T.copy()}, META),
        digest(ARRAYS | {"a": ARRAYS["a"].reshape(3, 2)}, META),
        digest(ARRAYS | {"b": ARRAYS["b"].astype(np.int8)}, META),
        digest(ARRAYS, META | {"key": "k2"}),
    ]
    assert len(set(ways)) == len(ways)


@pytest.mark.parametrize("where", [0.2, 0.5, 0.9])
def test_a_changed_byte_is_found(tmp_path, where):
    path = tmp_path / "x.npz"
    write(path, {"a": np.arange(5000.0)}, META)
    content = bytearray(path.read_bytes())
    content[int(len(content) * where)] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(HistoryError, match=r"x\.npz: (its content|is no fitted result)"):
        read(path)


def test_a_rewritten_archive_is_found_though_its_checksums_hold(tmp_path):
    path = tmp_path / "x.npz"
    write(path, ARRAYS, META)
    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files}
    np.savez(path, **(content | {"a": content["a"] + 1e-12}))
    with pytest.raises(HistoryError, match="does not have the hash that it carries"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"PK\x03\x04"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(HistoryError, match="is no fitted result"):
        read(path)


def test_pickles_are_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.array([{"evil": 1}], dtype=object), meta="{}", content_hash="")
    with pytest.raises(HistoryError, match="is no fitted result"):
        read(path)


def test_recall_gives_nothing_for_a_missing_file_and_warns_of_a_bad_one(tmp_path):
    path = address(tmp_path, "posterior", "k" * 40)
    assert path.name == f"posterior-{'k' * 16}.npz"
    assert recall(path, "k1") is None
    write(path, ARRAYS, META)
    assert recall(path, "k1") is not None
    with pytest.warns(TrialsimWarning, match="something else"):
        assert recall(path, "k2") is None
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.warns(TrialsimWarning, match="fitting again"):
        assert recall(path, "k1") is None


def _header(shape: tuple[int, ...]) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return content.getvalue()


def test_an_array_that_claims_20_gb_is_refused_before_it_is_made(tmp_path: Path) -> None:
    path = tmp_path / "large.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", _header((2_500_000_000,)))
    with pytest.raises(HistoryError, match="no fitted result"):
        store.read(path)


def test_an_archive_that_unpacks_to_gigabytes_is_refused_unread(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "bomb.npz"
    monkeypatch.setattr(store, "LARGEST_BYTES", 2**20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", _header((2**18,)) + b"\0" * 2**21)
    assert path.stat().st_size < 10_000
    with pytest.raises(HistoryError, match="claims more than"):
        store.read(path)

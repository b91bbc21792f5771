"""Locks end with their process, and a name on the disk never vouches for bytes that are not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from trialsim.errors import BundleError
from trialsim.study import Checkpoints, new_bundle
from trialsim.study.running import BlockResult
from trialsim.study.running.lock import CLAIM, only_run, scratch_folder


def test_a_lock_that_its_holder_removed_keeps_nobody_apart(tmp_path: Path) -> None:
    lock = tmp_path / "work" / "lock"
    with only_run(lock, tmp_path / "bundle"):
        with pytest.raises(BundleError, match="another run"), only_run(lock, tmp_path / "bundle"):
            pass
        lock.unlink()
        lock.parent.rmdir()
        # The name is free again: whoever takes it must hold the file that bears it.
        with only_run(lock, tmp_path / "bundle"):
            assert lock.exists()
            with pytest.raises(BundleError, match="another run"), only_run(lock, tmp_path / "bundle"):
                pass


def test_a_run_that_waits_for_the_lock_of_a_removed_file_takes_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trialsim.study.running import lock as module

    lock = tmp_path / "lock"
    locked = []
    real = module._lock

    def lock_late(handle) -> None:
        if not locked:
            lock.unlink()
            lock.touch()
        locked.append(os.fstat(handle.fileno()).st_ino)
        real(handle)

    monkeypatch.setattr(module, "_lock", lock_late)
    with only_run(lock, tmp_path / "bundle"):
        assert locked[-1] == lock.stat().st_ino
    assert len(locked) == 2


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from trialsim.study.running import lock as module

    def no_locks(handle) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module, "_lock", no_locks)
    with (
        pytest.raises(BundleError, match=r"cannot be locked .* No locks"),
        only_run(tmp_path / "lock", tmp_path / "bundle"),
    ):
        pass
    with scratch_folder() as folder:
        assert not (folder / CLAIM).exists()


HOLD = """
import sys, time
from trialsim.study.running.lock import scratch_folder
with scratch_folder() as folder:
    (folder / "large.npy").write_bytes(bytes(1000))
    print(folder, flush=True)
    time.sleep(60)
"""


def test_the_temporary_files_of_a_killed_run_are_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "trialsim-notes").mkdir()
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    held = Path(process.stdout.readline().strip())
    assert held.parent == tmp_path
    with scratch_folder() as ours:
        assert held.is_dir(), "a folder in use was removed"
        assert ours.is_dir()
    assert not ours.exists()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (held / "large.npy").exists()
    with scratch_folder():
        assert not held.exists()
    assert [one.name for one in tmp_path.iterdir()] == ["trialsim-notes"]


class Calls:
    """The order in which files and folders were flushed and renamed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[str, Path]] = []
        fsync, replace, rename = os.fsync, Path.replace, Path.rename

        def flush(handle: int) -> None:
            self.seen.append(("flush", Path(os.readlink(f"/proc/self/fd/{handle}"))))
            fsync(handle)

        def note(real):
            def renamed(path: Path, target: Path) -> Path:
                self.seen.append(("rename", Path(target)))
                return real(path, target)

            return renamed

        monkeypatch.setattr(os, "fsync", flush)
        monkeypatch.setattr(Path, "replace", note(replace))
        monkeypatch.setattr(Path, "rename", note(rename))


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to name open files")


@needs_proc
def test_a_block_is_flushed_before_and_its_folder_after_it_gets_its_name(
    job, planned, tmp_path: Path, monkeypatch
) -> None:
    block: BlockResult = job.call((planned[0], 0)).compute()
    checkpoints = Checkpoints(tmp_path / "blocks", "k" * 20)
    calls = Calls(monkeypatch)
    checkpoints.save(block)
    (path,) = (tmp_path / "blocks").rglob("*.parquet")
    assert calls.seen == [
        ("flush", path.parent / f".{block.cell}-000000"),
        ("rename", path),
        ("flush", path.parent),
    ]


@needs_proc
def test_a_bundle_is_flushed_whole_before_and_its_folder_after_it_gets_its_name(
    tmp_path: Path, monkeypatch
) -> None:
    calls = Calls(monkeypatch)
    with new_bundle(tmp_path / "study") as folder:
        (folder / "results").mkdir()
        (folder / "results" / "a.csv").write_text("a")
        (folder / "manifest.json").write_text("{}")
    kinds = [(kind, path.name) for kind, path in calls.seen]
    assert kinds == [
        ("flush", "a.csv"),
        ("flush", "results"),
        ("flush", "manifest.json"),
        ("flush", "bundle"),
        ("rename", "study"),
        ("flush", tmp_path.name),
    ]


def earlier_bundle(target: Path) -> None:
    target.mkdir()
    (target / "manifest.json").write_text("the earlier one")


def test_the_earlier_bundle_stays_if_the_new_one_cannot_take_its_place(tmp_path: Path, monkeypatch) -> None:
    target = tmp_path / "study"
    earlier_bundle(target)
    real = Path.rename

    def rename(path: Path, to: Path) -> Path:
        if path.name == "bundle":
            raise OSError(28, "No space left on device")
        return real(path, to)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(BundleError, match="No space left"), new_bundle(target) as folder:
        (folder / "manifest.json").write_text("the new one")
    assert (target / "manifest.json").read_text() == "the earlier one"
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


KILL_BETWEEN = """
import os, signal, sys
from pathlib import Path
from trialsim.study import new_bundle
real = Path.rename
def rename(path, to):
    if path.name == "bundle":
        os.kill(os.getpid(), signal.SIGKILL)
    return real(path, to)
Path.rename = rename
with new_bundle(Path(sys.argv[1])) as folder:
    (folder / "manifest.json").write_text("the new one")
"""


def test_a_kill_between_the_two_renames_loses_neither_bundle(tmp_path: Path) -> None:
    target = tmp_path / "study"
    earlier_bundle(target)
    done = subprocess.run([sys.executable, "-c", KILL_BETWEEN, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not target.exists()

    def stop() -> None:
        with new_bundle(target):
            assert (target / "manifest.json").read_text() == "the earlier one"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert (target / "manifest.json").read_text() == "the earlier one"
    assert [path.name for path in tmp_path.iterdir()] == ["study"]
    with new_bundle(target) as folder:
        (folder / "manifest.json").write_text("the new one")
    assert (target / "manifest.json").read_text() == "the new one"

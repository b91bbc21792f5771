"""``trialsim explore`` from its command: what it is given, what it says, and how it ends."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.explore.asking import asking
from trialsim.errors import InputError
from trialsim.explore import start_with
from trialsim.explore.guard import LOOPBACK

EXPLORE = (sys.executable, "-u", "-m", "trialsim", "explore", "--no-browser")


def test_it_says_where_it_is_and_ends_on_an_interruption() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = subprocess.Popen(
            [*EXPLORE, "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            # A shell makes what it starts in the background deaf to Ctrl-C, and these tests may be.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        assert running.stdout is not None
        assert running.stdout.readline().startswith(f"Port {port} is taken: this is port ")
        address = running.stdout.readline().rpartition(" ")[2].strip()
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address.partition("?")[0], timeout=30)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert running.returncode in (0, 130)
    assert "Ended." in out
    assert "Traceback" not in err


@pytest.mark.parametrize("given", ["missing.toml", "README.md", "tests"])
def test_what_is_nothing_to_explore_is_refused(given: str) -> None:
    done = subprocess.run([*EXPLORE, given], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_a_run_that_was_changed_is_shown_with_a_warning(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree("reports/example", run)
    table = run / "results" / "rivals.csv"
    table.write_text(table.read_text(encoding="utf-8") + "x", encoding="utf-8")
    with asking(run) as one:
        told = one.get("/api/start").content
    assert told["kind"] == "run"
    assert any("rivals.csv" in warning for warning in told["warnings"])


def test_a_run_without_its_inputs_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree("reports/example", run)
    shutil.rmtree(run / "inputs")
    with pytest.raises(InputError):
        start_with(run)

"""The worked examples of CONTRIBUTING.md run as they stand.

Each `##` section with blocks in `toml`, `python` or `sh` is one example. Its blocks run in order, in an empty
folder, as tests/worked_examples.py says.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.cli.in_process import run
from tests.worked_examples import Block, blocks_of, run_blocks
from trialsim.protocol.declared import DeclaredTrial, endpoints
from trialsim.registry import registered

ROOT = Path(__file__).parents[1]


def examples() -> dict[str, list[Block]]:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    found = {section.split("\n", 1)[0]: blocks_of(section) for section in sections}
    return {title: blocks for title, blocks in found.items() if blocks}


EXAMPLES = examples()


def test_what_must_be_shown_is_shown() -> None:
    asked = {
        "Add a cohort card",
        "Add a disease model",
        "Add a disease model without code",
        "Add an estimator",
        "Add an endpoint",
    }
    assert asked | {"Add an estimator for a simulated trial"} <= EXAMPLES.keys()
    languages = {language for blocks in EXAMPLES.values() for language, _, _ in blocks}
    assert languages <= {"toml", "python", "sh"}


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_runs_as_it_stands(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registered, "_BY_HAND", {})
    monkeypatch.setattr(endpoints, "_ENDPOINTS", dict(endpoints._ENDPOINTS))
    before, namespace = set(sys.modules), {"__name__": "__main__"}
    try:
        source = f"CONTRIBUTING.md: {title}"
        run_blocks(EXAMPLES[title], tmp_path, source, namespace, partial(run, monkeypatch))
    finally:
        monkeypatch.undo()
        DeclaredTrial.model_rebuild(force=True)
        for module in set(sys.modules) - before:
            if Path(getattr(sys.modules[module], "__file__", None) or "/").is_relative_to(tmp_path):
                del sys.modules[module]


def test_files_written_by_the_examples_pass_the_linter(tmp_path: Path) -> None:
    """What a newcomer copies must pass `make lint`."""
    written = [
        (name, text) for blocks in EXAMPLES.values() for _, name, text in blocks if name.endswith(".py")
    ]
    assert written
    for name, text in written:
        (tmp_path / name).write_text(text, encoding="utf-8")
    settings = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    for check in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check, *settings, str(tmp_path)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_before_a_commit_and_in_ci_the_same_commands_run() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    check = re.search(r"^check: (.*)$", makefile, re.MULTILINE)
    assert check is not None
    assert re.search(r"^test: install check$", makefile, re.MULTILINE)
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    entries = re.findall(r"entry: make (\w+)", hooks)
    assert [*entries, "pytest"] == check[1].split()

"""A bundle that is made once, and copies of it that a test may damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.small_trial import run_small_trial


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_small_trial(tmp_path_factory.mktemp("honest"))


@pytest.fixture
def bundle(honest: Path, tmp_path: Path) -> Path:
    return shutil.copytree(honest, tmp_path / honest.name)

"""A fit leaves none of the source that is generated for it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from trialsim.prognosis.fit.generated_source import tidied


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def leave_a_file(*_: object, **__: object) -> str:
    handle, name = tempfile.mkstemp()
    os.close(handle)
    return name


def test_what_is_made_meanwhile_goes_even_after_a_fault(temporary: Path) -> None:
    def fail() -> None:
        with tidied():
            leave_a_file()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not any(temporary.iterdir())
    assert Path(leave_a_file()).parent == temporary


def test_models_are_compiled_so(temporary: Path, monkeypatch) -> None:
    from trialsim.prognosis.fit import model

    monkeypatch.setattr("nutpie.compile_pymc_model", leave_a_file)
    assert not Path(model.compile_model(None)).exists()
    assert not any(temporary.iterdir())


def test_models_are_compiled_so_that_no_cache_decides_the_order_of_sums(monkeypatch) -> None:
    import pytensor

    from trialsim.prognosis.fit import model

    def flags(*_, **__):
        return pytensor.config.numba__fastmath, pytensor.config.cxx

    monkeypatch.setattr("nutpie.compile_pymc_model", flags)
    assert model.compile_model(None) == (False, "")

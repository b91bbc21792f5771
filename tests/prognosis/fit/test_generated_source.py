"""A fit leaves none of the source that is generated for it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from trialsim.prognosis.families import Responses
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


def responses(n: int) -> Responses:
    x = np.arange(2.0 * n).reshape(n, 2) / n
    return Responses(
        x=x, member=np.zeros((n, 0)), outcome=np.arange(n) % 2.0, time=np.ones(n), cuts=np.zeros(0)
    )


def test_both_kinds_of_model_are_compiled_so(temporary: Path, monkeypatch) -> None:
    from trialsim.prognosis.fit import model, outcome_model

    monkeypatch.setattr("nutpie.compile_pymc_model", leave_a_file)
    made = [model.compile_model(None), outcome_model.compile_model("binary", responses(20))]
    assert not any(Path(name).exists() for name in made)
    assert not any(temporary.iterdir())


def test_models_are_compiled_so_that_no_cache_decides_the_order_of_sums(monkeypatch) -> None:
    import pytensor

    from trialsim.prognosis.fit import model, outcome_model

    def flags(*_, **__):
        return pytensor.config.numba__fastmath, pytensor.config.cxx

    monkeypatch.setattr("nutpie.compile_pymc_model", flags)
    assert model.compile_model(None) == (False, "")
    assert outcome_model.compile_model("binary", responses(20)) == (False, "")


@pytest.mark.slow
def test_a_compiled_model_samples_other_data_without_its_source(temporary: Path) -> None:
    from trialsim.prognosis.fit import outcome_model
    from trialsim.prognosis.fit.settings import FitSettings

    compiled = outcome_model.compile_model("binary", responses(20))
    settings = FitSettings(chains=2, tune=100, draws=50)
    for n in (20, 30):
        draws, _ = outcome_model.sample(compiled, "binary", responses(n), settings=settings, seed=1)
        assert draws["tau"].shape == (2, 50)
    assert not any(temporary.iterdir())

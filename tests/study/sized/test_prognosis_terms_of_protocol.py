"""What the protocol asks of the prognosis reaches the fit and the folds."""

from __future__ import annotations

from pathlib import Path

import pytest

import trialsim.study.sized.run as run
from trialsim.errors import HistoryError
from trialsim.prognosis import ModelTerms
from trialsim.protocol import read_protocol
from trialsim.protocol.protocol import PrognosisTable

PATH = Path(__file__).parents[3] / "protocols" / "alzheimers_phase2.toml"


class ReachedError(Exception):
    """The folds were asked for."""


def test_learn_passes_the_terms_to_fit_and_folds(simulate_history, monkeypatch):
    asked = []
    table = PrognosisTable(covariates=("x0", "x1", "x2"), splines=("x0",), study_effects=True)
    protocol = read_protocol(PATH).model_copy(update={"prognosis": table})

    def fit(history, **options):
        asked.append(options["terms"])

    def folds(history, **options):
        asked.append((options["terms"], options["by_group"]))
        raise ReachedError

    monkeypatch.setattr(run, "fit_prognosis", fit)
    monkeypatch.setattr(run, "cross_validate", folds)
    with pytest.raises(ReachedError):
        run.learn(protocol, simulate_history())
    terms = ModelTerms(splines=("x0",), studies=True)
    assert asked == [terms, (terms, True)]


def test_a_generated_history_is_one_study_and_has_no_study_effects(simulate_history):
    table = PrognosisTable(covariates=("x0", "x1", "x2"), study_effects=True)
    protocol = read_protocol(PATH).model_copy(update={"prognosis": table})
    with pytest.raises(HistoryError, match=r"prognosis\.study_effects: 1 studies have .* at least 3"):
        run.learn(protocol, simulate_history(groups=1))

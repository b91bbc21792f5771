"""Treatment acts on the latent course of a disease model as declared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trialsim.disease import disease_model
from trialsim.protocol.declared import read_trial, trial_from_dict
from trialsim.study.people.modelled.dials import dials_of_arm

NATURAL = np.array([[20.0, 21.0, 22.0, 26.0], [69.9, 69.92, 69.95, 69.99]])
DISEASE = disease_model("conrado2014_adas_cog")
TRIAL = read_trial(Path(__file__).parents[3] / "protocols" / "cdisc_pilot.toml")


def treated(**effect: object) -> np.ndarray:
    tables = TRIAL.to_dict() | {"effects": [{"arm": "active", "source": "test"} | effect]}
    levels = np.zeros((2, 0), dtype=np.int64)
    trial = trial_from_dict(tables | {"scenarios": tables["scenarios"][:1]})
    return DISEASE.treated(NATURAL, dials_of_arm(trial, 1, DISEASE, levels))


def test_slowing_prevents_its_share_of_the_decline() -> None:
    np.testing.assert_allclose(treated(kind="slowing", value=0.25)[0], [20.0, 20.75, 21.5, 24.5])


def test_complete_slowing_stops_the_decline() -> None:
    np.testing.assert_array_equal(treated(kind="slowing", value=1.0), NATURAL[:, :1] * np.ones(4))


def test_a_shift_rises_linearly_and_stays() -> None:
    late = treated(kind="shift", value=-3.0, full_by_week=24.0)[0]
    np.testing.assert_allclose(late, [20.0, 20.0, 20.0, 23.0])
    early = treated(kind="shift", value=-3.0, full_by_week=16.0)[0]
    np.testing.assert_allclose(early, [20.0, 19.5, 19.0, 23.0])


@pytest.mark.parametrize("value", [-60.0, 60.0])
def test_a_shift_stays_on_the_scale(value: float) -> None:
    found = treated(kind="shift", value=value)[:, 1:]
    assert found.min() > DISEASE.lower
    assert found.max() < DISEASE.upper

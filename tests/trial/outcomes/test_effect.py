"""Treatment acts on the latent course as declared."""

from __future__ import annotations

import numpy as np

from trialsim.disease import disease_model
from trialsim.protocol import Effect
from trialsim.trial.outcomes import treated_course

WEEKS = np.array([0.0, 12.0, 24.0])
NATURAL = np.array([[20.0, 22.0, 26.0], [69.9, 69.95, 69.99]])
DISEASE = disease_model("conrado2014_adas_cog")


def test_slowing_prevents_its_share_of_the_decline() -> None:
    treated = treated_course(NATURAL, WEEKS, Effect(kind="slowing", value=0.25, source="test"), DISEASE)
    np.testing.assert_allclose(treated[0], [20.0, 21.5, 24.5])


def test_complete_slowing_stops_the_decline() -> None:
    treated = treated_course(NATURAL, WEEKS, Effect(kind="slowing", value=1.0, source="test"), DISEASE)
    np.testing.assert_array_equal(treated, NATURAL[:, :1] * np.ones(3))


def test_a_shift_rises_linearly_and_stays() -> None:
    effect = Effect(kind="shift", value=3.0, full_by_week=24.0, source="test")
    np.testing.assert_allclose(treated_course(NATURAL, WEEKS, effect, DISEASE)[0], [20.0, 20.5, 23.0])
    early = Effect(kind="shift", value=3.0, full_by_week=12.0, source="test")
    np.testing.assert_allclose(treated_course(NATURAL, WEEKS, early, DISEASE)[0], [20.0, 19.0, 23.0])


def test_a_shift_stays_on_the_scale() -> None:
    effect = Effect(kind="shift", value=60.0, source="test")
    assert treated_course(NATURAL, WEEKS, effect, DISEASE).min() > DISEASE.lower

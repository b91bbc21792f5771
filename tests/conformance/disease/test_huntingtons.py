"""Huntington's disease against Marder et al. 2000."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.data import Covariates
from trialsim.disease import disease_model
from trialsim.streams import stream

YEAR = 365.25 / 7


def loss(capacity: float, **dials: float) -> np.ndarray:
    people = Covariates(("tfc",), np.full((60_000, 1), capacity))
    model, weeks = disease_model("huntingtons"), np.array([0.0, YEAR])
    found = model.draw(people, "tfc", dials, weeks, lambda part: stream(5, "conformance", 0, part)).outcomes
    return found[:, 0] - found[:, 1]


@pytest.mark.parametrize(
    ("capacity", "mean", "error", "people"), [(8.0, 0.97, 0.06, 575), (4.5, 0.38, 0.08, 270)]
)
def test_loss_in_a_year_of_marder_2000(capacity: float, mean: float, error: float, people: int) -> None:
    """.97 (SE .06) of 575 people with 7 to 13 points, .38 (.08) of 270 with 3 to 6."""
    assert loss(capacity).mean() == pytest.approx(mean, abs=0.03)
    assert loss(capacity).std() / np.sqrt(people) == pytest.approx(error, abs=0.003)


def test_people_with_little_left_lose_little() -> None:
    """.06 (SE .10) of 101 with 0 to 2; the floor of the scale takes a part of the spread."""
    assert abs(loss(2.0).mean() - 0.06) < 0.10


def test_less_loss_is_less_of_the_mean_alone() -> None:
    assert (loss(8.0) - loss(8.0, loss=0.5)).mean() == pytest.approx(0.97 / 2, abs=0.01)

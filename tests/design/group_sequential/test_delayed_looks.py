"""Claims after the pipeline: probabilities against simulated paths, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.design.group_sequential import delayed_design
from trialsim.errors import DesignError

DESIGN = delayed_design([0.3, 0.6, 1.0], [0.5, 0.9, 1.0], [2.9, 2.4, 2.0], [-0.2, 0.8, 2.0])


@pytest.mark.parametrize("drift", [0.0, 2.5])
def test_claims_have_the_share_of_paths(drift: float) -> None:
    generator, paths = np.random.default_rng(1), 400_000
    time = np.array([0.3, 0.5, 0.6, 0.9, 1.0])
    steps = generator.standard_normal((paths, 5)) * np.sqrt(np.diff(time, prepend=0))
    z = (np.cumsum(steps, axis=1) + drift * time) / np.sqrt(time)
    running, claims = np.ones(paths, bool), []
    for k, (seen, whole) in enumerate(((0, 1), (2, 3), (4, 4))):
        stops = running & ((z[:, seen] >= DESIGN.upper[k]) | (z[:, seen] <= DESIGN.lower[k]))
        claims.append(np.mean(stops & (z[:, whole] >= DESIGN.decision[k])))
        running &= ~stops
    expected = DESIGN.claims(drift)
    for share, probability in zip(claims, expected, strict=True):
        assert abs(share - probability) < 4 * np.sqrt(probability / paths)


def test_without_pipeline_or_futility_a_claim_stands() -> None:
    same = delayed_design([0.5, 1.0], [0.5, 1.0], [2.8, 2.0], [0.0, 2.0])
    assert same.decision == (2.8, 2.0)
    assert same.reversal[0] < 1e-3
    free = delayed_design([0.5, 1.0], [0.8, 1.0], [2.8, 2.0], [-np.inf, 2.0])
    assert free.decision[0] == -np.inf
    assert free.reversal == (0.0,)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (([1.0, 0.5], [1.0, 1.0], [2.8, 2.0], [0.0, 2.0]), "information"),
        (([0.5, 1.0], [0.4, 1.0], [2.8, 2.0], [0.0, 2.0]), "decision_information"),
        (([0.5, 1.0], [0.6, 1.2], [2.8, 2.0], [0.0, 2.0]), "decision_information"),
        (([0.5, 1.0], [0.6], [2.8, 2.0], [0.0, 2.0]), "decision_information"),
        (([0.5, 1.0], [0.6, 1.0], [2.8, 2.0], [3.0, 2.0]), "lower"),
    ],
)
def test_impossible_designs_are_refused(given: tuple[list[float], ...], field: str) -> None:
    with pytest.raises(DesignError) as caught:
        delayed_design(*given)
    assert caught.value.field == field

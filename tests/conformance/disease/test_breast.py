"""Progression-free survival in metastatic breast cancer against PALOMA-2, FALCON and MONARCH 2."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from tests.conformance.disease.drawn_people import people_of, realised


def median(**dials: float) -> float:
    people = people_of("metastatic_breast_cancer", 100_000)
    return float(np.median(realised("breast_progression", people, "pfs", np.inf, **dials).outcomes))


@pytest.mark.parametrize(
    ("trial", "control", "active", "ratio"),
    [("PALOMA-2", 14.5, 24.8, 0.58), ("FALCON", 13.8, 16.6, 0.80), ("MONARCH 2", 9.3, 16.4, 0.55)],
)
def test_medians_of_published_trials(trial: str, control: float, active: float, ratio: float) -> None:
    """The control arm sets the hazard; the active median follows from the published ratio, within 5 %."""
    hazard = 14.5 / control
    assert median(hazard=hazard) == pytest.approx(control, rel=0.02)
    assert median(hazard=hazard * ratio) == pytest.approx(active, rel=0.05)


@pytest.mark.parametrize(
    ("trial", "control", "active", "ratio"), [("SERENA-6", 9.2, 16.0, 0.44), ("PADA-1", 5.7, 11.9, 0.61)]
)
def test_guided_trials_do_not_have_constant_hazards(
    trial: str, control: float, active: float, ratio: float
) -> None:
    """A finding: their medians and ratios do not go together under proportional constant hazards."""
    hazard = 14.5 / control
    assert abs(median(hazard=hazard * ratio) / active - 1) > 0.15


@pytest.mark.parametrize(("ratio", "low", "high"), [(0.763, 0.16, 0.18), (0.69, 0.26, 0.30)])
def test_power_of_a_pilot_of_47_against_47(ratio: float, low: float, high: float) -> None:
    """50 to 60 events: 16 to 18 % if 31 % is time, 26 to 30 % if it is hazard."""
    people = people_of("metastatic_breast_cancer", 100_000)
    control, active = (
        realised("breast_progression", people, "pfs", np.inf, hazard=x).outcomes[:, 0] for x in (1.0, ratio)
    )
    generator = np.random.default_rng(1)
    found = [log_rank_z(generator.choice(control, 47), generator.choice(active, 47), 55) for _ in range(6000)]
    claims = (np.array(found) < -norm.isf(0.025)).mean()
    assert low - 0.02 <= claims <= high + 0.02


def log_rank_z(control: np.ndarray, active: np.ndarray, events: int) -> float:
    """Log-rank z after so many events, everybody having come together."""
    time = np.concatenate([control, active])
    order = np.argsort(time)
    arm = np.repeat([0.0, 1.0], [len(control), len(active)])[order]
    share = arm[::-1].cumsum()[::-1] / np.arange(len(time), 0, -1)
    seen = slice(0, events)
    return float((arm - share)[seen].sum() / np.sqrt((share * (1 - share))[seen].sum()))

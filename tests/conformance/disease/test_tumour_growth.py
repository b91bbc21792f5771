"""Tumour growth, progression and survival against Claret et al. 2014 (MONET1)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conformance.disease.drawn_people import people_of, realised
from trialsim.disease.oncology import tumour_growth as claret
from trialsim.disease.oncology.tumour_growth import progression_weeks, sizes, time_to_growth

PLACEBO, MOTESANIB = {"kill": 1.194, "resistance": 1.227}, {"kill": 1.422, "resistance": 0.988}


def rates(n: int, **dials: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Growth, kill and resistance (n,) of people."""
    normal = np.random.default_rng(3).standard_normal((3, n))
    return (
        claret.GROWTH * np.exp(claret.SD_GROWTH * normal[0]),
        claret.KILL * np.exp(claret.SD_KILL * normal[1]) * dials.get("kill", 1.0),
        claret.RESISTANCE * np.exp(claret.SD_RESISTANCE * normal[2]) * dials.get("resistance", 1.0),
    )


def hazard_ratio(control: np.ndarray, active: np.ndarray, until: float) -> float:
    """Cox's ratio by Newton's method, without ties."""
    time = np.concatenate([control, active])
    order = np.argsort(time)
    arm = np.repeat([0.0, 1.0], [len(control), len(active)])[order]
    seen, left = time[order] <= until, np.arange(len(time), 0, -1)
    active_left, beta = arm[::-1].cumsum()[::-1], 0.0
    for _ in range(25):
        weight = active_left * np.exp(beta)
        share = weight / (weight + left - active_left)
        beta += ((arm - share) * seen).sum() / (share * (1 - share) * seen).sum()
    return float(np.exp(beta))


def test_typical_time_to_growth_of_claret_2014() -> None:
    """117.3 days."""
    typical = (np.array(float(one)) for one in (claret.GROWTH, claret.KILL, claret.RESISTANCE))
    assert float(time_to_growth(*typical)) == pytest.approx(117.3, abs=0.05)


def test_typical_size_at_week_8_of_claret_2014() -> None:
    """.746 of the baseline."""
    typical = (np.array(float(one)) for one in (claret.GROWTH, claret.KILL, claret.RESISTANCE))
    assert float(sizes(np.array(1.0), *typical, np.array([56.0]))[0]) == pytest.approx(0.746, abs=0.0005)


def test_spread_of_time_to_growth_and_of_week_8_of_claret_2014() -> None:
    """104 days (95 %: -19 to 682), ratio .79 (.27 to 1.37)."""
    days = time_to_growth(*rates(200_000))
    ratio = sizes(np.ones(200_000), *rates(200_000), np.array([56.0]))[:, 0]
    assert np.percentile(days, [2.5, 50, 97.5]) == pytest.approx([-19, 104, 682], rel=0.05, abs=2)
    assert np.percentile(ratio, [2.5, 50, 97.5]) == pytest.approx([0.27, 0.79, 1.37], abs=0.015)
    assert (days < -100).mean() == pytest.approx(0.0046, abs=0.0006)


@pytest.mark.parametrize(("arm", "days", "ratio"), [(PLACEBO, 93, 0.77), (MOTESANIB, 125, 0.69)])
def test_the_arms_of_monet1_that_survival_is_predicted_from(
    arm: dict[str, float], days: float, ratio: float
) -> None:
    """Two dials meet two printed medians of each arm; what follows was not fitted."""
    drawn = rates(200_000, **arm)
    assert np.median(time_to_growth(*drawn)) == pytest.approx(days, rel=0.02)
    assert np.median(sizes(np.ones(200_000), *drawn, np.array([56.0]))) == pytest.approx(ratio, abs=0.01)


def test_hazard_ratio_of_death_in_monet1() -> None:
    """Predicted by the paper .88, observed .90."""
    people = people_of("nsclc", 60_000)
    control, active = (
        realised("tumour_growth", people, "os", np.inf, **arm).outcomes[:, 0] for arm in (PLACEBO, MOTESANIB)
    )
    assert hazard_ratio(control, active, 36.0) == pytest.approx(0.88, abs=0.04)


def test_the_error_of_scans_does_not_eat_progression_free_survival() -> None:
    people = people_of("nsclc", 20_000)
    medians = [
        np.median(realised("tumour_growth", people, "pfs", np.inf, {"scan_error": error}).outcomes)
        for error in (0.0, float(claret.SCAN_ERROR), 0.15)
    ]
    assert medians[1] > 0.85 * medians[0]
    assert medians[2] < medians[1]


def test_a_progression_counts_if_the_next_scan_confirms_it_or_death_comes_first() -> None:
    weeks = np.array([0.0, 6.0, 12.0, 18.0])
    alive = np.array([[True] * 4, [True] * 4, [True, True, False, False], [True] * 4])
    seen = np.array([[50, 40, 52, 53], [50, 40, 52, 44], [50, 62, 62, 62], [10, 8, 12, 12.0]])
    # Confirmed at week 12; not confirmed; dead before the next scan; 50 % more, but 4 mm.
    assert progression_weeks(seen, weeks, alive).tolist() == [12.0, np.inf, 6.0, np.inf]
    shrunk = progression_weeks(np.array([[50.0, 30.0, 37.0, 37.0]]), weeks, alive[:1])
    assert shrunk.tolist() == [12.0]

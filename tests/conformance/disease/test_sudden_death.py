"""Sudden death and a defibrillator against SCD-HeFT and MADIT-II; what a marker selects."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conformance.disease.drawn_people import people_of, realised
from trialsim.disease.cardiometabolic.sudden_death import ratios_of

FOLLOWED = 45.5
# Half of MADIT-II's deaths were sudden: 10.0 of 19.8 %.
SUDDEN = 0.505 / 0.495 * 0.62 / 0.38


def months(endpoint: str, auc: float = 0.5, **dials: float) -> tuple[np.ndarray, np.ndarray]:
    found = realised(
        "sudden_death", people_of("icd_candidates", 150_000), endpoint, np.inf, {"marker_auc": auc}, **dials
    )
    ends = np.full(len(found.outcomes), np.inf) if found.ends is None else found.ends
    return found.outcomes[:, 0], np.minimum(ends, FOLLOWED)


def rate(endpoint: str, **dials: float) -> float:
    """Events a year of those who are at risk."""
    time, end = months(endpoint, **dials)
    return float(12 * (time <= end).sum() / np.minimum(time, end).sum())


def test_all_cause_ratio_of_scd_heft_2005() -> None:
    """.77 (.62 to .96)."""
    assert rate("death", arrhythmic=0.40) / rate("death") == pytest.approx(0.77, abs=0.05)


def test_cardiac_ratio_of_scd_heft_2005() -> None:
    """.76 (.60 to .95)."""
    assert 0.60 <= rate("cardiac_death", arrhythmic=0.40) / rate("cardiac_death") <= 0.95


def test_arrhythmic_ratio_of_scd_heft_2005() -> None:
    assert rate("arrhythmic_death", arrhythmic=0.40) / rate("arrhythmic_death") == pytest.approx(
        0.40, abs=0.02
    )


def test_deaths_on_placebo_of_scd_heft_2005() -> None:
    """244 of 847 in 45.5 months, recalled."""
    time, end = months("death")
    assert 100 * (time <= end).mean() == pytest.approx(28.8, abs=1.5)


def test_all_cause_ratio_of_madit_ii_2002() -> None:
    """Half of the deaths sudden and a ratio of .33 of them give .66; published .69."""
    control, active = rate("death", arrhythmic=SUDDEN), rate("death", arrhythmic=SUDDEN * 0.33)
    assert active / control == pytest.approx(0.66, abs=0.05)
    share = rate("arrhythmic_death", arrhythmic=SUDDEN) / control
    assert share == pytest.approx(0.505, abs=0.02)


@pytest.mark.parametrize("auc", [0.60, 0.70, 0.85])
def test_a_marker_tells_who_dies_of_arrhythmia_with_its_auc(auc: float) -> None:
    people = people_of("icd_candidates", 150_000)
    soon, end = months("arrhythmic_death", auc)
    dies = soon <= np.minimum(end, 6.0)
    rank = np.argsort(np.argsort(people.column("marker"))) + 1
    found = (rank[dies].sum() - dies.sum() * (dies.sum() + 1) / 2) / (dies.sum() * (~dies).sum())
    assert found == pytest.approx(auc, abs=0.02)


def test_a_defibrillator_prevents_more_deaths_in_those_whom_a_marker_selects() -> None:
    """Deaths prevented per hundred implants in the top quarter, at AUC .50, .60, .70 and .85."""
    top = people_of("icd_candidates", 150_000).column("marker") > 0.674
    prevented = []
    for auc in (0.50, 0.60, 0.70, 0.85):
        (control, end), (active, _) = months("death", auc), months("death", auc, arrhythmic=0.40)
        prevented.append(100 * ((control <= end)[top].mean() - (active <= end)[top].mean()))
    assert prevented == sorted(prevented)
    assert prevented[-1] > 1.8 * prevented[0]


def test_ratios_are_one_on_average_over_the_card() -> None:
    for auc in (0.5, 0.85):
        for ratio in ratios_of(people_of("icd_candidates", 150_000), auc).values():
            assert ratio.mean() == pytest.approx(1.0, abs=0.02)

"""Liver tests against the public chemistry of the CDISC pilot, as another programmer read it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.stats import chi2

from tests.conformance.disease.drawn_people import people_of, realised
from trialsim.disease import disease_model
from trialsim.errors import InputError
from trialsim.streams import stream

PEOPLE = people_of("liver_tests", 100_000)
HALF_A_YEAR = 26 * 84 / 365.25


def log_alt(**dials: float) -> np.ndarray:
    weeks = np.array([0.0, 2.0, 12.0, 26.0])
    model = disease_model("liver_safety")
    return model.draw(PEOPLE, "log_alt", dials, weeks, partial(stream, 5, "conformance", 0)).outcomes


def share(endpoint: str, months: float = HALF_A_YEAR, **dials: float) -> float:
    return float(realised("liver_safety", PEOPLE, endpoint, months, **dials).outcomes.mean())


def test_spread_and_correlation_of_log_alt_of_the_cdisc_pilot() -> None:
    """SD .34 to .47 by visit; correlation .77 at 2 and .67 at 26 weeks."""
    found = log_alt(injury=0.0)
    assert ((found.std(axis=0) > 0.34) & (found.std(axis=0) < 0.47)).all()
    correlations = np.corrcoef(found.T)[0]
    assert correlations[1] == pytest.approx(0.77, abs=0.02)
    assert correlations[3] == pytest.approx(0.67, abs=0.02)


@pytest.mark.parametrize(("endpoint", "seen"), [("alt_3", 3), ("bilirubin_2", 2), ("hys_law", 1)])
def test_counts_of_246_people_of_the_cdisc_pilot(endpoint: str, seen: int) -> None:
    """Three, two and one of 246: what the model expects lies in their exact 80 % intervals."""
    expected = 246 * share(endpoint)
    low, high = chi2.ppf(0.1, 2 * seen) / 2, chi2.ppf(0.9, 2 * seen + 2) / 2
    assert low < expected < high


def test_three_limits_are_met_as_often_as_in_the_cdisc_pilot() -> None:
    assert 246 * share("alt_3") == pytest.approx(3.0, abs=0.5)


def test_without_injuries_nobody_meets_hys_law_and_with_more_ever_more_do() -> None:
    shares = [share("hys_law", injury=ratio) for ratio in (0.0, 1.0, 5.0, 20.0)]
    assert shares[0] == 0.0
    assert (np.diff(shares) > 0).all()
    assert shares[1] <= min(share("alt_3"), share("bilirubin_2"))


def test_injuries_hardly_move_the_mean_which_a_shift_does() -> None:
    plain, injured, shifted = (log_alt(**dials)[:, 3] for dials in ({}, {"injury": 5.0}, {"shift": 0.10}))
    assert (injured - plain).mean() < 0.05
    assert (shifted - plain).mean() == pytest.approx(0.10, abs=1e-9)
    assert share("alt_3", injury=5.0) > 4 * share("alt_3")


def test_who_is_watched_for_less_than_two_weeks_is_seen_at_no_visit() -> None:
    assert share("alt_3", months=0.25) == 0.0


def test_a_negative_hazard_of_injury_is_refused() -> None:
    with pytest.raises(InputError, match="must lie between") as refused:
        share("alt_3", injury=-1.0)
    assert refused.value.field == "dials.injury"

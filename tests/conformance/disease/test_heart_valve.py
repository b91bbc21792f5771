"""A heart valve against PARTNER 3, and the discount prior of Haddad et al. 2017."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, norm

import trialsim as ts
from tests.conformance.disease.drawn_people import people_of, realised
from trialsim.analysis.borrowing import discount_prior_binomial, discount_prior_normal
from trialsim.analysis.borrowing.power_prior import discount_weight
from trialsim.disease.cardiometabolic.heart_valve import valve_of
from trialsim.errors import AnalysisError, InputError

PEOPLE = people_of("aortic_stenosis", 100_000)


def share(endpoint: str, **dials: float) -> float:
    return float(realised("heart_valve", PEOPLE, endpoint, 12.0, **dials).outcomes.mean())


def test_events_in_a_year_of_partner_3() -> None:
    """15.1 % after surgery, 8.5 % with the valve at a ratio of .54."""
    assert 100 * share("event_in_a_year") == pytest.approx(15.1, abs=0.5)
    assert 100 * share("event_in_a_year", hazard=0.54) == pytest.approx(8.5, abs=0.5)


def test_power_of_partner_3_against_its_margin() -> None:
    """1,000 participants, six points: at least 90 %, by 20,000 trials of a score-free difference."""
    g, plain, valve = (
        np.random.default_rng(1),
        share("event_in_a_year"),
        share("event_in_a_year", hazard=0.54),
    )
    a, b = g.binomial(500, valve, 20_000) / 500, g.binomial(500, plain, 20_000) / 500
    error = np.sqrt((a * (1 - a) + b * (1 - b)) / 500)
    assert ((a - b - 0.06) / error < norm.ppf(0.025)).mean() >= 0.90
    level = g.binomial(500, plain + 0.06, 20_000) / 500
    error = np.sqrt((level * (1 - level) + b * (1 - b)) / 500)
    assert ((level - b - 0.06) / error < norm.ppf(0.025)).mean() == pytest.approx(0.025, abs=0.006)


def test_leaks_by_anatomy_and_seal() -> None:
    """.8 % as recalled; less round, more calcium, a worse seal: more leaks."""
    assert 100 * share("leak") == pytest.approx(0.8, abs=0.1)
    rates = [share("leak", seal=seal) for seal in (-4.0, -2.0, 0.0, 2.0)]
    assert (np.diff(rates) < 0).all()
    leak = realised("heart_valve", PEOPLE, "leak", 12.0, seal=-4.0).outcomes[:, 0] == 1
    for name in ("eccentricity", "calcium"):
        assert PEOPLE.column(name)[leak].mean() > PEOPLE.column(name)[~leak].mean()


def test_an_annulus_larger_than_every_valve_gets_the_largest() -> None:
    assert valve_of(np.array([15.0, 28.2, 35.0])).tolist() == [20.0, 29.0, 29.0]


def test_discount_weights_of_haddad_2017() -> None:
    """.050, .632 and 1.000 at agreements of .05, .135 and .3."""
    assert [discount_weight(p) for p in (0.05, 0.135, 0.3)] == pytest.approx([0.050, 0.632, 1.000], abs=0.002)
    assert discount_weight(0.0) == 0.0
    assert discount_weight(1.0, most=0.4) == pytest.approx(0.4)


def test_agreement_and_posterior_by_draws() -> None:
    """Another way to the same: both posteriors drawn, and the power prior's shapes by hand."""
    g, history, current = np.random.default_rng(2), (40.0, 200.0), (14.0, 50.0)
    own, past = beta(15, 37).rvs(400_000, random_state=g), beta(41, 161).rvs(400_000, random_state=g)
    above = (own > past).mean()
    weight = 1 - np.exp(-((2 * min(above, 1 - above) / 0.135) ** 3))
    found, posterior = discount_prior_binomial(history, current)
    assert found == pytest.approx(weight, abs=0.01)
    a, b = 1 + found * 40 + 14, 1 + found * 160 + 36
    assert posterior.mean() == pytest.approx(a / (a + b), abs=1e-12)


def test_means_that_agree_are_pooled_and_means_that_do_not_are_left_alone() -> None:
    weight, posterior = discount_prior_normal((1.0, 0.3), (1.0, 0.4))
    assert (weight, posterior.sd()) == pytest.approx((1.0, (0.3**-2 + 0.4**-2) ** -0.5), abs=1e-9)
    weight, posterior = discount_prior_normal((9.0, 0.3), (1.0, 0.4))
    assert (weight, posterior.mean(), posterior.sd()) == pytest.approx((0.0, 1.0, 0.4), abs=1e-9)


def test_borrowed_controls_takes_the_discount() -> None:
    arms = pd.DataFrame({"arm": ["c", "a", "old"], "r": [14, 9, 40], "n": [50, 50, 200]})
    found = ts.analysis.borrowing.borrowed_controls(
        arms, arm="arm", control="c", active="a", external="old", responders="r", participants="n",
        borrowing="discount",
    )  # fmt: skip
    _, posterior = discount_prior_binomial((40, 200), (14, 50))
    table = found.to_frame().set_index("borrowing")
    assert table.loc["discount", "control"] == pytest.approx(posterior.mean())


@pytest.mark.parametrize("agreement", [-0.1, 1.1, np.nan])
def test_an_impossible_agreement_is_refused(agreement: float) -> None:
    with pytest.raises(AnalysisError) as refused:
        discount_weight(agreement)
    assert refused.value.field == "agreement"


def test_a_negative_error_of_measuring_is_refused() -> None:
    with pytest.raises(InputError, match="must lie between") as refused:
        share("leak", measuring=-1.0)
    assert refused.value.field == "dials.measuring"

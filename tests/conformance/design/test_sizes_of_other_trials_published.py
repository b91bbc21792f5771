"""Published sizes of equivalence, ordinal, count, many-arm, single-arm and survival trials."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialsim.analysis.survival.weights import LOG_RANK, FlemingHarrington
from trialsim.design.non_proportional import average_hazard_ratio_size, risk_course, weighted_law
from trialsim.design.other_trials import (
    CountsQuestion,
    EquivalenceLimits,
    FollowUp,
    anova_power,
    anova_size,
    counts_size,
    design_effect,
    equivalence_of_means_size,
    equivalence_power,
    proportional_odds_size,
)
from trialsim.design.other_trials.many_arms import many_to_one_bound
from trialsim.design.single_arm import one_stage_size, simon_designs
from trialsim.design.sizes import EventForecast, PiecewiseRate, PlannedAccrual

DATA = Path(__file__).parents[1] / "data" / "group_sequential.json"
ENTRIES = {entry["id"]: entry for entry in json.loads(DATA.read_text())["entries"]}

# p0, p1: optimal (r1, n1, r, n, EN, PET), minimax (the same); alpha .05, power .8. The designs are those of
# Simon 1989; the digits are what ph2simon of the R package clinfun 1.1.5 returns.
CLINFUN_PH2SIMON = {
    (0.05, 0.25): ((0, 9, 2, 17, 11.958, 0.6302494), (0, 12, 2, 16, 13.83856, 0.5403601)),
    (0.10, 0.30): ((1, 10, 5, 29, 15.01412, 0.7360989), (1, 15, 5, 25, 19.50957, 0.549043)),
    (0.20, 0.40): ((3, 13, 12, 43, 20.58027, 0.7473243), (4, 18, 10, 33, 22.25469, 0.7163538)),
    (0.30, 0.50): ((5, 15, 18, 46, 23.62974, 0.7216214), (6, 19, 16, 39, 25.68997, 0.6655015)),
    (0.40, 0.60): ((7, 16, 23, 46, 24.5181, 0.7160634), (17, 34, 20, 39, 34.43584, 0.9128317)),
    (0.50, 0.70): ((8, 15, 26, 43, 23.50134, 0.6963806), (12, 23, 23, 37, 27.74348, 0.6611803)),
}


@pytest.mark.parametrize(("null", "alternative"), CLINFUN_PH2SIMON)
@pytest.mark.parametrize("kind", ["optimal", "minimax"])
def test_simon_1989_two_stages_as_clinfun_1_1_5_ph2simon(null: float, alternative: float, kind: str) -> None:
    published = CLINFUN_PH2SIMON[null, alternative][0 if kind == "optimal" else 1]
    found = simon_designs(null, alternative)[kind]
    assert (found.first_stop, found.first, found.stop, found.participants) == published[:4]
    assert (found.expected, found.early_stop) == pytest.approx(published[4:], rel=6e-7)
    left = (1 - found.early_stop) * (found.participants - found.first)
    assert found.expected == pytest.approx(found.first + left, rel=1e-12)
    assert found.alpha <= 0.05
    assert found.power >= 0.8


def test_a_hern_2001_one_stage_as_clinfun_1_1_5_ph2single() -> None:
    """It names the most responders that reject the treatment, 5: the least that claim are 6."""
    found = one_stage_size(0.1, 0.3, power=0.8)
    assert (found.participants, found.responders) == (25, 6)
    assert (found.alpha, found.power) == pytest.approx((0.03339994, 1 - 0.1934884), abs=6e-8)


@pytest.mark.parametrize(
    ("cv", "n", "power"), [(0.2, 20, 0.8346801909), (0.25, 28, 0.8074394642), (0.3, 40, 0.8158452803)]
)
def test_crossover_at_a_ratio_of_95_percent_as_powertost_1_5_6(cv: float, n: int, power: float) -> None:
    sd, limits = math.sqrt(math.log1p(cv**2)), EquivalenceLimits(math.log(0.8), math.log(1.25))
    assert equivalence_power(math.log(0.95), limits, sd * math.sqrt(2 / n), n - 2) == pytest.approx(
        power, abs=6e-9
    )
    needed = equivalence_of_means_size(math.log(0.95), limits, sd, power=0.8, design="crossover").total
    assert n - 2 < needed <= n


def test_whitehead_1993_formula_as_hmisc_posamsize_187_participants() -> None:
    size = proportional_odds_size([0.2, 0.5, 0.2, 0.1], math.exp(0.887))
    assert math.ceil(size.total - 0.5) == 187


def test_zhu_and_lakkis_2014_with_the_true_rates_needs_1316_in_each_arm() -> None:
    """The second approach of table I, to the digits of power.nb.test of the R package MKpower."""
    size = counts_size(CountsQuestion(0.8, 0.85, 0.4, FollowUp(0.75)), 0.8)
    assert size.whole == (1316, 1316)
    assert size.control == pytest.approx(1315.69, abs=0.006)
    more = counts_size(CountsQuestion(1.4, 1.15, 1.5, FollowUp(0.75)), 0.8)
    assert more.control == pytest.approx(1920.908, abs=6e-4)


# One-sided 5 % points by degrees of freedom for 1 to 5 arms beside the control (pmvt, inverted).
MVTNORM_DUNNETT = {
    10: (1.812461, 2.150614, 2.337553, 2.465576, 2.562309),
    20: (1.724718, 2.027318, 2.192282, 2.304428, 2.388772),
    math.inf: (1.644854, 1.916332, 2.062084, 2.160334, 2.233815),
}


@pytest.mark.parametrize("df", MVTNORM_DUNNETT)
def test_dunnett_1955_one_sided_points_as_r_mvtnorm(df: float) -> None:
    found = [many_to_one_bound(arms, 0.05, "dunnett", 0.5, df) for arms in range(1, 6)]
    assert found == pytest.approx(MVTNORM_DUNNETT[df], abs=2e-5)


def test_gpower_3_manual_one_way_analysis_of_variance() -> None:
    """Ten groups, f = .25, power .95: 390 participants."""
    means = np.tile([-0.25, 0.25], 5)
    assert 10 * math.ceil(anova_size(means, power=0.95)) == 390
    assert anova_power(390, means) == pytest.approx(0.952363, abs=1e-6)


def test_donner_and_klar_2000_design_effect() -> None:
    assert design_effect(20, 0.05) == pytest.approx(1.95, abs=1e-12)


def forecast(kind: str) -> EventForecast:
    leaving = PiecewiseRate((0.00427444119896255,))
    ratio = PiecewiseRate((0.7,)) if kind == "PH" else PiecewiseRate((1.0, 0.58), (0.0, 6.0))
    return EventForecast(
        PlannedAccrual((20,), (24,)), PiecewiseRate((math.log(2) / 12,)), ratio, (leaving, leaving)
    )


def looks(kind: str, weight: str) -> list[dict[str, Any]]:
    return ENTRIES[f"gsdesign2_{kind}{weight}"]["expected"]["analysis"]


@pytest.mark.parametrize("kind", ["PH", "delay6"])
@pytest.mark.parametrize("look", [1, 2])
def test_gsdesign2_fleming_harrington_01_information_and_effect(kind: str, look: int) -> None:
    """Looks after accrual has closed; before, its variance does not go with its own number of events."""
    at = looks(kind, "_FH01")[look]
    law = weighted_law(forecast(kind), at["time"], [FlemingHarrington(0, 1)])
    # Its integrals are adaptive over a jump of the hazard: good to 4 digits.
    assert float(law.variance[0, 0]) == pytest.approx(at["info"], rel=4e-4)
    assert float(law.score[0] / law.variance[0, 0]) == pytest.approx(at["theta"], rel=5e-4)


@pytest.mark.parametrize("kind", ["PH", "delay6"])
@pytest.mark.parametrize("look", [0, 1, 2])
def test_gsdesign2_events_by_quadrature(kind: str, look: int) -> None:
    at = looks(kind, "")[look]
    assert float(risk_course(forecast(kind), at["time"]).events.sum()) == pytest.approx(at["event"], rel=1e-6)
    law = weighted_law(forecast(kind), at["time"], [LOG_RANK])
    assert law.events == pytest.approx(at["event"], rel=1e-6)


@pytest.mark.parametrize("kind", ["PH", "delay6"])
def test_gsdesign2_average_hazard_ratio_carries_the_size(kind: str) -> None:
    """At the power that gsDesign2's own effect and information give one look, we ask for its 480 people."""
    from scipy.stats import norm

    at = looks(kind, "")[-1]
    shift = at["theta"] - norm.isf(0.025) / math.sqrt(at["info0"])
    power = float(norm.cdf(shift * math.sqrt(at["info"])))
    size = average_hazard_ratio_size(forecast(kind), at["time"], power=power)
    assert size.participants == pytest.approx(480, rel=1e-5)

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

# p0, p1: optimal (r1, n1, r, n, EN), minimax (the same); alpha .05, power .8.
SIMON_1989_TABLE_1 = {
    (0.05, 0.25): ((0, 9, 2, 17, 12.0), (0, 12, 2, 16, 13.8)),
    (0.10, 0.30): ((1, 10, 5, 29, 15.0), (1, 15, 5, 25, 19.5)),
    (0.20, 0.40): ((3, 13, 12, 43, 20.6), (4, 18, 10, 33, 22.3)),
    (0.30, 0.50): ((5, 15, 18, 46, 23.6), (6, 19, 16, 39, 25.7)),
    (0.40, 0.60): ((7, 16, 23, 46, 24.5), (17, 34, 20, 39, 34.4)),
    (0.50, 0.70): ((8, 15, 26, 43, 23.5), (12, 23, 23, 37, 27.7)),
}


@pytest.mark.parametrize(("null", "alternative"), SIMON_1989_TABLE_1)
@pytest.mark.parametrize("kind", ["optimal", "minimax"])
def test_simon_1989_table_1(null: float, alternative: float, kind: str) -> None:
    published = SIMON_1989_TABLE_1[null, alternative][0 if kind == "optimal" else 1]
    found = simon_designs(null, alternative)[kind]
    assert (found.first_stop, found.first, found.stop, found.participants) == published[:4]
    assert found.expected == pytest.approx(published[4], abs=0.06)
    left = (1 - found.early_stop) * (found.participants - found.first)
    assert found.expected == pytest.approx(found.first + left, rel=1e-12)
    assert found.alpha <= 0.05
    assert found.power >= 0.8


def test_a_hern_2001_one_stage_for_10_against_30_percent() -> None:
    found = one_stage_size(0.1, 0.3, power=0.8)
    assert (found.participants, found.responders) == (25, 6)


@pytest.mark.parametrize(
    ("cv", "n", "power"), [(0.2, 20, 0.834680), (0.25, 28, 0.807439), (0.3, 40, 0.815845)]
)
def test_powertost_crossover_at_a_ratio_of_95_percent(cv: float, n: int, power: float) -> None:
    sd, limits = math.sqrt(math.log1p(cv**2)), EquivalenceLimits(math.log(0.8), math.log(1.25))
    assert equivalence_power(math.log(0.95), limits, sd * math.sqrt(2 / n), n - 2) == pytest.approx(
        power, abs=6e-7
    )
    needed = equivalence_of_means_size(math.log(0.95), limits, sd, power=0.8, design="crossover").total
    assert n - 2 < needed <= n


def test_whitehead_1993_example_of_187_participants() -> None:
    size = proportional_odds_size([0.2, 0.5, 0.2, 0.1], math.exp(0.887))
    assert math.ceil(size.total - 0.5) == 187


def test_zhu_and_lakkis_2014_with_the_true_rates_needs_1316_in_each_arm() -> None:
    size = counts_size(CountsQuestion(0.8, 0.85, 0.4, FollowUp(0.75)), 0.8)
    assert size.whole == (1316, 1316)


# One-sided 5 % points by degrees of freedom for 1 to 5 arms beside the control.
DUNNETT_1955_TABLE_1A = {
    10: (1.81, 2.15, 2.34, 2.47, 2.56),
    20: (1.72, 2.03, 2.19, 2.30, 2.39),
    math.inf: (1.64, 1.92, 2.06, 2.16, 2.23),
}


@pytest.mark.parametrize("df", DUNNETT_1955_TABLE_1A)
def test_dunnett_1955_table_1a(df: float) -> None:
    found = [many_to_one_bound(arms, 0.05, "dunnett", 0.5, df) for arms in range(1, 6)]
    assert found == pytest.approx(DUNNETT_1955_TABLE_1A[df], abs=0.0055)


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

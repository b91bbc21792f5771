"""Published sizes and powers."""

from __future__ import annotations

import math

import numpy as np

from trialsim.design import MeansQuestion, RatesQuestion, events_for_power, means_size, rates_size
from trialsim.design.other_trials import (
    CountsQuestion,
    EquivalenceLimits,
    FollowUp,
    anova_power,
    counts_size,
    design_effect,
    equivalence_power,
    proportional_odds_size,
)
from trialsim.design.other_trials.many_arms import many_to_one_bound
from trialsim.design.repeated_measures import large_sample_inflation, large_sample_size
from trialsim.design.single_arm import one_stage_size, simon_designs
from trialsim.study.qualification.oracle import Oracle

RPACT, GSDESIGN = "R package rpact 3.3.4", "R package gsDesign 3.10.1"


def _means(effect: float, test: str, power: float) -> list[float]:
    question = MeansQuestion(effect, sd=1.0, allocation=1.0, test="z" if test == "z" else "t")
    return [means_size(question, power).total]


def _simon(null: float, alternative: float, kind: str) -> list[float]:
    one = simon_designs(null, alternative)[kind]
    return [one.first_stop, one.first, one.stop, one.participants, one.expected, one.early_stop]


def _crossover(cv: float, n: int) -> list[float]:
    sd, limits = math.sqrt(math.log1p(cv**2)), EquivalenceLimits(math.log(0.8), math.log(1.25))
    return [equivalence_power(math.log(0.95), limits, sd * math.sqrt(2 / n), n - 2)]


def _dunnett(df: float) -> list[float]:
    return [many_to_one_bound(arms, 0.05, "dunnett", 0.5, df) for arms in range(1, 6)]


def _one_stage() -> list[float]:
    one = one_stage_size(0.1, 0.3, power=0.8)
    return [one.participants, one.responders, one.alpha, one.power]


def _inflation() -> list[float]:
    lags = np.abs(np.subtract.outer(np.arange(2), np.arange(2)))
    return [float(large_sample_inflation(rho**lags, np.array([1.0, 0.6]))) for rho in (0.1, 0.5, 0.9)]


ORACLES = (
    Oracle("sizes/z_test_of_means_.2", lambda: _means(0.2, "z", 0.8), (784.88797343,), 1e-6, RPACT, True),
    Oracle("sizes/t_test_of_means_.2", lambda: _means(0.2, "t", 0.8), (786.81331246,), 1e-6, RPACT, True),
    Oracle("sizes/t_test_of_means_.5", lambda: _means(0.5, "t", 0.9), (170.06262827,), 1e-6, RPACT, True),
    Oracle(
        "sizes/difference_of_rates_.9_.8",
        lambda: [rates_size(RatesQuestion(0.8, 0.9, scale="difference"), 0.9).total],
        (531.71197187,),
        1e-6,
        RPACT,
        True,
    ),
    Oracle(
        "sizes/ratio_of_rates_.4_.2",
        lambda: [rates_size(RatesQuestion(0.2, 0.4, scale="ratio"), 0.9).total],
        (216.47107876,),
        1e-5,
        RPACT,
        True,
    ),
    Oracle(
        "sizes/ratio_of_rates_.15_.05",
        lambda: [rates_size(RatesQuestion(0.15, 0.05, scale="ratio"), 0.9).total],
        (374.09537131,),
        1e-6,
        GSDESIGN,
        True,
    ),
    Oracle(
        "sizes/events_of_schoenfeld",
        lambda: [events_for_power(0.6, power=0.9)],
        (161.0685919,),
        1e-8,
        RPACT,
        True,
    ),
    Oracle(
        "sizes/inflation_of_mmrm", _inflation, (1.66, 1.5, 1.12666667), 1e-7, "Lu, Luo and Chen 2008, table 2"
    ),
    Oracle(
        "sizes/mmrm",
        lambda: large_sample_size(0.5, inflation=(1.0, 2.0), allocation=1.0, power=0.9),
        (252.17815347, 254.19251991),
        1e-6,
        "Lu, Luo and Chen 2008, table 1, as in longpower",
    ),
    Oracle(
        "sizes/simon_optimal_.1_.3",
        lambda: _simon(0.1, 0.3, "optimal"),
        (1, 10, 5, 29, 15.01412, 0.7360989),
        6e-6,
        "Simon 1989, as R package clinfun 1.1.5",
    ),
    Oracle(
        "sizes/simon_minimax_.2_.4",
        lambda: _simon(0.2, 0.4, "minimax"),
        (4, 18, 10, 33, 22.25469, 0.7163538),
        6e-6,
        "Simon 1989, as R package clinfun 1.1.5",
    ),
    Oracle(
        "sizes/one_stage_.1_.3",
        _one_stage,
        (25, 6, 0.03339994, 0.8065116),
        6e-8,
        "A'Hern 2001, as R package clinfun 1.1.5",
    ),
    Oracle(
        "sizes/crossover_equivalence_20",
        lambda: _crossover(0.2, 20),
        (0.8346801909,),
        6e-9,
        "PowerTOST 1.5-6",
    ),
    Oracle(
        "sizes/crossover_equivalence_40",
        lambda: _crossover(0.3, 40),
        (0.8158452803,),
        6e-9,
        "PowerTOST 1.5-6",
    ),
    Oracle(
        "sizes/proportional_odds",
        lambda: [math.ceil(proportional_odds_size([0.2, 0.5, 0.2, 0.1], math.exp(0.887)).total - 0.5)],
        (187,),
        0.0,
        "Whitehead 1993, as Hmisc posamsize",
    ),
    Oracle(
        "sizes/counts",
        lambda: [counts_size(CountsQuestion(1.4, 1.15, 1.5, FollowUp(0.75)), 0.8).control],
        (1920.908,),
        6e-4,
        "Zhu and Lakkis 2014, as MKpower",
    ),
    Oracle(
        "sizes/dunnett_df_20",
        lambda: _dunnett(20),
        (1.724718, 2.027318, 2.192282, 2.304428, 2.388772),
        2e-5,
        "Dunnett 1955, as R package mvtnorm",
    ),
    Oracle(
        "sizes/anova_of_ten_groups",
        lambda: [anova_power(390, [-0.25, 0.25] * 5)],
        (0.952363,),
        1e-6,
        "G*Power 3 manual",
    ),
    Oracle("sizes/design_effect", lambda: [design_effect(20, 0.05)], (1.95,), 1e-12, "Donner and Klar 2000"),
)

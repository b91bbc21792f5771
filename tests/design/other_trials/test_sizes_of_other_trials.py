"""Sizes of equivalence, rank, count, many-arm and cluster trials against simulation and plain algebra."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from trialsim.design import events_for_power
from trialsim.design.other_trials import (
    ClusterQuestion,
    CountsQuestion,
    EquivalenceLimits,
    FollowUp,
    ManyToOneQuestion,
    SteppedWedge,
    anova_power,
    counts_size,
    equivalence_of_hazards_events,
    equivalence_of_means_size,
    equivalence_of_rates_size,
    equivalence_power,
    k_sample_events,
    many_to_one_power,
    many_to_one_size,
    power_of_clusters,
    power_of_counts,
    proportional_odds_power,
    proportional_odds_size,
    rank_sum_power,
    rank_sum_size,
    wedge,
)
from trialsim.design.other_trials.many_arms import many_to_one_below, many_to_one_bound
from trialsim.design.other_trials.ranks import shifted_categories
from trialsim.errors import DesignError

RNG = 20261130


def within(found: float, simulated: np.ndarray, errors: float = 4.0) -> bool:
    share = float(simulated.mean())
    return abs(found - share) < errors * math.sqrt(max(share * (1 - share), 1e-4) / len(simulated))


def test_equivalence_power_equals_a_simulated_t_test() -> None:
    rng, n, replicates = np.random.default_rng(RNG), 20, 40_000
    limits, effect = EquivalenceLimits(-1.0, 1.2), 0.2
    x, y = rng.standard_normal((replicates, n)), effect + rng.standard_normal((replicates, n))
    d = y.mean(axis=1) - x.mean(axis=1)
    se = np.sqrt((x.var(axis=1, ddof=1) + y.var(axis=1, ddof=1)) / n)
    t = stats.t.isf(0.05, 2 * n - 2)
    both = (d - limits.lower > t * se) & (limits.upper - d > t * se)
    assert within(equivalence_power(effect, limits, math.sqrt(2 / n), 2 * n - 2), both)


def test_equivalence_at_a_limit_has_the_level_and_outside_less() -> None:
    limits = EquivalenceLimits(-0.5, 0.5)
    assert equivalence_power(0.5, limits, 0.05, 200) == pytest.approx(0.05, abs=1e-6)
    assert equivalence_power(0.7, limits, 0.05, 200) < 1e-3
    over = [equivalence_power(x, limits, 0.15, 100) for x in (0.6, 0.5, 0.4, 0.2, 0.0)]
    assert (np.diff(over) > 0).all()


def test_equivalence_of_one_side_is_non_inferiority() -> None:
    """With the other limit out of reach, two tests are one."""
    events = equivalence_of_hazards_events(1.0, EquivalenceLimits(0.001, 1.3), power=0.9)
    assert events == pytest.approx(events_for_power(1.0, margin=1.3, alpha=0.05), rel=1e-6)
    one = equivalence_of_rates_size(0.6, 0.6, EquivalenceLimits(-0.1, 0.9), power=0.9).control
    z = stats.norm.isf(0.05) + stats.norm.ppf(0.9)
    assert one == pytest.approx(2 * 0.24 * (z / 0.1) ** 2, rel=1e-6)


def test_equivalence_needs_an_effect_between_the_limits() -> None:
    for sized in (
        lambda: equivalence_of_means_size(0.6, EquivalenceLimits(-0.5, 0.5)),
        lambda: equivalence_of_rates_size(0.3, 0.6, EquivalenceLimits(-0.1, 0.1)),
        lambda: equivalence_of_hazards_events(1.4, EquivalenceLimits(0.8, 1.25)),
    ):
        with pytest.raises(DesignError, match="must lie between the limits"):
            sized()


def test_proportional_odds_power_equals_a_simulated_rank_test() -> None:
    rng, n, replicates = np.random.default_rng(RNG), 80, 4000
    control = np.array([0.3, 0.3, 0.25, 0.15])
    active = shifted_categories(control, 2.2)
    a = rng.choice(4, (replicates, n), p=active)
    c = rng.choice(4, (replicates, n), p=control)
    p = stats.mannwhitneyu(c, a, axis=1, alternative="greater", method="asymptotic", use_continuity=False)[1]
    assert within(proportional_odds_power(2 * n, control, 2.2), p <= 0.025, 5.0)


def test_rank_sum_power_equals_a_simulated_shift() -> None:
    rng, n, replicates = np.random.default_rng(RNG), 60, 6000
    shift = 0.45
    a, c = shift + rng.standard_normal((replicates, n)), rng.standard_normal((replicates, n))
    p = stats.mannwhitneyu(a, c, axis=1, alternative="greater", method="asymptotic", use_continuity=False)[1]
    win = float(stats.norm.cdf(shift / math.sqrt(2)))
    assert within(rank_sum_power(2 * n, win), p <= 0.025, 5.0)


def test_follow_up_information_equals_a_simulated_mean() -> None:
    rng = np.random.default_rng(RNG)
    for shortest in (0.0, 0.5, 2.0):
        entered = rng.uniform(shortest, 2.0, 400_000)
        time = np.minimum(entered, rng.exponential(1 / 0.3, 400_000))
        own = 0.9 * time / (1 + 0.7 * 0.9 * time)
        found = FollowUp(2.0, shortest, 0.3).information(0.9, 0.7)
        assert abs(found - own.mean()) < 4 * own.std() / math.sqrt(len(own))


def test_the_mean_follow_up_is_too_small_a_size() -> None:
    varying = FollowUp(2.0, 0.0, 0.2)
    own = counts_size(CountsQuestion(1.0, 0.7, 0.8, varying)).total
    assert counts_size(CountsQuestion(1.0, 0.7, 0.8, FollowUp(varying.mean))).total < 0.97 * own


def test_counts_power_equals_simulated_wald_tests_with_the_dispersion_known() -> None:
    rng, n, k, replicates = np.random.default_rng(RNG), 150, 0.5, 4000
    rates = (1.0, 0.7)
    logs, variance = [], np.zeros(replicates)
    for rate in rates:
        frail = rng.gamma(1 / k, k, (replicates, n))
        total = rng.poisson(rate * frail).sum(axis=1)
        logs.append(np.log(total / n))
        variance += 1 / total + k / n
    z = (logs[1] - logs[0]) / np.sqrt(variance)
    question = CountsQuestion(1.0, 0.7, k, FollowUp(1.0))
    assert within(power_of_counts(n, question), z < -1.959964, 5.0)


def test_dunnett_equals_scipy_multivariate_normal_and_t() -> None:
    for arms, ratio in ((2, 1.0), (3, 0.5)):
        rho = ratio / (1 + ratio)
        cor = np.full((arms, arms), rho) + (1 - rho) * np.eye(arms)
        bounds, means = np.linspace(1.8, 2.2, arms), np.linspace(0.5, 1.5, arms)
        normal = stats.multivariate_normal.cdf(bounds - means, np.zeros(arms), cor)
        assert many_to_one_below(bounds, means, rho) == pytest.approx(normal, abs=2e-5)
        student = stats.multivariate_t.cdf(bounds, np.zeros(arms), cor, df=12, random_state=1)
        assert many_to_one_below(bounds, np.zeros(arms), rho, 12) == pytest.approx(student, abs=2e-4)


@pytest.mark.parametrize("claims", ["any", "all"])
def test_many_to_one_power_equals_simulation(claims: str) -> None:
    rng, n, replicates = np.random.default_rng(RNG), 40, 20_000
    question = ManyToOneQuestion((0.5, 0.7, -0.2), claims=claims)
    means = np.array([0.0, *question.effects])
    y = means[:, None] + rng.standard_normal((replicates, 4, n))
    spread = np.sqrt(y.var(axis=2, ddof=1).mean(axis=1) * 2 / n)
    t = (y[:, 1:].mean(axis=2) - y[:, :1].mean(axis=2)) / spread[:, None]
    over = t[:, :2] >= many_to_one_bound(3, 0.025, "dunnett", 0.5, 4 * n - 4)
    assert within(
        many_to_one_power(4 * n, question), over.any(axis=1) if claims == "any" else over.all(axis=1)
    )


def test_one_active_arm_is_a_t_test() -> None:
    from trialsim.design import MeansQuestion, means_size

    assert sum(many_to_one_size(ManyToOneQuestion((0.5,)))) == pytest.approx(
        means_size(MeansQuestion(0.5)).total, rel=1e-9
    )


def test_anova_of_two_arms_is_the_two_sided_t_test() -> None:
    t = stats.nct(38, 0.8 * math.sqrt(10))
    bound = stats.t.isf(0.025, 38)
    assert anova_power(40, [0.0, 0.8]) == pytest.approx(t.sf(bound) + t.cdf(-bound), rel=1e-8)


def test_anova_equals_statsmodels() -> None:
    from statsmodels.stats.power import FTestAnovaPower

    means = np.array([0.0, 0.3, 0.6, 0.2])
    own = FTestAnovaPower().power(effect_size=means.std(), nobs=120, alpha=0.05, k_groups=4)
    assert anova_power(120, means) == pytest.approx(own, abs=1e-9)


def test_k_sample_events_do_not_depend_on_the_arm_of_reference() -> None:
    one = k_sample_events([1.0, 0.8, 0.7])
    assert k_sample_events([1 / 0.7, 0.8 / 0.7, 1.0]) == pytest.approx(one, rel=1e-9)
    assert k_sample_events([0.7, 1.0, 0.8]) == pytest.approx(one, rel=1e-9)


def test_cluster_power_equals_simulation() -> None:
    rng, k, m, rho, replicates = np.random.default_rng(RNG), 12, 15, 0.08, 20_000
    arms = []
    for effect in (0.0, 0.35):
        mean = effect + math.sqrt(rho) * rng.standard_normal((replicates, k))
        arms.append(mean + math.sqrt((1 - rho) / m) * rng.standard_normal((replicates, k)))
    t = stats.ttest_ind(arms[1], arms[0], axis=1).statistic
    question = ClusterQuestion(0.35, (1.0, 1.0), m, rho)
    assert within(power_of_clusters(2 * k, question), t > stats.t.isf(0.025, 2 * k - 2))


@pytest.mark.parametrize(
    "table",
    [
        wedge(4, 3),
        wedge(3, 2, baseline=2, per_step=2),
        np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0], [1, 1, 1]]),
    ],
)
def test_stepped_wedge_variance_equals_generalised_least_squares(table: np.ndarray) -> None:
    design = SteppedWedge(table, 10, 1.3, 0.1)
    periods = np.shape(table)[1]
    between, within_cluster = 0.1 * 1.3**2, 0.9 * 1.3**2 / 10
    v = np.linalg.inv(between * np.ones((periods, periods)) + within_cluster * np.eye(periods))
    information = np.zeros((periods + 1, periods + 1))
    for row in np.asarray(table, dtype=float):
        x = np.column_stack([np.eye(periods), row])
        information += x.T @ v @ x
    assert design.variance() == pytest.approx(np.linalg.inv(information)[-1, -1], rel=1e-10)


def test_stepped_wedge_design_effect_of_woertman_2013() -> None:
    """(1 + r(ktn + bn - 1)) / (1 + r(ktn/2 + bn - 1)) times 3(1 - r) / (2t(k - 1/k))."""
    k, b, t, n, rho = 4, 1, 2, 12, 0.05
    clusters = 3 * k
    own = SteppedWedge(wedge(k, 3, baseline=b, per_step=t), n, 1.0, rho).variance()
    effect = (1 + rho * (k * t * n + b * n - 1)) / (1 + rho * (k * t * n / 2 + b * n - 1))
    effect *= 3 * (1 - rho) / (2 * t * (k - 1 / k))
    assert own == pytest.approx(4 * effect / (clusters * n), rel=1e-10)


def test_a_wedge_without_contrast_is_refused() -> None:
    with pytest.raises(DesignError, match="cannot be told from time"):
        SteppedWedge(np.array([[0, 1], [0, 1]]), 10, 1.0, 0.05)


def test_ranks_against_a_margin_have_the_size_of_their_distance_and_none_beyond_it() -> None:
    plain, far = rank_sum_size(0.6), rank_sum_size(0.5, null=0.4)
    assert far.total == pytest.approx(plain.total, rel=1e-12)
    assert rank_sum_power(far.total, 0.5, null=0.4) == pytest.approx(0.9)
    assert rank_sum_power(500, 0.35, null=0.4) < 0.01
    even = [0.25] * 4
    of_odds = proportional_odds_size(even, 1.0, margin=0.6)
    assert proportional_odds_power(of_odds.total, even, 1.0, margin=0.6) == pytest.approx(0.9)
    # Whitehead 1993 with equal shares: 12 (z + z)² / (θ² (1 − Σ p³)) for 1:1.
    written = 12 * (1.959964 + 1.281552) ** 2 / (math.log(0.6) ** 2 * (1 - 4 * 0.25**3))
    assert of_odds.total == pytest.approx(written, rel=1e-6)
    for made in (
        lambda: rank_sum_size(0.35, null=0.4),
        lambda: proportional_odds_size(even, 0.5, margin=0.6),
        lambda: rank_sum_size(0.6, null=1.0),
        lambda: proportional_odds_size(even, 1.0, margin=0.0),
    ):
        with pytest.raises(DesignError):
            made()


@pytest.mark.parametrize("allocation", [0.5, 2.0])
def test_dunnetts_power_with_unequal_arms_is_that_of_simulated_means(allocation):
    """Means of two arms against one control, drawn as they are; the bound by SciPy's multivariate t."""
    effects, controls, replicates = (0.3, 0.45), 80.0, 400_000
    total = controls * (1 + 2 * allocation)
    rho, df = allocation / (1 + allocation), total - 3
    t = stats.multivariate_t([0, 0], [[1, rho], [rho, 1]], df=df, seed=1)
    bound = optimize.brentq(lambda b: t.cdf([b, b]) - 0.975, 1.5, 3.0, xtol=1e-5)
    rng = np.random.default_rng(8)
    control = rng.normal(0, controls**-0.5, replicates)
    scale = np.sqrt(rng.chisquare(df, replicates) / df)
    root = np.sqrt(1 / controls + 1 / (allocation * controls))
    claims = np.zeros(replicates, bool)
    for effect in effects:
        arm = rng.normal(effect, (allocation * controls) ** -0.5, replicates)
        claims |= (arm - control) / (scale * root) > bound
    found = many_to_one_power(total, ManyToOneQuestion(effects, allocation=allocation, test="dunnett"))
    assert found == pytest.approx(claims.mean(), abs=4 * np.sqrt(found * (1 - found) / replicates) + 5e-4)

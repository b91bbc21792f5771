"""Recruitment by sites against a slow twin, closed forms, caps, screening and updated forecasts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trialsim.errors import DesignError
from trialsim.trial import PlannedAccrual, forecast_enrolment, recruit, site_plan
from trialsim.trial.enrolment import InterimEnrolment, fit_site_rates, posterior_plan

ONE, LATE = site_plan([0.0], rate=1.0), site_plan([3.0], rate=1.0)


def interim(month: float, *counts: int) -> InterimEnrolment:
    return InterimEnrolment(month, np.array(counts))


def chance() -> np.random.Generator:
    return np.random.default_rng(1)


def slow_recruit(plan, participants, generator):  # type: ignore[no-untyped-def]  # the kernel in plain Python
    def month_of(u: float, s: int) -> float:
        ramp = plan.ramp[s]
        extra = np.sqrt(2 * ramp * u) if u < ramp / 2 else u + ramp / 2
        return float(plan.activation[s] + extra)

    finite = np.isfinite(plan.shape)
    rates = plan.rate.copy()
    rates[finite] = generator.gamma(
        plan.shape[finite], plan.rate[finite] / plan.shape[finite], size=(1, finite.sum())
    )[0]
    operational = [generator.standard_exponential() / rate for rate in rates]
    upcoming = {s: month_of(u, s) for s, u in enumerate(operational)}
    found: list[tuple[float, int]] = []
    by_site, by_country, screened = np.zeros(len(plan), int), np.zeros(len(plan.country_cap), int), 0
    while len(found) < participants and upcoming:
        s = min(upcoming, key=lambda site: upcoming[site])
        c = plan.country[s]
        if by_country[c] < plan.country_cap[c]:
            screened += 1
            if plan.screen_failure[s] == 0 or generator.random() >= plan.screen_failure[s]:
                found.append((upcoming[s], s))
                by_site[s] += 1
                by_country[c] += 1
        if by_site[s] < plan.cap[s] and by_country[c] < plan.country_cap[c]:
            operational[s] += generator.standard_exponential() / rates[s]
            upcoming[s] = month_of(operational[s], s)
        else:
            del upcoming[s]
    return found, screened


def test_recruitment_equals_its_slow_twin() -> None:
    plan = site_plan(
        [0.0, 1.0, 2.5, 2.0, 4.0], rate=[3.0, 1.0, 6.0, 2.0, 5.0], shape=[1.5, 2.0, np.inf, 0.8, 3.0],
        ramp=[0.0, 2.0, 1.0, 0.0, 3.0], screen_failure=[0.0, 0.3, 0.1, 0.5, 0.2], cap=[20, 15, 12, 30, 40],
        country=[0, 1, 0, 1, 2], country_cap=[25, 30, 40],
    )  # fmt: skip
    for seed in range(20):
        fast = recruit(plan, 1, 70, np.random.default_rng(seed))
        slow, screened = slow_recruit(plan, 70, np.random.default_rng(seed))
        np.testing.assert_allclose(fast.month[0], [month for month, _ in slow], rtol=1e-14)
        np.testing.assert_array_equal(fast.site[0], [site for _, site in slow])
        assert fast.screened[0] == screened


def test_months_to_full_follow_the_beta_prime_law() -> None:
    # Equal sites open at 0: T = gamma(N) / gamma(S alpha, scale m / alpha).
    plan = site_plan(np.zeros(10), rate=2.0, shape=1.5)
    months = recruit(plan, 8000, 60, np.random.default_rng(1)).month[:, -1]
    law = stats.betaprime(60, 15.0, scale=1.5 / 2.0)
    assert stats.kstest(months, law.cdf).pvalue > 0.001


def test_counts_have_the_expected_mean_and_variance() -> None:
    plan = site_plan(
        [0.0, 1.0, 3.0], rate=[5.0, 8.0, 4.0], shape=[2.0, 1.0, 5.0], ramp=[2.0, 0.0, 6.0],
        screen_failure=[0.2, 0.0, 0.4],
    )  # fmt: skip
    found = recruit(plan, 20_000, 250, np.random.default_rng(2)).month
    for when in (0.5, 2.0, 5.0):
        counts = (found <= when).sum(axis=1)
        mean, variance = (float(value[0]) for value in plan.expected([when]))
        assert abs(counts.mean() - mean) < 4 * np.sqrt(variance / 20_000)
        fourth = ((counts - counts.mean()) ** 4).mean()
        assert abs(counts.var() - variance) < 4 * np.sqrt((fourth - variance**2) / 20_000)


def test_screen_failure_and_thinning_meet_their_share() -> None:
    plan = site_plan([0.0, 0.0], rate=4.0, shape=2.0, screen_failure=0.3)
    found = recruit(plan, 3000, 50, np.random.default_rng(3))
    # Failures before the 50th success: negative binomial with mean 50 * .3 / .7.
    failures = found.screened - 50
    assert abs(failures.mean() - 150 / 7) < 4 * np.sqrt(50 * 0.3 / 0.7**2 / 3000)


def test_caps_of_sites_and_countries_hold() -> None:
    plan = site_plan(
        np.zeros(6), rate=3.0, shape=1.0, cap=10, country=[0, 0, 0, 1, 1, 1], country_cap=[12, 30]
    )
    found = recruit(plan, 200, 42, np.random.default_rng(4))
    assert plan.most == 42
    assert found.complete.all()
    for row in found.site:
        counts = np.bincount(row, minlength=6)
        assert counts.max() <= 10
        assert counts[:3].sum() == 12
    with pytest.raises(DesignError, match="let in 42"):
        recruit(plan, 1, 43, np.random.default_rng(4))


def test_posterior_is_the_gamma_posterior_by_quadrature() -> None:
    plan = site_plan([1.0], rate=2.0, shape=1.65, ramp=2.0, screen_failure=0.25)
    updated = posterior_plan(plan, InterimEnrolment(5.0, np.array([9])))
    grid = np.linspace(1e-6, 30, 400_001)
    exposure = 0.75 * (4.0 - 1.0)
    density = stats.gamma(1.65, scale=2.0 / 1.65).pdf(grid) * stats.poisson(grid * exposure).pmf(9)
    density /= density.sum()
    mean = (grid * density).sum()
    assert updated.rate[0] == pytest.approx(mean, rel=1e-6)
    assert updated.rate[0] ** 2 / updated.shape[0] == pytest.approx(
        ((grid - mean) ** 2 * density).sum(), rel=1e-5
    )


def test_forecast_from_an_interim_covers_at_its_level() -> None:
    plan = site_plan(np.linspace(0, 4, 12), rate=1.5, shape=1.2, ramp=0.5)
    truth = recruit(plan, 150, 120, np.random.default_rng(5))
    covered, widths, early = 0, [], []
    before = forecast_enrolment(plan, 2000, 120, np.random.default_rng(6)).interval(0.8)
    for r in range(150):
        month = 5.0
        counts = np.bincount(truth.site[r][truth.month[r] <= month], minlength=12)
        if counts.sum() >= 120:
            continue
        forecast = forecast_enrolment(
            plan, 400, 120, np.random.default_rng(100 + r), InterimEnrolment(month, counts)
        )
        low, _, high = forecast.interval(0.8)
        covered += low <= truth.month[r, -1] <= high
        widths.append(high - low)
        early.append(forecast.month[:, 0].min())
    error = np.sqrt(0.8 * 0.2 / len(widths))
    assert abs(covered / len(widths) - 0.8) < 4 * error
    assert np.mean(widths) < 0.8 * (before[2] - before[0])
    assert min(early) >= 5.0


def test_probability_of_being_full_by_a_month_is_the_quantile_turned_round() -> None:
    forecast = forecast_enrolment(site_plan([0.0], rate=3.0), 2000, 40, np.random.default_rng(8))
    low, middle, high = forecast.interval(0.8)
    found = [forecast.probability_by(month) for month in (low, middle, high)]
    assert found == pytest.approx([0.1, 0.5, 0.9], abs=1e-9)
    assert forecast.probability_by(forecast.month[:, -1].min() - 0.01) == 0.0


def test_interim_counts_use_up_caps() -> None:
    plan = site_plan([0.0, 0.0], rate=5.0, cap=[10, 40])
    found = recruit(plan, 50, 33, np.random.default_rng(7), InterimEnrolment(2.0, np.array([8, 9])))
    assert ((found.site == 0).sum(axis=1) == 2).all()
    with pytest.raises(DesignError, match="let in 33"):
        recruit(plan, 1, 34, np.random.default_rng(7), InterimEnrolment(2.0, np.array([8, 9])))


def test_fitted_rates_recover_the_law() -> None:
    generator = np.random.default_rng(8)
    exposure = generator.uniform(2, 12, size=4000)
    counts = generator.poisson(generator.gamma(1.65, 0.9 / 1.65, size=4000) * exposure)
    mean, shape, _ = fit_site_rates(counts, exposure)
    assert mean == pytest.approx(0.9, rel=0.06)
    assert shape == pytest.approx(1.65, rel=0.12)
    regular = fit_site_rates(np.full(10, 7), np.full(10, 3.5))
    assert regular[0] == pytest.approx(2.0)
    assert np.isinf(regular[1])


def test_planned_accrual_meets_its_expected_counts() -> None:
    plan = PlannedAccrual((5, 10, 20), (3, 3, 18))
    poisson = plan.arrivals(6000, 405, np.random.default_rng(9))
    even = plan.arrivals(1, 405, np.random.default_rng(9), "even")[0]
    uniform = plan.arrivals(6000, 405, np.random.default_rng(9), "uniform")
    for when, expected in ((1.0, 5.0), (6.0, 45.0), (12.0, 165.0), (15.0, 225.0)):
        assert (even <= when + 1e-9).sum() == expected
        counts = (poisson <= when).sum(axis=1)
        assert abs(counts.mean() - expected) < 4 * np.sqrt(expected / 6000)
        counts = (uniform <= when).sum(axis=1)
        assert abs(counts.mean() - expected) < 4 * np.sqrt(expected / 6000)


def test_accrual_waits_through_a_pause() -> None:
    even = PlannedAccrual((4, 0, 4), (1, 2, 1)).arrivals(1, 8, np.random.default_rng(1), "even")[0]
    np.testing.assert_allclose(even, [0.25, 0.5, 0.75, 1.0, 3.25, 3.5, 3.75, 4.0])


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: site_plan([0.0], rate=0.0), "rate[0]"),
        (lambda: site_plan([0.0, 1.0], rate=[1.0, float("nan")]), "rate[1]"),
        (lambda: site_plan([-1.0], rate=1.0), "activation"),
        (lambda: site_plan([0.0], rate=1.0, shape=0.0), "shape[0]"),
        (lambda: site_plan([0.0], rate=1.0, screen_failure=1.0), "screen_failure[0]"),
        (lambda: site_plan([0.0], rate=1.0, cap=0), "cap[0]"),
        (lambda: site_plan([0.0], rate=1.0, cap=2.5), "cap"),
        (lambda: site_plan([0.0, 1.0], rate=[1.0, 2.0, 3.0]), "rate"),
        (lambda: site_plan([0.0], rate=1.0, ramp=-1.0), "ramp[0]"),
        (lambda: posterior_plan(ONE, interim(1.0, 1, 2)), "enrolled"),
        (lambda: posterior_plan(LATE, interim(1.0, 2)), "enrolled[0]"),
        (lambda: fit_site_rates([0, 0], [1.0, 1.0]), "enrolled"),
        (lambda: fit_site_rates([1, 0], [1.0, 0.0]), "exposure"),
        (lambda: PlannedAccrual((0, 0), (1, 1)), "rates"),
        (lambda: PlannedAccrual((1,), (0,)), "durations"),
        (lambda: PlannedAccrual((5,), (2,)).arrivals(1, 11, chance(), "even"), "participants"),
        (lambda: forecast_enrolment(ONE, 10, 5, chance(), interim(9.0, 5)), "participants"),
    ],
)  # fmt: skip
def test_impossible_enrolment_is_refused(call, field: str) -> None:  # type: ignore[no-untyped-def]  # lambdas
    with pytest.raises(DesignError) as fault:
        call()
    assert fault.value.field == field

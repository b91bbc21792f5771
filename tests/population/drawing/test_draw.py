from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trialsim.population import draw_covariates, draw_eligible, read_card, solve_copula
from trialsim.protocol.eligibility import Criterion

COHORTS = Path(__file__).parents[3] / "cohorts"
EARLY = read_card(COHORTS / "alzheimers_early.toml")


def generator(key: int = 7) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=key))


def test_the_same_stream_gives_the_same_participants():
    first, second = draw_covariates(EARLY, 500, generator()), draw_covariates(EARLY, 500, generator())
    assert first.values.tobytes() == second.values.tobytes()
    assert first.names == EARLY.names


def test_more_participants_begin_with_the_fewer():
    few, many = draw_covariates(EARLY, 10, generator()), draw_covariates(EARLY, 500, generator())
    assert few.values.tobytes() == many.values[:10].tobytes()


def test_nobody_asked_nobody_drawn():
    assert draw_covariates(EARLY, 0, generator()).values.shape == (0, len(EARLY.names))
    nobody = draw_eligible(EARLY, 0, generator(), [])
    assert len(nobody.covariates) == 0
    assert nobody.screen_failure_rate == 0.0


def test_a_draw_equals_the_slow_obvious_transform():
    copula = solve_copula(EARLY)
    z = generator().standard_normal((200, len(copula.names))) @ np.linalg.cholesky(copula.latent).T
    slow = np.column_stack([law.from_latent(z[:, j]) for j, law in enumerate(copula.laws)])
    assert np.abs(draw_covariates(EARLY, 200, generator()).values - slow).max() < 1e-7


def test_the_eligible_meet_every_criterion_and_the_others_are_counted():
    criteria = [
        Criterion(covariate="mmse", at_least=24.0),
        Criterion(covariate="cdr_sb", at_least=1.5, at_most=4.0),
    ]
    draw = draw_eligible(EARLY, 70_000, generator(), criteria)
    assert len(draw.covariates) == 70_000
    assert draw.covariates.column("mmse").min() >= 24.0
    assert draw.covariates.column("cdr_sb").min() >= 1.5
    assert draw.covariates.column("cdr_sb").max() <= 4.0
    everyone = draw_covariates(EARLY, 300_000, generator(8))
    meets = (everyone.column("mmse") >= 24) & (np.abs(everyone.column("cdr_sb") - 2.75) <= 1.25)
    error = 5 * np.sqrt(meets.mean() * (1 - meets.mean()) * (1 / 300_000 + 1 / 131_072))
    assert draw.screen_failure_rate == pytest.approx(1 - meets.mean(), abs=error)


def test_without_criteria_the_eligible_are_everyone():
    draw = draw_eligible(EARLY, 300, generator(), [])
    assert draw.screen_failure_rate == 0.0
    assert draw.covariates.values.tobytes() == draw_covariates(EARLY, 300, generator()).values.tobytes()


def test_limits_belong_to_the_range():
    draw = draw_eligible(EARLY, 100, generator(), [Criterion(covariate="female", at_least=1.0)])
    assert (draw.covariates.column("female") == 1.0).all()


@pytest.mark.parametrize(
    ("name", "amount"), [("mmse", 0.5), ("cdr_sb", -0.5), ("faq", -0.5), ("female", 0.3), ("age", 1.0)]
)
def test_a_shift_moves_the_mean_by_so_many_sds_and_nothing_else(name, amount):
    n = 200_000
    law = solve_copula(EARLY).laws[EARLY.names.index(name)]
    shifted = draw_covariates(EARLY, n, generator(), shift={name: amount})
    plain = draw_covariates(EARLY, n, generator())
    mean = shifted.column(name).mean()
    assert mean == pytest.approx(law.mean + amount * law.sd, abs=5 * law.sd / np.sqrt(n))
    assert shifted.column(name).min() >= law.lower
    assert shifted.column(name).max() <= law.upper
    others = [other for other in EARLY.names if other != name]
    assert (shifted.select(others).values == plain.select(others).values).all()
    assert (np.sign(amount) * (shifted.column(name) - plain.column(name)) >= 0).all()

"""Populations and natural histories: how exact, how fast, and what the ADAS-Cog card gives."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np

from benchmarks.figure import Figure, seconds
from trialsim.disease import disease_model
from trialsim.population import attainable, draw_covariates, read_card
from trialsim.population.drawing.copula import LatentLaw, solve_latent_pair
from trialsim.population.laws.hermite import coefficients, latent_grid
from trialsim.population.laws.laws import BetaLaw, GammaLaw, Law, LognormalLaw, NormalLaw, StepLaw
from trialsim.population.laws.tabulated import fast
from trialsim.population.laws.truncated import solve_truncated_normal
from trialsim.streams import stream

COHORTS = Path(__file__).parents[1] / "cohorts"
LAWS = (
    NormalLaw(0.0, 1.0),
    LognormalLaw(24.7, 4.1),
    GammaLaw(10.0, 12.0),
    BetaLaw(7.2, 7.0, 0.0, 30.0),
    solve_truncated_normal(70.0, 8.0, 50.0, 90.0),
    StepLaw((0.0, 1.0), (0.7, 0.3)),
    StepLaw((0.0, 1.0), (0.98, 0.02)),
    StepLaw((0.0, 1.0, 2.0, 3.0), (0.1, 0.25, 0.4, 0.25)),
)
CONTINUOUS = 5
VARIABLES = 50
VISITS = np.array([0.0, 13.0, 26.0, 39.0, 52.0, 65.0, 78.0])


def conditional_correlation(first: LatentLaw, second: LatentLaw, latent: float) -> float:
    """Return the observed correlation by two nested sums, of which the solver knows nothing."""
    z, weights = latent_grid(first.law.cuts)
    inner, inner_weights = latent_grid()
    given = second.fast.from_latent(latent * z[:, None] + np.sqrt(1 - latent**2) * inner) @ inner_weights
    spread = first.law.sd * second.law.sd
    return float(weights @ ((first.law.from_latent(z) - first.law.mean) * given)) / spread


def _scaled(law: Law, factor: float) -> Law:
    """Return another law of the same kind, so that nothing is worked out twice."""
    match law:
        case NormalLaw(mean, sd):
            return NormalLaw(mean + factor, factor * sd)
        case LognormalLaw(mean, sd):
            return LognormalLaw(mean, factor * sd)
        case GammaLaw(mean, sd):
            return GammaLaw(mean, sd / factor)
        case BetaLaw(mean, sd, low, high):
            return BetaLaw(mean, sd / factor, low, high)
        case StepLaw(levels, shares):
            weights = np.asarray(shares) ** (1 / factor)
            return StepLaw(levels, tuple(float(one) for one in weights / weights.sum()))
        case _:
            return solve_truncated_normal(law.mean, law.sd / factor, law.lower, law.upper)


def correlation_solve() -> Iterator[Figure]:
    """Solve every pair of 8 margin types near its limits, then every pair of 50 variables for time."""
    prepared = [LatentLaw.of(law) for law in LAWS]
    errors = []
    for second in prepared[:CONTINUOUS]:
        for first in prepared:
            low, high = attainable(first.law, second.law)
            for asked in (0.97 * low, 0.1, 0.97 * high):
                latent = solve_latent_pair(first, second, asked).latent
                errors.append(abs(conditional_correlation(first, second, latent) - asked))
    yield Figure(
        "correlation_solve: largest error, by nested quadrature",
        max(errors),
        "",
        goal=1e-8,
        at_most=True,
        limit=f"{len(errors)} solves from 0.97 of one limit to 0.97 of the other",
    )
    laws = [_scaled(LAWS[i % len(LAWS)], 1 + i / VARIABLES) for i in range(VARIABLES)]

    def solve() -> None:
        # Past the cache of prepared laws: what is measured is the whole solve of 50 new variables.
        fresh = [LatentLaw(law, fast.__wrapped__(law), coefficients(law)) for law in laws]
        for first, second in combinations(fresh, 2):
            solve_latent_pair(first, second, 0.1)

    yield Figure(
        "correlation_solve: 1,225 pairs of 50 variables", seconds(solve, 3), "s", goal=1.0, at_most=True
    )


def draw_8() -> Iterator[Figure]:
    """Draw from the early Alzheimer's card, eight covariates, one core."""
    card = read_card(COHORTS / "alzheimers_early.toml")
    n = 1_000_000
    spent = seconds(lambda: draw_covariates(card, n, stream(1, "", 0, "register")), 3)
    yield Figure("draw_8: participants of 8 covariates", n / spent, "participants/s")


def disease_speed() -> Iterator[Figure]:
    """Natural history of 100,000 participants at 7 visits, and measurement of each value."""
    n = 100_000
    for name, cohort in (
        ("delor2013_cdr_sb", "alzheimers_early"),
        ("conrado2014_adas_cog", "alzheimers_mild_moderate"),
    ):
        model = disease_model(name)
        people = draw_covariates(read_card(COHORTS / f"{cohort}.toml"), n, stream(1, "", 0, "register"))
        course = model.draw_course(people, stream(1, "", 0, "disease"))
        natural, placebo = model.natural_history(course, VISITS), model.placebo_response(course, VISITS)
        spent = seconds(lambda m=model, c=course: m.natural_history(c, VISITS))
        yield Figure(
            f"disease_speed: {name}, natural history of 100,000 × 7", spent, "s", goal=0.5, at_most=True
        )
        generator = stream(1, "", 0, "outcome")
        spent = seconds(lambda m=model, a=natural, b=placebo, g=generator: m.measure(a, b, g))
        yield Figure(f"disease_speed: {name}, measure", 1e9 * spent / natural.size, "ns/value")


def adas_card() -> Iterator[Figure]:
    """Show what the ADAS-Cog card gives over 24 weeks before eligibility, placebo term 0, nothing tuned."""
    start = time.perf_counter()
    n = 400_000
    model = disease_model("conrado2014_adas_cog")
    people = draw_covariates(
        read_card(COHORTS / "alzheimers_mild_moderate.toml"), n, stream(1, "", 0, "register")
    )
    course = model.draw_course(people, stream(1, "", 0, "disease"))
    weeks = np.array([0.0, 24.0])
    scores = model.measure(
        model.natural_history(course, weeks),
        model.placebo_response(course, weeks),
        stream(1, "", 0, "outcome"),
    )
    change = scores[:, 1] - scores[:, 0]
    seen = f"{time.perf_counter() - start:.1f} s"
    for what, value, low, high, pilot in (
        ("mean change", change.mean(), 1.5, 2.7, "2.15"),
        ("SD of change", change.std(), 5.0, 6.5, "5.99"),
        ("baseline–week-24 correlation", np.corrcoef(scores.T)[0, 1], 0.85, 0.93, ".90"),
    ):
        peer = f"CDISC pilot, placebo: {pilot}"
        yield Figure(f"adas_card: {what}, at least", float(value), "", goal=low, peer=peer, limit=seen)
        yield Figure(f"adas_card: {what}, at most", float(value), "", goal=high, at_most=True, peer=peer)


BENCHMARKS = {
    "correlation_solve": correlation_solve,
    "draw_8": draw_8,
    "disease_speed": disease_speed,
    "adas_card": adas_card,
}

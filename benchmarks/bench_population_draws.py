"""Draws, eligibility, calibration and privacy: speed and limits of the population generator."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np

from benchmarks.figure import Figure, seconds
from trialsim.data import Covariates
from trialsim.population import (
    CohortCard,
    draw_calibrated,
    draw_covariates,
    draw_eligible,
    read_card,
    solve_copula,
)
from trialsim.population.card_files.reading import parse_card
from trialsim.population.cards.criteria import meets_criteria
from trialsim.population.drawing.sampler import Sampler
from trialsim.population.drawing.streaming import stream_to_parquet
from trialsim.population.individual_data.fitting import CardFacts, fit_card
from trialsim.population.individual_data.privacy import MembershipRisk, membership_risk
from trialsim.protocol.eligibility import Criterion
from trialsim.streams import stream

COHORTS = Path(__file__).parents[1] / "cohorts"
THREADS = 4
KINDS = (
    ("truncated_normal", {"mean": 70.0, "sd": 8.0, "lower": 50.0, "upper": 90.0}),
    ("binary", {"probability": 0.4}),
    ("beta", {"mean": 7.2, "sd": 7.0, "lower": 0.0, "upper": 30.0}),
    ("lognormal", {"mean": 24.7, "sd": 4.1}),
    ("gamma", {"mean": 10.0, "sd": 12.0}),
    ("normal", {"mean": 130.0, "sd": 18.0}),
    ("logit_normal", {"mean": 34.0, "sd": 19.0, "lower": 0.0, "upper": 100.0}),
)
FACTS = CardFacts("fitted", "Fitted", "simulated", "now", "simulated", "none")


def _number(value: float) -> dict[str, object]:
    return {"value": value, "source": "us", "evidence": "assumed"}


def _card(size: int) -> CohortCard:
    """Return a card of mixed margins, every pair correlated at .15."""
    names = [f"x{k}" for k in range(size)]
    margins = []
    for k, name in enumerate(names):
        kind, numbers = KINDS[k % len(KINDS)]
        fields = {field: _number(value) for field, value in numbers.items()}
        margins.append({"name": name, "label": name, "kind": kind, **fields})
    return parse_card(
        {
            "name": "mixed",
            "title": "mixed",
            "population": "simulated",
            "period": "now",
            "n": 1,
            "describes": "source",
            "sources": {"us": {"citation": "us", "licence": "none", "read": True}},
            "margins": margins,
            "correlations": [{"between": list(pair), **_number(0.15)} for pair in combinations(names, 2)],
        }
    )


def _streamed(size: int, goal: float) -> Iterator[Figure]:
    card = _card(size)
    n = 2_000_000 if size < 10 else 600_000
    name = f"draw_{size}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "participants.parquet"

        def draw(count: int) -> None:
            stream_to_parquet(card, count, stream(1, "", 0, "register"), file, threads=THREADS)

        spent = seconds(lambda: draw(n), 3)
        yield Figure(
            f"{name}: participants of {size} covariates into Parquet, {THREADS} threads",
            n / spent,
            "participants/s",
            goal=goal,
            limit=f"every pair correlated; {file.stat().st_size / n:.0f} bytes a participant",
        )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        draw(4 * n)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        yield Figure(
            f"{name}: growth of memory from {n:,} to {4 * n:,} participants",
            grown,
            "MB",
            goal=100,
            at_most=True,
        )


def draw_6() -> Iterator[Figure]:
    """Stream participants of six covariates to Parquet."""
    yield from _streamed(6, 1_000_000)


def draw_20() -> Iterator[Figure]:
    """Stream participants of twenty covariates to Parquet."""
    yield from _streamed(20, 200_000)


def eligibility() -> Iterator[Figure]:
    """Draw eligible participants at about 0.1 % prevalence, against refusing candidates."""
    card = read_card(COHORTS / "alzheimers_early.toml")
    sets = {
        "three limits": [("mmse", None, 22.6), ("cdr_sb", 5.0, None), ("age", None, 61.0)],
        "four limits, two of them steps": [
            ("mmse", None, 23.2),
            ("cdr_sb", 5.6, None),
            ("female", 1.0, None),
            ("apoe4_carrier", None, 0.0),
        ],
        "boxes": [("age", 60.0, 66.0), ("adas_cog", 20.0, 24.0), ("faq", 2.0, 5.0), ("mmse", 24.0, 28.0)],
    }
    sampler = Sampler.of(solve_copula(card))
    for words, limits in sets.items():
        criteria = [Criterion(covariate=c, at_least=low, at_most=high) for c, low, high in limits]
        n = 200_000
        drawn = draw_eligible(card, n, stream(1, "", 0, "register"), criteria)
        share = 1 - drawn.screen_failure_rate

        def conditioned(c: list[Criterion] = criteria, count: int = n) -> None:
            draw_eligible(card, count, stream(1, "", 0, "register"), c)

        quick = seconds(conditioned, 3) / n
        generator = stream(2, "", 0, "register")

        def candidates(c: list[Criterion] = criteria, g: np.random.Generator = generator) -> None:
            values = sampler.draw(65_536, g)
            values[meets_criteria(card.names, c, values).all(axis=1)]

        slow = seconds(candidates, 5) / (65_536 * share)
        yield Figure(
            f"eligibility: times faster than rejection, {words}",
            slow / quick,
            "×",
            goal=100,
            peer=f"rejection {1 / slow:,.0f}/s, conditioning {1 / quick:,.0f}/s",
            limit=f"prevalence {share:.3%} ± {drawn.screen_failure_error / share:.2%} of itself",
        )


def card_rounding() -> Iterator[Figure]:
    """Tilt a draw from every shipped card to its printed numbers."""
    outside, least, worst = 0, 1.0, ""
    printed = 0
    start = time.perf_counter()
    for path in sorted(COHORTS.glob("*.toml")):
        drawn = draw_calibrated(read_card(path), 100_000, stream(1, "", 0, "register"))
        printed += len(drawn.certificate)
        outside += int((~drawn.certificate["within_rounding"]).sum())
        if drawn.effective_share < least:
            least, worst = drawn.effective_share, path.stem
    spent = f"{time.perf_counter() - start:.1f} s for all cards, 100,000 participants each"
    yield Figure(
        "card_rounding: printed numbers missed",
        outside,
        "",
        goal=0,
        at_most=True,
        limit=f"of {printed} on {len(list(COHORTS.glob('*.toml')))} cards; {spent}",
    )
    yield Figure("card_rounding: smallest effective share", least, "", goal=0.99, limit=worst)


def membership() -> Iterator[Figure]:
    """Attack fitted cards and copies: tell 100 training participants from 100 others."""
    rng = stream(1, "", 0, "bootstrap")
    card = read_card(COHORTS / "heart_failure.toml")
    everyone = draw_covariates(card, 30_000, stream(1, "", 0, "register"))
    fitted, copied, full = [], [], []
    for _ in range(60):
        rows = rng.choice(len(everyone), 300, replace=False)
        # Only the continuous covariates: rare categories of 100 participants are refused by `fit`.
        people = everyone.select(["age", "lvef", "nt_probnp", "sbp", "egfr", "bmi"]).take(rows)
        training, holdout, other = (people.take(np.arange(100) + 100 * k) for k in range(3))
        fitted.append(_attack(training, holdout, other, rng, 100).auc)
        copy = training.take(rng.integers(100, size=1000))
        copied.append(membership_risk(training, holdout, copy, other.take(rng.integers(100, size=1000))).auc)
        full.append(_attack(training, holdout, other, rng, 2000).auc)
    error = float(np.std(fitted) / np.sqrt(len(fitted)))
    yield Figure(
        "membership: AUC against a fitted card, 100 participants",
        float(np.mean(fitted)),
        "",
        goal=0.56,
        at_most=True,
        limit=f"± {1.96 * error:.3f} over {len(fitted)} repeats; ½ is guessing",
    )
    yield Figure(
        "membership: the same with 2,000 synthetic participants",
        float(np.mean(full)),
        "",
        goal=0.56,
        at_most=True,
    )
    yield Figure("membership: AUC against a bootstrap copy", float(np.mean(copied)), "", goal=0.95)


def _attack(
    training: Covariates, holdout: Covariates, other: Covariates, rng: np.random.Generator, n: int
) -> MembershipRisk:
    made = draw_covariates(fit_card(training.to_frame(), FACTS), n, rng)
    reference = draw_covariates(fit_card(other.to_frame(), FACTS), n, rng)
    return membership_risk(training, holdout, made, reference)


BENCHMARKS = {
    "draw_6": draw_6,
    "draw_20": draw_20,
    "eligibility": eligibility,
    "card_rounding": card_rounding,
    "membership": membership,
}

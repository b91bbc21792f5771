"""Noise has its stated law and size, errors hold it, and no one person moves a sum by more than is said."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.analysis.federated.test_federated import SITES, fitted, people
from tests.analysis.federated.test_masks import keys_of
from trialsim.analysis.federated import FederatedResult, Noise, Question, answer, ask, combine, mask
from trialsim.analysis.federated.blurred import _steps, blurred_sums, noise_of, scaled_values
from trialsim.analysis.federated.messages import Answer, read_message, to_json
from trialsim.analysis.federated.noise import discrete_gaussian, noise_sd, sensitivity
from trialsim.errors import AnalysisError

BOUNDS = (("age", 40.0, 90.0), ("sex", 0.0, 1.0))
SCORE = ("score", -5.0, 3.0)


def inside(size: int = 900) -> pd.DataFrame:
    """Return people whose values lie within the bounds, so that nobody is moved."""
    return people(size=size).assign(
        age=lambda d: d["age"].clip(40, 90), score=lambda d: d["score"].clip(-5, 3)
    )


def asked(family: str, rho: float = 0.05, rounds: int = 4, site_effects: bool = False, **more) -> Question:
    if family == "gaussian":
        noise = Noise((*BOUNDS, SCORE), rho, 1, 1e-6)
        return ask(family, "score", ["age", "sex"], SITES, site_effects=site_effects, noise=noise, **more)
    noise = Noise(BOUNDS, rho, rounds, 1e-6)
    return ask(family, "died", ["age", "sex"], SITES, site_effects=site_effects, noise=noise, **more)


def blurred(question: Question, data: pd.DataFrame, chance: random.Random) -> list[Answer]:
    found = []
    for site in data["site"].unique():
        own = data[data["site"] == site]
        values = scaled_values(
            question.noise, {name: own[name].to_numpy(float) for name in own if name != "site"}
        )
        effects = [
            np.full(len(own), float(site == other)) for other in question.sites[1:] if question.site_effects
        ]
        x = np.column_stack([np.ones(len(own)), values["age"], values["sex"], *effects])
        found.append(blurred_sums(question, values[question.outcome], x, site, chance.randrange))
    return found


def fitted_blurred(question: Question, data: pd.DataFrame, chance: random.Random) -> FederatedResult:
    for _ in range(26):
        found = combine(question, blurred(question, data, chance))
        if isinstance(found, FederatedResult):
            return found
        question = found
    raise AssertionError("no end")


@pytest.mark.parametrize("sigma_2", [Fraction(1, 4), Fraction(1), Fraction(27, 5)])
def test_the_discrete_gaussian_has_its_law(sigma_2: Fraction) -> None:
    """By its definition: probabilities in proportion to exp(-k²/(2σ²)), summed over all k."""
    chance, draws = random.Random(7), 20_000
    seen = np.array([discrete_gaussian(sigma_2, chance.randrange) for _ in range(draws)])
    k = np.arange(-8, 9)
    mass = np.exp(-(k**2) / (2 * float(sigma_2)))
    expected = draws * mass / mass.sum()
    enough = expected > 5
    counts = np.array([(seen == one).sum() for one in k])[enough]
    assert stats.chisquare(counts, expected[enough] * counts.sum() / expected[enough].sum()).pvalue > 1e-3


def test_the_discrete_gaussian_of_many_steps_is_the_gaussian() -> None:
    chance, sigma = random.Random(8), 2**43
    seen = (
        np.array([float(discrete_gaussian(Fraction(sigma**2), chance.randrange)) for _ in range(4000)])
        / sigma
    )
    assert stats.kstest(seen, "norm").pvalue > 1e-3


@pytest.mark.parametrize("family", ["gaussian", "logistic"])
@pytest.mark.parametrize("site_effects", [True, False])
def test_no_person_moves_the_sums_by_more_than_the_sensitivity(family: str, site_effects: bool) -> None:
    """Corners and random people, far beyond the bounds too: what each adds to all sums."""
    rng = np.random.default_rng(5)
    question = asked(family, site_effects=site_effects)
    most = sensitivity(family, 2, site_effects)
    corners = list(itertools.product([-1e9, 40.0, 90.0, 1e9], [0.0, 1.0], [-1e9, 0.0, 1.0, 1e9]))
    anybody = [(rng.uniform(40, 90), rng.random(), rng.integers(0, 2)) for _ in range(50)]
    largest = 0.0
    for age, sex, outcome in [*corners, *anybody]:
        value = outcome if family == "gaussian" else float(outcome > 0)
        raw = {"age": np.array([age]), "sex": np.array([sex]), question.outcome: np.array([value])}
        values = scaled_values(question.noise, raw)
        own = [np.ones(1), np.zeros(1)] if site_effects else []
        x = np.column_stack([np.ones(1), values["age"], values["sex"], *own])
        for scale in (0.0, 1.0, 30.0):
            beta = () if family == "gaussian" else tuple(scale * rng.standard_normal(x.shape[1]))
            at = replace(question, coefficients=beta or question.coefficients)
            moved = np.linalg.norm(_steps(at, values[question.outcome], x) / 2.0**40)
            largest = max(largest, float(moved))
    assert largest <= most * (1 + 1e-9)
    assert largest > 0.75 * most  # the bound is not idle


def test_the_noise_has_the_stated_size_and_is_shared_behind_masks() -> None:
    data, chance = people(), random.Random(3)
    question = asked("gaussian", rho=0.1)
    _, public = keys_of(SITES)
    shared = asked("gaussian", rho=0.1, keys=public)
    sigma = noise_sd(sensitivity("gaussian", 2, False), 0.1)
    assert noise_of(question) == pytest.approx(sigma, rel=1e-8)
    north = data[data["site"] == "north"]
    for one, wanted in ((question, sigma), (shared, sigma / math.sqrt(3))):
        seen = np.array([blurred(one, north, chance)[0].score for _ in range(200)])
        exact = seen.mean(axis=0)
        variance = ((seen - exact) ** 2).sum() / (seen.size - 3)
        assert math.sqrt(variance) == pytest.approx(wanted, rel=4 / math.sqrt(2 * seen.size))


@pytest.mark.parametrize("family", ["gaussian", "logistic"])
def test_errors_hold_the_noise(family: str) -> None:
    """Over many draws of noise the estimates lie about those without it, as far as errors say."""
    data, chance = inside(3000), random.Random(11)
    question = asked(family, rho=0.3)
    plain = fitted(replace(question, noise=None), data).frame["estimate"]
    runs = [fitted_blurred(question, data, chance).frame for _ in range(80)]
    for frame in runs[:1]:
        assert list(frame.columns[:4]) == ["coefficient", "estimate", "standard_error", "without_noise"]
    z = np.array([
        (frame["estimate"] - plain) / np.sqrt(frame["standard_error"] ** 2 - frame["without_noise"] ** 2)
        for frame in runs
    ])  # fmt: skip
    assert np.abs(z.mean(axis=0)).max() < 4 / math.sqrt(80)
    assert np.all(np.abs(z.var(axis=0) - 1) < 4 * math.sqrt(2 / 80))


@pytest.mark.parametrize(("family", "site_effects"), [("gaussian", True), ("logistic", False)])
def test_with_hardly_any_noise_the_model_is_the_pooled_one(family: str, site_effects: bool) -> None:
    question = asked(family, rho=1e9, rounds=8, site_effects=site_effects)
    found = fitted_blurred(question, inside(), random.Random(1))
    plain = fitted(replace(question, noise=None), inside())
    np.testing.assert_allclose(found.frame["estimate"], plain.frame["estimate"], rtol=1e-4)
    np.testing.assert_allclose(found.frame["standard_error"], plain.frame["standard_error"], rtol=1e-4)
    assert "rho" in str(found)
    assert "times as large" in str(found)


def test_masks_and_noise_together_from_answer_to_model() -> None:
    data, (private, public) = inside(3000), keys_of(SITES)
    question = asked("gaussian", rho=0.5, keys=public)
    said = [
        mask(question, answer(question, data[data["site"] == site], site), private[site])
        for site in question.sites
    ]
    found = combine(question, said)
    assert isinstance(found, FederatedResult)
    plain = fitted(replace(question, noise=None, keys=()), data)
    far = np.abs(found.frame["estimate"] - plain.frame["estimate"]) / found.frame["standard_error"]
    assert far.max() < 6  # chance of the operating system: fails once in a hundred million
    assert list(found.sites.columns) == ["site"]
    assert abs(found.participants - 3000) < 6 * noise_of(question)


def test_nothing_exact_is_told_beside_noise() -> None:
    data = people()
    data.loc[data.index[:50], "age"] = np.nan
    own = data[data["site"] == "north"]
    said = [answer(asked("logistic"), own, "north") for _ in range(8)]
    assert {one.left_out for one in said} == {0}
    assert {one.deviance for one in said} == {0.0}
    assert len({one.participants for one in said}) > 1
    assert len({one.information[0][0] for one in said}) == 8


@pytest.mark.parametrize(
    ("noise", "says"),
    [
        (Noise(BOUNDS[:1], 0.1, 4, 1e-6), "sex.*needs one bound|needs one bound"),
        (Noise((*BOUNDS, BOUNDS[0]), 0.1, 4, 1e-6), "needs one bound"),
        (Noise((*BOUNDS, ("weight", 0.0, 1.0)), 0.1, 4, 1e-6), "needs one bound"),
        (Noise((BOUNDS[0], ("sex", 1.0, 1.0)), 0.1, 4, 1e-6), "finite LOW below HIGH"),
        (Noise((BOUNDS[0], ("sex", 0.0, math.inf)), 0.1, 4, 1e-6), "finite LOW below HIGH"),
        (Noise(BOUNDS, 0.0, 4, 1e-6), "noise.rho: must be above 0"),
        (Noise(BOUNDS, math.nan, 4, 1e-6), "noise.rho: must be above 0"),
        (Noise(BOUNDS, 0.1, 4, 1.0), "noise.delta: must be between"),
        (Noise(BOUNDS, 0.1, 1, 1e-6), "noise.rounds: must be 1 for a gaussian"),
        (Noise(BOUNDS, 0.1, 26, 1e-6), "noise.rounds: must be a whole number"),
    ],
)
def test_noise_that_cannot_be_is_refused(noise: Noise, says: str) -> None:
    with pytest.raises(AnalysisError, match=says):
        ask("logistic", "died", ["age", "sex"], SITES, noise=noise)


def test_counts_without_bound_and_sums_that_noise_drowns_are_refused() -> None:
    with pytest.raises(AnalysisError, match="has no noise that is served"):
        ask("poisson", "visits", ["age", "sex"], SITES, noise=Noise(BOUNDS, 0.1, 4, 1e-6))
    with pytest.raises(AnalysisError, match="is drowned by noise"):
        fitted_blurred(asked("logistic", rho=1e-5), people(), random.Random(1))


def test_a_noisy_question_reads_back(tmp_path) -> None:
    path = tmp_path / "q.json"
    question = asked("logistic")
    path.write_text(to_json(question))
    assert read_message(path, Question) == question
    path.write_text(to_json(question).replace('"rho": 0.05', '"rho": -1'))
    with pytest.raises(AnalysisError, match=r"q\.json|noise\.rho"):
        read_message(path, Question)

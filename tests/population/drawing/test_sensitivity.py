"""How far answers rest on families and on unknown correlations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trialsim.population import correlation_sensitivity, family_sensitivity, read_card, solve_copula
from trialsim.population.drawing.sensitivity import alternatives, unknown_correlations

EARLY = read_card(Path(__file__).parents[3] / "cohorts" / "alzheimers_early.toml")


def generator() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=5))


def test_other_families_have_the_same_moments():
    for margin in EARLY.margins:
        for other in alternatives(margin):
            assert other.kind != margin.kind
            assert other.law().mean == pytest.approx(margin.law().mean, rel=1e-8)
            assert other.law().sd == pytest.approx(margin.law().sd, rel=1e-7)


def test_a_tail_depends_on_the_family_and_a_mean_does_not():
    tail = family_sensitivity(
        EARLY, lambda people: float((people.column("faq") > 25).mean()), 40_000, generator()
    )
    assert tail.loc[tail["covariate"] == "faq", "difference"].abs().max() > 0.002
    assert tail.loc[tail["covariate"] == "age", "difference"].abs().max() < 0.001
    mean = family_sensitivity(EARLY, lambda people: float(people.column("faq").mean()), 40_000, generator())
    assert mean["difference"].abs().max() < 0.05


def test_known_correlations_stay_and_the_others_move():
    copula = solve_copula(EARLY)
    matrices = np.stack(list(unknown_correlations(EARLY, copula, generator(), draws=200)))
    assert min(np.linalg.eigvalsh(one)[0] for one in matrices) > 0
    at = EARLY.names.index
    known = matrices[:, at("cdr_sb"), at("hippocampal_volume")]
    assert np.ptp(known) == 0
    assumed = matrices[:, at("cdr_sb"), at("faq")]
    assert assumed.std() == pytest.approx(0.13, abs=0.05)
    assert assumed.mean() == pytest.approx(copula.latent[at("cdr_sb"), at("faq")], abs=0.08)


def test_with_nothing_known_the_prior_is_that_of_lewandowski_kurowicka_and_joe():
    margins = EARLY.margins[:4]
    card = EARLY.model_copy(update={"margins": margins, "correlations": ()})
    draws = unknown_correlations(card, solve_copula(card), generator(), draws=2500, concentration=2.0)
    r = np.stack(list(draws))[:, 0, 2]
    # r = 2B − 1, B ~ Beta(η − 1 + d/2, η − 1 + d/2): variance 1/(2η + d − 1).
    assert r.var() == pytest.approx(1 / 7, rel=0.12)
    assert abs(r.mean()) < 0.05


def test_the_answer_spreads_over_what_is_assumed():
    def explained(people):
        return float(np.corrcoef(people.column("faq"), people.column("cdr_sb"))[0, 1] ** 2)

    frame = correlation_sensitivity(EARLY, explained, 5000, generator(), draws=30)
    assert frame.loc[0, "answer"] == pytest.approx(0.55**2, abs=0.04)
    assert frame["answer"].quantile(0.9) - frame["answer"].quantile(0.1) > 0.1

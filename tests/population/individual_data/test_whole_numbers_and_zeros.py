"""Whole numbers stay whole, zeros stay zeros, and a fitted card takes in the data that it was learnt from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

from trialsim.errors import CardError
from trialsim.population import check_card, draw_covariates, read_card
from trialsim.population.association.pairs import solve_pair
from trialsim.population.card_files.writing import write_card
from trialsim.population.cards.associations import grade
from trialsim.population.individual_data.fitting import CardFacts, fit_card
from trialsim.population.laws.laws import NormalLaw
from trialsim.population.laws.whole import whole_law
from trialsim.population.laws.zero_inflated import zero_inflated_law
from trialsim.study.people.against_card import hold_against

FACTS = CardFacts("tiny", "Tiny", "nobody", "never", "simulated", "none")


@pytest.mark.parametrize(
    ("shape", "mean", "sd", "more"),
    [
        ("normal", 72.3, 8.1, {"lower": 0.0}), ("normal", 4.0, 3.5, {"lower": 0.0}),
        ("normal", 26.0, 3.0, {"lower": 0.0, "upper": 30.0}), ("normal", -1.5, 6.0, {}),
        ("gamma", 7.5, 9.0, {"zeros": 0.4, "lower": 0.0}), ("lognormal", 9.2, 8.0, {"lower": 0.0}),
        ("beta", 24.0, 5.5, {"lower": 0.0, "upper": 30.0}),
    ],
)  # fmt: skip
def test_whole_laws_have_the_moments_asked(shape, mean, sd, more) -> None:
    law = whole_law(shape, mean, sd, **more)
    levels, shares = np.array(law.levels), np.array(law.probabilities)
    assert (levels == np.round(levels)).all()
    assert shares.sum() == pytest.approx(1, abs=1e-12)
    assert levels @ shares == pytest.approx(mean, abs=1e-6)
    assert np.sqrt((levels - mean) ** 2 @ shares) == pytest.approx(sd, abs=1e-6)
    assert levels.min() >= more.get("lower", -np.inf)
    assert levels.max() <= more.get("upper", np.inf)
    if "zeros" in more:
        assert law.probabilities[0] == pytest.approx(more["zeros"], abs=1e-12)


def test_a_whole_normal_law_far_from_its_limits_is_the_rounded_normal_with_sheppards_sd() -> None:
    law = whole_law("normal", 70.0, 8.0, lower=0.0)
    sd = np.sqrt(64 - 1 / 12)
    edges = np.array(law.levels)[:, None] + [-0.5, 0.5]
    np.testing.assert_allclose(
        law.probabilities, np.diff(stats.norm.cdf(edges, 70, sd), axis=1)[:, 0], atol=1e-9
    )


def test_what_no_whole_law_can_be_is_refused() -> None:
    with pytest.raises(CardError, match="needs a larger SD"):
        whole_law("gamma", 7.5, 2.0, zeros=0.4, lower=0.0)
    with pytest.raises(CardError, match="nearly continuous"):
        whole_law("normal", 5000.0, 900.0)
    with pytest.raises(CardError, match="inside its limits"):
        whole_law("normal", 40.0, 3.0, lower=0.0, upper=30.0)


@pytest.mark.parametrize("shape", ["gamma", "lognormal"])
def test_zero_inflated_moments_and_quantiles_are_those_of_the_mixture(shape: str) -> None:
    law = zero_inflated_law(shape, 15.0, 20.0, 0.4)
    above = 15 / 0.6, np.sqrt((400 + 225) / 0.6 - 625)
    if shape == "gamma":
        positive = stats.gamma((above[0] / above[1]) ** 2, scale=above[1] ** 2 / above[0])
    else:
        spread = np.sqrt(np.log1p((above[1] / above[0]) ** 2))
        positive = stats.lognorm(spread, scale=above[0] * np.exp(-(spread**2) / 2))
    assert 0.6 * positive.mean() == pytest.approx(15, rel=1e-12)
    assert 0.6 * (positive.var() + positive.mean() ** 2) - 225 == pytest.approx(400, rel=1e-9)
    u = np.array([0.01, 0.39, 0.41, 0.7, 0.99, 1 - 1e-9])
    expected = np.where(u <= 0.4, 0.0, positive.ppf((u - 0.4) / 0.6))
    np.testing.assert_allclose(law.from_latent(special.ndtri(u)), expected, rtol=1e-6)
    g = grade(law)
    mean, square = (
        integrate.quad(lambda z, p=p: g.from_latent(np.array([z]))[0] ** p * stats.norm.pdf(z), -9, 9,
                       points=[special.ndtri(0.4)], limit=200)[0] for p in (1, 2)
    )  # fmt: skip
    assert (g.mean, g.sd**2) == pytest.approx((mean, square - mean**2), abs=1e-7)


def test_a_correlation_with_a_zero_inflated_margin_comes_out_in_a_draw() -> None:
    law, other = zero_inflated_law("gamma", 15.0, 20.0, 0.4), NormalLaw(0.0, 1.0)
    solution = solve_pair(law, other, 0.5)
    assert solution.achieved == pytest.approx(0.5, abs=1e-9)
    z = np.random.default_rng(4).standard_normal((2, 400_000))
    second = solution.latent * z[0] + np.sqrt(1 - solution.latent**2) * z[1]
    drawn = np.corrcoef(law.from_latent(z[0]), second)[0, 1]
    assert drawn == pytest.approx(0.5, abs=4 * 1.2 / np.sqrt(z.shape[1]))


def individuals(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    packs = np.where(rng.random(n) < 0.35, 0.0, np.round(rng.gamma(1.5, 20.0, n), 1))
    return pd.DataFrame(
        {
            "age": np.round(rng.normal(66, 9, n)),
            "pack_years": packs,
            "crp": np.round(np.exp(rng.normal(0.5, 1.1, n)), 2),
            "relapses": rng.negative_binomial(1.2, 0.08, n),
            "prev_exac": rng.negative_binomial(1.4, 0.5, n).clip(max=8),
            "mmse": np.round(30 - rng.gamma(2.0, 2.5, n)).clip(0, 30),
        }
    )


def test_a_fitted_card_draws_whole_numbers_zeros_and_nothing_below_zero(tmp_path) -> None:
    frame = individuals()
    card = fit_card(frame, FACTS, limits={"mmse": (0.0, 30.0)})
    write_card(card, tmp_path / "tiny.toml")
    assert read_card(tmp_path / "tiny.toml").content_hash() == card.content_hash()
    certificate = check_card(card)
    assert certificate["error"].abs().max() < 1e-5
    assert certificate.query("what == 'zeros'")["achieved"].iloc[0] == pytest.approx(
        (frame["pack_years"] == 0).mean(), abs=1e-4
    )
    drawn = draw_covariates(card, 20_000, np.random.default_rng(2)).to_frame()
    assert drawn.to_numpy().min() >= 0
    for name in ("age", "relapses", "prev_exac", "mmse"):
        assert (drawn[name] == drawn[name].round()).all(), name
    assert drawn["mmse"].max() <= 30
    share = (frame["pack_years"] == 0).mean()
    assert (drawn["pack_years"] == 0).mean() == pytest.approx(
        share, abs=4 * np.sqrt(share * (1 - share) / 20_000)
    )
    for name in ("age", "pack_years", "relapses", "mmse"):
        # Means of the draw are those of the data, as far as four digits and chance allow.
        error = 4 * drawn[name].std() / np.sqrt(20_000) + 1e-3 * frame[name].mean()
        assert drawn[name].mean() == pytest.approx(frame[name].mean(), abs=error), name


def test_the_data_of_a_fitted_card_are_never_refused_by_it(recwarn) -> None:
    frame = individuals()
    assert (frame["prev_exac"].value_counts() < 11).any()
    card = fit_card(frame, FACTS)
    margins = {margin.name: margin for margin in card.margins}
    assert margins["prev_exac"].joined
    for name in frame:
        hold_against(margins[name], frame[name].to_numpy(float), name, "history.csv")


def test_counts_keep_their_zeros_when_an_outlier_stretches_the_column() -> None:
    frame = individuals().assign(relapses=lambda data: data["relapses"].where(data.index > 0, 400))
    margin = next(one for one in fit_card(frame, FACTS).margins if one.name == "relapses")
    hold_against(margin, frame["relapses"].to_numpy(float), "relapses", "history.csv")

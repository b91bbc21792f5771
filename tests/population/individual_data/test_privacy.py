"""Privacy measures see copies, and do not see strangers."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from scipy import stats

from trialsim.data import Covariates
from trialsim.errors import InputError
from trialsim.population import draw_covariates
from trialsim.population.individual_data import release
from trialsim.population.individual_data.fitting import CardFacts, fit_card
from trialsim.population.individual_data.privacy import (
    closer_to_training,
    delong,
    membership_risk,
    nearest_record_distances,
    released_counts,
    unique_key_rates,
)
from trialsim.population.individual_data.release import (
    private_release,
    quadrant_correlation,
    quadrant_slope,
    zcdp_budget,
)

FACTS = CardFacts("tiny", "Tiny", "nobody", "never", "simulated", "none")
NAMES = ("age", "bmi", "sbp", "score")
ROOT = np.linalg.cholesky(np.full((4, 4), 0.3) + 0.7 * np.eye(4))


def people(rng: np.random.Generator, n: int) -> Covariates:
    return Covariates(
        NAMES, np.array([70, 27, 130, 20]) + np.array([8, 4, 15, 6]) * (rng.standard_normal((n, 4)) @ ROOT.T)
    )


def test_fitted_cards_hide_members_and_copies_do_not():
    rng = np.random.default_rng(1)
    fitted, copied = [], []
    for _ in range(12):
        training, holdout, other = people(rng, 100), people(rng, 100), people(rng, 100)
        made = draw_covariates(fit_card(training.to_frame(), FACTS), 100, rng)
        reference = draw_covariates(fit_card(other.to_frame(), FACTS), 100, rng)
        fitted.append(membership_risk(training, holdout, made, reference).auc)
        copy = training.take(rng.integers(100, size=100))
        copied.append(membership_risk(training, holdout, copy, other.take(rng.integers(100, size=100))))
    assert np.mean(fitted) < 0.56
    assert np.mean([risk.auc for risk in copied]) > 0.75
    full = membership_risk(training, holdout, training, reference)
    assert full.auc > 0.95
    assert full.low > 0.9
    assert full.true_positive_rate == 1.0


def test_delong_equals_the_mann_whitney_statistic_and_a_bootstrap():
    rng = np.random.default_rng(2)
    a, b = rng.normal(0.5, 1, 80), rng.normal(0, 1, 120).round(1)
    auc, error = delong(a, b)
    assert auc == pytest.approx(stats.mannwhitneyu(a, b).statistic / (80 * 120), abs=1e-12)
    draws = [delong(rng.choice(a, 80), rng.choice(b, 120))[0] for _ in range(2000)]
    assert error == pytest.approx(np.std(draws), rel=0.08)


def test_copies_lie_closer_to_the_training_set():
    rng = np.random.default_rng(3)
    training, holdout = people(rng, 300), people(rng, 300)
    assert closer_to_training(training, holdout, training) == 1.0
    assert closer_to_training(training, holdout, people(rng, 2000)) == pytest.approx(0.5, abs=0.06)
    frame = nearest_record_distances(training, people(rng, 300))
    assert frame["distance_synthetic"].iloc[-1] == pytest.approx(frame["distance_real"].iloc[-1], rel=0.2)
    assert nearest_record_distances(training, training)["distance_synthetic"].max() == 0.0


def test_ties_count_half():
    training = Covariates(("sex",), np.repeat([[0.0], [1.0]], 20, axis=0))
    assert closer_to_training(training, training, training) == 0.5


def test_unique_keys_are_counted_by_hand():
    real = Covariates(("age", "sex"), np.array([[60, 0], [61, 0], [61, 1], [70, 1.0], [70, 1]]))
    fake = Covariates(("age", "sex"), np.array([[61, 1], [61, 0], [61, 0], [80, 1.0]]))
    assert unique_key_rates(real, fake, ["age", "sex"]) == {
        "unique_in_real": 3 / 5, "unique_in_synthetic": 2 / 4, "replicated_unique": 1 / 5,
    }  # fmt: skip


def test_cells_below_eleven_are_not_released_and_do_not_follow_from_the_total():
    one_small = Covariates(("stage",), np.repeat([[1.0], [2.0], [3.0]], [40, 10, 30], axis=0))
    counts = released_counts(one_small, ["stage"])["count"]
    assert counts.isna().sum() == 2
    assert counts.iloc[0] == 40
    none_small = Covariates(("stage",), np.repeat([[1.0], [2.0]], [40, 11], axis=0))
    assert released_counts(none_small, ["stage"])["count"].tolist() == [40.0, 11.0]


# Differentially private release


@pytest.fixture
def gaussian(monkeypatch):
    """Stand in for OpenDP's discrete Gaussian, so that accounting and inversion are tested without it."""
    rng = np.random.default_rng(5)
    monkeypatch.setattr(
        release,
        "_mechanism",
        lambda sigma: lambda counts: np.rint(counts + sigma * rng.standard_normal(len(counts))).astype(int),
    )


EDGES = {
    name: centre + spread * np.linspace(-4, 4, 17)
    for name, centre, spread in zip(NAMES, (70, 27, 130, 20), (8, 4, 15, 6), strict=True)
}
CUTS = dict(zip(NAMES, (70.0, 27.0, 130.0, 20.0), strict=True))


def test_budget_of_reference_populations_zcdp():
    assert zcdp_budget(1.0, 1e-6) == pytest.approx(0.0174689047691, rel=1e-10)
    assert zcdp_budget(3.0, 1e-6) == pytest.approx(0.14726389008, rel=1e-10)


def test_the_budget_is_spent_exactly_and_correlations_come_back(gaussian):
    found = private_release(people(np.random.default_rng(6), 5000), EDGES, CUTS, 3.0, 1e-6)
    assert found.accounting["rho"].sum() == pytest.approx(zcdp_budget(3.0, 1e-6), rel=1e-12)
    sensitivity = found.accounting.set_index("what")["sensitivity"]
    assert sensitivity["histograms"] == pytest.approx(np.sqrt(8))
    assert sensitivity["quadrant counts"] == pytest.approx(np.sqrt(10))
    assert found.verdict.startswith("usable")
    errors = np.abs(found.latent - 0.3)[np.triu_indices(4, 1)]
    assert errors.mean() < 2.5 * found.correlation_error < 0.1
    assert found.histograms.groupby("covariate")["count"].sum().sub(5000).abs().max() < 300


def test_the_stated_error_is_the_error(gaussian):
    rng = np.random.default_rng(7)
    runs = [private_release(people(rng, 2000), EDGES, CUTS, 2.0, 1e-6) for _ in range(40)]
    errors = [
        np.abs(run.latent - 0.3)[np.triu_indices(4, 1)].mean() for run in runs if run.latent is not None
    ]
    assert len(errors) > 30
    assert np.mean(errors) == pytest.approx(np.mean([run.correlation_error for run in runs]), rel=0.25)


def test_a_release_worse_than_independence_is_refused(gaussian):
    found = private_release(people(np.random.default_rng(8), 200), EDGES, CUTS, 0.5, 1e-6)
    assert found.latent is None
    assert "refused" in found.verdict
    assert "independence" in found.verdict


def test_quadrants_are_inverted():
    for r in (-0.7, 0.0, 0.4, 0.9):
        for a, b in ((0.5, 0.5), (0.3, 0.6)):
            cut = stats.norm.isf([a, b])
            joint = stats.multivariate_normal(cov=[[1, r], [r, 1]]).cdf(-cut)
            assert quadrant_correlation(float(joint), a, b) == pytest.approx(r, abs=1e-4)
    step = quadrant_correlation(0.25 + 1e-6, 0.5, 0.5) / 1e-6
    assert quadrant_slope(0.5, 0.5) == pytest.approx(step, rel=1e-3)


@pytest.mark.skipif(importlib.util.find_spec("opendp") is not None, reason="OpenDP is installed")
def test_without_opendp_nothing_is_released():
    with pytest.raises(InputError, match=r"trialsim\[privacy\]"):
        private_release(people(np.random.default_rng(9), 500), EDGES, CUTS, 3.0, 1e-6)


@pytest.mark.skipif(importlib.util.find_spec("opendp") is None, reason="needs the optional package opendp")
def test_the_noise_of_opendp_has_the_stated_size():
    noise = np.array(release._noise([0] * 4000, 7.0))
    assert noise.std() == pytest.approx(7.0, rel=0.06)


@pytest.mark.parametrize(
    ("epsilon", "delta", "field"), [(0.0, 1e-6, "epsilon"), (1.0, 0.0, "delta"), (1.0, 1.0, "delta")]
)
def test_impossible_budgets_are_refused(epsilon, delta, field):
    with pytest.raises(InputError) as caught:
        zcdp_budget(epsilon, delta)
    assert caught.value.field == field


def test_public_bins_are_required():
    with pytest.raises(InputError, match="public") as caught:
        private_release(people(np.random.default_rng(1), 100), {}, CUTS, 1.0, 1e-6)
    assert caught.value.field == "age"


def test_distances_need_complete_participants():
    with pytest.raises(InputError, match="complete"):
        closer_to_training(*(Covariates(("x",), np.full((10, 1), np.nan)),) * 3)

"""Negative binomial and proportional odds regression against statsmodels, which knows no blocks."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from trialsim.analysis.counts import negative_binomial_block
from trialsim.analysis.ordinal import proportional_odds_block


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(4)
    n = 300
    arm, x = np.resize([0, 1], n), rng.normal(size=(n, 2))
    exposure = rng.uniform(0.2, 3.0, n)
    mean = exposure * np.exp(0.4 - 0.5 * arm + x @ [0.3, -0.2])
    return rng.poisson(mean * rng.gamma(1.5, 1 / 1.5, n)).astype(float), exposure, arm, x


def peer_of_counts(counts, dispersion):
    """Return the fit by estimating equations: its naive covariance is the model's, the others sandwiches.

    Theirs is called bias-reduced where it is Mancl and DeRouen's.
    """
    y, exposure, arm, x = counts
    D = np.column_stack([np.ones(len(y)), arm, x])
    family = sm.families.NegativeBinomial(alpha=dispersion) if dispersion else sm.families.Poisson()
    peer = sm.GEE(y, D, np.arange(len(y)), family=family, exposure=exposure)
    return peer.fit(ctol=1e-12, maxiter=200, scale=1.0, cov_type="bias_reduced")


def test_maximum_likelihood_of_rate_ratio_and_dispersion(counts):
    y, exposure, arm, x = counts
    D = np.column_stack([np.ones(len(y)), arm, x])
    peer = sm.NegativeBinomial(y, D, exposure=exposure).fit(disp=0, method="newton", tol=1e-13, maxiter=300)
    ours = negative_binomial_block(y[None], exposure[None], arm[None], x[None])
    assert ours.estimate[0] == pytest.approx(peer.params[1], rel=1e-8)
    assert ours.dispersion[0] == pytest.approx(peer.params[-1], rel=1e-7)


@pytest.mark.parametrize(
    ("variance", "theirs"), [("model", "naive"), ("robust", "robust"), ("corrected", "bias_reduced")]
)
@pytest.mark.parametrize("dispersion", [None, 0.0, 0.8])
def test_standard_errors_of_counts(counts, dispersion, variance, theirs):
    y, exposure, arm, x = counts
    ours = negative_binomial_block(
        y[None], exposure[None], arm[None], x[None], dispersion=dispersion, variance=variance
    )
    peer = peer_of_counts(counts, ours.dispersion[0])
    assert ours.estimate[0] == pytest.approx(peer.params[1], rel=1e-8)
    assert ours.standard_error[0] == pytest.approx(peer.standard_errors(theirs)[1], rel=1e-7)


@pytest.fixture(scope="module")
def grades():
    rng = np.random.default_rng(5)
    n = 250
    arm, x = np.resize([0, 0, 1], n), rng.normal(size=(n, 2))
    latent = 0.7 * arm + x @ [0.8, -0.3] + rng.logistic(size=n)
    return np.searchsorted([-1.0, 0.0, 0.8, 2.0], latent).astype(float), arm, x


@pytest.mark.parametrize("covariates", [False, True])
def test_log_odds_ratio_and_its_error(grades, covariates):
    y, arm, x = grades
    columns = np.column_stack([arm, x]) if covariates else arm[:, None].astype(float)
    peer = OrderedModel(y, columns, distr="logit").fit(disp=0, method="newton", tol=1e-9)
    ours = proportional_odds_block(y[None], arm[None], x[None] if covariates else None)
    assert ours.estimate[0] == pytest.approx(peer.params[0], rel=1e-6)
    assert ours.standard_error[0] == pytest.approx(peer.bse[0], rel=1e-5)


def test_score_test_is_that_of_wilcoxon(grades):
    y, arm, _ = grades
    ours = proportional_odds_block(y[None], arm[None], test="score")
    peer = stats.mannwhitneyu(y[arm == 1], y[arm == 0], use_continuity=False, method="asymptotic")
    n, z = len(y), stats.norm.isf(peer.pvalue / 2)
    assert ours.statistic[0] == pytest.approx(z * np.sqrt(n / (n - 1)), rel=1e-9)
    assert ours.estimate[0] > 0

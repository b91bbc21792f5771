"""The probabilistic index against scipy's tests of Mann and Whitney, and of Brunner and Munzel."""

import numpy as np
import pytest
from scipy import stats

from trialsim.analysis.ordinal import probabilistic_index_block


@pytest.fixture(scope="module", params=["ties", "continuous"])
def trial(request):
    rng = np.random.default_rng(8)
    y = rng.normal(size=70) + np.repeat([0.0, 0.6], [30, 40])
    return (np.round(2 * y) if request.param == "ties" else y), np.repeat([0, 1], [30, 40])


def test_robust_test_is_that_of_brunner_and_munzel(trial):
    y, arm = trial
    ours = probabilistic_index_block(y[None], arm[None])
    peer = stats.brunnermunzel(y[arm == 0], y[arm == 1])
    assert ours.statistic[0] == pytest.approx(peer.statistic, rel=1e-10)
    assert ours.p_value[0] == pytest.approx(peer.pvalue, rel=1e-10)


def test_null_test_is_that_of_wilcoxon(trial):
    y, arm = trial
    ours = probabilistic_index_block(y[None], arm[None], variance="null")
    peer = stats.mannwhitneyu(y[arm == 1], y[arm == 0], use_continuity=False, method="asymptotic")
    assert ours.estimate[0] == pytest.approx(peer.statistic / (30 * 40), rel=1e-12)
    assert ours.p_value[0] == pytest.approx(peer.pvalue, rel=1e-10)

"""Moments and effective sizes that do not exist are refused, never printed as numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trialsim.analysis.borrowing import (
    BetaMixture,
    GammaMixture,
    effective_sample_sizes,
    elir_ess,
    map_prior_binomial,
    map_prior_poisson,
    moment_ess,
    morita_ess,
)
from trialsim.errors import AnalysisError


def rate_map(scale: float) -> object:
    return map_prior_poisson([20, 30], [100, 130], mean_prior=(-1, 2), heterogeneity_scale=scale)


@pytest.mark.parametrize(
    ("scale", "mean", "sd"),
    [(0.3, True, True), (0.49, True, True), (0.5, True, False), (0.99, True, False), (1.25, False, False)],
)
def test_moments_of_a_rate_exist_below_the_scale_at_which_they_are_infinite(
    scale: float, mean: bool, sd: bool
) -> None:
    """Half-normal τ leaves a log-rate a tail exp(−η/scale): the k-th moment is finite for scale < 1/k."""
    found = rate_map(scale)
    row = found.to_frame().iloc[1]
    assert [math.isfinite(row["mean"]), math.isfinite(row["sd"])] == [mean, sd]
    assert math.isfinite(row["q97.5"])
    if not sd:
        with pytest.raises(AnalysisError, match="does not exist"):
            moment_ess(found.prior)
        assert "not available" in str(found)


def test_a_vague_part_with_a_pole_has_no_expected_local_information_ratio() -> None:
    """It printed -8.4e58."""
    found = rate_map(0.5)
    with pytest.raises(AnalysisError, match="does not exist"):
        elir_ess(found.robust(0.2))
    assert 0 < elir_ess(found.prior.robust(0.2, a=1.0)).value < elir_ess(found.prior).value


@pytest.mark.parametrize(("mean", "scale"), [((0.0, 1.0), 1.3), ((-2.0, 2.0), 1.2)])
def test_a_probability_with_wide_heterogeneity_has_no_expected_local_information_ratio(
    mean: tuple[float, float], scale: float
) -> None:
    """They printed -42.5 and -27.9."""
    found = map_prior_binomial([20, 30], [100, 130], mean_prior=mean, heterogeneity_scale=scale)
    for prior in (found.prior, found.robust(0.1)):
        with pytest.raises(AnalysisError, match="does not exist"):
            elir_ess(prior)
        assert moment_ess(prior).value > 0


def test_data_give_a_heavy_tailed_prior_its_moments_back() -> None:
    posterior = rate_map(1.2).prior.posterior(12, 50)
    assert posterior.mean() == pytest.approx(0.22, abs=0.02)
    assert elir_ess(posterior).value > 50


@pytest.mark.parametrize(
    "prior",
    [BetaMixture(1, 0.6, 1.4), BetaMixture([0.9, 0.1], [3.0, 0.5], [7.0, 2.0]), GammaMixture(1, 0.5, 2.0)],
)
def test_morita_needs_a_mode(prior: BetaMixture | GammaMixture) -> None:
    """Beta(.6, 1.4) has a pole at 0; 2.69 was printed for it."""
    with pytest.raises(AnalysisError, match="pole"):
        morita_ess(prior)
    sizes = effective_sample_sizes(prior).set_index("name")["size"]
    assert np.isnan(sizes["Morita"])
    assert np.isnan(sizes["ELIR"])
    assert sizes["moment"] > 0


def test_parts_without_weight_have_no_pole() -> None:
    assert morita_ess(BetaMixture([1.0, 0.0], [3.0, 0.5], [7.0, 2.0])).value == pytest.approx(
        morita_ess(BetaMixture(1, 3.0, 7.0)).value, rel=1e-6
    )

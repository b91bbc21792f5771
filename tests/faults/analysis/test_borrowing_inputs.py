from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.commensurate_prior import (
    CommensuratePrior,
    commensurate_binomial,
    commensurate_exponential,
    commensurate_normal,
    pooled_exponential,
)
from trialsim.analysis.borrowing.effective_sample_size import elir_ess, moment_ess
from trialsim.analysis.borrowing.gamma_mixture import GammaMixture
from trialsim.analysis.borrowing.meta_analytic_predictive import (
    map_prior_binomial,
    map_prior_normal,
    map_prior_poisson,
)
from trialsim.analysis.borrowing.normal_mixture import NormalMixture
from trialsim.analysis.borrowing.power_prior import (
    normalized_power_prior_binomial,
    power_prior_binomial,
    power_prior_normal,
)
from trialsim.analysis.borrowing.self_adapting_mixture import sam_normal, sam_prior, sam_weight_binomial
from trialsim.analysis.borrowing.tabulated_prior import normal_on_link
from trialsim.analysis.borrowing.trial_frame import posterior_ess
from trialsim.analysis.borrowing.two_sample_characteristics import BinaryBorrowingDesign, DecisionRule
from trialsim.design.assured.success_rule import NormalSuccessRule
from trialsim.errors import DesignError, InputError

BETA, NORMAL = BetaMixture(1, 3, 7), NormalMixture(1, 0, 1)
CASES: dict[str, tuple[Callable[[], object], str]] = {
    "weights above 1": (lambda: BetaMixture([1.5, -0.5], [1, 2], [3, 4]), "weights"),
    "weights that sum to .9": (lambda: BetaMixture([0.5, 0.4], [1, 2], [3, 4]), "sum to 1"),
    "no components": (lambda: BetaMixture([], [], []), "at least one"),
    "a shape of 0": (lambda: BetaMixture(1, 0, 2), "above 0"),
    "fewer shapes than weights": (lambda: BetaMixture([0.5, 0.5], [1], [2]), "as many"),
    "a negative SD": (lambda: NormalMixture(1, 0, -1), "above 0"),
    "a mean that is not finite": (lambda: NormalMixture(1, np.nan, 1), "finite"),
    "a negative unit SD": (lambda: NormalMixture(1, 0, 1, unit_sd=-2), "unit_sd"),
    "an unknown kind of rate": (lambda: GammaMixture(1, 1, 1, "weibull"), "poisson"),  # type: ignore[arg-type]  # on purpose
    "more responders than participants": (lambda: BETA.posterior(11, 10), "between 0 and n"),
    "negative responders": (lambda: BETA.posterior(-1, 10), "between 0 and n"),
    "a negative standard error": (lambda: NORMAL.posterior(0.0, -1.0), "above 0"),
    "negative events": (lambda: GammaMixture(1, 2, 2).posterior(-1, 3), "at least 0"),
    "a robust weight above 1": (lambda: BETA.robust(1.2), r"\[0, 1\]"),
    "a robust weight that is not a number": (lambda: NORMAL.robust(np.nan, 0, 1), r"\[0, 1\]"),
    "no unit SD": (lambda: NORMAL.robust(0.2), "unit_sd"),
    "no unit SD for a size": (lambda: moment_ess(NORMAL), "unit_sd"),
    "a divergent ELIR": (lambda: elir_ess(BetaMixture(1, 0.5, 2)), "diverges"),
    "a divergent ELIR of a rate": (lambda: elir_ess(GammaMixture(1, 0.5, 2)), "diverges"),
    "a component as narrow as a spike": (
        lambda: elir_ess(BetaMixture([0.5, 0.5], [1e13, 1], [1e13, 1])),
        "too wide beside",
    ),
    "empty history": (lambda: map_prior_binomial([], []), "at least one"),
    "history with r above n": (lambda: map_prior_binomial([3, 12], [10, 11]), r"r\[1\]"),
    "history with too few n": (lambda: map_prior_binomial([3, 2], [10]), "as many"),
    "history with n of 0": (lambda: map_prior_binomial([0], [0]), "above 0"),
    "a heterogeneity scale of 0": (
        lambda: map_prior_binomial([3], [10], heterogeneity_scale=0),
        "heterogeneity_scale",
    ),
    "a mean prior of negative SD": (lambda: map_prior_binomial([3], [10], mean_prior=(0, -2)), "mean_prior"),
    "priors without end on the link scale": (
        lambda: map_prior_binomial([3e6], [1e7], heterogeneity_scale=500),
        "too wide",
    ),
    "a normal history with an SE of 0": (
        lambda: map_prior_normal([1], [0], mean_prior=(0, 1), heterogeneity_scale=1),
        "standard_errors",
    ),
    "an infinite estimate": (
        lambda: map_prior_normal([np.inf], [1], mean_prior=(0, 1), heterogeneity_scale=1),
        r"estimates\[0\]",
    ),
    "fewer SEs than estimates": (
        lambda: map_prior_normal([1, 2], [1], mean_prior=(0, 1), heterogeneity_scale=1),
        "as many",
    ),
    "negative events in history": (
        lambda: map_prior_poisson([-1], [2], mean_prior=(0, 1), heterogeneity_scale=1),
        "at least 0",
    ),
    "an ELIR that lives in the tails": (
        lambda: elir_ess(map_prior_binomial([3], [10], mean_prior=(0, 10), heterogeneity_scale=2).prior),
        "tails carry",
    ),
    "an SD of 0 on the link": (lambda: normal_on_link(0, 0, data="binomial"), "sd"),
    "a power above 1": (lambda: power_prior_binomial(3, 10, 1.5), "power"),
    "a power of 0 on a flat base": (lambda: power_prior_normal(1, 1, 0), "leaves no prior"),
    "a power prior of shape 0": (
        lambda: normalized_power_prior_binomial((1, 2), (1, 2), power_prior=(0, 1)),
        "power_prior",
    ),
    "a negative precision shape": (lambda: CommensuratePrior(-1, 1), "shape"),
    "no events": (lambda: commensurate_exponential((0, 5), (3, 9), (2, 4), CommensuratePrior()), "1 event"),
    "no person-time": (lambda: pooled_exponential((3, 0), None, (2, 4)), "person-time"),
    "too few events for a mean ratio": (
        lambda: pooled_exponential((2, 5), None, (2, 4)).hazard_ratio(),
        "more than 2 events",
    ),
    "an SE of 0 in commensurate": (
        lambda: commensurate_normal((0, 0), (0, 1), CommensuratePrior()),
        "internal",
    ),
    "a group without responders": (
        lambda: commensurate_binomial((0, 9), (3, 9), CommensuratePrior()),
        "non-responder",
    ),
    "a historical rate of 1": (lambda: sam_weight_binomial(1.0, 3, 9, 0.1), "historical_rate"),
    "a difference of 0": (lambda: sam_weight_binomial(0.5, 3, 9, 0.0), "difference"),
    "a difference beyond both ends": (lambda: sam_weight_binomial(0.5, 3, 9, 0.8), "either side"),
    "odds of 0": (lambda: sam_weight_binomial(0.5, 3, 9, 0.1, 0.0), "prior_odds"),
    "a self-adapting mean without unit SD": (lambda: sam_normal(NORMAL, 0, 1, difference=1), "unit_sd"),
    "a weight outside": (lambda: sam_prior(BETA, BETA, -0.1), r"\[0, 1\]"),
    "parts of two families": (lambda: sam_prior(BETA, NORMAL, 0.5), "both"),
    "a variance of 0": (lambda: posterior_ess(10, 1, 0), "variance"),
    "a confidence of 1": (lambda: DecisionRule(1.0), "confidence"),
    "a trial of no controls": (lambda: BinaryBorrowingDesign(BETA, BETA, 5, 0), "control_n"),
    "a rate above 1": (
        lambda: BinaryBorrowingDesign(BETA, BETA, 5, 5).rejection_probability(1.1, 0.5),
        "rate",
    ),
    "an interim past the end": (
        lambda: NormalSuccessRule((0, 2), 100).probability_of_success((0.1, 100)),
        "below the final",
    ),
    "a quantile of 1": (lambda: BETA.quantile([0.5, 1.0]), "probability"),
}


@pytest.mark.parametrize(("refused", "words"), CASES.values(), ids=CASES)
def test_an_impossible_input_is_refused_by_name(refused: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        refused()


def test_a_power_that_no_rate_reaches_is_a_design_error() -> None:
    design = BinaryBorrowingDesign(BetaMixture(1, 1, 1), BetaMixture(1, 1, 1), 3, 3, DecisionRule(0.999))
    with pytest.raises(DesignError, match="no treatment rate"):
        design.difference_for_power(0.5, 0.9)


def test_a_map_prior_without_an_elir_says_why_and_still_prints() -> None:
    prior = map_prior_binomial([3], [10], mean_prior=(0, 10), heterogeneity_scale=2)
    sizes = prior.effective_sample_sizes()
    assert np.isnan(sizes["size"][0])
    assert "tails carry" in sizes["definition"][0]
    assert "not available" in str(prior)
    assert sizes["size"][1] > 0

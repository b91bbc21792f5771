"""Self-adapting mixture (SAM) priors: the data say how much weight the historical prior gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, xlog1py, xlogy

from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.checks import counts, finite_array, inside_unit, positive
from trialsim.analysis.borrowing.mixture import MixturePrior
from trialsim.analysis.borrowing.normal_mixture import NormalMixture
from trialsim.analysis.borrowing.printed_distribution import summarise
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, number
from trialsim.data import Floats
from trialsim.errors import AnalysisError

AnyMixture = TypeVar("AnyMixture", bound=MixturePrior)


@dataclass(frozen=True, repr=False)
class SelfAdaptingPrior(Printed):
    """A robust prior whose weight came from the concurrent controls.

    Parameters
    ----------
    weight : float
        Weight of the informative part, R/(1 + R).
    prior : BetaMixture or NormalMixture
        weight × informative + (1 − weight) × vague.
    posterior : BetaMixture or NormalMixture
        After the concurrent controls.
    """

    weight: float
    prior: BetaMixture | NormalMixture
    posterior: BetaMixture | NormalMixture

    def to_frame(self) -> pd.DataFrame:
        """Return mean, SD and quantiles of the control parameter before and after the concurrent controls."""
        return summarise({"prior": self.prior, "posterior": self.posterior})

    def _title(self) -> str:
        return "Self-adapting mixture"

    def _facts(self) -> Facts:
        return {"weight of history": number(self.weight)}

    def _tables(self) -> Tables:
        return {"Distribution": self.to_frame()}


def sam_weight_binomial(
    historical_rate: float, r: ArrayLike, n: ArrayLike, difference: float, prior_odds: float = 1.0
) -> Floats:
    """Return SAM weights of R data sets, w = R/(1 + R).

    R = odds × L(p_h) / max(L(p_h + δ), L(p_h − δ)), L binomial (Yang et al. 2023, Biometrics 79:2857).

    Parameters
    ----------
    historical_rate : float
        p_h, the mean of the informative prior, in (0, 1).
    r, n : array_like (R,)
        Responders and participants of the concurrent controls.
    difference : float
        δ, the clinically significant difference, above 0; a p_h ± δ outside (0, 1) is left out.
    prior_odds : float
        Prior odds of no conflict: 1 is the likelihood ratio, others the posterior-probability ratio.

    Returns
    -------
    ndarray (R,)

    Examples
    --------
    >>> sam_weight_binomial(0.3, [12, 24], 40, 0.15).round(4)
    array([0.8684, 0.0028])
    """
    events, sizes = counts(*np.broadcast_arrays(np.atleast_1d(r), np.atleast_1d(n)))
    p = inside_unit(historical_rate, "historical_rate")
    shifted = [q for q in (p - positive(difference, "difference"), p + difference) if 0 < q < 1]
    if not shifted:
        raise AnalysisError("leaves no rate in (0, 1) on either side", field="difference", value=difference)
    log_l = [xlogy(events, q) + xlog1py(sizes - events, -q) for q in (p, *shifted)]
    return _weight(log_l, prior_odds)


def sam_weight_normal(
    historical_mean: float,
    estimate: ArrayLike,
    standard_error: ArrayLike,
    difference: float,
    prior_odds: float = 1.0,
) -> Floats:
    """Return SAM weights of R control estimates; see `sam_weight_binomial`, with L normal.

    Parameters
    ----------
    historical_mean : float
        Mean of the informative prior.
    estimate, standard_error : array (R,)
        Of the current controls in each trial.
    difference : float
        Clinically significant difference δ, above 0, in units of the mean.
    prior_odds : float
        Of the informative part, above 0.

    Returns
    -------
    ndarray (R,)
        Weights of the informative part, in (0, 1).

    Examples
    --------
    >>> sam_weight_normal(0.0, [0.0, 1.0], 0.5, 1.0).round(4)
    array([0.8808, 0.1192])
    """
    y, se = np.broadcast_arrays(np.atleast_1d(estimate), np.atleast_1d(standard_error))
    y, se = finite_array(y, "estimate"), finite_array(se, "standard_error", 0.0)
    positive(difference, "difference")
    means = (historical_mean, historical_mean - difference, historical_mean + difference)
    return _weight([-0.5 * ((y - m) / se) ** 2 for m in means], prior_odds)


def sam_prior(informative: AnyMixture, vague: AnyMixture, weight: float) -> AnyMixture:
    """Return weight × informative + (1 − weight) × vague, both of one family.

    Examples
    --------
    >>> sam_prior(BetaMixture(1, 3, 7), BetaMixture(1, 1, 1), 0.25).mean()
    0.45
    """
    if not 0 <= weight <= 1:
        raise AnalysisError("must be in [0, 1]", field="weight", value=weight)
    if isinstance(informative, BetaMixture) and isinstance(vague, BetaMixture):
        a, b = np.append(informative.a, vague.a), np.append(informative.b, vague.b)
        return type(informative)(_joined(informative, vague, weight), a, b)
    if isinstance(informative, NormalMixture) and isinstance(vague, NormalMixture):
        m, s = np.append(informative.m, vague.m), np.append(informative.s, vague.s)
        return type(informative)(_joined(informative, vague, weight), m, s, informative.unit_sd)
    raise AnalysisError("both parts must be beta or both normal mixtures", field="vague", value=vague.family)


def sam_binomial(
    informative: BetaMixture,
    r: float,
    n: float,
    *,
    difference: float,
    vague: BetaMixture | None = None,
    prior_odds: float = 1.0,
) -> SelfAdaptingPrior:
    """Return the self-adapting prior and posterior of a response probability.

    Parameters
    ----------
    informative : BetaMixture
        Historical (MAP) prior.
    r, n : float
        Responders and participants of the concurrent controls.
    difference, prior_odds : float
        See `sam_weight_binomial`.
    vague : BetaMixture, optional
        Beta(1, 1) if not given.

    Returns
    -------
    SelfAdaptingPrior
        The weight, the prior that it makes, and its posterior.

    Examples
    --------
    >>> round(sam_binomial(BetaMixture(1, 30, 70), 12, 40, difference=0.15).posterior.mean(), 4)
    0.3003
    """
    weight = float(sam_weight_binomial(informative.mean(), r, n, difference, prior_odds)[0])
    prior = sam_prior(informative, BetaMixture(1, 1, 1) if vague is None else vague, weight)
    return SelfAdaptingPrior(weight, prior, prior.posterior(r, n))


def sam_normal(
    informative: NormalMixture,
    estimate: float,
    standard_error: float,
    *,
    difference: float,
    vague: NormalMixture | None = None,
    prior_odds: float = 1.0,
) -> SelfAdaptingPrior:
    """Return the self-adapting prior and posterior of a mean; the vague part is N(mean, unit_sd²) by default.

    Parameters
    ----------
    informative : NormalMixture
        Prior from the history, with its `unit_sd` if `vague` is not given.
    estimate, standard_error : float
        Of the current controls.
    difference : float
        Clinically significant difference δ, above 0, in units of the mean.
    vague : NormalMixture, optional
        N(mean of the informative part, unit_sd²) if not given.
    prior_odds : float
        Of the informative part, above 0.

    Returns
    -------
    SelfAdaptingPrior
        The weight, the prior that it makes, and its posterior.

    Examples
    --------
    >>> history = NormalMixture(1, -50.0, 20.0, unit_sd=88.0)
    >>> round(sam_normal(history, -63.0, 14.0, difference=20.0).weight, 4)
    0.4241
    """
    if vague is None:
        vague = NormalMixture(1, informative.mean(), informative.require_unit_sd(), informative.unit_sd)
    weight = float(sam_weight_normal(informative.mean(), estimate, standard_error, difference, prior_odds)[0])
    prior = sam_prior(informative, vague, weight)
    return SelfAdaptingPrior(weight, prior, prior.posterior(estimate, standard_error))


def _weight(log_likelihoods: list[NDArray[np.floating]], prior_odds: float) -> Floats:
    log_ratio = log_likelihoods[0] - np.max(log_likelihoods[1:], axis=0)
    return np.asarray(expit(np.log(positive(prior_odds, "prior_odds")) + log_ratio))


def _joined(informative: MixturePrior, vague: MixturePrior, weight: float) -> Floats:
    return np.append(weight * informative.weights, (1 - weight) * vague.weights)

"""The numbers of Delor et al. 2013, the effects of a participant, and the curve that they follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.data import Bools, Covariates, Floats
from trialsim.disease.evidence import Parameter
from trialsim.disease.interface import Input
from trialsim.disease.neurology.activation import ActivationIntegral

TOP = 18.0
STEEPNESS = 30
_PAPER = "Delor et al. 2013, CPT Pharmacometrics Syst Pharmacol 2:e78, Tables 1 and 2, by way of nlmixr2lib"
RATE_FAST = Parameter(0.373, "a year", "published", _PAPER)
RATE_SLOW = Parameter(0.260, "a year", "published", _PAPER)
ONSET_YEARS = Parameter(16.1, "years", "published", _PAPER)
ONSET_ON_CDR = Parameter(-0.072, "power", "published", _PAPER)
ONSET_ON_ADAS = Parameter(-0.0439, "power", "published", _PAPER)
ACCELERATION = Parameter(0.0499, "a year", "published", _PAPER)
ACCELERATION_ON_MMSE = Parameter(-2.01, "power", "published", _PAPER)
BASELINE_CORRECTION = Parameter(4.48, "logit", "published", _PAPER)
PLACEBO_POINTS = Parameter(0.434, "points", "published", _PAPER)
PLACEBO_RATE_PER_YEAR = Parameter(1.0, "a year", "published", _PAPER)
SLOW_SHARE_AT_CENTRE = Parameter(
    0.87, "share", "computed", "Not published; so that 44 % of people with mild cognitive impairment are slow"
)
SLOW_ON_CDR = Parameter(-1.27, "logit a point", "published", _PAPER)
SLOW_ON_FAQ = Parameter(-0.341, "logit a point", "published", _PAPER)
SLOW_ON_HIPPOCAMPUS = Parameter(7.5, "logit", "published", _PAPER)
CV_ONSET = Parameter(0.015, "CV", "published", _PAPER)
CV_ACCELERATION = Parameter(0.64, "CV", "published", _PAPER)
CV_PLACEBO = Parameter(0.86, "CV", "published", _PAPER)
RESIDUAL_SD = Parameter(0.377, "logit", "published", _PAPER)

FLOOR = TOP / (1.0 + np.exp(BASELINE_CORRECTION))
_HIGHEST_STATE = BASELINE_CORRECTION + 30.0
_HIGHEST_EXPONENT = 50.0
_ONSET = "the score before onset, 0.2, and the end of the scale"
INPUTS = (
    Input("cdr_sb", "points", FLOOR, TOP, _ONSET, open_low=True, open_high=True),
    Input("mmse", "points", 0.0, 30.0, "the scale; its power needs more than 0", open_low=True),
    Input("adas_cog", "points", 0.0, 70.0, "the scale; its power needs more than 0", open_low=True),
    Input("faq", "points", 0.0, 30.0, "the scale"),
    Input("hippocampal_volume", "of expected", 0.0, 3.0, "three times a healthy volume", open_low=True),
)


@dataclass(frozen=True)
class DelorCourse:
    """Participant effects of N participants.

    Parameters
    ----------
    onset : ndarray (N,)
        Disease onset time DOT on the disease clock, years.
    entry : ndarray (N,)
        Disease clock at week 0, years.
    rate : ndarray (N,)
        Linear rate of the latent state, a year.
    acceleration : ndarray (N,)
        alpha, a year; 0 for the slow class.
    placebo : ndarray (N,)
        Magnitude of the placebo response, points.
    """

    onset: Floats
    entry: Floats
    rate: Floats
    acceleration: Floats
    placebo: Floats

    @property
    def slow(self) -> Bools:
        """Who belongs to the slow class (N,)."""
        return np.asarray(self.acceleration == 0.0)


def slow_probability(covariates: Covariates, share_at_centre: float) -> Floats:
    """Return P(slow) of people (N,)."""
    logit = (
        np.log(share_at_centre / (1.0 - share_at_centre))
        + SLOW_ON_CDR * (covariates.column("cdr_sb") - 1.0)
        + SLOW_ON_FAQ * (covariates.column("faq") - 1.0)
        + SLOW_ON_HIPPOCAMPUS * (covariates.column("hippocampal_volume") - 1.0)
    )
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def state_of(lived: Floats, rate: Floats, acceleration: Floats) -> Floats:
    """Return the latent state of those who have lived through so much of the disease."""
    exponent = np.minimum(acceleration * lived, _HIGHEST_EXPONENT)
    growth = np.expm1(exponent) / np.where(acceleration > 0.0, acceleration, 1.0)
    return np.asarray(np.minimum(rate * np.where(acceleration > 0.0, growth, lived), _HIGHEST_STATE))


def odds_against(natural: Floats, placebo: Floats) -> Floats:
    """Return (18 − score) / score; a placebo response takes nobody below the floor."""
    score = np.maximum(natural + placebo, np.minimum(natural, FLOOR))
    return np.asarray((TOP - score) / score)


def lognormal(normal: Floats, cv: float) -> Floats:
    """Return log-normal effects with a median of 1 and the printed CV."""
    return np.exp(np.sqrt(np.log1p(cv * cv)) * normal)


def entry_of(
    baseline: Floats, onset: Floats, rate: Floats, acceleration: Floats, integral: ActivationIntegral
) -> Floats:
    """Return the disease clock (N,) where each curve meets the latent baseline score, years."""
    state = BASELINE_CORRECTION - np.log((TOP - baseline) / baseline)
    lived = state / rate
    fast = acceleration > 0.0
    lived[fast] = np.log1p(acceleration[fast] * lived[fast]) / acceleration[fast]
    return onset * integral.inverse(lived / onset)

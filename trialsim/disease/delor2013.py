"""Early Alzheimer's disease on the CDR-SB: Delor et al. 2013."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialsim.data import Bools, Covariates, Floats
from trialsim.disease.activation import ActivationIntegral
from trialsim.disease.evidence import Parameter, parameters_in
from trialsim.disease.inputs import (
    WEEKS_PER_YEAR,
    require_course,
    require_option,
    require_people,
    require_weeks,
)
from trialsim.disease.interface import Endpoint, Input
from trialsim.disease.score import SCORE_DIALS, ScoreModel

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
_HERMITE_NODES = 21
_ONSET = "the score before onset, 0.2, and the end of the scale"
_INPUTS = (
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


class DelorCdrSb(ScoreModel):
    """Natural history of the CDR-SB in mild cognitive impairment and mild Alzheimer's disease.

    A latent state A on the logit scale starts to move about the disease onset time DOT:

        dA/dt = (r + α A) t³⁰ / (DOT³⁰ + t³⁰),   A(0) = 0,   score = 18 / (1 + exp(4.48 − A))

    With G(t) = ∫₀ᵗ s³⁰ / (DOT³⁰ + s³⁰) ds this is A = (r/α)(exp(α G) − 1) in the fast class
    (r = 0.373 a year) and A = r G in the slow class (r = 0.260, α = 0). Covariates and log-normal
    participant effects (the printed CVs):

        DOT  = 16.1 (CDR-SB/2)^−0.072 (ADAS-Cog/12.67)^−0.0439     CV 1.5 %
        α    = 0.0499 (MMSE/26)^−2.01                              CV 64 %
        logit P(slow) = logit 0.87 − 1.27 (CDR-SB − 1) − 0.341 (FAQ − 1) + 7.5 (hippocampus − 1)
        placebo response = −P (1 − exp(−t)), P = 0.434 points      CV 86 %

    Measurement: the logit of the score (natural history plus placebo response) plus N(0, 0.377²).
    Hippocampal volume is relative to the volume expected of a healthy person of the same age and
    head size: 1 is healthy.

    Parameters
    ----------
    slow_share_at_centre : float
        P(slow) at CDR-SB 1, FAQ 1, hippocampus 1, in (0, 1). Not published. With 0.87 the mean of P(slow)
        is 0.44, the published share of slow participants among those with mild cognitive impairment, over
        people with CDR-SB 1.6 (SD 0.9), FAQ 3.9 (4.5) and hippocampus 0.90 (0.13), as ADNI's with mild
        cognitive impairment (recalled). A trial may set it so that a placebo arm is met.

    Notes
    -----
    The paper does not print when participants entered the study on the disease clock. Here each
    starts where their own curve meets their latent baseline score: our assumption. The onset time
    then matters only near the floor of the scale (0.2). The latent baseline stands in for the
    baseline score in DOT and P(slow). The placebo response takes nobody below that floor. Scores are
    continuous: the half-point steps of the scale are part of the measurement error.

    Sources: Delor et al. 2013, CPT Pharmacometrics Syst Pharmacol 2:e78, Tables 1 and 2, as
    transcribed in nlmixr2lib.

    Examples
    --------
    >>> model = DelorCdrSb()
    >>> covariates = Covariates(
    ...     ("cdr_sb", "mmse", "adas_cog", "faq", "hippocampal_volume"),
    ...     np.array([[1.0, 28.0, 9.0, 1.0, 0.95], [4.0, 23.0, 18.0, 12.0, 0.75]]),
    ... )
    >>> course = model.draw_course(covariates, np.random.default_rng(1))
    >>> model.natural_history(course, np.array([0.0, 78.0])).round(2)
    array([[1.  , 1.93],
           [4.  , 6.64]])
    """

    name = "delor2013_cdr_sb"
    title = "Early Alzheimer's disease, CDR-SB"
    parameters = parameters_in(globals())
    inputs = _INPUTS
    dials = SCORE_DIALS
    endpoints = (Endpoint("cdr_sb", "score", "points", True, 3 * WEEKS_PER_YEAR, 0.0, TOP),)
    endpoint = "cdr_sb"
    lower = 0.0
    upper = TOP
    higher_is_worse = True
    covariates: tuple[str, ...] = ("mmse", "adas_cog", "faq", "hippocampal_volume")
    latent_baseline = "cdr_sb"
    sources: tuple[str, ...] = (
        "Delor et al. 2013, CPT Pharmacometrics Syst Pharmacol 2:e78 (ADNI, 560 participants), as transcribed"
        " in nlmixr2lib: structure, covariates, participant effects, residual error",
        "Set by trialsim: the intercept of the slow-class logit is not published; 0.87 at the centre makes"
        " 44 % of people like ADNI's with mild cognitive impairment slow, as published (covariates recalled)",
        "Assumed by trialsim: each participant enters where their curve meets their latent baseline score",
        "Assumed by trialsim: the placebo response takes nobody below the score before onset (0.2)",
    )

    def __init__(self, slow_share_at_centre: float = SLOW_SHARE_AT_CENTRE) -> None:
        self.slow_share_at_centre = require_option(
            slow_share_at_centre, "slow_share_at_centre", 1e-6, 1 - 1e-6
        )
        self._integral = ActivationIntegral(STEEPNESS)

    def draw_course(self, covariates: Covariates, generator: np.random.Generator) -> DelorCourse:
        """Draw the participant effects given the covariates, and solve for the entry times.

        Raises
        ------
        InputError
            If a covariate is missing or outside the range in which the model makes sense.
        """
        require_people(covariates, self.inputs, self.name)
        normal = generator.standard_normal((3, len(covariates)))
        uniform = generator.random(len(covariates))
        baseline, mmse = covariates.column("cdr_sb"), covariates.column("mmse")
        slow = uniform < self._slow_probability(covariates)
        onset = (
            ONSET_YEARS
            * (baseline / 2.0) ** ONSET_ON_CDR
            * (covariates.column("adas_cog") / 12.67) ** ONSET_ON_ADAS
            * _lognormal(normal[0], CV_ONSET)
        )
        fast_acceleration = (
            ACCELERATION * (mmse / 26.0) ** ACCELERATION_ON_MMSE * _lognormal(normal[1], CV_ACCELERATION)
        )
        rate = np.where(slow, RATE_SLOW, RATE_FAST)
        acceleration = np.where(slow, 0.0, fast_acceleration)
        entry = self._entry(baseline, onset, rate, acceleration)
        return DelorCourse(
            onset, entry, rate, acceleration, PLACEBO_POINTS * _lognormal(normal[2], CV_PLACEBO)
        )

    def take(self, course: object, rows: NDArray[np.generic]) -> DelorCourse:
        """Return the course of the given participants, by position or mask."""
        own = require_course(course, DelorCourse)
        return DelorCourse(
            own.onset[rows],
            own.entry[rows],
            own.rate[rows],
            own.acceleration[rows],
            own.placebo[rows],
        )

    def natural_history(self, course: object, weeks: Floats, progression: float = 1.0) -> Floats:
        """Return the latent score (N, V) without placebo response; `progression` speeds the clock up."""
        own = require_course(course, DelorCourse)
        years = require_weeks(weeks) / WEEKS_PER_YEAR
        require_option(progression, "progression", 0.0, 100.0)
        clock = own.entry[:, None] + progression * years
        lived = own.onset[:, None] * self._integral(clock / own.onset[:, None])
        state = _state(lived, own.rate[:, None], own.acceleration[:, None])
        return np.asarray(TOP / (1.0 + np.exp(BASELINE_CORRECTION - state)))

    def placebo_response(self, course: object, weeks: Floats) -> Floats:
        """Return −P (1 − exp(−t)) (N, V), t in years."""
        own = require_course(course, DelorCourse)
        years = require_weeks(weeks) / WEEKS_PER_YEAR
        return np.asarray(own.placebo[:, None] * np.expm1(-PLACEBO_RATE_PER_YEAR * years))

    def measure(self, natural: Floats, placebo: Floats, generator: np.random.Generator) -> Floats:
        """Return measured scores: logit of (natural + placebo) plus N(0, 0.377²), fresh for every value."""
        odds = _odds_against(natural, placebo)
        error = generator.standard_normal(odds.shape)
        error *= -RESIDUAL_SD
        np.exp(error, out=error)
        error *= odds
        error += 1.0
        return np.divide(TOP, error, out=error)

    def measured_mean(self, natural: Floats, placebo: Floats) -> Floats:
        """Return the expectation of `measure`, by Gauss–Hermite quadrature with 21 nodes."""
        odds = _odds_against(natural, placebo)
        nodes, weights = np.polynomial.hermite_e.hermegauss(_HERMITE_NODES)
        mean = np.zeros_like(odds)
        for node, weight in zip(nodes, weights / weights.sum(), strict=True):
            mean += weight * TOP / (1.0 + odds * np.exp(-RESIDUAL_SD * node))
        return mean

    def _slow_probability(self, covariates: Covariates) -> Floats:
        logit = (
            np.log(self.slow_share_at_centre / (1.0 - self.slow_share_at_centre))
            + SLOW_ON_CDR * (covariates.column("cdr_sb") - 1.0)
            + SLOW_ON_FAQ * (covariates.column("faq") - 1.0)
            + SLOW_ON_HIPPOCAMPUS * (covariates.column("hippocampal_volume") - 1.0)
        )
        return np.asarray(1.0 / (1.0 + np.exp(-logit)))

    def _entry(self, baseline: Floats, onset: Floats, rate: Floats, acceleration: Floats) -> Floats:
        state = BASELINE_CORRECTION - np.log((TOP - baseline) / baseline)
        lived = state / rate
        fast = acceleration > 0.0
        lived[fast] = np.log1p(acceleration[fast] * lived[fast]) / acceleration[fast]
        return onset * self._integral.inverse(lived / onset)


def _state(lived: Floats, rate: Floats, acceleration: Floats) -> Floats:
    exponent = np.minimum(acceleration * lived, _HIGHEST_EXPONENT)
    growth = np.expm1(exponent) / np.where(acceleration > 0.0, acceleration, 1.0)
    return np.asarray(np.minimum(rate * np.where(acceleration > 0.0, growth, lived), _HIGHEST_STATE))


def _odds_against(natural: Floats, placebo: Floats) -> Floats:
    score = np.maximum(natural + placebo, np.minimum(natural, FLOOR))
    return np.asarray((TOP - score) / score)


def _lognormal(normal: Floats, cv: float) -> Floats:
    return np.exp(np.sqrt(np.log1p(cv * cv)) * normal)

"""Early Alzheimer's disease on the CDR-SB: Delor et al. 2013."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import parameters_in
from trialsim.disease.inputs import (
    WEEKS_PER_YEAR,
    require_course,
    require_option,
    require_people,
    require_weeks,
)
from trialsim.disease.interface import Endpoint
from trialsim.disease.neurology import delor2013_numbers
from trialsim.disease.neurology.activation import ActivationIntegral
from trialsim.disease.neurology.delor2013_numbers import (
    ACCELERATION,
    ACCELERATION_ON_MMSE,
    BASELINE_CORRECTION,
    CV_ACCELERATION,
    CV_ONSET,
    CV_PLACEBO,
    INPUTS,
    ONSET_ON_ADAS,
    ONSET_ON_CDR,
    ONSET_YEARS,
    PLACEBO_POINTS,
    PLACEBO_RATE_PER_YEAR,
    RATE_FAST,
    RATE_SLOW,
    RESIDUAL_SD,
    SLOW_SHARE_AT_CENTRE,
    STEEPNESS,
    TOP,
    DelorCourse,
    entry_of,
    lognormal,
    odds_against,
    slow_probability,
    state_of,
)
from trialsim.disease.score import SCORE_DIALS, ScoreModel

_HERMITE_NODES = 21


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
    parameters = parameters_in(vars(delor2013_numbers))
    inputs = INPUTS
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
        slow = uniform < slow_probability(covariates, self.slow_share_at_centre)
        onset = (
            ONSET_YEARS
            * (baseline / 2.0) ** ONSET_ON_CDR
            * (covariates.column("adas_cog") / 12.67) ** ONSET_ON_ADAS
            * lognormal(normal[0], CV_ONSET)
        )
        fast_acceleration = (
            ACCELERATION * (mmse / 26.0) ** ACCELERATION_ON_MMSE * lognormal(normal[1], CV_ACCELERATION)
        )
        rate = np.where(slow, RATE_SLOW, RATE_FAST)
        acceleration = np.where(slow, 0.0, fast_acceleration)
        entry = entry_of(baseline, onset, rate, acceleration, self._integral)
        return DelorCourse(
            onset, entry, rate, acceleration, PLACEBO_POINTS * lognormal(normal[2], CV_PLACEBO)
        )

    def take(self, course: object, rows: NDArray[np.generic]) -> DelorCourse:
        """Return the course of the given participants, by position or mask."""
        own = require_course(course, DelorCourse)
        return DelorCourse(
            own.onset[rows], own.entry[rows], own.rate[rows], own.acceleration[rows], own.placebo[rows]
        )

    def natural_history(self, course: object, weeks: Floats, progression: float = 1.0) -> Floats:
        """Return the latent score (N, V) without placebo response; `progression` speeds the clock up."""
        own = require_course(course, DelorCourse)
        years = require_weeks(weeks) / WEEKS_PER_YEAR
        require_option(progression, "progression", 0.0, 100.0)
        clock = own.entry[:, None] + progression * years
        lived = own.onset[:, None] * self._integral(clock / own.onset[:, None])
        state = state_of(lived, own.rate[:, None], own.acceleration[:, None])
        return np.asarray(TOP / (1.0 + np.exp(BASELINE_CORRECTION - state)))

    def placebo_response(self, course: object, weeks: Floats) -> Floats:
        """Return −P (1 − exp(−t)) (N, V), t in years."""
        own = require_course(course, DelorCourse)
        years = require_weeks(weeks) / WEEKS_PER_YEAR
        return np.asarray(own.placebo[:, None] * np.expm1(-PLACEBO_RATE_PER_YEAR * years))

    def measure(self, natural: Floats, placebo: Floats, generator: np.random.Generator) -> Floats:
        """Return measured scores: logit of (natural + placebo) plus N(0, 0.377²), fresh for every value."""
        odds = odds_against(natural, placebo)
        error = generator.standard_normal(odds.shape)
        error *= -RESIDUAL_SD
        np.exp(error, out=error)
        error *= odds
        error += 1.0
        return np.divide(TOP, error, out=error)

    def measured_mean(self, natural: Floats, placebo: Floats) -> Floats:
        """Return the expectation of `measure`, by Gauss–Hermite quadrature with 21 nodes."""
        odds = odds_against(natural, placebo)
        nodes, weights = np.polynomial.hermite_e.hermegauss(_HERMITE_NODES)
        mean = np.zeros_like(odds)
        for node, weight in zip(nodes, weights / weights.sum(), strict=True):
            mean += weight * TOP / (1.0 + odds * np.exp(-RESIDUAL_SD * node))
        return mean

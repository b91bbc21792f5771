"""Mild-to-moderate Alzheimer's disease on the ADAS-Cog: Conrado et al. 2014."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialsim.data import Covariates, Floats
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

TOP = 70.0
_PAPER = (
    "Conrado et al. 2014, J Pharmacokinet Pharmacodyn 41:581, as transcribed in nlmixr2lib from DDMORE"
    " DDMODEL00000290"
)
BASELINE = Parameter(22.2, "points", "published", _PAPER)
BASELINE_MALE_FACTOR = Parameter(0.953, "ratio", "published", _PAPER)
BASELINE_PER_ALLELE = Parameter(0.0372, "an allele", "published", _PAPER)
SPEED_PER_YEAR = Parameter(0.153, "a year", "published", _PAPER)
SPEED_PER_YEAR_OF_AGE = Parameter(-0.024, "a year of age", "published", _PAPER)
SPEED_PER_ALLELE = Parameter(0.195, "an allele", "published", _PAPER)
SPEED_WITHOUT_COMEDICATION = Parameter(0.698, "ratio", "published", _PAPER)
CENTRE_AGE = 75.0
CENTRE_ALLELES = 0.72
SHAPE = Parameter(6.91, "power", "published", _PAPER)
PRECISION = Parameter(87.5, "1", "published", _PAPER)
VAR_LOG_BASELINE = Parameter(0.156, "variance", "published", _PAPER)
COVARIANCE = Parameter(0.0224, "covariance", "published", _PAPER)
VAR_SPEED = Parameter(0.0413, "variance", "published", _PAPER)

_EDGE = 1e-6
_HIGHEST_EXPONENT = 300.0
_INPUTS = (
    Input("adas_cog", "points", 0.0, TOP, "the scale", open_low=True, open_high=True),
    Input("age", "years", 40.0, 110.0, "adults; the speed is linear in age about 75"),
    Input("female", "0 or 1", 0.0, 1.0, "a yes or no"),
    Input("apoe4_count", "alleles", 0.0, 2.0, "a person has two"),
    Input("comedication", "0 or 1", 0.0, 1.0, "a yes or no"),
)


@dataclass(frozen=True)
class ConradoCourse:
    """Participant effects of N participants.

    Parameters
    ----------
    baseline : ndarray (N,)
        Latent score at week 0 as a share of 70, in (0, 1).
    speed : ndarray (N,)
        SL, a year; negative for those who improve.
    """

    baseline: Floats
    speed: Floats


class ConradoAdasCog(ScoreModel):
    """Natural history of the ADAS-Cog (11 items) in mild-to-moderate Alzheimer's disease.

    A Richards curve from the latent baseline score BL, t in years, k = 6.91:

        m(t) = 70 b / [bᵏ + (1 − bᵏ) exp(−k SL t)]^(1/k),   b = BL / 70
        BL   = 22.2 · 0.953^male · (1 + 0.0372 (e4 − 0.72)) · exp(η₁)
        SL   = (0.153 + η₂)(1 − 0.024 (age − 75))(1 + 0.195 (e4 − 0.72)) · (0.698 without co-medication)

    with (η₁, η₂) normal, variances 0.156 and 0.0413, covariance 0.0224. The cohort card gives BL, which
    fixes η₁; η₂ is drawn from its conditional normal law given η₁. Measurement: score / 70 follows a
    Beta(87.5 m, 87.5 (1 − m)) law with m = (natural history + placebo response) / 70, so that the
    expectation of a measurement is the latent score.

    Parameters
    ----------
    placebo_points : float
        Points by which the placebo response lowers (improves) the score in the end, 0 to 20. The
        published model has none: any value but 0 is an assumption.
    placebo_onset_weeks : float
        Time constant of its exponential onset, above 0; an assumption.

    Notes
    -----
    Study-level effects of the source (15 trials, weakly identified) are left out.

    Sources: Conrado et al. 2014, J Pharmacokinet Pharmacodyn 41:581 (4494 participants of 15 trials),
    as transcribed in nlmixr2lib from DDMORE DDMODEL00000290.

    Examples
    --------
    >>> model = ConradoAdasCog()
    >>> covariates = Covariates(
    ...     ("adas_cog", "age", "female", "apoe4_count", "comedication"),
    ...     np.array([[22.0, 75.0, 1.0, 1.0, 1.0], [30.0, 68.0, 0.0, 2.0, 0.0]]),
    ... )
    >>> course = model.draw_course(covariates, np.random.default_rng(1))
    >>> model.natural_history(course, np.array([0.0, 24.0])).round(2)
    array([[22.  , 24.45],
           [30.  , 35.43]])
    """

    name = "conrado2014_adas_cog"
    title = "Mild-to-moderate Alzheimer's disease, ADAS-Cog"
    parameters = parameters_in(globals())
    inputs = _INPUTS
    dials = SCORE_DIALS
    endpoints = (Endpoint("adas_cog", "score", "points", True, 2 * WEEKS_PER_YEAR, 0.0, TOP),)
    endpoint = "adas_cog"
    lower = 0.0
    upper = TOP
    higher_is_worse = True
    covariates: tuple[str, ...] = ("age", "female", "apoe4_count", "comedication")
    latent_baseline = "adas_cog"
    sources: tuple[str, ...] = (
        "Conrado et al. 2014, J Pharmacokinet Pharmacodyn 41:581 (C-Path CAMD, 4494 participants of 15"
        " trials), as transcribed in nlmixr2lib from DDMORE DDMODEL00000290: structure, covariates,"
        " participant effects, measurement error",
        "Left out by trialsim: the study-level effects of the source, weakly identified from 15 trials",
        "Assumed by trialsim: the placebo term (options; the published model has none, default 0)",
    )

    def __init__(self, placebo_points: float = 0.0, placebo_onset_weeks: float = 6.0) -> None:
        self.placebo_points = require_option(placebo_points, "placebo_points", 0.0, 20.0)
        self.placebo_onset_weeks = require_option(placebo_onset_weeks, "placebo_onset_weeks", 1e-3, 1e3)

    def draw_course(self, covariates: Covariates, generator: np.random.Generator) -> ConradoCourse:
        """Draw the speed of every participant given the latent baseline and the covariates.

        Raises
        ------
        InputError
            If a covariate is missing or outside the range in which the model makes sense.
        """
        require_people(covariates, self.inputs, self.name)
        alleles = covariates.column("apoe4_count") - CENTRE_ALLELES
        baseline = covariates.column("adas_cog")
        typical = (
            BASELINE
            * np.where(covariates.column("female") == 1.0, 1.0, BASELINE_MALE_FACTOR)
            * (1.0 + BASELINE_PER_ALLELE * alleles)
        )
        on_baseline = COVARIANCE / VAR_LOG_BASELINE
        sd = np.sqrt(VAR_SPEED - COVARIANCE * on_baseline)
        effect = on_baseline * np.log(baseline / typical) + sd * generator.standard_normal(len(covariates))
        speed = (
            (SPEED_PER_YEAR + effect)
            * (1.0 + SPEED_PER_YEAR_OF_AGE * (covariates.column("age") - CENTRE_AGE))
            * (1.0 + SPEED_PER_ALLELE * alleles)
            * np.where(covariates.column("comedication") == 1.0, 1.0, SPEED_WITHOUT_COMEDICATION)
        )
        return ConradoCourse(baseline / TOP, speed)

    def take(self, course: object, rows: NDArray[np.generic]) -> ConradoCourse:
        """Return the course of the given participants, by position or mask."""
        own = require_course(course, ConradoCourse)
        return ConradoCourse(own.baseline[rows], own.speed[rows])

    def natural_history(self, course: object, weeks: Floats, progression: float = 1.0) -> Floats:
        """Return the latent score (N, V) without placebo response; `progression` multiplies every SL."""
        own = require_course(course, ConradoCourse)
        years = require_weeks(weeks) / WEEKS_PER_YEAR
        require_option(progression, "progression", 0.0, 100.0)
        power = own.baseline[:, None] ** SHAPE
        exponent = np.minimum(-SHAPE * progression * own.speed[:, None] * years, _HIGHEST_EXPONENT)
        share = own.baseline[:, None] * (power + (1.0 - power) * np.exp(exponent)) ** (-1.0 / SHAPE)
        return np.asarray(TOP * np.minimum(share, 1.0 - _EDGE))

    def placebo_response(self, course: object, weeks: Floats) -> Floats:
        """Return −points (1 − exp(−weeks / onset)) (N, V), the same for everybody."""
        own = require_course(course, ConradoCourse)
        response = self.placebo_points * np.expm1(-require_weeks(weeks) / self.placebo_onset_weeks)
        return np.tile(response, (len(own.baseline), 1))

    def measure(self, natural: Floats, placebo: Floats, generator: np.random.Generator) -> Floats:
        """Return measured scores: 70 times a Beta(87.5 m, 87.5 (1 − m)) variate, fresh for every value."""
        first = PRECISION * _share(natural, placebo)
        measured = generator.beta(first, PRECISION - first)
        measured *= TOP
        return measured

    def measured_mean(self, natural: Floats, placebo: Floats) -> Floats:
        """Return the expectation of `measure`: the latent score itself, held inside the scale."""
        return TOP * _share(natural, placebo)


def _share(natural: Floats, placebo: Floats) -> Floats:
    share = np.asarray(natural + placebo)
    share /= TOP
    return np.clip(share, _EDGE, 1.0 - _EDGE, out=share)

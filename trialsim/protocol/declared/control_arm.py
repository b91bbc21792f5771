"""What is asked of a sized control arm beside its size: estimand, money, borrowing, the card's open ends."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trialsim.protocol.question import Text
from trialsim.protocol.reading import Strict

Price = Annotated[float, Field(ge=0, le=1e12)]


class Estimand(Strict):
    """What is estimated, in words; the strategy for each event that intervenes stands beside its cause.

    Parameters
    ----------
    treatment, population, variable, summary_measure : str
        The attributes of ICH E9(R1).
    """

    treatment: Text
    population: Text
    variable: Text
    summary_measure: Text


class Costs(Strict):
    """What the trial costs, in the user's own currency; nothing here moves a size.

    `control`, `active`: of one randomised participant, all visits. `site_month`: of one open site, each
    month until enrolment is full. `month`: of the trial as a whole, each month until enrolment is full.
    `screening`: of one screened person, eligible or not.
    """

    currency: Annotated[str, Field(min_length=1, max_length=20)]
    control: Price
    active: Price
    site_month: Price = 0.0
    month: Price = 0.0
    screening: Price = 0.0
    source: Text


class Borrowing(Strict):
    """Asks what past participants could do as a stand-in for controls, and at what risk.

    `cap` times the level is the largest type I error that any declared drift may lead to.
    """

    cap: Annotated[float, Field(gt=1, le=10)] = 1.5


class CardSensitivity(Strict):
    """Asks how sizes move over the correlations that the cohort card leaves open.

    `draws` worlds of so many `participants` each, before eligibility.
    """

    draws: Annotated[int, Field(ge=4, le=1_000)] = 40
    participants: Annotated[int, Field(ge=2_000, le=1_000_000)] = 6_000

"""Participants whose numbers are the printed ones: generate, tilt, resample.

A draw from a card has the card's numbers up to Monte Carlo error. Tilting removes that error for every
printed number at once, and brings in what the copula cannot say: cells, subgroup means, odds ratios.

The two readings of a Table 1 are kept apart. If the card describes the *enrolled*, the eligible are drawn
and then tilted, so that those who passed have the printed numbers. If it describes the *source*
population, the tilt is found before eligibility and carried to those who pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from trialsim.data import Covariates, Floats
from trialsim.errors import CardError, require_kind
from trialsim.notebook import InNotebook
from trialsim.population.cards.card import CohortCard
from trialsim.population.cards.criteria import AnyCriterion
from trialsim.population.cards.margins import Margin, NominalMargin, OrdinalMargin
from trialsim.population.cards.provenance import Number
from trialsim.population.cards.targets import Moment, moment_of
from trialsim.population.drawing.draw import draw_covariates
from trialsim.population.drawing.eligibility import draw_eligible
from trialsim.population.drawing.tilt import Tilt, balance, entropy_tilt, systematic_resample

_FEWEST = 10_000
_MOST_ROUNDS = 20
_SETTLED = 1e-12


@dataclass(frozen=True)
class CalibratedDraw(InNotebook):
    """Participants who meet the printed numbers.

    Parameters
    ----------
    covariates : Covariates
        N participants, all of weight 1.
    effective_share : float
        Kish's effective size of the tilt over the number of draws; near 1 if little had to be changed.
    certificate : DataFrame
        One row a target: asked, achieved by the weights, achieved by the N participants, tolerance.
    screen_failure_rate : float or None
        None if the card describes the enrolled: it does not say how many were refused.
    """

    covariates: Covariates
    effective_share: float
    certificate: pd.DataFrame
    screen_failure_rate: float | None


def draw_calibrated(
    card: CohortCard,
    n: int,
    generator: np.random.Generator,
    criteria: Sequence[AnyCriterion] = (),
    *,
    soft: bool = False,
) -> CalibratedDraw:
    """Draw participants whose means, SDs, shares, quartiles and further targets are the card's.

    Parameters
    ----------
    card : CohortCard
        The population; ``describes`` decides whether criteria come before or after its numbers.
    n : int
        Participants, at least 1.
    generator : Generator
        Source of chance.
    criteria : sequence of Criterion or LinearCriterion
        Eligibility.
    soft : bool
        True lets each target miss by as much as its rounding explains.

    Returns
    -------
    CalibratedDraw

    Raises
    ------
    CardError
        If the targets contradict each other; those at fault are named.
    InputError
        If the criteria exclude everyone.

    Examples
    --------
    >>> from trialsim.population import read_card
    >>> card = read_card("cohorts/alzheimers_early.toml")
    >>> drawn = draw_calibrated(card, 20_000, np.random.default_rng(1))
    >>> drawn.effective_share > 0.99, round(float(drawn.covariates.column("age").mean()), 1)
    (True, 71.3)
    """
    require_kind("card", card, CohortCard)
    require_kind("n", n, Integral)
    if n < 1:
        raise CardError("must be at least 1", field="n", value=n, mend="ask for some participants")
    # One thread: sums over many could differ in their last bits from machine to machine.
    with threadpool_limits(1):
        return _draw_calibrated(card, n, generator, criteria, soft)


def _draw_calibrated(
    card: CohortCard, n: int, generator: np.random.Generator, criteria: Sequence[AnyCriterion], soft: bool
) -> CalibratedDraw:
    drawn = max(n, _FEWEST)
    if criteria and card.describes == "source":
        return _tilt_then_screen(card, n, drawn, generator, criteria, soft)
    if criteria:
        people = draw_eligible(card, drawn, generator, criteria).covariates
    else:
        people = draw_covariates(card, drawn, generator)
    tilt = _tilted(card, people, soft)
    moments = tilt.moments
    rows = balance(systematic_resample(tilt.weights, n, generator), moments, generator)
    chosen = people.take(rows)
    return CalibratedDraw(
        chosen, tilt.effective_share, _certificate(card, tilt, chosen), None if criteria else 0.0
    )


def _tilted(card: CohortCard, people: Covariates, soft: bool) -> Tilt:
    """Tilt, and again while an odds ratio refers to proportions that the tilt has moved."""
    tilt = entropy_tilt(card_moments(card, people), soft=soft)
    for _ in range(_MOST_ROUNDS):
        if not any(target.kind == "odds_ratio" for target in card.targets):
            break
        moments = card_moments(card, people, tilt.weights)
        moved = max(
            float(np.abs(new.g - old.g).max()) for new, old in zip(moments, tilt.moments, strict=True)
        )
        if moved < _SETTLED:
            break
        tilt = entropy_tilt(moments, soft=soft)
    return tilt


def _tilt_then_screen(
    card: CohortCard,
    n: int,
    drawn: int,
    generator: np.random.Generator,
    criteria: Sequence[AnyCriterion],
    soft: bool,
) -> CalibratedDraw:
    source = draw_covariates(card, drawn, generator)
    tilt = _tilted(card, source, soft)
    eligible = draw_eligible(card, drawn, generator, criteria)
    weights = carried_weights(tilt, card_moments(card, eligible.covariates))
    chosen = eligible.covariates.take(systematic_resample(weights, n, generator))
    frame = tilt.to_frame().rename(columns={"achieved": "achieved_weighted", "error": "error_weighted"})
    return CalibratedDraw(chosen, tilt.effective_share, frame, eligible.screen_failure_rate)


def carried_weights(tilt: Tilt, moments: Sequence[Moment]) -> Floats:
    """Return the weights (N,) that a tilt gives to other participants: ∝ exp(λ'g(x))."""
    exponent = np.column_stack([moment.g for moment in moments]) @ tilt.multipliers
    raw = np.exp(exponent - exponent.max())
    return np.asarray(raw / raw.sum())


def card_moments(card: CohortCard, people: Covariates, weights: Floats | None = None) -> list[Moment]:
    """Return every printed number of a card as a condition on participants."""
    moments = [
        moment for margin in card.margins for moment in _margin_moments(margin, people.column(margin.name))
    ]
    moments += _group_moments(card, people)
    means = {margin.name: mean.value for margin in card.margins if (mean := margin.numbers().get("mean"))}
    means |= {
        target.covariate: target.value
        for target in card.targets
        if target.kind == "mean" and target.covariate
    }
    for k, target in enumerate(card.targets):
        try:
            moments.append(moment_of(target, people, means, weights))
        except CardError as error:
            raise CardError(
                error.problem, field=f"targets[{k}]", value=error.value, mend=error.mend
            ) from None
    return moments


def _margin_moments(margin: Margin, x: Floats) -> list[Moment]:
    numbers = margin.numbers()
    if "mean" in numbers and "sd" in numbers:
        return _mean_sd_moments(margin.name, numbers["mean"], numbers["sd"], x)
    if "probability" in numbers:
        share = numbers["probability"]
        return [Moment(f"share of {margin.name} {share.value:g}", x, share.value, share.half_width)]
    if isinstance(margin, OrdinalMargin | NominalMargin):
        levels = margin.levels if isinstance(margin, OrdinalMargin) else range(len(margin.categories))
        # One share follows from the others.
        pairs = list(zip(levels, margin.probabilities, strict=True))[:-1]
        return [
            Moment(
                f"share of {margin.name} {level:g} {share.value:g}",
                (x == level).astype(float),
                share.value,
                share.half_width,
            )
            for level, share in pairs
        ]
    return [
        Moment(
            f"{field} of {margin.name} {numbers[field].value:g}",
            (x > numbers[field].value).astype(float),
            above,
            0.0,
        )
        for field, above in (("q1", 0.75), ("median", 0.5), ("q3", 0.25))
    ]


def _mean_sd_moments(name: str, mean: Number, sd: Number, x: Floats) -> list[Moment]:
    m, s = mean.value, sd.value
    return [
        Moment(f"mean of {name} {m:g}", x, m, mean.half_width),
        Moment(f"SD of {name} {s:g}", (x - m) ** 2, s * s, 2 * s * sd.half_width),
    ]


def _group_moments(card: CohortCard, people: Covariates) -> list[Moment]:
    """Return the group means of nominal margins, moved together to the margin's own mean."""
    moments = []
    for margin in card.margins:
        if not isinstance(margin, NominalMargin):
            continue
        shares = np.array([share.value for share in margin.probabilities])
        for group in margin.group_means:
            other = next(one for one in card.margins if one.name == group.of)
            means = np.array([number.value for number in group.means])
            wanted = means - (shares @ means / shares.sum() - other.law().mean)
            x, codes = people.column(group.of), people.column(margin.name)
            for code in range(len(means) - 1):
                inside = codes == code
                half = group.means[code].half_width * shares[code]
                words = f"mean of {group.of} {wanted[code]:.4g} in {margin.categories[code]}"
                moments.append(Moment(words, (x - wanted[code]) * inside, 0.0, half))
    return moments


def _certificate(card: CohortCard, tilt: Tilt, people: Covariates) -> pd.DataFrame:
    frame = tilt.to_frame().rename(columns={"achieved": "achieved_weighted", "error": "error_weighted"})
    frame["achieved"] = [float(moment.g.mean()) for moment in card_moments(card, people)]
    frame["error"] = frame["achieved"] - frame["asked"]
    # A median or an odds ratio is met as nearly as whole participants can: a thousandth.
    frame["within_rounding"] = frame["error"].abs() <= frame["tolerance"].where(frame["tolerance"] > 0, 1e-3)
    return frame

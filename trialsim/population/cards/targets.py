"""Targets of calibration: what else a paper prints of a population, and what each asks of its members.

Every target is a condition E[g(X)] = T on the weighted participants, linear in their weights:

| kind | g(x) | T |
| --- | --- | --- |
| mean | x | value |
| sd | x² | mean² + value², the mean being that of the card's margin or of a `mean` target |
| proportion | 1 in the group | value |
| median | 1{x > value} | ½ |
| subgroup_mean | (x − value) 1{in the group} | 0 |
| odds_ratio | 1{both} − p₁₁, with p₁₁ from the odds ratio and the two proportions (Plackett 1965) | 0 |

A median counts who lies strictly above, the convention of maicplus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self, assert_never

import numpy as np
from pydantic import model_validator

from trialsim.data import Bools, Covariates, Floats
from trialsim.errors import CardError
from trialsim.population.cards.provenance import Number
from trialsim.protocol.eligibility import Criterion
from trialsim.protocol.reading import refuse

Kind = Literal["mean", "sd", "proportion", "median", "subgroup_mean", "odds_ratio"]
_NEEDS_COVARIATE = ("mean", "sd", "median", "subgroup_mean")


class Target(Number):
    """A printed number that calibrated participants meet.

    Parameters
    ----------
    kind : str
        ``mean``, ``sd``, ``proportion``, ``median``, ``subgroup_mean`` or ``odds_ratio``.
    covariate : str, optional
        Whose mean, SD or median; not for a proportion or an odds ratio.
    where : tuple of Criterion
        The group, as conditions that all hold: for a proportion (a cell, if several), a subgroup mean,
        and two for an odds ratio, one each side.
    """

    kind: Kind
    covariate: str | None = None
    where: tuple[Criterion, ...] = ()

    @model_validator(mode="after")
    def _fields_fit_the_kind(self) -> Self:
        if (self.covariate is not None) != (self.kind in _NEEDS_COVARIATE):
            wanted = "needs" if self.kind in _NEEDS_COVARIATE else "has no"
            raise refuse(
                f"a target of kind {self.kind} {wanted} covariate", self.covariate, field="covariate"
            )
        wanted_groups = {"proportion": (1, 9), "subgroup_mean": (1, 9), "odds_ratio": (2, 2)}
        least, most = wanted_groups.get(self.kind, (0, 0))
        if not least <= len(self.where) <= most:
            raise refuse(
                f"a target of kind {self.kind} takes {least} to {most} conditions",
                len(self.where),
                field="where",
            )
        if self.kind == "proportion" and not 0 <= self.value <= 1:
            raise refuse("a proportion lies between 0 and 1", self.value, field="value")
        if self.kind in ("sd", "odds_ratio") and self.value <= 0:
            raise refuse("must be above 0", self.value, field="value")
        return self

    def words(self) -> str:
        """Return the target as a sentence would name it."""
        group = " and ".join(criterion.words() for criterion in self.where)
        match self.kind:
            case "proportion":
                return f"{group} in {self.value:g}"
            case "odds_ratio":
                return (
                    f"odds ratio {self.value:g} between {self.where[0].words()} and {self.where[1].words()}"
                )
            case "subgroup_mean":
                return f"mean {self.covariate} {self.value:g} where {group}"
            case "mean" | "sd" | "median":
                return f"{self.kind} of {self.covariate} {self.value:g}"
            case _:
                assert_never(self.kind)


@dataclass(frozen=True)
class Moment:
    """One linear condition E[g(X)] = value.

    Parameters
    ----------
    words : str
        What it asks, for messages and certificates.
    g : ndarray (N,)
        The function of each participant.
    value : float
        Its expectation.
    tolerance : float
        Half-width within which the expectation agrees with the printed number.
    """

    words: str
    g: Floats
    value: float
    tolerance: float


def moment_of(
    target: Target, people: Covariates, means: dict[str, float], weights: Floats | None = None
) -> Moment:
    """Return the condition that a target puts on some participants.

    Parameters
    ----------
    target : Target
        What is printed.
    people : Covariates
        N participants.
    means : dict of str to float
        Means of the covariates that SD targets refer to.
    weights : ndarray (N,), optional
        Weights under which the two proportions of an odds ratio are taken; equal if not given.

    Raises
    ------
    CardError
        If a covariate is unknown, or an SD target has no mean to refer to.
    """
    for name in [target.covariate, *(criterion.covariate for criterion in target.where)]:
        if name is not None and name not in people.names:
            raise CardError(
                "the card has no such covariate", value=name, mend=f"use one of {', '.join(people.names)}"
            )
    value, half = target.value, target.half_width
    x = people.column(target.covariate) if target.covariate else np.zeros(len(people))
    match target.kind:
        case "mean":
            return Moment(target.words(), x, value, half)
        case "sd":
            if target.covariate not in means:
                raise CardError(
                    f"{target.words()} needs a mean of {target.covariate}", mend="give its mean as well"
                )
            return Moment(target.words(), x * x, means[target.covariate] ** 2 + value**2, 2 * value * half)
        case "median":
            return Moment(target.words(), (x > value).astype(float), 0.5, 0.0)
        case "proportion":
            return Moment(target.words(), in_group(target.where, people).astype(float), value, half)
        case "subgroup_mean":
            group = in_group(target.where, people)
            return Moment(target.words(), (x - value) * group, 0.0, half * float(group.mean()))
        case "odds_ratio":
            return _odds_ratio_moment(target, people, weights)
        case _:
            assert_never(target.kind)


def _odds_ratio_moment(target: Target, people: Covariates, weights: Floats | None) -> Moment:
    first, second = (in_group((criterion,), people) for criterion in target.where)
    both = (first & second).astype(float)
    shares = [float(np.average(group, weights=weights)) for group in (first, second)]
    joint = plackett(shares[0], shares[1], target.value)
    return Moment(target.words(), both - joint, 0.0, 0.0)


def plackett(first: float, second: float, odds_ratio: float) -> float:
    """Return P(both) of two events with these probabilities and this odds ratio.

    Examples
    --------
    >>> round(plackett(0.5, 0.5, 1.0), 12), round(plackett(0.3, 0.4, 3.0), 6)
    (0.25, 0.175736)
    """
    if abs(odds_ratio - 1) < 1e-12:
        return first * second
    total = 1 + (first + second) * (odds_ratio - 1)
    root = np.sqrt(total * total - 4 * odds_ratio * (odds_ratio - 1) * first * second)
    return float((total - root) / (2 * (odds_ratio - 1)))


def in_group(criteria: tuple[Criterion, ...], people: Covariates) -> Bools:
    """Return who meets every criterion (N,)."""
    meets = np.ones(len(people), dtype=bool)
    for criterion in criteria:
        column = people.column(criterion.covariate)
        if criterion.at_least is not None:
            meets &= column >= criterion.at_least
        if criterion.at_most is not None:
            meets &= column <= criterion.at_most
    return meets

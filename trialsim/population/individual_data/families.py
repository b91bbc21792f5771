"""Which family of margins a column of individual data follows: by AIC among those that can have its values.

| column | families |
| --- | --- |
| whole numbers | `whole` shapes, `negative_binomial`; with zeros of their own where at least 11 are 0 |
| 0 or above, at least 11 of them 0 | `zero_inflated` lognormal and gamma |
| 0 or above | normal (cut at 0 where it would reach below), lognormal, gamma, quartiles |
| any | normal, quartiles |
| within public limits | `whole` shapes, or truncated normal, beta, logit-normal, maximum entropy |
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import stats

from trialsim.data import Floats
from trialsim.errors import CardError, InputError
from trialsim.population.card_files.reading import parse_card
from trialsim.population.individual_data.privacy import SMALLEST_CELL
from trialsim.population.laws.laws import Law, StepLaw
from trialsim.population.laws.zero_inflated import ZeroInflatedLaw

SOURCE = "individual_data"
_DIGITS = 4
_REACH = 7.0
# A normal law reaches below 0 less than once in three million participants.
_FAR_FROM_ZERO = 5.0
_LEAST_PROBABILITY = 1e-12

Candidate = tuple[dict[str, Any], int]


def number(value: float, note: str | None = None) -> dict[str, Any]:
    """Return a number of a fitted card, rounded to four digits and labelled as computed."""
    rounded = float(f"{value:.{_DIGITS}g}")
    content: dict[str, Any] = {"value": rounded, "source": SOURCE, "evidence": "computed"}
    return content | ({"note": note} if note else {})


def best_family(values: Floats, limits: tuple[float, float] | None) -> dict[str, Any]:
    """Return the content of the margin of smallest AIC among those that the values and limits allow.

    Parameters
    ----------
    values : ndarray (N,)
        Without missing ones.
    limits : (float, float), optional
        Public limits of the covariate.

    Raises
    ------
    InputError
        If no family has the column's mean and SD within the limits.

    Examples
    --------
    >>> packs = np.array([0.0] * 30 + [1.5, 3.2, 7.7, 12.1, 20.3, 41.0] * 5)
    >>> best_family(packs, None)["kind"], best_family(np.arange(30.0, 90.0), None)["kind"]
    ('zero_inflated', 'whole')
    """
    if limits is not None and not (limits[0] <= values.min() and values.max() <= limits[1]):
        raise InputError(
            "values lie outside the limits, and no law within the limits has them",
            value=limits,
            mend="widen the limits, or leave impossible values empty",
        )
    whole = bool((values == np.round(values)).all())
    found = _scored(_whole_families(values, limits), values) if whole else []
    # Whole numbers over more levels than a step law may have are as good as continuous.
    found = found or _scored(_continuous_families(values, limits), values)
    if not found:
        raise InputError(
            "no law has the mean and SD of this column within the limits",
            value=limits,
            mend="widen the limits",
        )
    return min(found, key=lambda one: one[0])[1]


def _scored(candidates: Iterator[Candidate], values: Floats) -> list[tuple[float, dict[str, Any]]]:
    scored = []
    for content, parameters in candidates:
        try:
            law = _law_of(content)
        except CardError:
            # No law of this family has the column's mean, SD and limits.
            continue
        scored.append((2 * parameters - 2 * log_likelihood(law, values), content))
    return scored


def _moments(values: Floats) -> dict[str, Any]:
    return {"mean": number(float(values.mean())), "sd": number(float(values.std(ddof=1)))}


def _ends(limits: tuple[float, float]) -> dict[str, Any]:
    return {"lower": number(limits[0], "public limit"), "upper": number(limits[1], "public limit")}


def _zeros(values: Floats) -> dict[str, Any]:
    """Return the share of zeros, or nothing where too few are 0 to be told of or somebody is below 0."""
    zeros = int((values == 0).sum())
    if values.min() < 0 or min(zeros, len(values) - zeros) < SMALLEST_CELL:
        return {}
    return {"zeros": number(zeros / len(values))}


def _whole_families(values: Floats, limits: tuple[float, float] | None) -> Iterator[Candidate]:
    base, zeros = {"kind": "whole"} | _moments(values), _zeros(values)
    if limits is not None:
        within = base | _ends((float(np.ceil(limits[0])), float(np.floor(limits[1]))))
        yield from ((within | {"shape": shape}, 2) for shape in ("normal", "beta"))
        return
    if values.min() < 0:
        yield base | {"shape": "normal"}, 2
        return
    base = base | {"lower": number(0.0, "nobody is below 0")}
    yield from ((base | {"shape": shape}, 2) for shape in ("normal", "lognormal", "gamma"))
    yield {"kind": "negative_binomial"} | _moments(values), 2
    if zeros:
        yield from ((base | zeros | {"shape": shape}, 3) for shape in ("normal", "lognormal", "gamma"))


def _continuous_families(values: Floats, limits: tuple[float, float] | None) -> Iterator[Candidate]:
    moments, zeros = _moments(values), _zeros(values)
    if limits is not None:
        kinds = ("truncated_normal", "beta", "logit_normal", "maximum_entropy")
        yield from (({"kind": kind} | moments | _ends(limits), 2) for kind in kinds)
        return
    if zeros:
        # Densities of a column with an atom cannot be held against each other: the zeros come first.
        apart = {"kind": "zero_inflated"} | moments | zeros
        yield from ((apart | {"shape": shape}, 3) for shape in ("lognormal", "gamma"))
        return
    lower: dict[str, Any] = {}
    if values.min() < 0:
        yield {"kind": "normal"} | moments, 2
    else:
        lower = {"lower": number(0.0, "nobody is below 0")}
        far = values.mean() > _FAR_FROM_ZERO * values.std(ddof=1)
        yield ({"kind": "normal"} | moments if far else {"kind": "truncated_normal"} | moments | lower), 2
        yield from (({"kind": kind} | moments, 2) for kind in ("lognormal", "gamma"))
    yield {"kind": "quantiles"} | _smooth_quartiles(values) | lower, 3


def _law_of(content: dict[str, Any]) -> Law:
    card = parse_card(
        {
            "name": "one", "title": "one", "population": "one", "period": "one",
            "n": 1, "describes": "source",
            "sources": {SOURCE: {"citation": "one", "licence": "one", "read": True}},
            "margins": [{"name": "one", "label": "one"} | content],
        }
    )  # fmt: skip
    return card.margins[0].law()


def log_likelihood(law: Law, values: Floats) -> float:
    """Return Σ ln f(x) of a law: shares of levels, and densities φ(z) dz/dx read off the quantile function.

    Examples
    --------
    >>> round(log_likelihood(StepLaw((0.0, 1.0), (0.25, 0.75)), np.array([0.0, 1.0])), 4)
    -1.674
    """
    if isinstance(law, StepLaw):
        levels, shares = np.asarray(law.levels), np.asarray(law.probabilities)
        place = np.searchsorted(levels, values).clip(max=len(levels) - 1)
        found = np.where(levels[place] == values, shares[place], 0.0)
        return float(np.log(np.maximum(found, _LEAST_PROBABILITY)).sum())
    if isinstance(law, ZeroInflatedLaw):
        above = values[values > 0]
        shares_of = (len(values) - len(above)) * np.log(law.zeros) + len(above) * np.log1p(-law.zeros)
        return float(shares_of) + log_likelihood(law.above, above)
    z = np.linspace(-_REACH, _REACH, 4001)
    x = law.from_latent(z)
    rise = np.maximum(np.gradient(x, z), 1e-300)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) / rise
    found = np.interp(values, x, density, left=0.0, right=0.0)
    return float(np.sum(np.log(np.maximum(found, _LEAST_PROBABILITY / law.sd))))


def _smooth_quartiles(values: Floats) -> dict[str, Any]:
    """Return quartiles by Harrell and Davis (1982): weighted means of many participants, nobody's value."""
    ordered, n = np.sort(values), len(values)
    found = {}
    for field, share in (("q1", 0.25), ("median", 0.5), ("q3", 0.75)):
        law = stats.beta((n + 1) * share, (n + 1) * (1 - share))
        found[field] = number(float(np.diff(law.cdf(np.arange(n + 1) / n)) @ ordered))
    return found

"""What a cohort card says of one covariate, and the law that follows from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from trialsim.errors import CardError
from trialsim.population.cards.provenance import Number
from trialsim.population.laws.bounded import (
    match_quartiles,
    require_feasible,
    solve_logit_normal,
    solve_maximum_entropy,
)
from trialsim.population.laws.counts import count_law
from trialsim.population.laws.laws import BetaLaw, GammaLaw, Law, LognormalLaw, NormalLaw, StepLaw
from trialsim.population.laws.truncated import solve_truncated_normal
from trialsim.population.laws.whole import WholeShape, whole_law
from trialsim.population.laws.zero_inflated import zero_inflated_law
from trialsim.protocol.reading import Strict, refuse

_SUM_TOLERANCE = 1e-6


class _Margin(Strict, ABC):
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str = Field(min_length=1)
    note: str | None = None

    @abstractmethod
    def law(self) -> Law:
        """Return the law."""

    @model_validator(mode="after")
    def _law_exists(self) -> Self:
        try:
            self.law()
        except CardError as error:
            raise refuse(
                f"{self.name}: {error.problem}",
                error.value,
                field=error.field or "",
                mend=error.mend or "mend the margin",
            ) from None
        return self


class _MeanSdMargin(_Margin):
    mean: Number
    sd: Number

    def numbers(self) -> dict[str, Number]:
        """Return every number of the margin by its field."""
        return {
            field: value
            for field in ("zeros", "mean", "sd", "lower", "upper")
            if (value := getattr(self, field, None))
        }

    def _spread(self) -> tuple[float, float]:
        if self.sd.value <= 0:
            raise CardError("must be above 0", field="sd", value=self.sd.value, mend="give a positive SD")
        return self.mean.value, self.sd.value

    def _positive(self) -> tuple[float, float]:
        mean, sd = self._spread()
        if mean <= 0:
            raise CardError(
                "must be above 0 for a positive law", field="mean", value=mean, mend="use another margin kind"
            )
        return mean, sd


class NormalMargin(_MeanSdMargin):
    """Normal margin."""

    kind: Literal["normal"]

    def law(self) -> Law:
        """Return the law."""
        return NormalLaw(*self._spread())


class LognormalMargin(_MeanSdMargin):
    """Lognormal margin, mean and SD of the variable itself."""

    kind: Literal["lognormal"]

    def law(self) -> Law:
        """Return the law."""
        return LognormalLaw(*self._positive())


class GammaMargin(_MeanSdMargin):
    """Gamma margin."""

    kind: Literal["gamma"]

    def law(self) -> Law:
        """Return the law."""
        return GammaLaw(*self._positive())


class TruncatedNormalMargin(_MeanSdMargin):
    """Truncated normal margin; mean and SD are those inside the limits. One limit may be left out."""

    kind: Literal["truncated_normal"]
    lower: Number | None = None
    upper: Number | None = None

    def law(self) -> Law:
        """Return the law, its location and scale solved."""
        lower = -float("inf") if self.lower is None else self.lower.value
        upper = float("inf") if self.upper is None else self.upper.value
        if self.lower is None and self.upper is None:
            raise CardError("a truncated law needs a limit", field="lower", mend="use a normal margin")
        return solve_truncated_normal(*self._spread(), lower, upper)


class BetaMargin(_MeanSdMargin):
    """Beta margin on [lower, upper]."""

    kind: Literal["beta"]
    lower: Number
    upper: Number

    def law(self) -> Law:
        """Return the law."""
        mean, sd = self._spread()
        low, high = self.lower.value, self.upper.value
        require_feasible(mean, sd, low, high)
        return BetaLaw(mean, sd, low, high)


class LogitNormalMargin(_MeanSdMargin):
    """Logit-normal margin on (lower, upper): a percentage or a bounded score."""

    kind: Literal["logit_normal"]
    lower: Number
    upper: Number

    def law(self) -> Law:
        """Return the law, its location and scale on the logit scale solved."""
        return solve_logit_normal(*self._spread(), self.lower.value, self.upper.value)


class MaximumEntropyMargin(_MeanSdMargin):
    """The least informative margin on [lower, upper]: bell-shaped, flat, exponential or U-shaped."""

    kind: Literal["maximum_entropy"]
    lower: Number
    upper: Number

    def law(self) -> Law:
        """Return the law, its multipliers solved."""
        return solve_maximum_entropy(*self._spread(), self.lower.value, self.upper.value)


class NegativeBinomialMargin(_MeanSdMargin):
    """Counts: negative binomial if the variance exceeds the mean, Poisson if they are equal."""

    kind: Literal["negative_binomial"]

    def law(self) -> Law:
        """Return the law."""
        return count_law(*self._positive())


class WholeMargin(_MeanSdMargin):
    """Whole numbers, such as ages in years, scores or counts: a smooth shape, rounded.

    Mean and SD are those of the whole numbers, with zeros, and inside the limits.
    """

    kind: Literal["whole"]
    shape: WholeShape
    zeros: Number | None = None
    lower: Number | None = None
    upper: Number | None = None

    def law(self) -> Law:
        """Return the law, the smooth one solved that is rounded."""
        return whole_law(
            self.shape,
            *self._spread(),
            lower=-float("inf") if self.lower is None else self.lower.value,
            upper=float("inf") if self.upper is None else self.upper.value,
            zeros=None if self.zeros is None else self.zeros.value,
        )


class ZeroInflatedMargin(_MeanSdMargin):
    """A share of zeros beside a positive law; mean and SD are those of all, zeros among them."""

    kind: Literal["zero_inflated"]
    shape: Literal["lognormal", "gamma"]
    zeros: Number

    def law(self) -> Law:
        """Return the law, that of the positive values solved."""
        return zero_inflated_law(self.shape, *self._positive(), self.zeros.value)


class QuantileMargin(_Margin):
    """Margin with the printed quartiles, and within the printed range if there is one.

    With only ``lower = 0`` the logarithm is bell-shaped, with both limits the logit, with none the value
    itself; each half has its own spread, joined smoothly.
    """

    kind: Literal["quantiles"]
    q1: Number
    median: Number
    q3: Number
    lower: Number | None = None
    upper: Number | None = None

    def numbers(self) -> dict[str, Number]:
        """Return every number of the margin by its field."""
        fields = ("q1", "median", "q3", "lower", "upper")
        return {field: value for field in fields if (value := getattr(self, field))}

    def law(self) -> Law:
        """Return the law."""
        limits = [-float("inf") if self.lower is None else self.lower.value]
        limits += [float("inf") if self.upper is None else self.upper.value]
        return match_quartiles(self.q1.value, self.median.value, self.q3.value, limits[0], limits[1])


class BinaryMargin(_Margin):
    """Binary margin: 1 with the given probability, else 0."""

    kind: Literal["binary"]
    probability: Number

    def numbers(self) -> dict[str, Number]:
        """Return every number of the margin by its field."""
        return {"probability": self.probability}

    def law(self) -> Law:
        """Return the law."""
        p = self.probability.value
        if not 0 < p < 1:
            raise CardError(
                "must lie strictly between 0 and 1",
                field="probability",
                value=p,
                mend="leave a covariate that does not vary off the card",
            )
        return StepLaw((0.0, 1.0), (1.0 - p, p))


class OrdinalMargin(_Margin):
    """Ordinal margin: ascending levels with probabilities that add up to 1.

    Where `joined`, rarer levels than those listed exist and were counted with the nearest.
    """

    kind: Literal["ordinal"]
    joined: bool = False
    levels: tuple[float, ...] = Field(min_length=2)
    probabilities: tuple[Number, ...] = Field(min_length=2)

    def numbers(self) -> dict[str, Number]:
        """Return every number of the margin by its field."""
        return {f"probabilities[{i}]": number for i, number in enumerate(self.probabilities)}

    def law(self) -> Law:
        """Return the law."""
        return _shares_law(self.levels, self.probabilities)


def _shares_law(levels: tuple[float, ...], probabilities: tuple[Number, ...]) -> Law:
    shares = [number.value for number in probabilities]
    if len(shares) != len(levels):
        raise CardError(
            f"{len(levels)} levels need as many probabilities",
            field="probabilities",
            value=len(shares),
            mend="give one probability a level",
        )
    if any(b <= a for a, b in pairwise(levels)):
        raise CardError("must ascend", field="levels", value=levels, mend="sort the levels")
    if min(shares) <= 0:
        raise CardError("must be above 0", field="probabilities", value=min(shares), mend="drop the level")
    if abs(sum(shares) - 1) > _SUM_TOLERANCE:
        raise CardError(
            "must add up to 1", field="probabilities", value=sum(shares), mend="mend rounded percentages"
        )
    return StepLaw(levels, tuple(share / sum(shares) for share in shares))


class GroupMeans(Strict):
    """Mean of another covariate in each category.

    Parameters
    ----------
    of : str
        Name of the other covariate.
    means : tuple of Number
        One a category.
    """

    of: str
    means: tuple[Number, ...]


class NominalMargin(_Margin):
    """Categories without an order, drawn as codes 0, 1, … in the order given.

    Its association with another covariate is that covariate's mean in each category.
    """

    kind: Literal["nominal"]
    categories: tuple[str, ...] = Field(min_length=3)
    probabilities: tuple[Number, ...] = Field(min_length=3)
    group_means: tuple[GroupMeans, ...] = ()

    def numbers(self) -> dict[str, Number]:
        """Return every number of the margin by its field."""
        shares = {f"probabilities[{i}]": number for i, number in enumerate(self.probabilities)}
        means = {
            f"group_means[{g}].means[{i}]": number
            for g, group in enumerate(self.group_means)
            for i, number in enumerate(group.means)
        }
        return shares | means

    def law(self) -> Law:
        """Return the law of the codes, as the certificate needs it."""
        for g, group in enumerate(self.group_means):
            if len(group.means) != len(self.categories):
                raise CardError(
                    f"{len(self.categories)} categories need as many means",
                    field=f"group_means[{g}].means",
                    value=len(group.means),
                    mend="give one mean a category",
                )
        return _shares_law(tuple(map(float, range(len(self.categories)))), self.probabilities)


Margin = Annotated[
    NormalMargin
    | LognormalMargin
    | GammaMargin
    | TruncatedNormalMargin
    | BetaMargin
    | LogitNormalMargin
    | MaximumEntropyMargin
    | NegativeBinomialMargin
    | WholeMargin
    | ZeroInflatedMargin
    | QuantileMargin
    | BinaryMargin
    | OrdinalMargin
    | NominalMargin,
    Field(discriminator="kind"),
]

KINDS = (
    "normal",
    "lognormal",
    "gamma",
    "truncated_normal",
    "beta",
    "logit_normal",
    "maximum_entropy",
    "negative_binomial",
    "whole",
    "zero_inflated",
    "quantiles",
    "binary",
    "ordinal",
    "nominal",
)

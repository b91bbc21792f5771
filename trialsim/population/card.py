"""What a cohort card says: margins, correlations and where each number comes from."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from trialsim.errors import CardError
from trialsim.population.laws import BetaLaw, GammaLaw, Law, LognormalLaw, NormalLaw, StepLaw
from trialsim.population.truncated import solve_truncated_normal

Evidence = Literal["published", "computed", "recalled", "assumed"]

_SUM_TOLERANCE = 1e-6


class Record(BaseModel):
    """Frozen, strict, without unknown keys, NaN or infinity."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Source(Record):
    """Where numbers come from.

    Parameters
    ----------
    citation : str
        What a reader can look up, or whose assumption it is.
    licence : str
        Licence of the numbers, or why none is needed.
    read : bool
        True if the author of the card read the source itself; only then may a number be ``published``.
    """

    citation: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    read: bool


class Number(Record):
    """A number with its provenance.

    Parameters
    ----------
    value : float
        The number.
    source : str
        Key into the card's sources.
    evidence : str
        ``published`` (read in the source), ``computed`` (by us, from the source), ``recalled`` or
        ``assumed``.
    note : str, optional
        How it was obtained.
    """

    value: float
    source: str
    evidence: Evidence
    note: str | None = None


class _Margin(Record):
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str = Field(min_length=1)
    note: str | None = None


class _MeanSdMargin(_Margin):
    mean: Number
    sd: Number

    def numbers(self) -> dict[str, Number]:
        """Return every number of the margin by its field."""
        return {
            field: value
            for field in ("mean", "sd", "lower", "upper")
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
        if not low < mean < high:
            raise CardError(
                f"must lie inside its limits ({low:g}, {high:g})",
                field="mean",
                value=mean,
                mend="mend the limits",
            )
        largest = ((mean - low) * (high - mean)) ** 0.5
        if sd >= largest:
            raise CardError(
                f"no law on [{low:g}, {high:g}] with mean {mean:g} has this SD;"
                f" it must be below {largest:.4g}",
                field="sd",
                value=sd,
                mend="mend the SD or the limits",
            )
        return BetaLaw(mean, sd, low, high)


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
    """Ordinal margin: ascending levels with probabilities that add up to 1."""

    kind: Literal["ordinal"]
    levels: tuple[float, ...] = Field(min_length=2)
    probabilities: tuple[Number, ...] = Field(min_length=2)

    def numbers(self) -> dict[str, Number]:
        """Return every number of the margin by its field."""
        return {f"probabilities[{i}]": number for i, number in enumerate(self.probabilities)}

    def law(self) -> Law:
        """Return the law."""
        shares = [number.value for number in self.probabilities]
        if len(shares) != len(self.levels):
            raise CardError(
                f"{len(self.levels)} levels need as many probabilities",
                field="probabilities",
                value=len(shares),
                mend="give one probability a level",
            )
        if any(b <= a for a, b in zip(self.levels, self.levels[1:], strict=False)):
            raise CardError("must ascend", field="levels", value=self.levels, mend="sort the levels")
        if min(shares) <= 0:
            raise CardError(
                "must be above 0", field="probabilities", value=min(shares), mend="drop the level"
            )
        if abs(sum(shares) - 1) > _SUM_TOLERANCE:
            raise CardError(
                "must add up to 1", field="probabilities", value=sum(shares), mend="mend rounded percentages"
            )
        return StepLaw(self.levels, tuple(share / sum(shares) for share in shares))


Margin = Annotated[
    NormalMargin
    | LognormalMargin
    | GammaMargin
    | TruncatedNormalMargin
    | BetaMargin
    | BinaryMargin
    | OrdinalMargin,
    Field(discriminator="kind"),
]


class Correlation(Number):
    """Pearson correlation of two covariates as observed, after all rounding and truncation."""

    between: tuple[str, str]
    value: float = Field(gt=-1, lt=1)


class CohortCard(Record):
    """A population as published: margins and correlations, each number with its source.

    Parameters
    ----------
    name, title, population, period : str
        Identifier, heading, who they are, when they were seen.
    n : int
        Participants behind the numbers.
    describes : str
        ``enrolled``: the numbers describe participants who already passed the eligibility criteria;
        ``source``: people before any criterion. The two must not be confused.
    sources : dict of Source
        By key.
    margins : tuple of Margin
        One a covariate.
    correlations : tuple of Correlation
        One a pair.
    unlisted_pairs : str, optional
        ``independent`` says that pairs without an entry are assumed independent; without it every pair
        needs an entry.
    note : str, optional
        What else a reader should know.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field(min_length=1)
    population: str = Field(min_length=1)
    period: str = Field(min_length=1)
    n: int = Field(ge=1)
    describes: Literal["enrolled", "source"]
    sources: dict[str, Source] = Field(min_length=1)
    margins: tuple[Margin, ...] = Field(min_length=1)
    correlations: tuple[Correlation, ...] = ()
    unlisted_pairs: Literal["independent"] | None = None
    note: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the covariates, in the order of the card."""
        return tuple(margin.name for margin in self.margins)

    def content_hash(self) -> str:
        """Return the SHA-256 of the card's content: of what it says, not of how its file is laid out."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()

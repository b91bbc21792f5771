"""Numbers with their provenance: what every cohort card is made of."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from trialsim.protocol.reading import Strict, refuse

Evidence = Literal["published", "computed", "recalled", "assumed"]


class Source(Strict):
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


class Number(Strict):
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

    @property
    def half_width(self) -> float:
        """Half a unit of the last decimal that is given: how far the truth may lie from a rounded number.

        A final 0 is not seen: 56.20 counts as 56.2.

        Examples
        --------
        >>> Number(value=71.3, source="a", evidence="assumed").half_width
        0.05
        """
        decimals = f"{self.value!r}".partition("e")[0].partition(".")[2]
        return 0.5 * 10.0 ** -len(decimals)


class Correlation(Number):
    """Association of two covariates as observed, after all rounding and truncation.

    Parameters
    ----------
    between : tuple of str
        Names of two covariates.
    measure : str
        ``pearson`` (the default; φ of two binary ones), ``point_biserial`` (the same number, of a binary
        and a continuous covariate), ``spearman`` (of mid-ranks), ``kendall`` (two continuous covariates)
        or ``odds_ratio`` (two binary covariates, above 0).
    """

    between: tuple[str, str]
    measure: Literal["pearson", "point_biserial", "spearman", "kendall", "odds_ratio"] = "pearson"

    @model_validator(mode="after")
    def _value_fits_the_measure(self) -> Self:
        if self.measure == "odds_ratio":
            if self.value <= 0:
                raise refuse(
                    "an odds ratio is above 0", self.value, field="value", mend="give a positive number"
                )
        elif not -1 < self.value < 1:
            raise refuse(
                "a correlation lies between -1 and 1",
                self.value,
                field="value",
                mend="give a number above -1 and below 1",
            )
        return self

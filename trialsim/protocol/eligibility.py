"""What a protocol asks of a participant's covariates before randomisation."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Criterion(BaseModel):
    """An inclusion criterion: a covariate within limits, both of which belong to the range.

    Parameters
    ----------
    covariate : str
        Name of the covariate on the cohort card.
    at_least, at_most : float, optional
        Limits in the covariate's unit; one of them at least.

    Examples
    --------
    >>> Criterion(covariate="mmse", at_least=22.0, at_most=30.0)
    Criterion(covariate='mmse', at_least=22.0, at_most=30.0)
    >>> print(Criterion(covariate="age", at_most=85.0).words())
    age at most 85
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    covariate: str = Field(min_length=1)
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _limits_make_a_range(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a criterion needs at_least, at_most or both")
        if self.at_least is not None and self.at_most is not None and self.at_least >= self.at_most:
            raise ValueError(f"at_least ({self.at_least:g}) must be below at_most ({self.at_most:g})")
        return self

    def words(self) -> str:
        """Return the criterion as a protocol would print it."""
        if self.at_most is None:
            return f"{self.covariate} at least {self.at_least:g}"
        if self.at_least is None:
            return f"{self.covariate} at most {self.at_most:g}"
        return f"{self.covariate} from {self.at_least:g} to {self.at_most:g}"

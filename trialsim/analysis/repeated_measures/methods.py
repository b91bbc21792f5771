"""How a mixed model for repeated measures is fitted and judged: the choices, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np

from trialsim.analysis.repeated_measures.covariance_structures import SPATIAL, STRUCTURES
from trialsim.data import Floats
from trialsim.errors import AnalysisError

Likelihood = Literal["reml", "ml"]
DegreesOfFreedom = Literal[
    "satterthwaite", "kenward-roger-linear", "kenward-roger", "between-within", "residual", "z"
]

TITLES: dict[str, str] = {
    "satterthwaite": "Satterthwaite",
    "kenward-roger-linear": "Kenward-Roger, linear form",
    "kenward-roger": "Kenward-Roger with second derivatives",
    "between-within": "between-within",
    "residual": "residual",
    "z": "none (normal distribution)",
}


@dataclass(frozen=True)
class Method:
    """Likelihood and small-sample method.

    Parameters
    ----------
    likelihood : {"reml", "ml"}
    df : str
        Key of `TITLES`.
    """

    likelihood: Likelihood
    df: DegreesOfFreedom

    @property
    def restricted(self) -> bool:
        """Whether the likelihood is restricted."""
        return self.likelihood == "reml"

    @property
    def adjusted(self) -> bool:
        """Whether the variance is that of Kenward and Roger."""
        return self.df.startswith("kenward-roger")

    @property
    def curved(self) -> bool:
        """Whether the second derivatives of the covariance enter."""
        return self.df == "kenward-roger"

    @property
    def needs_information(self) -> bool:
        """Whether the observed information of the covariance is needed."""
        return self.adjusted or self.df == "satterthwaite"

    @property
    def variance_column(self) -> int:
        """Column of a `contrast_table` that holds the variance."""
        return {"kenward-roger-linear": 3, "kenward-roger": 4}.get(self.df, 1)

    def degrees_of_freedom(
        self,
        satterthwaite: Floats,
        observations: Floats | int,
        participants: Floats | int,
        columns: Floats | int,
        constant: Floats | int,
        *,
        between: bool,
    ) -> Floats:
        """Return the degrees of freedom of contrasts, in the shape of `satterthwaite`.

        Residual: N − p. Between-within: participants minus the `constant` terms, which do not vary within a
        participant, for contrasts that involve one, else N − participants minus the other columns.
        """
        if self.needs_information:
            return satterthwaite
        unit = np.ones_like(satterthwaite)
        if self.df == "z":
            return np.inf * unit
        if self.df == "residual":
            return (observations - columns) * unit
        if self.df != "between-within":
            raise AnalysisError("has no degrees of freedom here", field="df", value=self.df)
        if between:
            return (participants - constant) * unit
        return (observations - participants - (columns - constant)) * unit


def method_of(likelihood: str, df: str, covariance: str) -> Method:
    """Return the method, or say which choice does not exist.

    Raises
    ------
    AnalysisError
        If a name is unknown, or Kenward-Roger is asked for without REML.

    Examples
    --------
    >>> method_of("reml", "kenward-roger-linear", "us").adjusted
    True
    """
    for field, value, known in (
        ("method", likelihood, get_args(Likelihood)),
        ("df", df, get_args(DegreesOfFreedom)),
        ("covariance", covariance, (*STRUCTURES, *SPATIAL)),
    ):
        if value not in known:
            raise AnalysisError(
                "is not a known choice", field=field, value=value, mend=f"use one of {', '.join(known)}"
            )
    if df.startswith("kenward-roger") and likelihood != "reml":
        raise AnalysisError("Kenward-Roger is defined for REML only", field="method", value=likelihood)
    return Method(cast(Likelihood, likelihood), cast(DegreesOfFreedom, df))

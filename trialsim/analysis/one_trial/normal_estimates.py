"""Estimates with a normal or a t test, and the refusal of the one trial of a data frame that failed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from trialsim.data import STATUS_OK, Estimates, Floats
from trialsim.errors import AnalysisError


def normal_estimates(
    analysis: str,
    estimate: Floats,
    standard_error: Floats,
    status: NDArray[np.int8],
    reasons: tuple[str, ...],
    statistic: Floats | None = None,
    df: Floats | None = None,
) -> Estimates:
    """Return estimates with a two-sided p value, normal or t with `df` (R,); NaN where the analysis failed.

    The statistic is the estimate over its standard error, unless a score statistic is given.
    """
    failed = status != STATUS_OK
    degrees = np.full(len(status), np.inf) if df is None else df
    estimate = np.where(failed, np.nan, estimate)
    standard_error = np.where(failed, np.nan, standard_error)
    with np.errstate(invalid="ignore"):
        z = estimate / standard_error if statistic is None else np.where(failed, np.nan, statistic)
    return Estimates(
        analysis=analysis,
        estimate=estimate,
        standard_error=standard_error,
        df=np.where(failed, np.nan, degrees),
        statistic=z,
        p_value=two_sided(z, degrees),
        status=status.astype(np.int8),
        reasons=reasons,
    )


def two_sided(statistic: Floats, df: Floats) -> Floats:
    """Return the two-sided p values of t statistics; of normal ones where `df` is infinite."""
    below = -np.abs(statistic)
    return 2.0 * np.where(np.isinf(df), special.ndtr(below), special.stdtr(df, below))


def raise_for(status: int, reasons: tuple[str, ...], field: str) -> None:
    """Raise if the only replicate of a data frame failed, naming its status."""
    if status != STATUS_OK:
        raise AnalysisError(f"{reasons[status]}: the trial cannot be analysed", field=field)

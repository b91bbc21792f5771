"""Arrays that the closed form reads, or why it does not."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trialsim.data import Floats, for_kernel
from trialsim.errors import AnalysisError

Likelihood = Literal["reml", "ml"]


def checked_arrays(outcomes: NDArray[np.generic], covariates: NDArray[np.generic]) -> tuple[Floats, Floats]:
    """Return C-contiguous outcomes (R, N, V) and covariates (R or 1, N, q)."""
    values = for_kernel(outcomes, dtype=np.float64)
    design = for_kernel(covariates, dtype=np.float64)
    if design.ndim == 2:
        design = design[None]
    if values.ndim != 3 or design.ndim != 3:
        raise AnalysisError(
            "outcomes need axes replicate, participant, visit; covariates replicate, participant, covariate",
            value=(values.shape, design.shape),
        )
    if design.shape[1] != values.shape[1] or design.shape[0] not in (1, values.shape[0]):
        raise AnalysisError(
            "covariates must have the replicates and participants of the outcomes",
            value=(values.shape, design.shape),
        )
    if not (design[..., 0] == 1.0).all():
        raise AnalysisError(
            "the first covariate must be 1 for everyone", mend="put a column of ones in front"
        )
    return values, design


def position_of(index: int, size: int, field: str) -> int:
    """Return a position from 0, counting negative ones from the end, or refuse it."""
    if not -size <= index < size:
        raise AnalysisError(f"must be between {-size} and {size - 1}", field=field, value=index)
    return range(size)[index]


def raise_for_non_finite(outcomes: Floats, covariates: Floats) -> None:
    """Raise if an outcome is infinite or a covariate of a participant with outcomes not finite."""
    seen = ~np.isnan(outcomes[:, :, 0])
    bad = np.isinf(outcomes).any(axis=2) | (seen & ~np.isfinite(covariates).all(axis=2))
    if not bad.any():
        return
    replicate, participant = (int(position[0]) for position in np.nonzero(bad))
    raise AnalysisError(
        f"an outcome or covariate is not finite at position {participant} of replicate {replicate}",
        mend="remove it or mark the outcome as missing (NaN)",
    )

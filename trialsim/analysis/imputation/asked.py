"""What is asked of an imputation, or why it is refused."""

from __future__ import annotations

import numpy as np

from trialsim.analysis.one_trial.tidy_frame import check_level
from trialsim.errors import AnalysisError

METHODS = ("conditional_mean", "bayes", "approximate_bayes")


def check_options(
    method: str, variance: str, draws: int, burn_in: int, generator: np.random.Generator | None, level: float
) -> None:
    """Refuse options of `reference_based_imputation` that do not exist or do not go together."""
    if method not in METHODS:
        raise AnalysisError(f"must be one of {', '.join(METHODS)}", field="method", value=method)
    if variance not in ("jackknife", "information_anchored", "bootstrap"):
        raise AnalysisError(
            "must be 'jackknife', 'information_anchored' or 'bootstrap'", field="variance", value=variance
        )
    drawing = variance if method == "conditional_mean" else method
    if drawing in (*METHODS[1:], "bootstrap") and generator is None:
        raise AnalysisError(
            f"is needed by '{drawing}'", field="generator", mend="use trialsim.streams.stream"
        )
    if draws < 2 or burn_in < 0:
        raise AnalysisError("at least 2 draws and no negative burn-in", field="draws", value=(draws, burn_in))
    check_level(level)

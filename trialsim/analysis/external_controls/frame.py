"""A treated arm against outside controls, from a data frame."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd

from trialsim.analysis.external_controls.balance import balance_of, one_time_zero, sizes_of
from trialsim.analysis.external_controls.estimated import slopes_of
from trialsim.analysis.external_controls.result import ExternalControlsResult
from trialsim.analysis.external_controls.weights import WEIGHTS, Kind, Numbers, Weighted, weigh
from trialsim.analysis.linear.design import read_design
from trialsim.analysis.one_trial.tidy_frame import Columns, as_names, check_level
from trialsim.data import Floats
from trialsim.errors import AnalysisError


def external_controls(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    control: Hashable | None = None,
    active: Hashable | None = None,
    covariates: Columns,
    weights: Kind = "att",
    time_zero: str | None = None,
    level: float = 0.95,
) -> ExternalControlsResult:
    """Compare a treated arm with controls from outside the trial, weighted to be alike.

    Parameters
    ----------
    data : DataFrame
        One row a participant, of the trial and from outside.
    outcome : str
        Column of a number, or of 0 and 1; rows where it is missing are left out.
    arm : str
        Column that tells the treated arm from outside controls.
    control, active : optional
        Labels in `arm`: outside controls, and the treated arm.
    covariates : str or sequence of str
        What the groups are made alike in; labels become an indicator of each level but the first.
    weights : {"att", "ate", "overlap", "entropy"}
        Whose effect is estimated, and by which weights: see `weigh`.
    time_zero : str, optional
        Column that says when each participant's follow-up starts, such as "randomisation"; more than one
        start is refused.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    ExternalControlsResult
        With μ̂_a = Σ w y / Σ w in each arm, their difference, and its standard error by the sandwich of all
        equations together, those of the weights among them; balance, effective sizes, and a checklist.

    Raises
    ------
    AnalysisError
        A column cannot be used, or no weights balance the groups: the covariate in the way is named.

    Source: Stefanski and Boos (2002) for the sandwich; Austin (2009) for standardised differences.

    Examples
    --------
    >>> data = pd.DataFrame({"y": [3.0, 4, 2, 3, 1, 2, 1], "x": [1, 1, 0, 1, 0, 0, 1]})
    >>> data["arm"] = list("tttcccc")
    >>> found = external_controls(data, outcome="y", arm="arm", covariates="x", weights="entropy")
    >>> round(found.effect, 4), round(found.unweighted, 4)
    (1.1667, 1.25)
    """
    check_level(level)
    names = as_names(covariates)
    if not names:
        raise AnalysisError(
            "are needed: without them nothing makes the groups alike", field="covariates", mend="name columns"
        )
    one_time_zero(data, time_zero)
    design = read_design(
        data, outcome=outcome, arm=arm, covariates=names, control=control, active=active, two_arms=True
    )
    treated = design.arm.astype(np.float64)
    if np.ptp(design.outcome) == 0.0:
        raise AnalysisError("is the same for everybody, so that nothing differs", field=outcome)
    found = weigh(treated, design.covariates, weights, list(design.columns))
    means = _weighted_means(found.weights, treated, design.outcome)
    here = treated == 1.0
    return ExternalControlsResult(
        effect=means[1] - means[0],
        standard_error=_standard_error(found, treated, design.outcome, means),
        means=means,
        unweighted=float(design.outcome[here].mean() - design.outcome[~here].mean()),
        level=level,
        arms=(design.arms[0], design.arms[1]),
        weights=WEIGHTS[weights][0],
        balance=balance_of(design.covariates, tuple(design.columns), treated, found.weights),
        sizes=sizes_of((design.arms[0], design.arms[1]), treated, found.weights),
    )


def _weighted_means(w: Floats, treated: Floats, y: Floats) -> tuple[float, float]:
    return (
        float(np.average(y, weights=w * (1.0 - treated))),
        float(np.average(y, weights=w * treated)),
    )


def _standard_error(found: Weighted, treated: Floats, y: Floats, means: tuple[float, float]) -> float:
    """Return the error of the difference by A⁻¹ B A⁻ᵀ of the stacked equations of weights and means."""
    K = len(found.theta)

    def stacked(at: Numbers) -> Numbers:
        w = found.raw(at[:K])
        gaps = np.stack([w * (1.0 - treated) * (y - at[K]), w * treated * (y - at[K + 1])], axis=1)
        return np.concatenate([found.equations(at[:K]), gaps], axis=1)

    at = np.concatenate([found.theta, means])
    inverse = np.linalg.pinv(slopes_of(lambda x: stacked(x).sum(axis=0), at))
    meat = stacked(at)
    influence = meat @ inverse.T
    return float(np.sqrt(np.square(influence[:, K + 1] - influence[:, K]).sum()))

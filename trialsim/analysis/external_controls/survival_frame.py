"""Times to an event of a treated arm against outside controls, from a data frame."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd

from trialsim.analysis.external_controls.balance import balance_of, one_time_zero, sizes_of
from trialsim.analysis.external_controls.estimated import EstimatedWeights
from trialsim.analysis.external_controls.survival_kernel import (
    EventTimes,
    log_hazard_ratio,
    weighted_curve,
)
from trialsim.analysis.external_controls.survival_result import ExternalSurvivalResult
from trialsim.analysis.external_controls.weights import WEIGHTS, Kind, weigh
from trialsim.analysis.one_trial.tidy_frame import Columns, as_names, check_level
from trialsim.analysis.survival.block import read_positive
from trialsim.analysis.survival.frame import read_frame
from trialsim.data import Floats
from trialsim.errors import AnalysisError

_MEASURES = ("survival at the horizon", "mean survival time up to the horizon")


def external_controls_survival(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    control: Hashable | None = None,
    active: Hashable | None = None,
    covariates: Columns,
    weights: Kind = "att",
    tau: float | None = None,
    time_zero: str | None = None,
    level: float = 0.95,
) -> ExternalSurvivalResult:
    """Compare times to an event of a treated arm with controls from outside the trial, weighted to be alike.

    Parameters
    ----------
    data : DataFrame
        One row a participant, of the trial and from outside.
    time, event, arm : str
        Columns: follow-up from the same time zero in both groups, 1 for an event and 0 for censoring, and
        what tells the treated arm from outside controls.
    control, active : optional
        Labels in `arm`: outside controls, and the treated arm.
    covariates : str or sequence of str
        What the groups are made alike in; labels become an indicator of each level but the first.
    weights : {"att", "ate", "overlap", "entropy"}
        Whose effect is estimated, and by which weights: see `weigh`. They have mean 1 in each arm.
    tau : float, optional
        Horizon, above 0, for weighted survival and restricted mean; both arms must be followed to it.
    time_zero : str, optional
        Column that says when each participant's follow-up starts, such as "randomisation"; more than one
        start is refused.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    ExternalSurvivalResult
        The hazard ratio of a weighted Cox model of the arm alone (Breslow's ties), and with `tau` weighted
        Kaplan–Meier curves. Standard errors are robust and know that the weights were estimated: the
        influence of each participant is its own and that on everybody's weights.

    Raises
    ------
    AnalysisError
        A column cannot be used, follow-up starts at different moments or ends before `tau`, the hazard ratio
        is infinite, or no weights balance the groups: the covariate in the way is named.

    Source: Lin and Wei (1989); Shu, Young, Toh and Wang (2021), Biometrics 77:846.

    Examples
    --------
    >>> data = pd.DataFrame({"t": [5.0, 8, 9, 12, 2, 3, 4, 7, 6], "e": [1, 0, 1, 1, 1, 1, 1, 1, 0]})
    >>> data["x"], data["arm"] = [1, 1, 0, 0, 1, 0, 0, 1, 1], list("ttttccccc")
    >>> found = external_controls_survival(
    ...     data, time="t", event="e", arm="arm", covariates="x", weights="entropy")
    >>> round(found.hazard_ratio, 4), found.sizes["effective"].round(2).tolist()
    (0.1468, [4.8, 4.0])
    """
    check_level(level)
    horizon = None if tau is None else read_positive("tau", tau)
    names = as_names(covariates)
    if not names:
        raise AnalysisError(
            "are needed: without them nothing makes the groups alike", field="covariates", mend="name columns"
        )
    one_time_zero(data, time_zero)
    frame = read_frame(
        data, time=time, event=event, arm=arm, covariates=names, control=control, active=active
    )
    block = frame.block
    treated, x = block.arm[0].astype(np.float64), np.asarray(block.covariates[0])
    found = weigh(treated, x, weights, list(frame.covariates))
    estimated = EstimatedWeights.of(found, treated)
    people = EventTimes.of(treated, block.event[0].astype(np.float64), block.time[0])
    ratio, gradient = _finite(people, estimated.weights, arm)
    plain, _ = _finite(people, np.ones(len(treated)), arm)
    return ExternalSurvivalResult(
        log_hazard_ratio=ratio,
        standard_error=estimated.standard_error(gradient),
        unweighted=plain,
        differences=_differences(people, estimated, horizon, frame.pair),
        tau=horizon,
        level=level,
        arms=frame.pair,
        weights=WEIGHTS[weights][0],
        events=(
            int(people.event[treated == 0.0].sum()), int(people.event[treated == 1.0].sum()),
        ),
        balance=balance_of(x, frame.covariates, treated, estimated.weights),
        sizes=sizes_of(frame.pair, treated, estimated.weights),
    )  # fmt: skip


def _finite(people: EventTimes, w: Floats, arm: str) -> tuple[float, Floats]:
    found = log_hazard_ratio(people, w)
    if found is None:
        raise AnalysisError(
            "has an infinite hazard ratio: while events happened one arm had none, or nobody at risk",
            field=arm, mend="compare survival at a horizon by curves, or wait for more events",
        )  # fmt: skip
    return found


def _differences(
    people: EventTimes, estimated: EstimatedWeights, tau: float | None, arms: tuple[str, str]
) -> pd.DataFrame:
    """Return control, treated and difference of survival at τ and of the restricted mean."""
    columns = ["measure", "control", "treated", "difference", "standard_error", "unweighted"]
    if tau is None:
        return pd.DataFrame(columns=columns)
    for position, label in enumerate(arms):
        own = people.treated == position
        last = float(people.time[own].max())
        if last < tau and not people.event[own][people.time[own] == last].all():
            raise AnalysisError(
                f"is beyond the follow-up of {label}, which ends at {last:g}", field="tau", value=tau,
                mend="give a horizon to which both arms are followed",
            )  # fmt: skip
    ones = np.ones(len(people.time))
    weighted = [weighted_curve(people, estimated.weights, a, tau) for a in (0.0, 1.0)]
    plain = [weighted_curve(people, ones, a, tau) for a in (0.0, 1.0)]
    rows = []
    for measure, value, slope in zip(
        _MEASURES, ("survival", "restricted_mean"), ("by_survival", "by_mean"), strict=True
    ):
        control, treated = (float(getattr(one, value)) for one in weighted)
        gradient = getattr(weighted[1], slope) - getattr(weighted[0], slope)
        rows.append(
            (
                measure, control, treated, treated - control, estimated.standard_error(gradient),
                float(getattr(plain[1], value) - getattr(plain[0], value)),
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=columns)

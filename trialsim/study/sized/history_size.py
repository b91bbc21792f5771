"""What the sizes would be if the trial's placebo arm spread as the history's does."""

from __future__ import annotations

from trialsim.design import PlanningMoments, Size, size_for_power
from trialsim.errors import DesignError
from trialsim.protocol import ANALYSES
from trialsim.study.sized.result import StudyResult


def moments_of_history(result: StudyResult) -> PlanningMoments:
    """Return the plan's moments with the control arm's SD and baseline correlation from the history.

    The active arm keeps its ratio of SDs, and its difference in correlation, to the control arm.

    Parameters
    ----------
    result : StudyResult
        What the main job found.

    Returns
    -------
    PlanningMoments
        SDs and correlations of both arms.
    """
    planned, history = result.plan.moments, result.history
    sd = history.summary.sd_change[-1]
    gap = planned.baseline_correlation[1] - planned.baseline_correlation[0]
    active = min(max(history.baseline_correlation + gap, -0.99), 0.99)
    return PlanningMoments(
        (sd, sd * planned.sd[1] / planned.sd[0]),
        (history.baseline_correlation, active),
        planned.partial_correlation,
    )


def sizes_at_history(result: StudyResult) -> dict[str, Size | None]:
    """Return each analysis's size at the history's moments, by name; None where no allowed trial reaches it.

    The effect stays the protocol's. The history is a sample: its SD has a relative standard error of
    about 1/√(2n).

    Parameters
    ----------
    result : StudyResult
        What the main job found.

    Returns
    -------
    dict of str to Size or None
        By analysis.
    """
    moments = moments_of_history(result)
    sizes: dict[str, Size | None] = {}
    for name in ANALYSES:
        try:
            sizes[name] = size_for_power(moments, name, result.plan.question)
        except DesignError:
            sizes[name] = None
    return sizes

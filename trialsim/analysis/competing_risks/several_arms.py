"""Gray's test of several arms at once; see `trialsim.analysis.competing_risks.gray` for the formula."""

from __future__ import annotations

import pandas as pd

from trialsim.analysis.competing_risks.gray import count_events, gray_by_assignments, gray_scores
from trialsim.analysis.one_trial.several_arms import SeveralArmsTest, chi_square_tail, quadratic_form
from trialsim.analysis.one_trial.tidy_frame import Columns
from trialsim.analysis.survival.frame import read_frame
from trialsim.analysis.survival.log_rank_test import Test
from trialsim.errors import AnalysisError


def k_sample_gray_test(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    cause: object,
    censored: object = 0,
    strata: Columns | None = None,
    control: object = None,
    test: Test = "automatic",
    seed: int = 1,
) -> SeveralArmsTest:
    """Test that several arms have the same cumulative incidence of one cause among competing ones.

    Parameters
    ----------
    data, time, event, arm, cause, censored, strata, control
        As in `gray_test`; every level of `arm` is an arm.
    test, seed
        As in `gray_test`.

    Returns
    -------
    SeveralArmsTest
        Prints the chi-square; ``to_frame()`` gives the events by kind.

    Raises
    ------
    AnalysisError
        If the data cannot be read, or hold no information about the arms.

    Examples
    --------
    >>> data = pd.DataFrame({"t": range(1, 13), "e": [1, 2, 1, 0] * 3, "arm": list("aababcbcbacc")})
    >>> found = k_sample_gray_test(data, time="t", event="e", arm="arm", cause=1)
    >>> found.degrees
    2
    """
    frame = read_frame(
        data, time=time, event=event, arm=arm, strata=strata, control=control, codes=(censored, cause),
        several=True,
    )  # fmt: skip
    found = gray_scores(frame.block, len(frame.arms))
    score, covariance = found.score[0], found.variance[0]
    chi_square, degrees = quadratic_form(score, covariance)
    if degrees == 0:
        raise AnalysisError("no_information: the trial cannot be analysed", field=event)
    events = count_events(frame.block, frame.arms)
    title = f"Gray's test of cause {cause}"
    by = gray_by_assignments(frame.block, len(frame.arms), chi_square_tail(chi_square, degrees), test, seed)
    return SeveralArmsTest(
        title, frame.arms, score, covariance, chi_square, degrees, events, by.p_value, by.test, by.reason
    )

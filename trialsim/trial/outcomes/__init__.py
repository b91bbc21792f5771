"""What is seen of each participant: scores, responses, counts, times to events?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.trial.outcomes.covariances import (
        autoregressive,
        covariance_factor,
        covariance_of,
        exchangeable,
    )
    from trialsim.trial.outcomes.discrete import (
        binary_outcomes,
        count_outcomes,
        draw_frailty,
        ordinal_outcomes,
        recurrent_events,
    )
    from trialsim.trial.outcomes.joint import JointTrials, JointTruth, JointWorld, joint_truth, simulate_joint
    from trialsim.trial.outcomes.survival import SurvivalTrials, SurvivalWorld, simulate_survival
    from trialsim.trial.outcomes.survival_laws import (
        CureLaw,
        PiecewiseHazard,
        SurvivalLaw,
        WeibullLaw,
        gompertz_of_course,
    )
    from trialsim.trial.outcomes.visits import WEEKS_PER_MONTH, VisitEffect, normal_outcomes, ramp_shift
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "WEEKS_PER_MONTH",
    "CureLaw",
    "JointTrials",
    "JointTruth",
    "JointWorld",
    "PiecewiseHazard",
    "SurvivalLaw",
    "SurvivalTrials",
    "SurvivalWorld",
    "VisitEffect",
    "WeibullLaw",
    "autoregressive",
    "binary_outcomes",
    "count_outcomes",
    "covariance_factor",
    "covariance_of",
    "draw_frailty",
    "exchangeable",
    "gompertz_of_course",
    "joint_truth",
    "normal_outcomes",
    "ordinal_outcomes",
    "ramp_shift",
    "recurrent_events",
    "simulate_joint",
    "simulate_survival",
]

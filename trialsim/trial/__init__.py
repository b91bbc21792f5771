"""How does a trial run?

- `allocation`: to which arm does each participant go? `enrolment`: when does each come?
- `outcomes`: what is seen of each, at visits, in time to events, or both.
- `intercurrent_events`: who stops, why, and what follows; the true value under every estimand strategy.
- `interim`: trials that are read before their end, and adapt.

The names here are those that most users need; each sub-room offers the rest.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.rates import PlannedAccrual
    from trialsim.trial import allocation, enrolment, intercurrent_events, interim, outcomes
    from trialsim.trial.allocation.blocks import permuted_blocks, simple_randomisation
    from trialsim.trial.allocation.minimisation import minimise
    from trialsim.trial.enrolment.forecast import forecast_enrolment
    from trialsim.trial.enrolment.site_plans import SitePlan, site_plan
    from trialsim.trial.enrolment.sites import recruit
    from trialsim.trial.intercurrent_events.discontinuation import DiscontinuationCause
    from trialsim.trial.intercurrent_events.truths import true_values
    from trialsim.trial.intercurrent_events.worlds import (
        IntercurrentEvent,
        LongitudinalWorld,
        simulate_longitudinal,
    )
    from trialsim.trial.interim.adaptive_rules import bounds_rule
    from trialsim.trial.interim.closed_testing import ClosedTest
    from trialsim.trial.interim.delayed_response import simulate_delayed
    from trialsim.trial.interim.event_resizing import EventZone
    from trialsim.trial.interim.looks import calendar_looks, event_looks
    from trialsim.trial.interim.sequential import normal_score, stop_at_bounds
    from trialsim.trial.interim.staged import simulate_staged
    from trialsim.trial.outcomes.discrete import (
        binary_outcomes,
        count_outcomes,
        ordinal_outcomes,
        recurrent_events,
    )
    from trialsim.trial.outcomes.joint import JointWorld, simulate_joint
    from trialsim.trial.outcomes.survival import SurvivalWorld, simulate_survival
    from trialsim.trial.outcomes.survival_laws import CureLaw, PiecewiseHazard, WeibullLaw
    from trialsim.trial.outcomes.visits import VisitEffect, normal_outcomes
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "ClosedTest",
    "CureLaw",
    "DiscontinuationCause",
    "EventZone",
    "IntercurrentEvent",
    "JointWorld",
    "LongitudinalWorld",
    "PiecewiseHazard",
    "PlannedAccrual",
    "SitePlan",
    "SurvivalWorld",
    "VisitEffect",
    "WeibullLaw",
    "allocation",
    "binary_outcomes",
    "bounds_rule",
    "calendar_looks",
    "count_outcomes",
    "enrolment",
    "event_looks",
    "forecast_enrolment",
    "intercurrent_events",
    "interim",
    "minimise",
    "normal_outcomes",
    "normal_score",
    "ordinal_outcomes",
    "outcomes",
    "permuted_blocks",
    "recruit",
    "recurrent_events",
    "simple_randomisation",
    "simulate_delayed",
    "simulate_joint",
    "simulate_longitudinal",
    "simulate_staged",
    "simulate_survival",
    "site_plan",
    "stop_at_bounds",
    "true_values",
]

"""What happens at an interim look: stopping, resizing, dropping arms?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.trial.interim.adaptive_rules import (
        blinded_resizing_rule,
        bounds_rule,
        combination_rule,
        keep_best,
        promising_zone,
        resize_blinded,
    )
    from trialsim.trial.interim.bayesian_rules import (
        predictive_rule,
        predictive_table,
        probability_best,
        thompson_rule,
    )
    from trialsim.trial.interim.closed_testing import (
        ClosedTest,
        closed_rejections,
        closed_test_rule,
        intersection_score,
        stage_statistics,
    )
    from trialsim.trial.interim.delayed_response import DelayedTrials, simulate_delayed
    from trialsim.trial.interim.event_resizing import (
        EventZone,
        FinalTest,
        blinded_size,
        conventional_bound,
        final_statistic,
        participants_for_events,
    )
    from trialsim.trial.interim.looks import (
        Looks,
        calendar_looks,
        check_calendar,
        check_event_order,
        check_reachable,
        event_looks,
    )
    from trialsim.trial.interim.sequential import Stopping, normal_score, stop_at_bounds
    from trialsim.trial.interim.staged import (
        Rule,
        StageAction,
        StagedState,
        StagedTrials,
        check_stages,
        simulate_staged,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "ClosedTest",
    "DelayedTrials",
    "EventZone",
    "FinalTest",
    "Looks",
    "Rule",
    "StageAction",
    "StagedState",
    "StagedTrials",
    "Stopping",
    "blinded_resizing_rule",
    "blinded_size",
    "bounds_rule",
    "calendar_looks",
    "check_calendar",
    "check_event_order",
    "check_reachable",
    "check_stages",
    "closed_rejections",
    "closed_test_rule",
    "combination_rule",
    "conventional_bound",
    "event_looks",
    "final_statistic",
    "intersection_score",
    "keep_best",
    "normal_score",
    "participants_for_events",
    "predictive_rule",
    "predictive_table",
    "probability_best",
    "promising_zone",
    "resize_blinded",
    "simulate_delayed",
    "simulate_staged",
    "stage_statistics",
    "stop_at_bounds",
    "thompson_rule",
]

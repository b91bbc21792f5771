"""How a trial runs: recruitment, randomisation, outcomes and dropout of blocks of replicates.

- `Pool`, `TrialSize`: who can be recruited, and how many are.
- `simulate_block`: a block of replicate trials as arrays.
- `allocate`, `enrol`, `drop_out`, `treated_course`: its steps, each usable alone.
- `site_plan`, `recruit`, `PlannedAccrual`: entry by sites with caps and screening, or at planned rates.
- `forecast_enrolment`, `posterior_plan`, `fit_site_rates`: when enrolment will be full.
- `PiecewiseHazard`, `WeibullLaw`, `CureLaw`, `competing_times`, `gompertz_of_course`: times to events.
- `normal_outcomes` with `VisitEffect`; `binary_outcomes`, `ordinal_outcomes`, `count_outcomes`,
  `recurrent_events`: other outcomes.
- `LongitudinalWorld` with `IntercurrentEvent` and `DiscontinuationCause`: why people stop and what follows;
  `simulate_longitudinal` gives trials, `true_values` the value under every estimand strategy.
- `SurvivalWorld`, `simulate_survival`, `event_looks`, `calendar_looks`, `stop_at_bounds`: sequential trials.
- `binary_visits`, `ordinal_visits`, `count_visits`: outcomes at visits, with slope and subgroup effects.
- `JointWorld`, `simulate_joint`, `joint_truth`: an event whose hazard follows a marker.
- `EventZone`, `blinded_size`, `reallocate`: survival trials that adapt.
- `simulate_delayed`: adaptive trials on whole participants, with outcomes that come late.
- `ClosedTest`, `closed_test_rule`: which arms may be claimed after any selection.
- `simulate_staged` with a rule (`bounds_rule`, `blinded_resizing_rule`, `combination_rule`,
  `thompson_rule`, `predictive_rule`, or your own): adaptive trials.
- `simple_randomisation`, `permuted_blocks`, `minimise`: other ways to allocate, to any number of arms.
"""

from trialsim.trial.allocation.blocks import allocate, permuted_blocks, simple_randomisation
from trialsim.trial.allocation.minimisation import minimise
from trialsim.trial.allocation.ratio import Labels
from trialsim.trial.allocation.reallocation import reallocate
from trialsim.trial.block import Pool, TrialSize, simulate_block
from trialsim.trial.enrolment.accrual import PlannedAccrual, Spread
from trialsim.trial.enrolment.forecast import EnrolmentForecast, fit_site_rates, forecast_enrolment
from trialsim.trial.enrolment.simple import enrol
from trialsim.trial.enrolment.sites import (
    NO_CAP,
    InterimEnrolment,
    Recruitment,
    SitePlan,
    posterior_plan,
    recruit,
    site_plan,
)
from trialsim.trial.intercurrent_events.discontinuation import (
    Discontinuation,
    DiscontinuationCause,
    calibrate_discontinuation,
    expected_incidence,
    intermittent_gaps,
)
from trialsim.trial.intercurrent_events.dropout import constant_hazard_dropout, drop_out
from trialsim.trial.intercurrent_events.worlds import (
    STRATEGIES,
    IntercurrentEvent,
    LongitudinalTrials,
    LongitudinalWorld,
    PotentialOutcomes,
    Strategy,
    TrueValue,
    potential_outcomes,
    simulate_longitudinal,
    true_values,
)
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
    least_conditional_power,
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
from trialsim.trial.outcomes.discrete import (
    binary_outcomes,
    count_outcomes,
    draw_frailty,
    ordinal_outcomes,
    recurrent_events,
)
from trialsim.trial.outcomes.effect import treated_course
from trialsim.trial.outcomes.joint import JointTrials, JointTruth, JointWorld, joint_truth, simulate_joint
from trialsim.trial.outcomes.repeated import binary_visits, count_visits, ordinal_visits
from trialsim.trial.outcomes.survival import SurvivalTrials, SurvivalWorld, simulate_survival
from trialsim.trial.outcomes.survival_laws import (
    CureLaw,
    GompertzLaw,
    PiecewiseHazard,
    SurvivalLaw,
    WeibullLaw,
    competing_times,
    gompertz_of_course,
)
from trialsim.trial.outcomes.visits import (
    WEEKS_PER_MONTH,
    VisitEffect,
    add_effects,
    autoregressive,
    constant_shift,
    covariance_factor,
    covariance_of,
    exchangeable,
    link_effects,
    normal_outcomes,
    ramp_shift,
    slope_change,
)

__all__ = [
    "NO_CAP",
    "STRATEGIES",
    "WEEKS_PER_MONTH",
    "ClosedTest",
    "CureLaw",
    "DelayedTrials",
    "Discontinuation",
    "DiscontinuationCause",
    "EnrolmentForecast",
    "EventZone",
    "FinalTest",
    "GompertzLaw",
    "IntercurrentEvent",
    "InterimEnrolment",
    "JointTrials",
    "JointTruth",
    "JointWorld",
    "Labels",
    "LongitudinalTrials",
    "LongitudinalWorld",
    "Looks",
    "PiecewiseHazard",
    "PlannedAccrual",
    "Pool",
    "PotentialOutcomes",
    "Recruitment",
    "Rule",
    "SitePlan",
    "Spread",
    "StageAction",
    "StagedState",
    "StagedTrials",
    "Stopping",
    "Strategy",
    "SurvivalLaw",
    "SurvivalTrials",
    "SurvivalWorld",
    "TrialSize",
    "TrueValue",
    "VisitEffect",
    "WeibullLaw",
    "add_effects",
    "allocate",
    "autoregressive",
    "binary_outcomes",
    "binary_visits",
    "blinded_resizing_rule",
    "blinded_size",
    "bounds_rule",
    "calendar_looks",
    "calibrate_discontinuation",
    "check_calendar",
    "check_event_order",
    "check_reachable",
    "check_stages",
    "closed_rejections",
    "closed_test_rule",
    "combination_rule",
    "competing_times",
    "constant_hazard_dropout",
    "constant_shift",
    "conventional_bound",
    "count_outcomes",
    "count_visits",
    "covariance_factor",
    "covariance_of",
    "draw_frailty",
    "drop_out",
    "enrol",
    "event_looks",
    "exchangeable",
    "expected_incidence",
    "final_statistic",
    "fit_site_rates",
    "forecast_enrolment",
    "gompertz_of_course",
    "intermittent_gaps",
    "intersection_score",
    "joint_truth",
    "keep_best",
    "least_conditional_power",
    "link_effects",
    "minimise",
    "normal_outcomes",
    "normal_score",
    "ordinal_outcomes",
    "ordinal_visits",
    "participants_for_events",
    "permuted_blocks",
    "posterior_plan",
    "potential_outcomes",
    "predictive_rule",
    "predictive_table",
    "probability_best",
    "promising_zone",
    "ramp_shift",
    "reallocate",
    "recruit",
    "recurrent_events",
    "resize_blinded",
    "simple_randomisation",
    "simulate_block",
    "simulate_delayed",
    "simulate_joint",
    "simulate_longitudinal",
    "simulate_staged",
    "simulate_survival",
    "site_plan",
    "slope_change",
    "stage_statistics",
    "stop_at_bounds",
    "thompson_rule",
    "treated_course",
    "true_values",
]

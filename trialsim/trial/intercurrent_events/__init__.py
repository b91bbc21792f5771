"""Who stops treatment or the trial, why, and what is seen afterwards?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.trial.intercurrent_events.discontinuation import (
        Discontinuation,
        DiscontinuationCause,
        calibrate_discontinuation,
        intermittent_gaps,
    )
    from trialsim.trial.intercurrent_events.dropout import constant_hazard_dropout
    from trialsim.trial.intercurrent_events.truths import TrueValue, true_values
    from trialsim.trial.intercurrent_events.worlds import (
        STRATEGIES,
        IntercurrentEvent,
        LongitudinalTrials,
        LongitudinalWorld,
        PeoplePaths,
        PotentialOutcomes,
        Strategy,
        potential_outcomes,
        simulate_longitudinal,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "STRATEGIES",
    "Discontinuation",
    "DiscontinuationCause",
    "IntercurrentEvent",
    "LongitudinalTrials",
    "LongitudinalWorld",
    "PeoplePaths",
    "PotentialOutcomes",
    "Strategy",
    "TrueValue",
    "calibrate_discontinuation",
    "constant_hazard_dropout",
    "intermittent_gaps",
    "potential_outcomes",
    "simulate_longitudinal",
    "true_values",
]

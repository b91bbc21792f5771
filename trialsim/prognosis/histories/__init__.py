"""What does a history hold, and can anything be learnt from it?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.prognosis.histories.compatibility import (
        require_compatible,
        require_same_covariate_scales,
        require_same_scale,
        require_same_scales,
    )
    from trialsim.prognosis.histories.learnable import HistorySummary, require_learnable, summarise
    from trialsim.prognosis.histories.outcome import ISSUED
    from trialsim.prognosis.histories.outcome_reading import read_outcome_history
    from trialsim.prognosis.histories.participants import column_names, participant_identifiers, read_labels
    from trialsim.prognosis.histories.reading import read_history
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "ISSUED",
    "HistorySummary",
    "column_names",
    "participant_identifiers",
    "read_history",
    "read_labels",
    "read_outcome_history",
    "require_compatible",
    "require_learnable",
    "require_same_covariate_scales",
    "require_same_scale",
    "require_same_scales",
    "summarise",
]

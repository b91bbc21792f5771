"""What did the user ask for: typed, frozen models of a trial, and the reading and refusing of files.

- `Protocol`, `read_protocol`, `protocol_from_dict`, `cohort_path`: the trial, and the files that it names.
- `HistoryTable`, `OutcomeTable`: how a file of past participants is read.
- `Scenario`, `Effect`, `Criterion`: its parts that other rooms need by name.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.protocol import declared
    from trialsim.protocol.conduct import Arm, Costs, Dropout, Enrolment, Visits
    from trialsim.protocol.eligibility import Criterion
    from trialsim.protocol.history_table import HistoryTable
    from trialsim.protocol.outcome_table import OutcomeTable
    from trialsim.protocol.protocol import Protocol, cohort_path, protocol_from_dict, read_protocol
    from trialsim.protocol.question import ANALYSES, Analysis, Effect, Scenario, Simulation, Sizing
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "ANALYSES",
    "Analysis",
    "Arm",
    "Costs",
    "Criterion",
    "Dropout",
    "Effect",
    "Enrolment",
    "HistoryTable",
    "OutcomeTable",
    "Protocol",
    "Scenario",
    "Simulation",
    "Sizing",
    "Visits",
    "cohort_path",
    "declared",
    "protocol_from_dict",
    "read_protocol",
]

"""What did the user ask for: typed, frozen models of a trial, and the reading and refusing of files.

- `DeclaredTrial`, `read_trial`, `trial_from_dict`: the trial that a file declares.
- `HistoryTable`, `OutcomeTable`: how a file of past participants is read.
- `Arm`, `Dropout`, `Criterion`: parts that other rooms need by name.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.protocol import declared
    from trialsim.protocol.conduct import Arm, Dropout
    from trialsim.protocol.declared.trial import DeclaredTrial, read_trial, trial_from_dict
    from trialsim.protocol.eligibility import Criterion
    from trialsim.protocol.history_table import HistoryTable
    from trialsim.protocol.outcome_table import OutcomeTable
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "Arm",
    "Criterion",
    "DeclaredTrial",
    "Dropout",
    "HistoryTable",
    "OutcomeTable",
    "declared",
    "read_trial",
    "trial_from_dict",
]

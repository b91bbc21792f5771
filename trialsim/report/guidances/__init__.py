"""What does a run answer to what guidances ask of a report, and what must its protocol still say?

- `answer_guidances`: every item of the guidances, answered from the bundle or blocked with the field to add.
- `write_guidances`: the answers as a page and as JSON, beside the run.

One file a guidance declares its items; what answers them stands in files by subject.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.report.guidances.page import GUIDANCES, Answers, answer_guidances, write_guidances
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["GUIDANCES", "Answers", "answer_guidances", "write_guidances"]

"""What a person sees: figures, tables and the HTML report.

- `write_trial_report`: one HTML file that works offline: the answer, the evidence, the assumptions.
- `write_twins_report`: what is known of the twins of a protocol.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.report.trial_page import write_trial_report, write_twins_report
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["write_trial_report", "write_twins_report"]

"""What a person sees: figures, tables and the HTML report.

- `write_report`: one HTML file that works offline: the answer, the evidence, the assumptions.
- `write_trial_report`: the same for a declared trial.
- `write_twins_report`: what is known of the twins of a protocol.
- `time_and_cost_table`: what is saved in participants, months and money, as text.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.report.page import write_report
    from trialsim.report.supplementary_tables import time_and_cost_table
    from trialsim.report.trial_page import write_trial_report, write_twins_report
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["time_and_cost_table", "write_report", "write_trial_report", "write_twins_report"]

"""What a person sees: figures, tables and the HTML report.

- `write_report`: one HTML file that works offline: the answer, the evidence, the assumptions.
- `time_and_cost_table`: what is saved in participants, months and money, as text.
"""

from trialsim.report.page import write_report
from trialsim.report.supplementary_tables import time_and_cost_table

__all__ = ["time_and_cost_table", "write_report"]

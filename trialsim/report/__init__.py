"""What a person sees: figures, tables and the HTML report.

- `write_report`: one HTML file that works offline: the answer, the evidence, the assumptions.
"""

from trialsim.report.page import write_report

__all__ = ["write_report"]

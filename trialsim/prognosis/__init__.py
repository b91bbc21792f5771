"""What would each have done on placebo: reading a history, fitted models, twins and their validation.

- `read_history`: a CSV or Parquet file of past placebo participants to a `History`.
- `summarise`, `HistorySummary`: what a history holds, without any participant's value.
"""

from trialsim.prognosis.history import read_history
from trialsim.prognosis.learnable import HistorySummary, summarise

__all__ = [
    "HistorySummary",
    "read_history",
    "summarise",
]

"""How do runs go to other programs in the formats of the field, and how does a protocol come from one?

- `write_datasets`: ADaM-like data sets of simulated trials as Dataset-JSON, XPORT or Parquet.
- `analysis_results`: what a run found, as an Analysis Results Standard reporting event.
- `read_usdm`, `draft_protocol`, `to_usdm`: a digital protocol (USDM 4) in and out.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.exchange.adam import datasets_of_run, write_datasets
    from trialsim.exchange.results import analysis_results
    from trialsim.exchange.usdm import draft_protocol, read_usdm, to_usdm
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["analysis_results", "datasets_of_run", "draft_protocol", "read_usdm", "to_usdm", "write_datasets"]

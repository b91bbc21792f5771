"""Which ADaM-like data sets do simulated trials make, and how are they written?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.exchange.adam.dataset import Dataset, Variable
    from trialsim.exchange.adam.dataset_json import read_dataset_json, to_dataset_json
    from trialsim.exchange.adam.define import definition
    from trialsim.exchange.adam.of_run import datasets_of_run
    from trialsim.exchange.adam.writing import FORMATS, write_datasets
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "FORMATS",
    "Dataset",
    "Variable",
    "datasets_of_run",
    "definition",
    "read_dataset_json",
    "to_dataset_json",
    "write_datasets",
]

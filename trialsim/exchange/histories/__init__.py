"""How do past participants come from other programs' data, each value with its source, date and unit?

- `AdamFolder`, `FhirFolder`, `OmopSource`: data of one format, read only.
- `read_declaration`, `build`: which columns, codes, units and windows make a tidy history.
- `conversion`: units after UCUM.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.exchange.histories.adam import AdamFolder
    from trialsim.exchange.histories.building import Built, build
    from trialsim.exchange.histories.card import about, data_card, read_card, require_like
    from trialsim.exchange.histories.declaration import Declaration, read_declaration
    from trialsim.exchange.histories.fhir import FhirFolder
    from trialsim.exchange.histories.omop import OmopSource
    from trialsim.exchange.histories.ucum import conversion
    from trialsim.exchange.histories.writing import refuse_output, write
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "AdamFolder",
    "Built",
    "Declaration",
    "FhirFolder",
    "OmopSource",
    "about",
    "build",
    "conversion",
    "data_card",
    "read_card",
    "read_declaration",
    "refuse_output",
    "require_like",
    "write",
]

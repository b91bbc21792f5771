"""How do past participants come from other programs' data, each value with its source, date and unit?

- `AdamFolder`: ADSL and the data sets beside it.
- `read_declaration`, `build`: which columns, codes, units and windows make a tidy history.
- `conversion`: units after UCUM.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.exchange.histories.adam import AdamFolder
    from trialsim.exchange.histories.building import Built, build
    from trialsim.exchange.histories.declaration import Declaration, read_declaration
    from trialsim.exchange.histories.ucum import conversion
    from trialsim.exchange.histories.writing import refuse_output, write
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "AdamFolder",
    "Built",
    "Declaration",
    "build",
    "conversion",
    "read_declaration",
    "refuse_output",
    "write",
]

"""How does a digital protocol (USDM 4) become a trial that runs, and a trial a digital protocol?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.exchange.usdm.drafting import draft_protocol
    from trialsim.exchange.usdm.reading import UsdmStudy, read_usdm
    from trialsim.exchange.usdm.writing import to_usdm
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["UsdmStudy", "draft_protocol", "read_usdm", "to_usdm"]

"""How does a gauntlet of past control arms look on one page?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.report.gauntlet.page import write_gauntlet
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["write_gauntlet"]

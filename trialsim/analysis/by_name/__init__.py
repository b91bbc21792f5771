"""How is one trial read by a method that is named?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.by_name.by_method import analyse
    from trialsim.analysis.by_name.results import listing_of, tables_of
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["analyse", "listing_of", "tables_of"]

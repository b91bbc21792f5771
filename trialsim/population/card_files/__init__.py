"""How is a cohort card read, checked and written?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.population.card_files.check import check_card
    from trialsim.population.card_files.reading import read_card
    from trialsim.population.card_files.writing import write_card
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["check_card", "read_card", "write_card"]

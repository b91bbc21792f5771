"""Which latent correlation gives the correlation that was asked, and which can margins have?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.population.association.nearest import nearest_correlation
    from trialsim.population.association.pairs import PairSolution, attainable, solve_pair
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["PairSolution", "attainable", "nearest_correlation", "solve_pair"]

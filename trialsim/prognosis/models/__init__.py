"""Which terms does a prognostic model have?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.prognosis.models.terms import ModelTerms
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["ModelTerms"]

"""How is a history fitted, and what does the fit predict?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.prognosis.twins.fitting import fit_prognosis, history_hash
    from trialsim.prognosis.twins.longitudinal import Prognosis
    from trialsim.prognosis.twins.outcome import OutcomePrognosis, fit_outcome
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["OutcomePrognosis", "Prognosis", "fit_outcome", "fit_prognosis", "history_hash"]

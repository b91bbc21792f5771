"""What would a twin be with another covariate, or under an assumed treatment?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.prognosis.what_ifs.longitudinal import ASSOCIATION, TreatmentTerm, WhatIf, what_if
    from trialsim.prognosis.what_ifs.outcome import outcome_what_if
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["ASSOCIATION", "TreatmentTerm", "WhatIf", "outcome_what_if", "what_if"]

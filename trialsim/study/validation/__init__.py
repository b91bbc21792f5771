"""How good are the twins of a protocol, and for whom?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study.validation.findings import Finding, Validation
    from trialsim.study.validation.validate import ValidationAsked, validate_twins
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["Finding", "Validation", "ValidationAsked", "validate_twins"]

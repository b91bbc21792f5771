"""Which level of proof does a run reach, and what was not checked?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study.verification.levels import verify_bundle
    from trialsim.study.verification.verdict import LEVELS, Finding, Verdict
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["LEVELS", "Finding", "Verdict", "verify_bundle"]

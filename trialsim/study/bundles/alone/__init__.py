"""How does a stranger check a bundle with Python alone?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study.bundles.alone.files import UnsoundError
    from trialsim.study.bundles.alone.script import script_text
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["UnsoundError", "script_text"]

"""What is the power of the mixed model's test, exactly and in large samples?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.design.repeated_measures.exact_law import (
        NullLibrary,
        PowerCurve,
        PowerSurface,
        null_library,
        power_surface,
    )
    from trialsim.design.repeated_measures.large_sample import large_sample_inflation, large_sample_size
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "NullLibrary",
    "PowerCurve",
    "PowerSurface",
    "large_sample_inflation",
    "large_sample_size",
    "null_library",
    "power_surface",
]

"""How often does one of several events come first, and does treatment change it?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.competing_risks.fine_gray_model import FineGrayResult, fine_gray, fine_gray_block
    from trialsim.analysis.competing_risks.gray import GrayResult, gray_test, gray_test_block
    from trialsim.analysis.competing_risks.incidence import (
        CumulativeIncidenceResult,
        cumulative_incidence,
        cumulative_incidence_block,
    )
    from trialsim.analysis.competing_risks.several_arms import k_sample_gray_test
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "CumulativeIncidenceResult",
    "FineGrayResult",
    "GrayResult",
    "cumulative_incidence",
    "cumulative_incidence_block",
    "fine_gray",
    "fine_gray_block",
    "gray_test",
    "gray_test_block",
    "k_sample_gray_test",
]

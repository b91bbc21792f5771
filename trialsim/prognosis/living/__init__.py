"""What do visits observed so far say about each twin?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.prognosis.living.recalibration import (
        FEWEST as FEWEST_TO_RECALIBRATE,
    )
    from trialsim.prognosis.living.recalibration import (
        Recalibration,
        add_interim,
        recalibrate,
    )
    from trialsim.prognosis.living.refit_comparison import (
        RefitComparison,
        compare_with_refit,
        split_off_interim,
    )
    from trialsim.prognosis.living.update_value import UpdateValue, in_sample_r2, value_of_updating
    from trialsim.prognosis.living.updating import NO_COVARIATE, UpdatedTwins, update_interim, update_twins
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "FEWEST_TO_RECALIBRATE",
    "NO_COVARIATE",
    "Recalibration",
    "RefitComparison",
    "UpdateValue",
    "UpdatedTwins",
    "add_interim",
    "compare_with_refit",
    "in_sample_r2",
    "recalibrate",
    "split_off_interim",
    "update_interim",
    "update_twins",
    "value_of_updating",
]

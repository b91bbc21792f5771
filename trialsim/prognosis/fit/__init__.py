"""What is the posterior, and may it be used?

The only place that imports pymc, nutpie and arviz.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.prognosis.fit.outcome_sampler import OutcomeSampler
    from trialsim.prognosis.fit.sampler import Sampler
    from trialsim.prognosis.fit.settings import FitSettings
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["FitSettings", "OutcomeSampler", "Sampler"]

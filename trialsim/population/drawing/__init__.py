"""How are participants drawn from a card, eligible ones among them?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.population.drawing.calibrate import CalibratedDraw, draw_calibrated
    from trialsim.population.drawing.copula import Copula, solve_copula
    from trialsim.population.drawing.draw import draw_covariates
    from trialsim.population.drawing.eligibility import EligibleDraw, draw_eligible
    from trialsim.population.drawing.sensitivity import Answer, correlation_sensitivity, family_sensitivity
    from trialsim.population.drawing.streaming import stream_to_parquet
    from trialsim.population.drawing.tilt import Tilt, entropy_tilt, systematic_resample
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "Answer",
    "CalibratedDraw",
    "Copula",
    "EligibleDraw",
    "Tilt",
    "correlation_sensitivity",
    "draw_calibrated",
    "draw_covariates",
    "draw_eligible",
    "entropy_tilt",
    "family_sensitivity",
    "solve_copula",
    "stream_to_parquet",
    "systematic_resample",
]

"""How is a trial read with anybody's predictions, so that bad ones cost power and never type I error?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.predictions.block import aipw_block
    from trialsim.analysis.predictions.frame import aipw
    from trialsim.analysis.predictions.result import PredictionsResult
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["PredictionsResult", "aipw", "aipw_block"]

"""Do methods of borrowing keep their promise on real control arms, each predicted from the others?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.design.gauntlet.control_arm import ControlArm
    from trialsim.design.gauntlet.leave_one_out import GauntletRules, run_gauntlet
    from trialsim.design.gauntlet.result import Gauntlet
    from trialsim.design.gauntlet.ways import WAYS, Past, Reading, Splits, Way
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "WAYS",
    "ControlArm",
    "Gauntlet",
    "GauntletRules",
    "Past",
    "Reading",
    "Splits",
    "Way",
    "run_gauntlet",
]

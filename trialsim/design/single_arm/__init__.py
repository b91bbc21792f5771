"""How many participants does one arm need to show, by exact tests, that a rate exceeds a known one?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.design.single_arm.looks import (
        BinomialLooks,
        binomial_looks,
        spending_binomial_looks,
    )
    from trialsim.design.single_arm.one_stage import OneStage, one_stage_size
    from trialsim.design.single_arm.simon import TwoStage, simon_designs
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "BinomialLooks",
    "OneStage",
    "TwoStage",
    "binomial_looks",
    "one_stage_size",
    "simon_designs",
    "spending_binomial_looks",
]

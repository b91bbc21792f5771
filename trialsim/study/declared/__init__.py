"""How is a trial that a file declares carried out by the engine and read by the analyses?

- `plan_trial`: from a `DeclaredTrial` to a `DeclaredPlan` of `DeclaredCell`s and refused points.
- `run_declared_block`, `DeclaredWork`: one block of a cell, a pure function; `DeclaredSums` add up.
- `declared_result`: the tidy tables of a plan; `DeclaredResult`.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.registry import Truth
    from trialsim.study.declared.block import DeclaredWork, run_declared_block
    from trialsim.study.declared.cells import DeclaredCell, DeclaredPlan, plan_trial
    from trialsim.study.declared.engine import Engine, engine_of
    from trialsim.study.declared.result import DeclaredResult, declared_result
    from trialsim.study.declared.sums import DeclaredSums
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "DeclaredCell",
    "DeclaredPlan",
    "DeclaredResult",
    "DeclaredSums",
    "DeclaredWork",
    "Engine",
    "Truth",
    "declared_result",
    "engine_of",
    "plan_trial",
    "run_declared_block",
]

"""How a trial runs: recruitment, randomisation, outcomes and dropout of blocks of replicates.

- `Pool`, `TrialSize`: who can be recruited, and how many are.
- `simulate_block`: a block of replicate trials as arrays.
- `allocate`, `enrol`, `drop_out`, `treated_course`: its steps, each usable alone.
- `simple_randomisation`, `permuted_blocks`, `minimise`: other ways to allocate, to any number of arms.
"""

from trialsim.trial.block import Pool, TrialSize, simulate_block
from trialsim.trial.dropout import drop_out
from trialsim.trial.effect import treated_course
from trialsim.trial.enrolment import enrol
from trialsim.trial.minimisation import minimise
from trialsim.trial.randomisation import allocate, permuted_blocks, simple_randomisation

__all__ = [
    "Pool",
    "TrialSize",
    "allocate",
    "drop_out",
    "enrol",
    "minimise",
    "permuted_blocks",
    "simple_randomisation",
    "simulate_block",
    "treated_course",
]

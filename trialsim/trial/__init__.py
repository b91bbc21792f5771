"""How a trial runs: recruitment, randomisation, outcomes and dropout of blocks of replicates.

- `Pool`, `TrialSize`: who can be recruited, and how many are.
- `simulate_block`: a block of replicate trials as arrays.
- `allocate`, `enrol`, `drop_out`, `treated_course`: its steps, each usable alone.
"""

from trialsim.trial.block import Pool, TrialSize, simulate_block
from trialsim.trial.dropout import drop_out
from trialsim.trial.effect import treated_course
from trialsim.trial.enrolment import enrol
from trialsim.trial.randomisation import allocate

__all__ = ["Pool", "TrialSize", "allocate", "drop_out", "enrol", "simulate_block", "treated_course"]

"""How is it carried out and proved?

- `people`: whom trials recruit from, and the twins that they are given. `declared`: the trials that a file
  declares. `sizing`: how many participants each analysis needs, by simulation.
- `control_arm`: sizes by formula, months and money, risk of borrowing, sensitivity to the card.
- `designs`: every other way that a trial can run. `running`: blocks, back ends, checkpoints, stopping rules.
- `bundles`: what is written, proved and replayed.

The names here are those that most users need; each sub-room offers the rest.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study import bundles, control_arm, declared, designs, people, running, sizing
    from trialsim.study.bundles.bundle import check_bundle, new_bundle, seal
    from trialsim.study.bundles.opening import open_bundle
    from trialsim.study.bundles.record import ReplicateRecorder
    from trialsim.study.bundles.replay import replay_blocks
    from trialsim.study.bundles.replay_declared import replay_declared_trial
    from trialsim.study.control_arm.plan import ControlArm, control_arm_of, sizes_at_the_model
    from trialsim.study.control_arm.together import SupplementaryAnalyses, supplementary_analyses
    from trialsim.study.declared.cells import plan_trial
    from trialsim.study.declared.result import DeclaredResult
    from trialsim.study.designs.sequential_block import characteristics_of
    from trialsim.study.people.learning import LearntTwins, learn_twins
    from trialsim.study.people.registers import Registers
    from trialsim.study.protocol_file import run
    from trialsim.study.running.checkpoints import Checkpoints
    from trialsim.study.running.estimate import estimate_work
    from trialsim.study.running.opening import open_backend
    from trialsim.study.running.simulation import run_cells
    from trialsim.study.running.stopping import StoppingRule
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "Checkpoints",
    "ControlArm",
    "DeclaredResult",
    "LearntTwins",
    "Registers",
    "ReplicateRecorder",
    "StoppingRule",
    "SupplementaryAnalyses",
    "bundles",
    "characteristics_of",
    "check_bundle",
    "control_arm",
    "control_arm_of",
    "declared",
    "designs",
    "estimate_work",
    "learn_twins",
    "new_bundle",
    "open_backend",
    "open_bundle",
    "people",
    "plan_trial",
    "replay_blocks",
    "replay_declared_trial",
    "run",
    "run_cells",
    "running",
    "seal",
    "sizes_at_the_model",
    "sizing",
    "supplementary_analyses",
]

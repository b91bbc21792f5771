"""How is it carried out and proved?

- `sized`: the main job, from a protocol and a history to a sized control arm; `run_study` does all of it.
- `declared`: trials that a file declares. `designs`: every other way that a trial can run.
- `running`: blocks, back ends, checkpoints and stopping rules. `bundles`: what is written, proved and
  replayed.
- `supplementary`: risk of borrowing, months and money, sensitivity to the card.

The names here are those that most users need; each sub-room offers the rest.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study import bundles, declared, designs, running, sized, supplementary
    from trialsim.study.bundles.bundle import check_bundle, new_bundle, seal
    from trialsim.study.bundles.of_sized_trial import replay_trial
    from trialsim.study.bundles.opening import open_bundle
    from trialsim.study.bundles.record import ReplicateRecorder, write_inputs, write_results
    from trialsim.study.bundles.replay import replay_blocks
    from trialsim.study.bundles.replay_declared import replay_declared_trial
    from trialsim.study.designs.ledger import estimand_ledger
    from trialsim.study.designs.sequential_block import characteristics_of
    from trialsim.study.protocol_file import run
    from trialsim.study.running.checkpoints import Checkpoints
    from trialsim.study.running.estimate import estimate_work
    from trialsim.study.running.opening import open_backend
    from trialsim.study.running.simulation import run_cells
    from trialsim.study.running.stopping import StoppingRule
    from trialsim.study.sized.cells import Cell, plan_cells
    from trialsim.study.sized.feasibility import require_detectable
    from trialsim.study.sized.history import generate_history, load_history
    from trialsim.study.sized.history_size import sizes_at_history
    from trialsim.study.sized.job import Job
    from trialsim.study.sized.register import build_register
    from trialsim.study.sized.result import CellResult, StudyResult
    from trialsim.study.sized.run import build_registers, learn, plan_from, run_study
    from trialsim.study.sized.simulation import simulate
    from trialsim.study.supplementary.together import (
        SupplementaryAnalyses,
        supplementary_analyses,
        write_supplementary,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "Cell",
    "CellResult",
    "Checkpoints",
    "Job",
    "ReplicateRecorder",
    "StoppingRule",
    "StudyResult",
    "SupplementaryAnalyses",
    "build_register",
    "build_registers",
    "bundles",
    "characteristics_of",
    "check_bundle",
    "declared",
    "designs",
    "estimand_ledger",
    "estimate_work",
    "generate_history",
    "learn",
    "load_history",
    "new_bundle",
    "open_backend",
    "open_bundle",
    "plan_cells",
    "plan_from",
    "replay_blocks",
    "replay_declared_trial",
    "replay_trial",
    "require_detectable",
    "run",
    "run_cells",
    "run_study",
    "running",
    "seal",
    "simulate",
    "sized",
    "sizes_at_history",
    "supplementary",
    "supplementary_analyses",
    "write_inputs",
    "write_results",
    "write_supplementary",
]

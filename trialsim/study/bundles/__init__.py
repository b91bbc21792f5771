"""What does a run leave behind, and how can anybody compute it again?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study.bundles.bundle import check_bundle, checkpoint_folder, kept_blocks, new_bundle, seal
    from trialsim.study.bundles.bundled import Bundled
    from trialsim.study.bundles.of_declared_trial import (
        BundledTrial,
        declared_work,
        trial_facts,
        write_inputs,
        write_tables,
    )
    from trialsim.study.bundles.opening import open_bundle
    from trialsim.study.bundles.record import ReplicateRecorder
    from trialsim.study.bundles.replay import (
        DIFFERENT,
        IDENTICAL,
        NEAR,
        Replayed,
        ReplayedTrial,
        by_analysis,
        replay_blocks,
    )
    from trialsim.study.bundles.replay_declared import replay_declared_trial
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "DIFFERENT",
    "IDENTICAL",
    "NEAR",
    "Bundled",
    "BundledTrial",
    "Replayed",
    "ReplayedTrial",
    "ReplicateRecorder",
    "by_analysis",
    "check_bundle",
    "checkpoint_folder",
    "declared_work",
    "kept_blocks",
    "new_bundle",
    "open_bundle",
    "replay_blocks",
    "replay_declared_trial",
    "seal",
    "trial_facts",
    "write_inputs",
    "write_tables",
]

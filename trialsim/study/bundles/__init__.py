"""What does a run leave behind, and how can anybody compute it again?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.study.bundles.bundle import check_bundle, checkpoint_folder, kept_blocks, new_bundle, seal
    from trialsim.study.bundles.bundled import Bundled
    from trialsim.study.bundles.examples import pick_examples, write_examples
    from trialsim.study.bundles.of_declared_trial import BundledTrial, declared_work, trial_facts, write_trial
    from trialsim.study.bundles.of_sized_trial import BundledStudy, replay_trial
    from trialsim.study.bundles.opening import open_bundle
    from trialsim.study.bundles.record import (
        ReplicateRecorder,
        answer,
        calibration_frame,
        gain_frame,
        input_hashes,
        run_facts,
        sizes_frame,
        write_inputs,
        write_results,
    )
    from trialsim.study.bundles.replay import (
        DIFFERENT,
        IDENTICAL,
        SAME_DECISIONS,
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
    "SAME_DECISIONS",
    "Bundled",
    "BundledStudy",
    "BundledTrial",
    "Replayed",
    "ReplayedTrial",
    "ReplicateRecorder",
    "answer",
    "by_analysis",
    "calibration_frame",
    "check_bundle",
    "checkpoint_folder",
    "declared_work",
    "gain_frame",
    "input_hashes",
    "kept_blocks",
    "new_bundle",
    "open_bundle",
    "pick_examples",
    "replay_blocks",
    "replay_declared_trial",
    "replay_trial",
    "run_facts",
    "seal",
    "sizes_frame",
    "trial_facts",
    "write_examples",
    "write_inputs",
    "write_results",
    "write_trial",
]

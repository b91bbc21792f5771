"""A bundle of any kind, opened to be computed again."""

from __future__ import annotations

from pathlib import Path

from trialsim.study.bundles.bundled import Bundled, manifest_of
from trialsim.study.bundles.of_declared_trial import TRIAL, open_bundled_trial
from trialsim.study.bundles.of_sized_trial import open_bundled_study


def open_bundle(folder: Path, history: Path | None = None) -> Bundled:
    """Read the inputs of a bundle: of the main job, or of a declared trial.

    Parameters
    ----------
    folder : Path
        The bundle.
    history : Path, optional
        File of the history that the people of a declared trial come from: no bundle holds it.

    Returns
    -------
    BundledStudy or BundledTrial
        Its inputs, and how its blocks are computed again.

    Raises
    ------
    BundleError
        The bundle lacks what is needed to compute it again.
    """
    if manifest_of(folder).get("kind") == TRIAL:
        return open_bundled_trial(folder, history)
    return open_bundled_study(folder)

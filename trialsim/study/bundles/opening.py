"""A bundle, opened to be computed again."""

from __future__ import annotations

from pathlib import Path

from trialsim.errors import BundleError
from trialsim.study.bundles.bundled import manifest_of
from trialsim.study.bundles.of_declared_trial import TRIAL, BundledTrial, open_bundled_trial


def open_bundle(folder: Path, history: Path | None = None) -> BundledTrial:
    """Read the inputs of a bundle: of a trial that a file declares.

    Parameters
    ----------
    folder : Path
        The bundle.
    history : Path, optional
        File of the history that the people of a declared trial come from: no bundle holds it.

    Returns
    -------
    BundledTrial
        Its inputs, and how its blocks are computed again.

    Raises
    ------
    BundleError
        The bundle lacks what is needed to compute it again.
    """
    if manifest_of(folder).get("kind") != TRIAL:
        raise BundleError(
            "holds no declared trial, and nothing can be computed again", file=folder,
            mend="give the folder that trialsim run wrote",
        )  # fmt: skip
    return open_bundled_trial(folder, history)

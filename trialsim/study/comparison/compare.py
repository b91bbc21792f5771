"""Runs held beside each other, the first of them as the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trialsim.errors import BundleError, InputError
from trialsim.study.bundles.bundle import check_bundle
from trialsim.study.bundles.bundled import manifest_of
from trialsim.study.bundles.of_declared_trial import TRIAL, open_bundled_trial
from trialsim.study.comparison.answers import changed_answers, changed_sizes
from trialsim.study.comparison.inputs import changed_fields


@dataclass(frozen=True)
class Comparison:
    """What differs between a reference and another run.

    Parameters
    ----------
    first, other : str
        Names of the two folders.
    inputs : DataFrame
        Fields that were asked differently; see `trialsim.study.comparison.inputs.changed_fields`.
    sizes, answers : DataFrame
        Sizes and operating characteristics that both have, with the error of each difference.
    only_first, only_other : tuple of str
        Cells that one of them has alone.
    versions : DataFrame
        Libraries and machine that differ.
    """

    first: str
    other: str
    inputs: pd.DataFrame
    sizes: pd.DataFrame
    answers: pd.DataFrame
    only_first: tuple[str, ...]
    only_other: tuple[str, ...]
    versions: pd.DataFrame

    def in_words(self) -> list[str]:
        """Return what a reader must know first, one sentence each."""
        frames = [frame for frame in (self.answers, self.sizes) if len(frame)]
        compared = sum(len(frame) for frame in frames)
        beyond = sum(int(frame["beyond_error"].sum()) for frame in frames)
        uncertain = sum(int((frame["difference_mcse"] > 0).sum()) for frame in frames)
        fields = len(self.inputs)
        said = [
            f"Fields that were asked differently: {fields}" if fields else "The inputs are the same",
            f"{beyond} of {compared} answers differ by more than Monte Carlo error (95 %); by chance alone "
            f"{0.05 * uncertain:.1f} would",
        ]
        for cells, where in ((self.only_first, self.first), (self.only_other, self.other)):
            if cells:
                said.append(f"In {where} alone: {', '.join(cells)}")
        if len(self.versions):
            said.append(f"Made with other versions of {', '.join(self.versions['field'])}")
        return said


def compare_runs(folders: Sequence[Path]) -> list[Comparison]:
    """Compare runs with the first of them.

    Parameters
    ----------
    folders : sequence of Path
        Two bundles or more, of declared trials.

    Returns
    -------
    list of Comparison
        One for each folder after the first.

    Raises
    ------
    InputError
        Fewer than two folders, or one twice.
    BundleError
        A folder is no bundle of a declared trial, or not as its manifest lists it.
    """
    if len(folders) < 2:
        raise InputError("needs two runs or more", field="RUN", value=len(folders), mend="name two folders")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise InputError("names a run twice", field="RUN", mend="name each folder once")
    for folder in folders:
        _check(folder)
    return [_compare(folders[0], other) for other in folders[1:]]


def _check(folder: Path) -> None:
    if problems := check_bundle(folder):
        raise BundleError("; ".join(problems), file=folder, mend="get the bundle again from its source")
    kind = manifest_of(folder).get("kind")
    if kind != TRIAL:
        raise BundleError(
            "is not a run that can be compared", file=folder, field="kind", value=kind,
            mend='give bundles of "trialsim.protocol/2"',
        )  # fmt: skip


def _compare(first: Path, other: Path) -> Comparison:
    old, new = open_bundled_trial(first), open_bundled_trial(other)
    before, after = ([cell.name for cell in one.cells] for one in (old, new))
    return Comparison(
        first.name,
        other.name,
        changed_fields(old.trial.to_dict(), new.trial.to_dict()),
        changed_sizes(first, other),
        changed_answers(first, other),
        tuple(name for name in before if name not in after),
        tuple(name for name in after if name not in before),
        changed_fields(old.manifest["versions"], new.manifest["versions"]),
    )

"""From a declared trial to what is simulated: its size first, where that is what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trialsim.progress import Progress, silent
from trialsim.protocol.declared import DeclaredTrial
from trialsim.study.declared.cells import RegisterOf
from trialsim.study.running.backend import Backend
from trialsim.study.sizing.resized import at_size
from trialsim.study.sizing.rivals import with_rivals
from trialsim.study.sizing.sizes import FIRST_GUESS, Sizes, size_trial


@dataclass(frozen=True)
class Prepared:
    """A trial of one size, with every analysis that is read, and the sizes that were found."""

    trial: DeclaredTrial
    sizes: Sizes | None


def prepare_trial(
    trial: DeclaredTrial,
    register_of: RegisterOf,
    backend: Backend | None = None,
    *,
    best_single: str | None = None,
    strengths: Mapping[str, float] | None = None,
    progress: Progress = silent,
    search: bool = True,
) -> Prepared:
    """Return the trial at the size that it asks for, with the rivals of its scored analyses.

    Without ``[sizing]`` it is the trial as it stands. With `search` false the sizes are not looked for, and
    the trial has the declared size or a first guess: for a plan that says what would run.
    """
    if trial.sizing is None:
        return Prepared(trial, None)
    rows = with_rivals(trial, best_single)
    labels = {one.analysis.label for one in rows}
    beside = tuple(one for one in trial.analyses if one.label not in labels)
    analyses = (*(one.analysis for one in rows), *beside)
    if not search:
        return Prepared(at_size(trial, trial.participants or FIRST_GUESS, analyses), None)
    sizes = size_trial(
        trial, register_of, backend, best_single=best_single, strengths=strengths, progress=progress
    )
    return Prepared(at_size(trial, sizes.participants, analyses), sizes)

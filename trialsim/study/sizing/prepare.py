"""From a declared trial to what is simulated: its size first, where that is what is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from trialsim.progress import Progress, silent
from trialsim.protocol.declared import DeclaredTrial, Point
from trialsim.study.declared.cells import RegisterOf
from trialsim.study.running.backend import Backend
from trialsim.study.sizing.resized import at_size
from trialsim.study.sizing.rivals import with_rivals
from trialsim.study.sizing.sizes import FIRST_GUESS, Sizes, point_key, size_trial
from trialsim.study.sizing.varied import varied_of


@dataclass(frozen=True)
class Prepared:
    """A trial with every analysis that is read, and the sizes that were found.

    Without a grid `trial` has its size; on a grid each point has one of its own (`at_its_size`).
    """

    trial: DeclaredTrial
    sizes: Sizes | None

    @property
    def at_its_size(self) -> Callable[[Point], Point] | None:
        """From a point of a grid to the same at its own size, or refused; None where all have one."""
        return _Resizing(self.sizes) if self.sizes is not None and self.trial.grid else None


@dataclass(frozen=True)
class _Resizing:
    """Gives every point of a grid the size of its alternative."""

    sizes: Sizes

    def __call__(self, point: Point) -> Point:
        if point.trial is None:
            return point
        key = point_key(point.settings)
        if key not in self.sizes.at:
            why = self.sizes.unsized.get(key, "its alternative cannot be")
            return replace(point, trial=None, refusal=f"sizing: {why}")
        return replace(point, trial=varied_of(point.trial).at(self.sizes.at[key]))


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
    start = trial if trial.participants is not None else at_size(trial, FIRST_GUESS)
    if trial.grid:
        return Prepared(at_size(start, start.participants or FIRST_GUESS, analyses), sizes)
    return Prepared(varied_of(start).at(sizes.size, analyses), sizes)

"""The size of every analysis of a declared trial, with and without the score, and what the score saves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.errors import ProtocolError
from trialsim.progress import Progress, silent
from trialsim.protocol.declared import DeclaredTrial, grid_points
from trialsim.streams import stream
from trialsim.study.declared import DeclaredCell, DeclaredSums, DeclaredWork, Truth
from trialsim.study.declared.cells import RegisterOf
from trialsim.study.running.backend import Backend, InProcess
from trialsim.study.running.simulation import run_cells
from trialsim.study.running.work import split_replicates
from trialsim.study.sizing.resized import at_size, step_of
from trialsim.study.sizing.rivals import Sized, with_rivals
from trialsim.study.sizing.search import FoundSize, search_sizes
from trialsim.trial.register import Register

STAGE = "search for sizes"
PURPOSE = "size search."
FIRST_GUESS = 200
AS_DECLARED, DISCOUNTED, WORST_PLAUSIBLE = "as declared", "discounted", "worst plausible"
_Z90 = 1.6448536269514722


@dataclass(frozen=True)
class Sizes:
    """What was found.

    Parameters
    ----------
    sizes : DataFrame
        One row an analysis and strength of the score: participants, their 95 % interval by Monte Carlo error,
        controls, and the power in the last round of the search.
    savings : DataFrame
        One row a scored analysis, strength and rival: participants and controls saved beyond the rival, with
        the Monte Carlo error; `best` marks the smallest rival without a twin. Empty without scores.
    chosen : str
        The analysis that the trial is run at, and `participants` its size.
    participants : int
    """

    sizes: pd.DataFrame
    savings: pd.DataFrame
    chosen: str
    participants: int


@dataclass(frozen=True)
class _Searcher:
    """Simulates the alternative at any size, recruiting from one register."""

    trial: DeclaredTrial
    rows: tuple[Sized, ...]
    register: Register | None
    backend: Backend
    progress: Progress

    def claims(self, size: int, labels: Sequence[str], trials: int) -> Mapping[str, int]:
        """Return how many trials of a size each analysis claims."""
        wanted = tuple(one.analysis for one in self.rows if one.analysis.label in labels)
        resolved = at_size(self.trial, size, wanted)
        block = min(resolved.simulation.block, trials)
        cell = DeclaredCell(
            f"size{size}", "alternative", "alternative", {}, resolved,
            {one.label: Truth(None) for one in wanted}, sum(split_replicates(trials, block)), block,
        )  # fmt: skip
        work = DeclaredWork(
            resolved.seed, len(getattr(resolved.outcome, "weeks", ())) or 1, lambda _: self.register, PURPOSE
        )

        def watch(_: str, done: int, total: int) -> None:
            self.progress(f"{STAGE}: {size:,} participants", done, total)

        (sums,) = run_cells(work, [cell], self.backend, progress=watch)
        assert isinstance(sums, DeclaredSums)
        return {name: int(sums.stopping[name].efficacy.sum()) for name in labels}

    def found(self, rows: Sequence[Sized], guess: int) -> dict[str, FoundSize]:
        """Return the size of every analysis."""
        asked = self.trial.sizing
        assert asked is not None
        return search_sizes(
            self.claims, [one.analysis.label for one in rows], power=asked.power,
            alpha=self.trial.design.alpha, guess=guess, step=step_of(self.trial),
            largest=asked.largest_trial, trials=asked.trials,
        )  # fmt: skip


def size_trial(
    trial: DeclaredTrial,
    register_of: RegisterOf,
    backend: Backend | None = None,
    *,
    best_single: str | None = None,
    strengths: Mapping[str, float] | None = None,
    progress: Progress = silent,
) -> Sizes:
    """Search the size of every analysis that ``[sizing]`` asks for, and of the rivals of scored ones.

    Parameters
    ----------
    trial : DeclaredTrial
        With ``[sizing]`` and one alternative.
    register_of : callable
        From a resolved trial to the register that it recruits from.
    backend : Backend, optional
        Where blocks are computed; no number depends on it.
    best_single : str, optional
        The covariate that tells most by itself, out of sample in the history.
    strengths : mapping of str to float, optional
        By what factor each figure weakens what the score tells beyond the baseline; as declared, and
        by the declared discount, if it is not given.
    progress : callable
        Called with stage, trials done and trials in all.

    Returns
    -------
    Sizes

    Raises
    ------
    ProtocolError, DesignError
        The design has a size of its own, there is a grid, or the power is out of reach.
    """
    asked = trial.sizing
    assert asked is not None
    if trial.grid:
        raise ProtocolError("is not served together with a grid", field="sizing", value=len(trial.grid),
                            mend="leave the grid out, or size one point at a time")  # fmt: skip
    start = trial if trial.participants is not None else at_size(trial, FIRST_GUESS)
    point = next(one for one in grid_points(start) if one.kind == "alternative")
    assert point.trial is not None
    register = register_of(point.trial)
    place = backend or InProcess()
    rows = with_rivals(trial, best_single)
    guess = start.participants or FIRST_GUESS
    by_visits = trial.outcome.kind == "score"
    factors = dict(strengths or {AS_DECLARED: 1.0, DISCOUNTED: asked.correlation_discount})
    first = weakened(register, factors.pop(AS_DECLARED), trial.seed, by_visits)
    searcher = _Searcher(point.trial, rows, first, place, progress)
    found = {(AS_DECLARED, name): one for name, one in searcher.found(rows, guess).items()}
    scored = [one for one in rows if one.scored]
    for strength, factor in factors.items():
        if register is None or not scored or factor >= 1:
            continue
        weaker = _Searcher(
            point.trial, rows, weakened(register, factor, trial.seed, by_visits), place, progress
        )
        near = found[AS_DECLARED, scored[0].analysis.label].participants
        found |= {(strength, name): one for name, one in weaker.found(scored, near).items()}
    sizes = _sizes(trial, rows, found)
    chosen = (scored or rows)[0].analysis.label
    return Sizes(sizes, _savings(trial, rows, found), chosen, found[AS_DECLARED, chosen].participants)


def weakened(register: Register | None, factor: float, seed: int, by_visits: bool) -> Register | None:
    """Return the register with scores that tell `factor` of what they told, beyond the baseline of visits.

    What a straight line in the measured baseline says of a score stays; the rest keeps its spread, and its
    correlation with everything becomes `factor` of what it was.
    """
    if register is None or factor >= 1 or not register.scores.shape[1]:
        return register
    centred = register.scores - register.scores.mean(axis=0)
    line = np.zeros_like(centred)
    if by_visits:
        baseline = register.outcomes[0][:, 0] - register.outcomes[0][:, 0].mean()
        line = np.outer(baseline, baseline @ centred / (baseline @ baseline))
    rest = centred - line
    noise = stream(seed, "discount", 0, "twins").standard_normal(len(register))[:, None]
    weaker = line + factor * rest + np.sqrt(1 - factor**2) * rest.std(axis=0) * noise
    return Register(register.names, register.covariates, weaker, register.outcomes, register.levels)


def _controls(trial: DeclaredTrial, participants: float) -> float:
    parts = [arm.allocation for arm in trial.arms]
    return participants * parts[0] / sum(parts)


def _sizes(
    trial: DeclaredTrial, rows: Sequence[Sized], found: Mapping[tuple[str, str], FoundSize]
) -> pd.DataFrame:
    made = []
    for (strength, name), one in found.items():
        row = next(each for each in rows if each.analysis.label == name)
        made.append(
            {
                "analysis": name,
                "score": strength if row.scored else "not used",
                "why": row.why,
                "participants": one.participants,
                "participants_lower_95": one.lower,
                "participants_upper_95": one.upper,
                "controls": _controls(trial, one.participants),
                "power": one.power,
                "power_mcse": one.power_mcse,
                "searched_at": one.searched_at,
                "trials": one.trials,
            }
        )
    return pd.DataFrame(made)


def _savings(
    trial: DeclaredTrial, rows: Sequence[Sized], found: Mapping[tuple[str, str], FoundSize]
) -> pd.DataFrame:
    rivals = [one for one in rows if not one.scored]
    made = []
    for (strength, name), one in found.items():
        if not next(each for each in rows if each.analysis.label == name).scored:
            continue
        best = min(rivals, key=lambda each: found[AS_DECLARED, each.analysis.label].exact, default=None)
        for rival in rivals:
            other = found[AS_DECLARED, rival.analysis.label]
            saved = other.exact - one.exact
            error = math.hypot(_error(other), _error(one))
            made.append(
                {
                    "analysis": name,
                    "score": strength,
                    "beyond": rival.analysis.label,
                    "best": rival is best,
                    "participants_saved": saved,
                    "participants_saved_mcse": error,
                    "controls_saved": _controls(trial, saved),
                    "share_saved": saved / other.exact,
                    "share_saved_lower_90": (saved - _Z90 * error) / other.exact,
                }
            )
    return pd.DataFrame(made)


def _error(one: FoundSize) -> float:
    return (one.upper - one.lower) / (2 * 1.959963984540054)

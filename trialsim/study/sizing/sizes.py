"""The size of every analysis of a declared trial, with and without the score, and what the score saves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from trialsim.errors import DesignError
from trialsim.progress import Progress, silent
from trialsim.protocol.declared import DeclaredTrial, grid_points
from trialsim.streams import stream
from trialsim.study.declared import DeclaredCell, DeclaredSums, DeclaredWork, Truth
from trialsim.study.declared.cells import RegisterOf
from trialsim.study.declared.engine import truths_of
from trialsim.study.running.backend import Backend, InProcess
from trialsim.study.running.simulation import run_cells
from trialsim.study.running.work import split_replicates
from trialsim.study.sizing.formulas.door import FormulaSize, formula_size
from trialsim.study.sizing.power_law import PowerLaw, power_laws
from trialsim.study.sizing.resized import at_size
from trialsim.study.sizing.rivals import Sized, with_rivals
from trialsim.study.sizing.search import FoundSize, search_sizes
from trialsim.study.sizing.tables import AS_DECLARED, DISCOUNTED, savings_table, size_table
from trialsim.study.sizing.varied import Varied, varied_of
from trialsim.trial.register import Register

STAGE = "search for sizes"
PURPOSE = "size search."
FIRST_GUESS = 200


@dataclass(frozen=True)
class Sizes:
    """What was found.

    Parameters
    ----------
    sizes : DataFrame
        One row an analysis and strength of the score, at each point of a grid: participants, their 95 %
        interval by Monte Carlo error, controls, those by formula and which formula
        (`participants_by_formula`, `formula`), and the power in the last round of the search.
    savings : DataFrame
        One row a scored analysis, strength and rival: participants and controls saved beyond the rival, with
        the Monte Carlo error, months of enrolment and money where they are declared; `best` marks the
        smallest rival without a twin. Empty without scores.
    chosen : str
        The analysis that the trial is run at.
    at : dict of str to int
        Its size by point of the grid (`point_key`): participants, or controls where they alone vary.
    unsized : dict of str to str
        Points whose power is out of reach, and why.
    """

    sizes: pd.DataFrame
    savings: pd.DataFrame
    chosen: str
    at: dict[str, int]
    unsized: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The size at the first point; the only one without a grid."""
        return next(iter(self.at.values()))


def point_key(settings: Mapping[str, Any]) -> str:
    """Return the name of a point of a grid: the values of its axes."""
    return json.dumps(settings, sort_keys=True)


@dataclass(frozen=True)
class _Searcher:
    """Simulates the alternative at any size, recruiting from one register."""

    varied: Varied
    trial: DeclaredTrial
    rows: tuple[Sized, ...]
    register: Register | None
    backend: Backend
    progress: Progress

    def claims(self, size: int, labels: Sequence[str], trials: int) -> Mapping[str, int]:
        """Return how many trials of a size each analysis claims."""
        wanted = tuple(one.analysis for one in self.rows if one.analysis.label in labels)
        resolved = self.varied.at(size, wanted)
        block = min(resolved.simulation.block, trials)
        cell = DeclaredCell(
            f"size{size}", "alternative", "alternative", {}, resolved,
            {one.label: Truth(None) for one in wanted}, sum(split_replicates(trials, block)), block,
        )  # fmt: skip
        work = DeclaredWork(
            resolved.seed, len(getattr(resolved.outcome, "weeks", ())) or 1, lambda _: self.register, PURPOSE
        )

        def watch(_: str, done: int, total: int) -> None:
            self.progress(f"{STAGE}: {size:,} {self.varied.noun}", done, total)

        (sums,) = run_cells(work, [cell], self.backend, progress=watch)
        assert isinstance(sums, DeclaredSums)
        return {name: int(sums.stopping[name].efficacy.sum()) for name in labels}

    def found(self, rows: Sequence[Sized], guess: int) -> dict[str, FoundSize]:
        """Return the size of every analysis."""
        asked = self.trial.sizing
        assert asked is not None
        return search_sizes(
            self.claims, [one.analysis.label for one in rows], power=asked.power,
            alpha=self.trial.design.alpha, guess=guess, step=self.varied.step,
            largest=self.varied.largest, trials=asked.trials, scale=self.varied, laws=self._laws(rows),
        )  # fmt: skip

    def _laws(self, rows: Sequence[Sized]) -> dict[str, PowerLaw]:
        """Return how the power of each analysis grows; only margins need the true effects."""
        held = tuple(one.analysis for one in rows if one.analysis.limits)
        if not held:
            return {}
        trial = self.trial.model_copy(update={"analyses": held})
        return power_laws(trial, truths_of(trial, self.register))

    def by_formula(self, rows: Sequence[Sized]) -> dict[str, FormulaSize]:
        """Return the size of every analysis by formula, or why there is none."""
        asked = self.trial.sizing
        assert asked is not None
        return {
            one.analysis.label: formula_size(
                self.varied, self.trial, one.analysis, self.register, asked.power
            )
            for one in rows
        }


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
        The design has a size of its own, or the power is out of reach; on a grid, at every point.
    """
    start = trial if trial.participants is not None else at_size(trial, FIRST_GUESS)
    rows, place = with_rivals(trial, best_single), backend or InProcess()
    tables: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    at: dict[str, int] = {}
    unsized: dict[str, str] = {}
    for point in grid_points(start):
        if point.kind != "alternative" or point.trial is None:
            continue
        try:
            sizes, savings, size = _size_point(point.trial, rows, register_of, place, strengths, progress)
        except DesignError as refusal:
            if not trial.grid:
                raise
            unsized[point_key(point.settings)] = str(refusal)
            continue
        for frame in (sizes, savings):
            for column, (axis, value) in enumerate(point.settings.items() if len(frame) else ()):
                frame.insert(column, axis, [value] * len(frame))
        tables.append((sizes, savings))
        at[point_key(point.settings)] = size
    if not at:
        raise DesignError(
            f"no point of the grid has a size: {next(iter(unsized.values()), 'none can be')}",
            field="sizing", mend="declare a larger effect, or leave the grid out",
        )  # fmt: skip
    scored = [one for one in rows if one.scored]
    sizes, savings = (pd.concat(parts, ignore_index=True) for parts in zip(*tables, strict=True))
    return Sizes(sizes, savings, (scored or list(rows))[0].analysis.label, at, unsized)


def _size_point(
    trial: DeclaredTrial,
    rows: tuple[Sized, ...],
    register_of: RegisterOf,
    place: Backend,
    strengths: Mapping[str, float] | None,
    progress: Progress,
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Return the sizes and savings of one alternative, and the size that it is run at."""
    asked = trial.sizing
    assert asked is not None
    varied, register = varied_of(trial), register_of(trial)
    by_visits = trial.outcome.kind == "score"
    factors = dict(strengths or {AS_DECLARED: 1.0, DISCOUNTED: asked.correlation_discount})
    first = weakened(register, factors.pop(AS_DECLARED), trial.seed, by_visits)
    searcher = _Searcher(varied, trial, rows, first, place, progress)
    found = {(AS_DECLARED, name): one for name, one in searcher.found(rows, varied.guess).items()}
    formulas = {(AS_DECLARED, name): one for name, one in searcher.by_formula(rows).items()}
    scored = [one for one in rows if one.scored]
    # From the strongest score to the weakest: each is held against the one before.
    stronger = AS_DECLARED
    for strength, factor in sorted(factors.items(), key=lambda one: -one[1]):
        if register is None or not scored or factor >= 1:
            continue
        people = weakened(register, factor, trial.seed, by_visits)
        weaker = _Searcher(varied, trial, rows, people, place, progress)
        near = found[AS_DECLARED, scored[0].analysis.label].size
        for name, one in weaker.found(scored, near).items():
            found[strength, name] = not_fewer(one, found[stronger, name])
        stronger = strength
        formulas |= {(strength, name): one for name, one in weaker.by_formula(scored).items()}
    chosen = (scored or list(rows))[0].analysis.label
    sizes = size_table(varied, rows, found, formulas)
    return sizes, savings_table(varied, trial, rows, found), found[AS_DECLARED, chosen].size


def not_fewer(weaker: FoundSize, stronger: FoundSize) -> FoundSize:
    """Return the size with the weaker of two scores: never fewer than with the stronger.

    Each search has a Monte Carlo error of its own; where luck alone lets a weaker score save more, the
    size with the stronger one stands for both.

    Examples
    --------
    >>> few = FoundSize("a", 100, 99.2, 95.0, 104.0, 0.9, 0.01, 100, 1000)
    >>> many = FoundSize("a", 104, 103.1, 99.0, 108.0, 0.9, 0.01, 104, 1000)
    >>> not_fewer(few, many).size, not_fewer(many, few).size
    (104, 104)
    """
    return max(weaker, stronger, key=lambda one: one.exact)


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

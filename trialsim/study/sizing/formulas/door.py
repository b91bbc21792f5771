"""The size that a formula gives an analysis, beside the one that is searched for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq

from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial, FixedDesign, GroupSequentialDesign
from trialsim.study.sizing.formulas.answer import Formula, NoFormula
from trialsim.study.sizing.formulas.events import events_formula
from trialsim.study.sizing.formulas.linear import linear_formula
from trialsim.study.sizing.formulas.sequential import inflation
from trialsim.study.sizing.formulas.shares import count_formula, level_formula, response_formula
from trialsim.study.sizing.formulas.whole_register import register_formula
from trialsim.study.sizing.varied import Varied
from trialsim.trial.register import Register

LINEAR = ("unadjusted", "ancova", "mmrm", "mean_score")
_SMALLEST = 8.0
_MARGINAL = {"response": response_formula, "count": count_formula, "recurrent": count_formula}
# Of these the formula integrates over the score; a score of recurrent events is read by other models.
_OVER_A_SCORE = ("response", "count")
_OF_LAW = {"level": level_formula, "time_to_event": events_formula}


@dataclass(frozen=True)
class FormulaSize:
    """A size by formula.

    Parameters
    ----------
    size : float
        In the unit that is searched for, not rounded; NaN where there is no formula.
    name : str
        Which formula, or ``none`` with the reason.
    """

    size: float
    name: str


def formula_size(
    varied: Varied, trial: DeclaredTrial, analysis: AnalysisDeclared, register: Register | None, power: float
) -> FormulaSize:
    """Return the size at which a formula gives an analysis its power, in the design of the trial.

    Parameters
    ----------
    varied : Varied
        What moves.
    trial : DeclaredTrial
        The alternative, with a declared size.
    analysis : AnalysisDeclared
        Whose size is asked for.
    register : Register, optional
        Whom trials recruit from.
    power : float
        In (0, 1).

    Returns
    -------
    FormulaSize

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial, grid_points
    >>> from trialsim.study.sizing.varied import WholeTrial
    >>> trial = grid_points(read_trial("protocols/ordinal_recovery.toml"))[0].trial
    >>> found = formula_size(WholeTrial(trial, 50_000), trial, trial.analyses[0], None, 0.9)
    >>> found.name
    "least squares, Student's law; looks × 1.003"
    """
    assert isinstance(trial.design, FixedDesign | GroupSequentialDesign)
    try:
        formula = _formula(trial, analysis, register)
        if len(analysis.limits) == 2 and not isinstance(trial.design, FixedDesign):
            raise NoFormula("looks of an equivalence")
        more = inflation(trial.design, power)
        size = _solved(varied, formula, more, power)
    except NoFormula as reason:
        return FormulaSize(math.nan, f"none: {reason}")
    name = formula.name if isinstance(trial.design, FixedDesign) else f"{formula.name}; looks × {more:.3f}"
    return FormulaSize(size, name)


def _formula(trial: DeclaredTrial, analysis: AnalysisDeclared, register: Register | None) -> Formula:
    """Return the formula of an analysis; one of a law where outcomes have one, else of the register."""
    kind, plain = trial.outcome.kind, not analysis.adjust
    if analysis.kind in LINEAR:
        return linear_formula(trial, analysis, register)
    if kind in _MARGINAL and (plain or kind in _OVER_A_SCORE):
        return _MARGINAL[kind](trial, analysis, register)
    if kind in _OF_LAW and plain and trial.outcome.course is None:
        return _OF_LAW[kind](trial, analysis)
    if register is None:
        raise NoFormula("factors or covariates")
    return register_formula(trial, analysis, register)


def _solved(varied: Varied, formula: Formula, more: float, power: float) -> float:
    """Return the size whose trial, the looks taken off, has the power."""

    def missing(size: float) -> float:
        controls, active = varied.arms(size)
        return formula.power(controls / more, active / more) - power

    most = float(varied.largest)
    if missing(most) < 0:
        raise NoFormula(f"the power is out of reach with {varied.largest:,} {varied.noun}")
    least = _SMALLEST
    if missing(least) > 0:
        raise NoFormula(f"fewer than {least:.0f} {varied.noun}")
    return float(brentq(missing, least, most, xtol=1e-6))

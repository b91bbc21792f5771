"""Power in large samples from one trial of everybody in a register, each of them in both arms.

The estimator is consistent and the effect in these people is known, so that the squared mean of its statistic
grows with :math:`n_0 n_1 / (n_0 + n_1)` from that trial's to any other's. Degrees of freedom
that an analysis estimates, from how leverage is spread over participants, grow with the participants.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from trialsim.analysis.simulated.times import SeenLooks
from trialsim.data import Estimates, Floats
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial, FixedDesign, GroupSequentialDesign
from trialsim.rates import PlannedAccrual
from trialsim.streams import stream
from trialsim.study.declared.adjusting import adjusting_columns
from trialsim.study.declared.carried import carried
from trialsim.study.declared.drawing.accrual import accrual_of
from trialsim.study.declared.drawing.people import Drawing, People
from trialsim.study.declared.drawing.recruits import recruit_survival
from trialsim.study.declared.drawing.strata import Strata
from trialsim.study.declared.reading import decision_of
from trialsim.study.declared.sample import Sample
from trialsim.study.declared.survival import read_looks
from trialsim.study.sizing.formulas.answer import Formula, NoFormula, claim_of
from trialsim.study.sizing.formulas.linear import lost_shares
from trialsim.trial.register import Register

STREAM = "whole register"


def register_formula(trial: DeclaredTrial, analysis: AnalysisDeclared, register: Register) -> Formula:
    """Return the power of an analysis of a register's people, who are allocated 1:1 in the one large trial.

    Raises
    ------
    NoFormula
        Participants enter at sites, or the large trial has no statistic on the side of the claim.
    """
    if trial.outcome.kind != "time_to_event":
        lost_shares(trial)
    if claim_of(trial, analysis).equivalence:
        raise NoFormula("two one-sided tests")
    people = _everybody(trial, register)
    chance = partial(stream, trial.seed, STREAM, 0)
    if trial.outcome.kind == "time_to_event":
        z, df = _of_times(trial, analysis, register, people, chance("dropout"))
    else:
        drawing = Drawing(
            trial, people, Strata.of(trial), chance, lambda arm: chance("outcome"), None, register
        )
        outcomes = carried(trial).recruit(drawing)
        sample = Sample(trial, people, outcomes, people.entry, register)
        found = sample.read(analysis)
        z, df = sample.sign * _statistic(found), float(found.df[0])
    if not z > 0:
        raise NoFormula("no effect to claim")
    mean = z / math.sqrt(len(register) / 2)
    alpha, df_each = trial.design.alpha, df / (2 * len(register))

    def power(controls: float, active: float) -> float:
        away = mean * math.sqrt(controls * active / (controls + active))
        if math.isinf(df_each):
            return float(ndtr(away + ndtri(alpha)))
        return _power_of_t(away, df_each * (controls + active), alpha)

    return Formula("large samples, over the register", power)


def _power_of_t(away: float, df: float, alpha: float) -> float:
    """Return the power of a one-sided t test whose statistic lies `away` from 0.

    Abramowitz and Stegun 26.7.10, which has no digits to lose where the power is nearly 1.

    Examples
    --------
    >>> from scipy.stats import nct, t
    >>> round(_power_of_t(3.3, 40.0, 0.025), 4), round(float(nct.sf(t.ppf(0.975, 40), 40, 3.3)), 4)
    (0.8961, 0.8961)
    """
    critical = float(stdtrit(df, 1 - alpha))
    return float(ndtr((away - critical * (1 - 1 / (4 * df))) / math.sqrt(1 + critical**2 / (2 * df))))


def _everybody(trial: DeclaredTrial, register: Register) -> People:
    """Return everybody in both arms, entering when the accrual expects them, in the order of their entry."""
    size = len(register)
    entry = _entries(trial, size)
    # Looks count who has entered along a trial's row, as recruiting fills it.
    order = np.argsort(entry[0], kind="stable")
    rows, arm = (order % size)[None], (order // size).astype(np.int8)[None]
    levels = register.levels[rows]
    return People(entry[:, order], Strata.of(trial).crossed(levels), levels, arm, rows)


def _entries(trial: DeclaredTrial, size: int) -> Floats:
    if trial.outcome.kind != "time_to_event":
        return np.zeros((1, 2 * size))
    accrual = accrual_of(trial)
    if not isinstance(accrual, PlannedAccrual):
        raise NoFormula("participants enter at sites")
    assert trial.participants is not None
    month = accrual.expected_entries(trial.participants)
    order = stream(trial.seed, STREAM, 0, "enrolment").permutation(size)
    own = month[(order * len(month)) // size]
    return np.concatenate([own, own])[None]


def _of_times(
    trial: DeclaredTrial, analysis: AnalysisDeclared, register: Register, people: People,
    generator: np.random.Generator,
) -> tuple[float, float]:  # fmt: skip
    """Return the statistic of the last look, larger for benefit, and its degrees of freedom."""
    design = trial.design
    assert isinstance(design, FixedDesign | GroupSequentialDesign)
    trials = recruit_survival(trial, people, Strata.of(trial), register, lambda component: generator)
    columns = adjusting_columns(trial, analysis, people.levels, register, people.rows)
    had = trials.entry + trials.time
    if isinstance(design, FixedDesign) and design.month is not None:
        month = design.month
    else:
        events = design.events[-1] if isinstance(design, GroupSequentialDesign) else design.events
        assert events is not None
        assert trial.participants is not None
        months = np.sort(had[trials.event == 1])
        wanted = math.ceil(events / trial.participants * had.size)
        if wanted > len(months):
            raise NoFormula("more events than there will be")
        month = float(months[wanted - 1])
    seen = SeenLooks(
        trials.entry, trials.time, trials.event, trials.arm, trials.stratum, trials.strata,
        np.array([[month]]),
    )  # fmt: skip
    looks, statistic = read_looks(trial, analysis, seen, columns)
    df = float(looks[0].df[0])
    if np.isfinite(statistic[0, 0]):
        return float(statistic[0, 0]), df
    return _statistic(looks[0]) * (1.0 if analysis.kind == "rmst" else -1.0), df


def _statistic(estimates: Estimates) -> float:
    """Return the statistic that decides; the estimate's own where its p value is smaller than any number."""
    decides = float(decision_of(estimates).z[0])
    return decides if math.isfinite(decides) else float(estimates.statistic[0])

"""Power of responses, counts and levels in large samples, with a score in the working model or without."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.special import expit

from trialsim.data import Floats
from trialsim.design import MarginalQuestion
from trialsim.design.other_trials.ranks import odds_information, rank_information, shifted_categories
from trialsim.design.sizes import marginal_power
from trialsim.protocol.declared import (
    AnalysisDeclared,
    BinaryOutcome,
    CountOutcome,
    DeclaredTrial,
    OrdinalOutcome,
)
from trialsim.study.declared.adjusting import SCORE
from trialsim.study.declared.drawing.strata import Strata, log_ratios
from trialsim.study.sizing.formulas.answer import Formula, NoFormula, claim_of, power_of_claim
from trialsim.study.sizing.formulas.linear import lost_shares
from trialsim.trial.register import Register

Contrast = Literal["difference", "log_ratio", "log_odds_ratio"]
_STEPS, _CLOSE = 50, 1e-10


def response_formula(trial: DeclaredTrial, analysis: AnalysisDeclared, register: Register | None) -> Formula:
    """Return the power of a contrast of two risks, by g-computation where a score is adjusted for."""
    outcome = trial.outcome
    assert isinstance(outcome, BinaryOutcome)
    contrast: Contrast = "log_odds_ratio" if analysis.kind == "log_odds_ratio" else "difference"
    if register is None:
        strata = Strata.of(trial)
        base = math.log(outcome.control / (1 - outcome.control))
        means = expit(base + log_ratios(trial)[:2]) @ strata.shares
    else:
        means = register.outcomes[:2, :, 0].mean(axis=1)
    return _marginal(trial, analysis, register, "binary", contrast, means, 0.0)


def count_formula(trial: DeclaredTrial, analysis: AnalysisDeclared, register: Register | None) -> Formula:
    """Return the power of a ratio of two rates, of people who are all followed to the end."""
    outcome = trial.outcome
    assert isinstance(outcome, CountOutcome)
    if trial.discontinuation:
        raise NoFormula("follow-up differs between participants")
    if register is not None:
        return _marginal(trial, analysis, register, "count", "log_ratio", *_counts(register, outcome))
    rate, dispersion = outcome.control
    if np.ptp(log_ratios(trial), axis=1).any():
        raise NoFormula("strata whose rates differ")
    means = rate * outcome.months * np.exp(log_ratios(trial)[:2, 0])
    return _marginal(trial, analysis, None, "count", "log_ratio", means, dispersion)


def _counts(register: Register, outcome: CountOutcome) -> tuple[Floats, float]:
    """Return the mean counts (2,) of people, and the dispersion in the control arm."""
    counts = counts_in(register, outcome)
    mean = counts.mean(axis=1)
    return mean, float(max((counts[0].var() - mean[0]) / mean[0] ** 2, 0.0))


def counts_in(register: Register, outcome: CountOutcome) -> Floats:
    """Return everybody's events in each arm (2, M)."""
    if outcome.kind == "recurrent":
        return np.isfinite(register.outcomes[:2]).sum(axis=2).astype(np.float64)
    return np.asarray(register.outcomes[:2, :, 0])


def _marginal(
    trial: DeclaredTrial,
    analysis: AnalysisDeclared,
    register: Register | None,
    kind: Literal["binary", "count"],
    contrast: Contrast,
    means: Floats,
    dispersion: float,
) -> Formula:
    """Return the power of a marginal contrast, integrated over the score of the register's people."""
    lost, scored = lost_shares(trial), bool(analysis.adjust)
    slopes, score = (0.0, 0.0), None
    if scored:
        if register is None or analysis.adjust != (SCORE,):
            raise NoFormula("covariates beside the score")
        score = register.scores[:, -1]
        standard = (score - score.mean()) / score.std()
        if kind == "binary":
            own = [_slope(standard, one, expit, lambda m: m * (1 - m)) for one in register.outcomes[:2, :, 0]]
        else:
            assert isinstance(trial.outcome, CountOutcome)
            counts = counts_in(register, trial.outcome)
            own = [_slope(standard, one, np.exp, lambda m: m) for one in counts]
            dispersion = _left(standard, counts[0], own[0])
        slopes = (own[0][1], own[1][1])
    question = MarginalQuestion(
        kind, (float(means[0]), float(means[1])), slopes, contrast, dispersion, score,
        alpha=2 * trial.design.alpha, claim=claim_of(trial, analysis),
    )  # fmt: skip

    def power(controls: float, active: float) -> float:
        seen = controls * (1 - lost[0]), active * (1 - lost[1])
        return marginal_power(*seen, question, adjusted=scored)

    name = {"binary": "two proportions", "count": "two rates"}[kind]
    return Formula(f"{name}, over the score" if scored else name, power)


def _slope(
    score: Floats, outcome: Floats, mean_of: Callable[[Floats], Floats], weight: Callable[[Floats], Floats]
) -> tuple[float, float]:
    """Return intercept and slope of a canonical regression on one score, by Newton's method."""
    at = np.zeros(2)
    if mean_of is np.exp:
        at[0] = math.log(outcome.mean())
    x = np.column_stack([np.ones(len(score)), score])
    for _ in range(_STEPS):
        mean = mean_of(x @ at)
        step = np.linalg.solve((x.T * weight(mean)) @ x, x.T @ (outcome - mean))
        at = at + step
        if np.abs(step).max() < _CLOSE:
            return float(at[0]), float(at[1])
    raise NoFormula("no regression on the score")


def _left(score: Floats, counts: Floats, line: tuple[float, float]) -> float:
    """Return the dispersion of counts around their regression on the score."""
    mean = np.exp(line[0] + line[1] * score)
    return float(max(((counts - mean) ** 2 - mean).sum() / (mean**2).sum(), 0.0))


def level_formula(trial: DeclaredTrial, analysis: AnalysisDeclared) -> Formula:
    """Return the power of proportional odds (Whitehead) or of the probabilistic index (Noether)."""
    outcome = trial.outcome
    assert isinstance(outcome, OrdinalOutcome)
    if trial.strata or analysis.adjust:
        raise NoFormula("factors or covariates")
    lost, alpha = lost_shares(trial), trial.design.alpha
    # The formula's odds are those of the lowest levels.
    odds = float(np.exp(-log_ratios(trial)[1, 0]))
    whitehead, claim = analysis.kind == "proportional_odds", claim_of(trial, analysis)
    active_shares = shifted_categories(outcome.shares, odds)
    below = np.cumsum(outcome.shares) - np.asarray(outcome.shares) / 2
    # The index is a probability less one half.
    effect = -math.log(odds) if whitehead else float(active_shares @ below) - 0.5
    if min(claim.distances(effect)) <= 0:
        raise NoFormula("no effect to claim")

    def power(controls: float, active: float) -> float:
        seen = controls * (1 - lost[0]), active * (1 - lost[1])
        total, ratio = sum(seen), seen[1] / seen[0]
        if whitehead:
            information = odds_information(outcome.shares, odds, ratio)
        else:
            ties = ((np.asarray(outcome.shares) + ratio * active_shares) / (1 + ratio)).tolist()
            information = rank_information(ratio, ties)
        return power_of_claim(claim, effect, math.sqrt(total * information), alpha)

    return Formula("proportional odds (Whitehead)" if whitehead else "rank sum (Noether)", power)

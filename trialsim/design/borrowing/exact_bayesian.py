"""Exact Bayesian prognostic adjustment under drift, by simulation with common random numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from trialsim.analysis.bayesian import (
    AdjustmentPrior,
    adjustment_prior,
    bayesian_adjustment_block,
    fit_history,
)
from trialsim.data import Floats
from trialsim.design.borrowing.control_question import ControlQuestion
from trialsim.design.borrowing.question import (
    BorrowingCharacteristics,
    BorrowingMethod,
    BorrowingQuestion,
)
from trialsim.errors import DesignError
from trialsim.streams import stream

_HISTORIES = 100


@dataclass(frozen=True)
class SimulatedTrials:
    """Standardised trials without drift or effect, R of them, shared by every cell of a question.

    Parameters
    ----------
    score, outcome : ndarray (R, N)
        Controls first.
    arm : ndarray of int8 (N,)
        0 control, 1 active.
    histories : tuple of (outcome, score), H of them
        Past participants (N_H,), one history for each R/H trials.
    """

    score: Floats
    outcome: Floats
    arm: np.ndarray
    histories: tuple[tuple[Floats, Floats], ...]


def simulate_trials(question: BorrowingQuestion, controls: int) -> SimulatedTrials:
    """Draw the trials of a question; the first participants do not depend on how many follow.

    Each participant's numbers for all replicates are drawn together, so a larger control arm holds the
    smaller one, and differences between sizes are not noise.
    """
    observed = (
        max(2, round(controls * (1 - question.dropout[0]))),
        max(2, round(question.active * (1 - question.dropout[1]))),
    )
    draws = [
        stream(question.seed, f"borrowing {name}", 0, "outcome").standard_normal((n, 2, question.replicates))
        for name, n in zip(("controls", "active"), observed, strict=True)
    ]
    both = np.concatenate(draws)
    past = stream(question.seed, "borrowing history", 0, "history").standard_normal(
        (_HISTORIES, 2, question.history)
    )
    return SimulatedTrials(
        score=np.ascontiguousarray(question.correlation * question.sd * both[:, 0].T),
        outcome=np.ascontiguousarray(_outcome(question, both[:, 0], both[:, 1]).T),
        arm=np.repeat(np.array([0, 1], dtype=np.int8), observed),
        histories=tuple((_outcome(question, m, e), question.correlation * question.sd * m) for m, e in past),
    )


def _outcome(question: BorrowingQuestion, score: Floats, noise: Floats) -> Floats:
    rho = question.correlation
    return question.sd * (rho * score + math.sqrt(1 - rho**2) * noise)


@dataclass(frozen=True)
class ExactBayesian:
    """Exact Bayesian prognostic adjustment; see `trialsim.analysis.bayesian.prior` for its knobs.

    Parameters
    ----------
    bias_scale : float, optional
        K₀; 1/N_H if not given. Larger borrows less.
    vague_scale : float
        k; 1 gives the vague part a fair chance, 100 lets borrowing survive conflict.
    mean_weight : float
        E[ω] of the informative part.

    Notes
    -----
    The defaults are natural ones and do *not* hold the type I error under a moderate drift. The score
    needs some correlation with the outcome: at 0 its slope cannot be learnt.

    Trials share 100 histories, and those of one history share its mistakes. Monte Carlo errors are those
    between histories, or those of independent trials where they are larger.

    Examples
    --------
    >>> question = BorrowingQuestion(0.4, 100, 1000, correlation=0.5, replicates=400)
    >>> got = ExactBayesian().characteristics(question, 100, np.array([0.0, 0.3]))
    >>> bool(got.type_one_error[1] > 0.4)
    True
    """

    bias_scale: float | None = None
    vague_scale: float = 100.0
    mean_weight: float = 0.5
    name: str = "exact Bayesian adjustment"

    @property
    def setting(self) -> str:
        """Setting of the prior, in words."""
        scale = "1/N_H" if self.bias_scale is None else f"{self.bias_scale:g}"
        return f"K0 = {scale}, k = {self.vague_scale:g}, E[ω] = {self.mean_weight:g}"

    def candidates(self) -> tuple[BorrowingMethod, ...]:
        """Return the natural defaults, then calmer and calmer priors."""
        calm = replace(self, vague_scale=1.0, mean_weight=0.1)
        return (
            self,
            replace(self, vague_scale=1.0),
            calm,
            *(replace(calm, bias_scale=k0) for k0 in (0.005, 0.01, 0.02, 0.05, 0.1, 0.3)),
        )

    def prior(self, outcome: Floats, score: Floats) -> AdjustmentPrior:
        """Return the prior that a history (N_H,) gives."""
        return adjustment_prior(
            fit_history(outcome, score),
            bias_scale=self.bias_scale,
            vague_scale=self.vague_scale,
            mean_weight=self.mean_weight,
        )

    def characteristics(
        self, question: ControlQuestion, controls: int, drifts: Floats
    ) -> BorrowingCharacteristics:
        """Return level, power, bias and effective controls from `BorrowingQuestion.replicates` trials."""
        if not isinstance(question, BorrowingQuestion):
            raise DesignError(
                "is exact for a continuous outcome and its linear model only",
                field="method",
                value=self.name,
                mend="use a prior of the control level, such as robust MAP",
            )
        if question.correlation == 0:
            raise DesignError(
                "needs a score that is correlated with the outcome",
                field="correlation",
                value=0,
                mend="give the correlation of score and outcome",
            )
        trials = simulate_trials(question, controls)
        priors = [self.prior(*history) for history in trials.histories]
        d = np.asarray(drifts, dtype=float)
        # Mirrored trials are as likely, so a drift and its opposite have one type I error.
        size, position = np.unique(np.abs(d), return_inverse=True)
        null = [_analyse(trials.outcome + one * question.sd, trials, priors, question) for one in size]
        level, level_error = _share(np.array([cell.rejected for cell in null]), question.replicates)
        bias, variance = (
            np.array([getattr(cell, name) for cell in null])[position] for name in ("estimate", "variance")
        )
        treated = trials.outcome + question.effect * trials.arm
        alternative = [_analyse(treated + one * question.sd, trials, priors, question) for one in d]
        power, power_error = _share(np.array([cell.upwards for cell in alternative]), question.replicates)
        v0, v1 = question.arm_variances(controls)
        # The posterior variance of the effect holds the active arm's too; none is below that of pooling.
        pooled = v0 * question.history_variance / (v0 + question.history_variance)
        borrowed = v0 / np.maximum(variance - v1, pooled) - 1
        return BorrowingCharacteristics(
            drift=d,
            type_one_error=level[position],
            power=power,
            bias=np.where(d < 0, -1, 1) * bias,
            effective_controls=controls * (1 - question.dropout[0]) * borrowed,
            error=float(level_error.max()),
            power_error=float(power_error.max()),
        )


@dataclass(frozen=True)
class _Analysed:
    """Shares rejected by history (H,), either way and upwards; mean estimate and posterior variance."""

    rejected: Floats
    upwards: Floats
    estimate: float
    variance: float


def _analyse(
    outcome: Floats, trials: SimulatedTrials, priors: list[AdjustmentPrior], question: BorrowingQuestion
) -> _Analysed:
    """Return what the trials of one cell reject and estimate."""
    rejected, upwards, total, square = [], [], 0.0, 0.0
    for rows, prior in zip(np.array_split(np.arange(len(outcome)), len(priors)), priors, strict=True):
        part = slice(rows[0], rows[-1] + 1)
        posterior = bayesian_adjustment_block(outcome[part], trials.arm, trials.score[part], prior)
        up = posterior.probability_below(0.0) < question.alpha / 2
        down = posterior.probability_above(0.0) < question.alpha / 2
        rejected.append(float((up | down).mean()))
        upwards.append(float(up.mean()))
        total += float(posterior.mean().sum())
        square += float((posterior.sd() ** 2).sum())
    return _Analysed(np.array(rejected), np.array(upwards), total / len(outcome), square / len(outcome))


def _share(by_history: Floats, replicates: int) -> tuple[Floats, Floats]:
    """Return shares (D,) and their Monte Carlo errors from shares by history (D, H)."""
    share = by_history.mean(axis=1)
    between = by_history.std(axis=1, ddof=1) / math.sqrt(by_history.shape[1])
    return share, np.maximum(np.sqrt(share * (1 - share) / replicates), between)

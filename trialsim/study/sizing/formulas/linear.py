"""Power of least squares and of the mixed model: Student's law, with dropout completely at random."""

from __future__ import annotations

import math

import numpy as np

from trialsim.data import Floats
from trialsim.design.repeated_measures import large_sample_inflation
from trialsim.design.sizes import PlanningMoments, SizingQuestion, power_of_size
from trialsim.design.sizes.variance import AnalysisName
from trialsim.protocol.declared import AnalysisDeclared, ContinuousOutcome, DeclaredTrial
from trialsim.study.sizing.formulas.answer import Formula, NoFormula, claim_of
from trialsim.study.sizing.formulas.moments import Moments, moments_of
from trialsim.trial.register import Register

_BY_COLUMNS: tuple[AnalysisName, ...] = ("unadjusted", "ancova", "prognostic")


def linear_formula(trial: DeclaredTrial, analysis: AnalysisDeclared, register: Register | None) -> Formula:
    r"""Return the power of ``unadjusted``, ``ancova``, ``mean_score`` or ``mmrm``.

    The variance of the effect is :math:`φ_0 σ_0^2 / n_0 + φ_1 σ_1^2 / n_1` σ the SD left by covariates.
    Of those observed alone φ is 1 / (1 − dropout); of the mixed model it is what dropout at every visit
    costs (Lu, Luo and Chen 2008), see `large_sample_inflation`.

    Raises
    ------
    NoFormula
        Dropout that depends on outcomes, intercurrent events, visits that are missed, or a mixed model with
        another covariance than the unstructured one of both arms.
    """
    lost = lost_shares(trial)
    found = moments_of(trial, analysis, register)
    claim = claim_of(trial, analysis)
    if min(claim.distances(found.effect)) <= 0:
        raise NoFormula("no effect to claim")
    # Of one margin only the distance from it counts.
    away = found.effect if claim.equivalence else found.effect - sum(claim.null)
    last = found.residual[:, -1, -1]
    mixed = analysis.kind == "mmrm"
    usual = {"covariance": "us", "covariance_by": "all", "errors": "model"}
    if mixed and any(analysis.given(name, value) != value for name, value in usual.items()):
        raise NoFormula("a covariance or errors of another kind")
    phi = np.array([1.0, 1.0])
    if mixed:
        assert isinstance(trial.outcome, ContinuousOutcome)
        phi = np.array([_inflation(found, trial.outcome.weeks, share, arm) for arm, share in enumerate(lost)])
    sd = np.sqrt(phi * last)
    moments = PlanningMoments((float(sd[0]), float(sd[1])), (0.0, 0.0), (0.0, 0.0))
    question = SizingQuestion(
        away, alpha=2 * trial.design.alpha, dropout=(0.0, 0.0) if mixed else lost,
        variance="model" if mixed else "hc3",
        limits=(claim.null[0], claim.null[1]) if claim.equivalence else None,
    )  # fmt: skip
    columns = _BY_COLUMNS[min(found.covariates, 2)]

    def power(controls: float, active: float) -> float:
        return power_of_size(controls, active, moments, columns, question)

    name = "mixed model in large samples" if mixed else "least squares, Student's law"
    return Formula(name, power)


def lost_shares(trial: DeclaredTrial) -> tuple[float, float]:
    """Return the share of each arm whose last outcome is missing, completely at random.

    Raises
    ------
    NoFormula
        Why people stop is no chance alone.
    """
    if trial.intercurrent_events:
        raise NoFormula("intercurrent events")
    if getattr(trial.outcome, "gaps", 0.0):
        raise NoFormula("visits are missed in between")
    if any(cause.mechanism != "MCAR" for cause in trial.discontinuation):
        raise NoFormula("dropout depends on outcomes")
    control, active = (
        math.fsum(cause.cumulative[name] for cause in trial.discontinuation) for name in trial.arm_names
    )
    return control, active


def _inflation(found: Moments, weeks: tuple[float, ...], lost: float, arm: int) -> float:
    """Return what dropout at a constant hazard costs the mixed model at the last visit."""
    own = found.residual[arm]
    sd = np.sqrt(np.diag(own))
    retention: Floats = (1 - lost) ** (np.asarray(weeks) / weeks[-1])
    return large_sample_inflation(own / np.outer(sd, sd), retention)

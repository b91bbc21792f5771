"""How the endpoints of a trial hang together: a Gaussian copula, and deaths that follow a first event."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats
from trialsim.errors import InputError, ProtocolError
from trialsim.population.association import solve_pair
from trialsim.population.laws.laws import Law, NormalLaw, StepLaw
from trialsim.protocol.declared import BinaryOutcome, ContinuousOutcome, DeclaredTrial, OrdinalOutcome
from trialsim.protocol.declared.several.hypotheses import Copula, IllnessDeath
from trialsim.protocol.declared.several.views import of_endpoint
from trialsim.study.declared.drawing.worlds import covariance, survival_world
from trialsim.study.declared.refusing import refusing
from trialsim.study.declared.several.illness_death import IllnessDeathPlan

_LEAST_EIGENVALUE = 1e-6


@dataclass(frozen=True)
class Ties:
    """What ties the endpoints together.

    Parameters
    ----------
    factor : ndarray (E, E)
        Lower triangular: deviates of the endpoints are it times those of their own streams.
    deaths : dict of str to (str, IllnessDeathPlan)
        From a death to its first event and the law of what comes after.
    """

    factor: Floats
    deaths: dict[str, tuple[str, IllnessDeathPlan]]

    @classmethod
    def of(cls, trial: DeclaredTrial) -> Ties:
        """Return the ties of a trial, or refuse correlations that cannot be together."""
        names = [one.name for one in trial.endpoints]
        matrix, deaths = np.eye(len(names)), {}
        for position, one in enumerate(trial.dependence):
            if isinstance(one, IllnessDeath):
                with refusing(f"dependence[{position}]"):
                    deaths[one.death] = (one.first, _plan(trial, one))
                continue
            a, b = (names.index(name) for name in one.between)
            matrix[a, b] = matrix[b, a] = latent_correlation(trial, one, position)
        if np.linalg.eigvalsh(matrix).min() < _LEAST_EIGENVALUE:
            raise ProtocolError(
                "cannot hold together: no outcomes have these correlations at once", field="dependence",
                value=[one.correlation for one in trial.dependence if isinstance(one, Copula)],
                mend="bring them nearer to 0",
            )  # fmt: skip
        return cls(np.asarray(np.linalg.cholesky(matrix), dtype=np.float64), deaths)


def latent_correlation(trial: DeclaredTrial, one: Copula, position: int = 0) -> float:
    """Return the correlation of the normal deviates that gives the one that is asked.

    Parameters
    ----------
    trial : DeclaredTrial
        Of several endpoints.
    one : Copula
        What is asked of two of them.
    position : int
        Of the table in the file, for refusals.

    Returns
    -------
    float
        Of ranks 2 sin(π ρ / 6); of outcomes by the solve of `trialsim.population.association`.

    Raises
    ------
    ProtocolError
        The two laws cannot have that correlation.
    """
    if one.measure == "latent" or one.correlation == 0:
        return one.correlation
    if one.measure == "spearman":
        return 2 * math.sin(math.pi * one.correlation / 6)
    laws = [_margin(end) for name in one.between for end in trial.endpoints if end.name == name]
    try:
        return solve_pair(laws[0], laws[1], one.correlation).latent
    except InputError as fault:
        raise ProtocolError(
            fault.problem, field=f"dependence[{position}].correlation", value=one.correlation, mend=fault.mend
        ) from None


def _margin(outcome: object) -> Law:
    """Return the control's law of a score at the last visit, of a response or of levels."""
    if isinstance(outcome, BinaryOutcome):
        return StepLaw((0.0, 1.0), (1 - outcome.control, outcome.control))
    if isinstance(outcome, OrdinalOutcome):
        return StepLaw(tuple(float(k) for k in range(len(outcome.shares))), tuple(outcome.shares))
    assert isinstance(outcome, ContinuousOutcome)
    return NormalLaw(outcome.mean[-1], math.sqrt(float(covariance(outcome)[-1, -1])))


def _plan(trial: DeclaredTrial, one: IllnessDeath) -> IllnessDeathPlan:
    first, death = (
        survival_world(of_endpoint(trial, name), allocates=False) for name in (one.first, one.death)
    )
    ratios = (first.hazard_ratios, death.hazard_ratios)
    return IllnessDeathPlan.of(first.events, death.events, ratios, one.share_of_deaths)

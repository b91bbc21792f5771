"""A trial with several endpoints as trials of one endpoint and two arms, which all rooms can read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from trialsim.protocol.declared.conduct import Factor
from trialsim.protocol.declared.design import FixedDesign, GroupSequentialDesign
from trialsim.protocol.declared.several.hypotheses import Hypothesis, SubPopulation

Trial = TypeVar("Trial", bound=Any)


def of_endpoint(trial: Trial, name: str) -> Trial:
    """Return a trial with one of its endpoints, its effects and its analyses, and all arms.

    It is the trial that draws this endpoint: nobody leaves it, since people leave the whole trial.
    """
    position = [one.name for one in trial.endpoints].index(name)
    return trial.model_copy(
        update={
            "endpoints": (trial.endpoints[position],),
            "effects": tuple(one for one in trial.effects if one.endpoint == name),
            "analyses": tuple(one for one in trial.analyses if one.endpoint == name),
            "design": FixedDesign(kind="fixed", alpha=trial.design.alpha),
            "discontinuation": (),
            "hypotheses": (),
            "dependence": (),
            "multiplicity": None,
        }
    )


def of_comparison(trial: Trial, endpoint: str, arm: str, population: SubPopulation | None = None) -> Trial:
    """Return one endpoint of a trial of the control and one active arm, in everybody or in a population."""
    view = of_endpoint(trial, endpoint)
    effects = tuple(one for one in view.effects if one.arm == arm)
    factors = view.strata
    if population is not None:
        factors = tuple(
            _at_level(one, population) if one.name == population.factor else one for one in factors
        )
        effects = tuple(_inside(one, population) for one in effects)
    arms = tuple(one for one in view.arms if one.role == "control" or one.name == arm)
    changed = {"arms": arms, "effects": effects, "strata": factors}
    return view.model_copy(update=changed)


def active_arm(trial: Any, hypothesis: Hypothesis) -> str:
    """Return the name of the active arm that a hypothesis compares with the control."""
    return str(hypothesis.arm or trial.arms[1].name)


def endpoint_of(trial: Any, analysis: str) -> str:
    """Return the name of the endpoint that an analysis reads."""
    return str(next(one.endpoint for one in trial.analyses if one.label == analysis))


def looks_of(trial: Any) -> int:
    """Return the number of looks."""
    return trial.design.looks if isinstance(trial.design, GroupSequentialDesign) else 1


def comparisons(trial: Trial) -> Iterator[Trial]:
    """Yield every endpoint with every active arm, as `of_comparison` makes it."""
    for one in trial.endpoints:
        for arm in trial.arms[1:]:
            yield of_comparison(trial, one.name, arm.name)


def _at_level(factor: Factor, population: SubPopulation) -> Factor:
    position = factor.levels.index(population.level)
    outcome = factor.outcome[position : position + 1] if factor.outcome else factor.outcome
    return factor.model_copy(update={"levels": (population.level,), "shares": (1.0,), "outcome": outcome})


def _inside(effect: Any, population: SubPopulation) -> Any:
    """Return an effect in a population: a subgroup of the same factor is all of it, or none."""
    subgroup = effect.subgroup
    if subgroup is None or subgroup.factor != population.factor:
        return effect
    changed: dict[str, Any] = {"subgroup": None}
    if subgroup.level == population.level:
        field = "per_month" if effect.kind == "slope_change" else "value"
        own = getattr(effect, field)
        changed[field] = own * subgroup.value if effect.kind.endswith("ratio") else own + subgroup.value
    return effect.model_copy(update=changed)

"""The card and the disease model of a declared trial, and whether they go together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trialsim.data import DiseaseModel
from trialsim.disease import disease_model
from trialsim.errors import ProtocolError
from trialsim.population import CohortCard, read_card
from trialsim.protocol.declared import DeclaredTrial
from trialsim.protocol.declared.course import ModelCourse
from trialsim.study.people.history import BASELINE, learnt_covariates


@dataclass(frozen=True)
class Composition:
    """Who the people are, and what happens to them."""

    card: CohortCard
    disease: DiseaseModel


def compose(trial: DeclaredTrial, folder: Path) -> Composition:
    """Read the card of a trial, build its disease model, and refuse what does not fit together.

    Raises
    ------
    ProtocolError
        Names the field and the mend.
    """
    course, population = trial.outcome.course, trial.population
    assert isinstance(course, ModelCourse)
    assert population is not None
    assert population.card is not None
    card = read_card(folder / population.card)
    disease = disease_model(course.model, **course.options)

    def problem(text: str, field: str, value: object, mend: str) -> ProtocolError:
        return ProtocolError(text, field=field, value=value, mend=mend)

    if trial.outcome.kind != "score" or trial.outcome.name != disease.endpoint:
        raise problem(
            f"the disease model {disease.name} has the score {disease.endpoint!r}", "endpoints.name",
            trial.outcome.name, f"name the endpoint {disease.endpoint}, or choose another model",
        )  # fmt: skip
    if (trial.outcome.direction == "higher_is_worse") != disease.higher_is_worse:
        raise problem("does not agree with the disease model", "endpoints.direction",
                      trial.outcome.direction, "give the other direction")  # fmt: skip
    if missing := [name for name in (*disease.covariates, disease.latent_baseline) if name not in card.names]:
        raise problem(f"the card lacks covariates that the disease model {disease.name} needs",
                      "population.card", missing, "choose a card that has them")  # fmt: skip
    asked = {"twins.covariates": learnt_covariates(trial)}
    asked["population.eligibility"] = tuple(one.covariate for one in population.eligibility)
    asked["strata.covariate"] = tuple(one.covariate for one in trial.strata if one.covariate)
    for world in trial.scenarios:
        if world.drift is not None:
            asked["scenarios.drift.covariate_shift"] = tuple(world.drift.covariate_shift)
            if abs(world.drift.outcome_shift) >= disease.upper - disease.lower:
                raise problem(
                    f"is as wide as the endpoint's scale, {disease.lower:g} to {disease.upper:g}",
                    "scenarios.drift.outcome_shift", world.drift.outcome_shift, "give points of the scale",
                )  # fmt: skip
    for field, names in asked.items():
        if unknown := [name for name in names if name not in (*card.names, BASELINE)]:
            raise problem("is no covariate of the card", field, unknown,
                          f"use some of {', '.join(card.names)}")  # fmt: skip
    if disease.latent_baseline in asked["twins.covariates"]:
        raise problem(
            "is the latent baseline, which nobody can measure", "twins.covariates", disease.latent_baseline,
            "leave it out: the measured baseline is always used",
        )  # fmt: skip
    return Composition(card, disease)

"""The card and the disease model of a declared trial, and whether they go together."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from trialsim.disease import DiseaseModel, ScoreModel, disease_model
from trialsim.disease.inputs import WEEKS_PER_MONTH
from trialsim.disease.interface import Endpoint
from trialsim.errors import ProtocolError, TrialsimWarning
from trialsim.population import CohortCard, read_card
from trialsim.protocol.declared import DeclaredTrial
from trialsim.protocol.declared.course import ModelCourse
from trialsim.study.people.history import BASELINE, learnt_covariates
from trialsim.study.people.modelled.dials import check_dials


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
    _check_endpoint(trial, disease)
    _check_safety(trial, disease)
    check_dials(trial, disease)
    _check_covariates(trial, card, disease)
    return Composition(card, disease)


def _check_safety(trial: DeclaredTrial, disease: DiseaseModel) -> None:
    if trial.safety is None:
        return
    known = [one.name for one in disease.endpoints if one.kind == "response" and one.higher_is_worse]
    if trial.safety.endpoint not in known:
        raise ProtocolError(
            f"is no response of the disease model {disease.name} that harms", field="safety.endpoint",
            value=trial.safety.endpoint,
            mend=f"use {' or '.join(known)}" if known else "choose a model with one, or leave safety out",
        )  # fmt: skip


def _check_endpoint(trial: DeclaredTrial, disease: DiseaseModel) -> None:
    outcome = trial.outcome
    endpoint = disease.endpoint_named(outcome.name)
    if outcome.kind != endpoint.kind and (outcome.kind, endpoint.kind) != ("count", "recurrent"):
        raise ProtocolError(
            f"is not what the disease model {disease.name} gives for {endpoint.name}",
            field="endpoints.kind", value=outcome.kind, mend=f"use {endpoint.kind}",
        )  # fmt: skip
    if (outcome.direction == "higher_is_worse") != endpoint.higher_is_worse:
        raise ProtocolError(
            "does not agree with the disease model", field="endpoints.direction", value=outcome.direction,
            mend="give the other direction",
        )  # fmt: skip
    for world in trial.scenarios:
        drift = world.drift
        if drift is not None and abs(drift.outcome_shift) >= endpoint.upper - endpoint.lower:
            raise ProtocolError(
                f"is as wide as the endpoint's scale, {endpoint.lower:g} to {endpoint.upper:g}",
                field="scenarios.drift.outcome_shift", value=drift.outcome_shift,
                mend="give points of the scale",
            )  # fmt: skip
    _warn_beyond(trial, disease, endpoint)


def _warn_beyond(trial: DeclaredTrial, disease: DiseaseModel, endpoint: Endpoint) -> None:
    """Warn once where a trial is longer than what the model was learnt from."""
    asked = trial.outcome.known_after * WEEKS_PER_MONTH
    if trial.outcome.kind == "time_to_event":
        months = (*getattr(trial.design, "months", ()), getattr(trial.design, "month", None))
        asked = max((one for one in months if one is not None), default=0.0) * WEEKS_PER_MONTH
    if asked > endpoint.horizon_weeks + 1e-6:
        warnings.warn(
            f"the sources of the disease model {disease.name} end at week {endpoint.horizon_weeks:.0f}, and "
            f"the trial asks for week {asked:.0f}: beyond, the model only goes on",
            TrialsimWarning,
            stacklevel=2,
        )


def _check_covariates(trial: DeclaredTrial, card: CohortCard, disease: DiseaseModel) -> None:
    assert trial.population is not None

    def problem(text: str, field: str, value: object, mend: str) -> ProtocolError:
        return ProtocolError(text, field=field, value=value, mend=mend)

    if missing := [one.name for one in disease.inputs if one.name not in card.names]:
        raise problem(f"the card lacks covariates that the disease model {disease.name} needs",
                      "population.card", missing, "choose a card that has them")  # fmt: skip
    asked = {"twins.covariates": learnt_covariates(trial)}
    asked["population.eligibility"] = tuple(one.covariate for one in trial.population.eligibility)
    asked["strata.covariate"] = tuple(one.covariate for one in trial.strata if one.covariate)
    others = ("score", "covariates", *(one.name for one in trial.strata))
    asked["analyses.adjust"] = tuple(
        name for one in trial.analyses for name in one.adjust if name not in others
    )
    for world in trial.scenarios:
        if world.drift is not None:
            asked["scenarios.drift.covariate_shift"] = tuple(world.drift.covariate_shift)
    for field, names in asked.items():
        if unknown := [name for name in names if name not in (*card.names, BASELINE)]:
            raise problem("is no covariate of the card", field, unknown,
                          f"use some of {', '.join(card.names)}")  # fmt: skip
    if isinstance(disease, ScoreModel) and disease.latent_baseline in asked["twins.covariates"]:
        raise problem(
            "is the latent baseline, which nobody can measure", "twins.covariates", disease.latent_baseline,
            "leave it out: the measured baseline is always used",
        )  # fmt: skip

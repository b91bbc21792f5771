"""Histories: generated from the trial's own card and disease model, or read from a file."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from trialsim.data import DiseaseModel, Floats, History
from trialsim.errors import HistoryError, ProtocolError, TrialsimWarning
from trialsim.population import CohortCard, draw_eligible
from trialsim.population.cards.margins import BinaryMargin, Margin, NominalMargin, OrdinalMargin
from trialsim.prognosis import read_history
from trialsim.prognosis.histories import require_same_scales
from trialsim.protocol import Protocol
from trialsim.streams import stream
from trialsim.trial.intercurrent_events import drop_out

STREAM = "history"
POPULATION = 1000
# Where laws without limits are taken to end, as standard normal values.
FARTHEST_LATENT = 6.0


def generate_history(protocol: Protocol, card: CohortCard, disease: DiseaseModel) -> History:
    """Generate past placebo participants from the card and the disease model.

    They are eligible for the trial, are measured at its visits and drop out like its control arm. What
    is learnt from them is optimistic by construction: the world of the history is the world of the
    trial. `History.generated` says so.

    Parameters
    ----------
    protocol : Protocol
        Eligibility, visits, dropout and the number of participants.
    card : CohortCard
        Who they are.
    disease : DiseaseModel
        What happens to them.

    Returns
    -------
    History
        Holds measured values only.

    Examples
    --------
    >>> from trialsim.disease import disease_model
    >>> from trialsim.population import read_card
    >>> from trialsim.protocol import read_protocol
    >>> protocol = read_protocol("protocols/alzheimers_phase2.toml")
    >>> card = read_card("cohorts/alzheimers_early.toml")
    >>> history = generate_history(protocol, card, disease_model(protocol.disease.model))
    >>> len(history) == protocol.history.participants, history.generated
    (True, True)
    """
    n = protocol.history.participants
    weeks = np.array((0.0, *protocol.visits.weeks))
    covariates = draw_eligible(
        card, n, stream(protocol.seed, STREAM, 0, "history"), protocol.eligibility
    ).covariates
    course = disease.draw_course(covariates, stream(protocol.seed, STREAM, 0, "disease"))
    outcomes = disease.measure(
        disease.natural_history(course, weeks),
        disease.placebo_response(course, weeks),
        stream(protocol.seed, STREAM, 0, "outcome"),
    )
    week, _ = drop_out(
        np.zeros((1, n), dtype=np.int8),
        protocol.dropout,
        protocol.arms,
        float(weeks[-1]),
        stream(protocol.seed, STREAM, 0, "dropout"),
    )
    outcomes[week[0][:, None] <= weeks] = np.nan
    return History(
        endpoint=protocol.endpoint.name,
        source=f"{n} placebo participants generated from the card {card.name} and the model {disease.name}",
        generated=True,
        covariates=covariates.select(protocol.prognosis.covariates),
        weeks=weeks[1:],
        baseline=outcomes[:, 0],
        outcomes=outcomes[:, 1:],
        group=np.zeros(n, dtype=np.int64),
    )


def load_history(
    protocol: Protocol,
    path: Path | str,
    disease: DiseaseModel | None = None,
    card: CohortCard | None = None,
) -> History:
    """Read real placebo participants from a file, by the protocol's ``[history]`` table.

    Parameters
    ----------
    protocol : Protocol
        Says how the file is read.
    path : Path or str
        CSV or Parquet.
    disease : DiseaseModel, optional
        Gives the limits of the endpoint's scale; outcomes off the scale are then refused.
    card : CohortCard, optional
        Gives the limits of covariates: values outside them are warned of, and refused where they are as far
        outside as the limits are apart, or of no level that the covariate has.

    Returns
    -------
    History
        Of the protocol's endpoint, weeks and covariates.

    Raises
    ------
    HistoryError
        The file cannot be learnt from; the error names file, column and mend.
    """
    history = read_history(
        path, protocol.history, protocol.endpoint.name, protocol.visits.weeks, protocol.prognosis.covariates
    )
    if disease is not None:
        _refuse_off_scale(history, disease, path, protocol.history.columns.outcome or history.endpoint)
    if card is not None:
        margins = {margin.name: margin for margin in card.margins}
        for name in history.covariates.names:
            _hold_against(margins[name], history.covariates.column(name), name, path)
    return history


def _hold_against(margin: Margin, values: Floats, name: str, path: Path | str) -> None:
    """Refuse values of a covariate that nobody has, and warn of those outside the card's limits.

    Levels that a card lists are all that there are, unless rarer ones were counted with them.
    """
    law, joined = margin.law(), isinstance(margin, OrdinalMargin) and margin.joined
    ends = law.from_latent(np.array([-FARTHEST_LATENT, FARTHEST_LATENT]))
    low, high = np.where(np.isfinite([law.lower, law.upper]), [law.lower, law.upper], ends)
    listed = isinstance(margin, BinaryMargin | OrdinalMargin | NominalMargin) and not joined
    beyond = 0.0 if listed else high - low
    # A scale that begins at 0 has nothing below it.
    least = 0.0 if low == 0 else low - beyond
    seen = values[np.isfinite(values)]
    if impossible := int(((seen < least) | (seen > high + beyond)).sum()):
        raise HistoryError(
            f"{impossible} of {seen.size} values cannot be: the card has {low:.4g} to {high:.4g}",
            file=path,
            field=name,
            mend="leave missing values empty instead of a code such as 999, and check the unit of the column",
        )
    if not joined and (outside := int(((seen < law.lower) | (seen > law.upper)).sum())):
        warnings.warn(
            f"{Path(path).name}: {name}: {outside} of {seen.size} values lie outside the limits of the card, "
            f"{law.lower:g} to {law.upper:g}",
            TrialsimWarning,
            stacklevel=3,
        )


def _refuse_off_scale(history: History, disease: DiseaseModel, path: Path | str, column: str) -> None:
    outcomes = np.column_stack([history.baseline, history.outcomes])
    off = int(((outcomes < disease.lower) | (outcomes > disease.upper)).sum())
    if off:
        raise HistoryError(
            f"{off} values lie outside the endpoint's scale, {disease.lower:g} to {disease.upper:g}",
            file=path,
            field=column,
            mend="leave missing values empty instead of a code such as 999, or name the right column",
        )


def require_population_of_card(
    protocol: Protocol, card: CohortCard, disease: DiseaseModel, history: History
) -> None:
    """Refuse a history whose baseline or covariates are on another scale than those of the card's population.

    Parameters
    ----------
    protocol : Protocol
        Who is eligible.
    card : CohortCard
        Who takes part.
    disease : DiseaseModel
        Their baselines.
    history : History
        What is judged.

    Raises
    ------
    HistoryError
        Names the column and the mend; see `trialsim.prognosis.histories.require_same_scales`.

    Examples
    --------
    >>> from trialsim.disease import disease_model
    >>> from trialsim.population import read_card
    >>> from trialsim.protocol import read_protocol
    >>> protocol = read_protocol("protocols/alzheimers_phase2.toml")
    >>> card = read_card("cohorts/alzheimers_early.toml")
    >>> disease = disease_model(protocol.disease.model)
    >>> require_population_of_card(protocol, card, disease, generate_history(protocol, card, disease))
    """

    def chance(component: str) -> np.random.Generator:
        return stream(protocol.seed, "scale", 0, component)

    people = draw_eligible(card, POPULATION, chance("register"), protocol.eligibility).covariates
    course = disease.draw_course(people, chance("disease"))
    start = np.zeros(1)
    baseline = disease.measure(
        disease.natural_history(course, start), disease.placebo_response(course, start), chance("outcome")
    )
    require_same_scales(history, people, baseline[:, 0])


def check_composition(
    protocol: Protocol, card: CohortCard, disease: DiseaseModel, file: Path | str | None = None
) -> None:
    """Refuse a protocol whose card, disease model and endpoint do not fit together.

    Parameters
    ----------
    protocol : Protocol
        What is asked.
    card : CohortCard
        Who takes part.
    disease : DiseaseModel
        What happens to them.
    file : Path or str, optional
        File to be named in refusals.

    Raises
    ------
    ProtocolError
        Names the field and the mend.

    Examples
    --------
    >>> from trialsim.disease import disease_model
    >>> from trialsim.population import read_card
    >>> from trialsim.protocol import read_protocol
    >>> protocol = read_protocol("protocols/alzheimers_phase2.toml")
    >>> card = read_card("cohorts/alzheimers_early.toml")
    >>> check_composition(protocol, card, disease_model(protocol.disease.model))
    """

    def problem(text: str, field: str, value: object, mend: str) -> ProtocolError:
        return ProtocolError(text, file=file, field=field, value=value, mend=mend)

    names = card.names
    if disease.endpoint != protocol.endpoint.name:
        raise problem(
            f"the disease model {disease.name} has the endpoint {disease.endpoint!r}",
            "endpoint.name",
            protocol.endpoint.name,
            f"name the endpoint {disease.endpoint}, or choose another disease model",
        )
    if (protocol.endpoint.direction == "higher_is_worse") != disease.higher_is_worse:
        raise problem(
            "does not agree with the disease model",
            "endpoint.direction",
            protocol.endpoint.direction,
            "give the other direction",
        )
    needed = (*disease.covariates, disease.latent_baseline)
    if missing := [name for name in needed if name not in names]:
        raise problem(
            f"the card lacks covariates that the disease model {disease.name} needs",
            "cohort",
            missing,
            "choose a card that has them",
        )
    for name in protocol.prognosis.covariates:
        if name not in names:
            raise problem(
                "is no covariate of the card", "prognosis.covariates", name, f"use some of {', '.join(names)}"
            )
        if name == disease.latent_baseline:
            raise problem(
                "is the latent baseline, which nobody can measure",
                "prognosis.covariates",
                name,
                "leave it out: the measured baseline is always used",
            )
    for scenario in protocol.scenarios:
        if abs(scenario.outcome_shift) >= disease.upper - disease.lower:
            raise problem(
                f"is as wide as the endpoint's scale, {disease.lower:g} to {disease.upper:g}",
                f"scenarios.{scenario.name}.outcome_shift",
                scenario.outcome_shift,
                "give a shift in points of the scale",
            )
        if unknown := [name for name in scenario.covariate_shift if name not in names]:
            raise problem(
                "shifts a covariate that the card does not have",
                f"scenarios.{scenario.name}.covariate_shift",
                unknown,
                f"use some of {', '.join(names)}",
            )

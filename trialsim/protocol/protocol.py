"""The protocol of a trial: everything that the user decides, in one typed, frozen model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from trialsim.errors import ProtocolError
from trialsim.protocol.conduct import Arm, Costs, Dropout, Enrolment, Visits, check_arms, check_dropout
from trialsim.protocol.eligibility import Criterion
from trialsim.protocol.history_table import HistoryTable
from trialsim.protocol.question import (
    Analysis,
    Effect,
    Endpoint,
    Estimand,
    Scenario,
    Simulation,
    Sizing,
    Slug,
    Text,
)
from trialsim.protocol.reading import Strict, check_model, duplicates, read_model, read_toml, refuse

FORMAT = "trialsim.protocol/1"


class Disease(Strict):
    """The natural-history model and its options."""

    model: Slug
    options: dict[str, float] = Field(default_factory=dict)


class PrognosisTable(Strict):
    """What the prognostic model may learn from: baseline covariates that the card and the history share.

    The measured baseline of the endpoint always belongs to them and is not named here; the further terms may
    name it as ``baseline``. `splines` act along a curve, `interactions` are products of two,
    `variance_covariates` change the spread of outcomes, `study_effects` let each study of a history of
    three or more differ, and `visit_scales` give each visit a spread of its own.
    """

    covariates: Annotated[tuple[Slug, ...], Field(min_length=1)]
    splines: tuple[Slug, ...] = ()
    interactions: tuple[tuple[Slug, Slug], ...] = ()
    variance_covariates: tuple[Slug, ...] = ()
    study_effects: bool = False
    visit_scales: bool = False

    @model_validator(mode="after")
    def _check(self) -> PrognosisTable:
        if repeated := duplicates(self.covariates):
            raise refuse("a covariate is named twice", repeated, field="covariates", mend="name it once")
        self._check_terms()
        return self

    def _check_terms(self) -> None:
        pairs = tuple(" x ".join(sorted(pair)) for pair in self.interactions)
        known = ("baseline", *self.covariates)
        for field, named, covariates in (
            ("splines", self.splines, self.splines),
            ("interactions", pairs, tuple(name for pair in self.interactions for name in pair)),
            ("variance_covariates", self.variance_covariates, self.variance_covariates),
        ):
            if repeated := duplicates(named):
                raise refuse("a term is named twice", repeated, field=field, mend="name it once")
            if unknown := [name for name in covariates if name not in known]:
                raise refuse(
                    "is neither baseline nor a covariate of the prognosis",
                    unknown[0],
                    field=field,
                    mend="name it under covariates too",
                )
        if alone := [pair[0] for pair in self.interactions if pair[0] == pair[1]]:
            raise refuse(
                "cannot interact with itself", alone[0], field="interactions", mend="put it under splines"
            )

    @property
    def has_terms(self) -> bool:
        """Whether anything is asked of the prognosis beyond its linear terms."""
        given = (self.splines, self.interactions, self.variance_covariates)
        return any(given) or self.study_effects or self.visit_scales

    def words(self) -> str:
        """Return what the twin may use, for the report.

        Examples
        --------
        >>> PrognosisTable(covariates=("age", "mmse"), splines=("age",), study_effects=True).words()
        'age, mmse and the measured baseline; spline of age; effects of studies'
        """
        further = [
            *(f"spline of {name}" for name in self.splines),
            *(f"{one} x {other}" for one, other in self.interactions),
            *(f"spread by {name}" for name in self.variance_covariates),
            *(["effects of studies"] if self.study_effects else []),
            *(["a spread of each visit"] if self.visit_scales else []),
        ]
        return "; ".join([f"{', '.join(self.covariates)} and the measured baseline", *further])


class Protocol(Strict):
    """A trial, as its user describes it; read it with `read_protocol`."""

    format: Literal["trialsim.protocol/1"]
    name: Slug
    title: Text
    question: Text
    context_of_use: Text
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    cohort: Text
    disease: Disease
    endpoint: Endpoint
    estimand: Estimand
    arms: tuple[Arm, ...]
    visits: Visits
    effect: Effect
    eligibility: tuple[Criterion, ...] = ()
    enrolment: Enrolment
    dropout: tuple[Dropout, ...] = ()
    analysis: Analysis = Analysis()
    sizing: Sizing = Sizing()
    simulation: Simulation = Simulation(replicates=10_000)
    history: HistoryTable = HistoryTable()
    prognosis: PrognosisTable
    costs: Costs | None = None
    scenarios: tuple[Scenario, ...]

    @model_validator(mode="after")
    def _check(self) -> Protocol:
        check_arms(self.arms)
        check_dropout(self.dropout, self.arms)
        self._check_scenarios()
        full = self.effect.full_by_week
        if full is not None and full > self.visits.weeks[-1]:
            raise refuse(
                "lies after the last visit",
                full,
                field="effect.full_by_week",
                mend="give a week within the visits",
            )
        return self

    def _check_scenarios(self) -> None:
        if repeated := duplicates([scenario.name for scenario in self.scenarios]):
            raise refuse(
                "two scenarios have the same name", repeated, field="scenarios", mend="give each its own name"
            )
        kinds = [scenario.kind for scenario in self.scenarios]
        if kinds.count("alternative") != 1:
            raise refuse(
                "there must be exactly one scenario of kind alternative",
                kinds.count("alternative"),
                field="scenarios",
                mend="keep one alternative; call other worlds history_drift",
            )
        for kind in ("null", "history_drift", "useless_twin"):
            if kind not in kinds:
                raise refuse(
                    f"there is no scenario of kind {kind}",
                    field="scenarios",
                    mend=f"declare one: a {kind} shows what the answer risks",
                )

    @property
    def allocation(self) -> tuple[float, float]:
        """Shares of control and active participants, with sum 1."""
        control, active = (arm.allocation for arm in self.arms)
        return control / (control + active), active / (control + active)

    @property
    def dropout_by_arm(self) -> tuple[float, float]:
        """Share of the control and of the active arm that is lost by the last visit, all causes."""
        control, active = (
            float(sum(cause.cumulative[arm.name] for cause in self.dropout)) for arm in self.arms
        )
        return control, active

    @property
    def alternative(self) -> Scenario:
        """The scenario in which the assumed effect holds and nothing drifts."""
        return next(scenario for scenario in self.scenarios if scenario.kind == "alternative")

    def to_dict(self) -> dict[str, Any]:
        """Return the protocol with all defaults filled in, as plain JSON types."""
        tables = self.model_dump(mode="json")
        if self.costs is None:
            # A protocol without prices keeps the hash that it had before prices could be given.
            del tables["costs"]
        if not self.prognosis.has_terms:
            # Nor does one without further terms of the prognosis get another hash.
            tables["prognosis"] = {"covariates": tables["prognosis"]["covariates"]}
        if self.history.missing is None:
            del tables["history"]["missing"]
        return tables

    def content_hash(self) -> str:
        """Return the SHA-256 of the canonical form, which white space and key order do not change."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()


def read_protocol(path: Path | str) -> Protocol:
    """Read a protocol from a TOML file.

    Parameters
    ----------
    path : Path or str
        The file; ``trialsim init`` lays out examples.

    Returns
    -------
    Protocol

    Raises
    ------
    ProtocolError
        The file cannot be read or breaks a rule; every broken rule is named with field, value and mend.

    Examples
    --------
    >>> read_protocol("protocols/alzheimers_phase2.toml").visits.weeks[-1]
    78.0
    """
    return read_model(path, Protocol, ProtocolError)


def protocol_from_dict(tables: dict[str, Any]) -> Protocol:
    """Return the protocol of plain tables, such as those of `Protocol.to_dict`.

    Parameters
    ----------
    tables : dict
        Tables of a protocol file, as `tomllib` reads them.

    Returns
    -------
    Protocol
        Checked and frozen.

    Raises
    ------
    ProtocolError
        A rule is broken; every broken rule is named with field, value and mend.

    Examples
    --------
    >>> protocol = read_protocol("protocols/alzheimers_phase2.toml")
    >>> protocol_from_dict(protocol.to_dict()) == protocol
    True
    """
    return check_model(tables, Protocol, ProtocolError)


def cohort_path(protocol: Protocol, protocol_file: Path | str) -> Path:
    """Return the cohort card that a protocol names, relative to the protocol's own folder.

    Parameters
    ----------
    protocol : Protocol
        Names the card.
    protocol_file : Path or str
        File that the protocol was read from.

    Returns
    -------
    Path
        The card, which is there.

    Raises
    ------
    ProtocolError
        There is no such file.

    Examples
    --------
    >>> path = "protocols/alzheimers_phase2.toml"
    >>> cohort_path(read_protocol(path), path).name
    'alzheimers_early.toml'
    """
    path = Path(protocol_file).parent / protocol.cohort
    if not path.is_file():
        raise ProtocolError(
            "cohort card not found",
            file=protocol_file,
            field="cohort",
            value=protocol.cohort,
            mend="give the card's path relative to the protocol, such as ../cohorts/alzheimers_early.toml",
        )
    return path


__all__ = ["FORMAT", "Protocol", "cohort_path", "protocol_from_dict", "read_protocol", "read_toml"]

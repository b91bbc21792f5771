"""A USDM 4 study of a trial that came from none: what USDM requires, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trialsim.errors import ProtocolError
from trialsim.exchange.usdm.coding import SYNTHETIC, coded
from trialsim.exchange.usdm.reading import PARALLEL, PRIMARY_ENDPOINT, PRIMARY_OBJECTIVE, TREATMENT_EPOCH
from trialsim.protocol.declared import DeclaredTrial
from trialsim.version import __version__

VERSION_OF_FORMAT = "4.0.0"
_CONTROL, _INVESTIGATIONAL = ("C174268", "Placebo Control Arm"), ("C174266", "Investigational Arm")
_Ids = Callable[[str], str]


def own_study(trial: DeclaredTrial, ids: _Ids) -> dict[str, Any]:
    """Return a trial as a USDM study of its own.

    Parameters
    ----------
    trial : DeclaredTrial
        The protocol.
    ids : callable
        From a class to a new identifier.

    Returns
    -------
    dict
        ``{"study": ..., "usdmVersion": "4.0.0", ...}``, plain JSON types.

    Raises
    ------
    ProtocolError
        The trial has several endpoints.
    """
    if len(trial.endpoints) > 1:
        raise ProtocolError(
            "are not written as a study design yet, and none is left out", field="endpoints",
            value=[one.name for one in trial.endpoints], mend="export a protocol of one endpoint",
        )  # fmt: skip
    sponsor = _made(
        ids, "Organization", name="SIMULATION", label="Simulated: no sponsor", identifierScheme="none",
        identifier="none", type=coded(ids, "C54149", "Drug Company"),
    )  # fmt: skip
    version = _made(
        ids, "StudyVersion", versionIdentifier="1", rationale=f"Simulated by trialsim {__version__}",
        studyIdentifiers=[
            _made(ids, "StudyIdentifier", text=f"SIM-{trial.name.upper()}", scopeId=sponsor["id"]),
        ],
        titles=[
            _made(ids, "StudyTitle", text=trial.title, type=coded(ids, "C207616", "Official Study Title")),
        ],
        organizations=[sponsor], studyDesigns=[_design(trial, ids)],
    )  # fmt: skip
    study = {
        "id": None, "extensionAttributes": [], "name": trial.name, "description": trial.question,
        "label": trial.title,
        "versions": [version], "documentedBy": [], "instanceType": "Study",
    }  # fmt: skip
    return {
        "study": study, "usdmVersion": VERSION_OF_FORMAT,
        "systemName": "trialsim", "systemVersion": __version__,
    }  # fmt: skip


def _made(ids: _Ids, kind: str, **values: Any) -> dict[str, Any]:
    return {"id": ids(kind), "extensionAttributes": [], **values, "instanceType": kind}


def _design(trial: DeclaredTrial, ids: _Ids) -> dict[str, Any]:
    epoch = _made(
        ids, "StudyEpoch", name="Treatment", label="Treatment",
        description="From randomisation to the last visit",
        type=coded(ids, TREATMENT_EPOCH, "Treatment Epoch"), previousId=None, nextId=None,
    )  # fmt: skip
    arms, elements, cells = [], [], []
    for place, arm in enumerate(trial.arms):
        kind = _INVESTIGATIONAL if place else _CONTROL
        arms.append(
            _made(
                ids, "StudyArm", name=arm.name, label=arm.name, description=arm.role, type=coded(ids, *kind),
                dataOriginDescription="Simulated", dataOriginType=coded(ids, *SYNTHETIC), populationIds=[],
            )
        )  # fmt: skip
        elements.append(
            _made(ids, "StudyElement", name=arm.name, label=arm.name, description=f"As {arm.name}")
        )
        cells.append(
            _made(
                ids, "StudyCell", armId=arms[-1]["id"], epochId=epoch["id"], elementIds=[elements[-1]["id"]]
            )
        )
    outcome = trial.outcome
    endpoint = _made(
        ids, "Endpoint", name=outcome.name, label=outcome.label, text=_variable(trial), purpose="Efficacy",
        level=coded(ids, PRIMARY_ENDPOINT, "Primary Endpoint"),
    )  # fmt: skip
    objective = _made(
        ids, "Objective", name="primary", text=trial.question, endpoints=[endpoint],
        level=coded(ids, PRIMARY_OBJECTIVE, "Trial Primary Objective"),
    )  # fmt: skip
    return _made(
        ids, "InterventionalStudyDesign", name=trial.name, label=trial.title, rationale=trial.question,
        studyType=coded(ids, "C98388", "Interventional Study"), model=coded(ids, PARALLEL, "Parallel Study"),
        arms=arms, epochs=[epoch], elements=elements, studyCells=cells, objectives=[objective],
        eligibilityCriteria=[], population=_population(trial, ids),
    )  # fmt: skip


def _variable(trial: DeclaredTrial) -> str:
    return trial.estimand.variable if trial.estimand else (trial.outcome.label or trial.outcome.name)


def _population(trial: DeclaredTrial, ids: _Ids) -> dict[str, Any]:
    people = trial.estimand.population if trial.estimand else "As the protocol declares"
    planned = None
    if trial.participants is not None:
        planned = _made(ids, "Quantity", value=float(trial.participants), unit=None)
    return _made(
        ids, "StudyDesignPopulation", name="population", label="Simulated population", description=people,
        includesHealthySubjects=False, plannedEnrollmentNumber=planned,
        plannedSex=[], criterionIds=[], cohorts=[],
    )  # fmt: skip

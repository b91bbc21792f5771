"""ADSL, ADEFF, ADTTE and ADTWIN: the virtual participants of simulated trials."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.exchange.adam.dataset import LONGEST_TEXT, Dataset, Variable, short_label, short_names
from trialsim.protocol.declared import DeclaredTrial
from trialsim.trial.register import Register

SYNTHETIC = "synthetic"
_VISIT = re.compile(r"(week|month)_(\d+(?:\.\d+)?)")
_ROW = "register_row"
# What `trialsim replay` calls one number a participant, the months of a time to an event, and which came.
_VALUE, _TIME, _EVENT = "outcome", "months", "event"
# From which event came (0: none) to CNSR.
_CENSORED = np.array([1, 0, 2])
_NOT_MEASURED = {"participant", "arm", "month_of_entry", "baseline", "cause", "score", _ROW, _TIME, _EVENT}


@dataclass(frozen=True, eq=False)
class SimulatedTrial:
    """One simulated trial.

    Parameters
    ----------
    cell : str
        Scenario × grid point.
    replicate : int
        From 0.
    participants : DataFrame
        As `trialsim replay` shows them.
    trial : DeclaredTrial
        Of the cell.
    register : Register, optional
        Whom it recruited from.
    """

    cell: str
    replicate: int
    participants: pd.DataFrame
    trial: DeclaredTrial
    register: Register | None = None


STUDY = Variable("STUDYID", "Study Identifier", "string", "SIM- and the name of the protocol")
SUBJECT = Variable("USUBJID", "Unique Subject Identifier", "string", "Study, cell, replicate and participant")
CELL = Variable("CELL", "Scenario and Grid Point", "string", "Of the run")
REPLICATE = Variable("REPNO", "Replicate", "integer", "From 0")
ARM = Variable("TRT01P", "Planned Treatment for Period 01", "string", "Randomised arm")
ARM_NUMBER = Variable("TRT01PN", "Planned Treatment for Period 01 (N)", "integer", "0 is the control")
MARK = Variable("SYNTHFL", "Synthetic Data Flag", "string", "Y: nobody in this file is real")
_PARAMETER = (
    Variable("PARAMCD", "Parameter Code", "string", "Of the endpoint"),
    Variable("PARAM", "Parameter", "string", "Label of the endpoint, and its unit"),
)


def study_id(trial: DeclaredTrial) -> str:
    """Return the identifier of a simulated study: no real study can be mistaken for it."""
    return f"SIM-{trial.name.upper()}"


def subject_ids(one: SimulatedTrial, place: int) -> list[str]:
    """Return the identifiers of a trial's participants; `place` numbers the cell."""
    stem = f"{study_id(one.trial)}-{place:02d}-{one.replicate:05d}"
    return [f"{stem}-{number:04d}" for number in one.participants["participant"]]


def _places(trials: Sequence[SimulatedTrial]) -> list[int]:
    cells = list(dict.fromkeys(one.cell for one in trials))
    return [cells.index(one.cell) + 1 for one in trials]


def _keys(one: SimulatedTrial, place: int) -> pd.DataFrame:
    arms = list(one.trial.arm_names)
    ids = subject_ids(one, place)
    return pd.DataFrame(
        {
            "STUDYID": study_id(one.trial),
            "USUBJID": ids,
            "CELL": one.cell[:LONGEST_TEXT],
            "REPNO": one.replicate,
            "TRT01P": one.participants["arm"].to_numpy(),
            "TRT01PN": [arms.index(arm) for arm in one.participants["arm"]],
        }
    )


_KEYS = (STUDY, SUBJECT, CELL, REPLICATE, ARM, ARM_NUMBER)


def subjects(trials: Sequence[SimulatedTrial]) -> Dataset:
    """Return ADSL: one row a virtual participant, with strata and baseline covariates.

    Parameters
    ----------
    trials : sequence of SimulatedTrial
        Of one protocol.

    Returns
    -------
    Dataset
        ``ADSL``, by ``USUBJID``.
    """
    first = trials[0]
    factors = [factor.name for factor in first.trial.strata]
    covariates = [] if first.register is None else [str(name) for name in first.register.names]
    own = [*_KEYS, MARK]
    short = short_names([*factors, *covariates], [one.name for one in own] + ["ENTRYMO", "DCSREAS"])
    parts = []
    for one, place in zip(trials, _places(trials), strict=True):
        people = one.participants
        columns = _keys(one, place)
        if "month_of_entry" in people:
            columns["ENTRYMO"] = people["month_of_entry"].to_numpy()
        if "cause" in people:
            columns["DCSREAS"] = people["cause"].to_numpy()
        for name in factors:
            columns[short[name]] = people[name].to_numpy()
        for name in covariates:
            assert one.register is not None
            columns[short[name]] = one.register.column(name)[people[_ROW].to_numpy()]
        columns["SYNTHFL"] = "Y"
        parts.append(columns)
    frame = pd.concat(parts, ignore_index=True)
    variables = [
        *_KEYS,
        Variable("ENTRYMO", "Month of Entry", "double", "Months from the first activation of a site"),
        Variable("DCSREAS", "Reason for Stopping Treatment", "string", "Simulated cause; empty: none"),
        *(Variable(short[name], short_label(name), "string", "Stratification factor") for name in factors),
        *(
            Variable(
                short[name], short_label(name), "double", "Baseline covariate of the simulated population"
            )
            for name in covariates
        ),
        MARK,
    ]
    kept = tuple(one for one in variables if one.name in frame)
    return Dataset("ADSL", "Subject-Level Analysis (synthetic)", kept, ("USUBJID",), frame)


def measurements(trials: Sequence[SimulatedTrial]) -> Dataset | None:
    """Return ADEFF: one row a participant, parameter and visit; None where nothing is measured.

    Parameters
    ----------
    trials : sequence of SimulatedTrial
        Of one protocol.

    Returns
    -------
    Dataset or None
        ``ADEFF``. A score at visits has baseline rows (``ABLFL``), ``BASE`` and ``CHG``; visits after
        somebody left are missing, as an analysis would see them. Other endpoints have one row a parameter.
    """
    parts = [
        part for one, place in zip(trials, _places(trials), strict=True) for part in _measured(one, place)
    ]
    if not parts:
        return None
    frame = pd.concat(parts, ignore_index=True)
    frame["SYNTHFL"] = "Y"
    variables = (
        *_KEYS,
        *_PARAMETER,
        Variable("AVISIT", "Analysis Visit", "string", "Week after randomisation"),
        Variable("AVISITN", "Analysis Visit (N)", "double", "Week after randomisation"),
        Variable("AVAL", "Analysis Value", "double", "Simulated"),
        Variable("BASE", "Baseline Value", "double", "AVAL where ABLFL is Y"),
        Variable("CHG", "Change from Baseline", "double", "AVAL - BASE after the baseline"),
        Variable("ABLFL", "Baseline Record Flag", "string", "Y at the baseline"),
        Variable("ANL01FL", "Analysis Flag 01", "string", "Y where there is a value after the baseline"),
        MARK,
    )
    frame = frame.sort_values(["USUBJID", "PARAMCD", "AVISITN"], kind="stable", ignore_index=True)
    frame = frame[[one.name for one in variables]]
    keys = ("USUBJID", "PARAMCD", "AVISITN")
    return Dataset("ADEFF", "Efficacy Analysis (synthetic)", variables, keys, frame)


def _measured(one: SimulatedTrial, place: int) -> list[pd.DataFrame]:
    people, keys = one.participants, _keys(one, place)
    visits = {str(name): found for name in people if (found := _VISIT.fullmatch(str(name)))}
    if visits:
        base = _numbers(people["baseline"])
        points = [("Baseline", 0.0, base)] + [
            (f"{found[1].title()} {found[2]}", float(found[2]), _numbers(people[name]))
            for name, found in visits.items()
        ]
        parameter = _parameter(one.trial)
        return [_visit(keys, parameter, *point, base) for point in points]
    counted = {_TIME} if _TIME in people and _EVENT not in people else set()
    factors = {factor.name for factor in one.trial.strata}
    parts = []
    for name in (str(name) for name in people if name in counted or name not in _NOT_MEASURED | factors):
        parameter = _parameter(one.trial) if name == _VALUE else _named(name)
        parts.append(_visit(keys, parameter, "End of follow-up", np.nan, _numbers(people[name]), None))
    return parts


def _numbers(values: pd.Series) -> np.ndarray:
    return values.to_numpy(dtype=np.float64)


def _named(name: str) -> tuple[str, str]:
    return short_names([name])[name], {_TIME: "Follow-up (months)", "events": "Number of events"}.get(
        name, name
    )


def _parameter(trial: DeclaredTrial) -> tuple[str, str]:
    outcome = trial.outcome
    label = outcome.label or outcome.name
    unit = f" ({outcome.unit})" if outcome.unit else ""
    return short_names([outcome.name])[outcome.name], f"{label}{unit}"[:LONGEST_TEXT]


def _visit(
    keys: pd.DataFrame, parameter: tuple[str, str], visit: str, week: float, values: np.ndarray,
    base: np.ndarray | None,
) -> pd.DataFrame:  # fmt: skip
    at_baseline = week == 0.0
    nothing = np.full(len(values), np.nan)
    seen = np.isfinite(values) & (not at_baseline)
    return keys.assign(
        PARAMCD=parameter[0],
        PARAM=parameter[1],
        AVISIT=visit,
        AVISITN=week,
        AVAL=values,
        BASE=nothing if base is None else base,
        CHG=nothing if base is None or at_baseline else values - base,
        ABLFL="Y" if at_baseline else "",
        ANL01FL=np.where(seen, "Y", ""),
    )


def times(trials: Sequence[SimulatedTrial]) -> Dataset | None:
    """Return ADTTE: the time to the event of each participant; None where there is none.

    Parameters
    ----------
    trials : sequence of SimulatedTrial
        Of one protocol.

    Returns
    -------
    Dataset or None
        ``ADTTE``, with ``AVAL`` in months and ``CNSR``: 0 for an event, 1 where it had not come.
    """
    parts = []
    for one, place in zip(trials, _places(trials), strict=True):
        people = one.participants
        if not {_TIME, _EVENT} <= set(people):
            continue
        code, label = _parameter(one.trial)
        parts.append(
            _keys(one, place).assign(
                PARAMCD=code,
                PARAM=label,
                AVAL=people[_TIME].to_numpy(dtype=np.float64),
                CNSR=_CENSORED[people[_EVENT].to_numpy().astype(np.int64)],
                SYNTHFL="Y",
            )
        )
    if not parts:
        return None
    variables = (
        *_KEYS,
        *_PARAMETER,
        Variable("AVAL", "Analysis Value", "double", "Months from randomisation to event or censoring"),
        Variable("CNSR", "Censor", "integer", "0: the event; 1: none seen; 2: another event came first"),
        MARK,
    )
    frame = pd.concat(parts, ignore_index=True)
    return Dataset("ADTTE", "Time-to-Event Analysis (synthetic)", variables, ("USUBJID", "PARAMCD"), frame)


def twins(trials: Sequence[SimulatedTrial]) -> Dataset | None:
    """Return ADTWIN: the prognostic score of each participant at each visit; None without twins.

    Parameters
    ----------
    trials : sequence of SimulatedTrial
        Of one protocol.

    Returns
    -------
    Dataset or None
        ``ADTWIN``, with ``AVAL`` the score, which is the placebo twin's mean on the scale of the analysis.
    """
    parts = []
    for one, place in zip(trials, _places(trials), strict=True):
        if one.register is None or not one.register.scores.shape[1] or _ROW not in one.participants:
            continue
        weeks = getattr(one.trial.outcome, "weeks", ())
        scores = one.register.scores[one.participants[_ROW].to_numpy()]
        visits = weeks if len(weeks) == scores.shape[1] else (np.nan,)
        for week, score in zip(visits, scores.T[-len(visits) :], strict=True):
            visit = "End of follow-up" if np.isnan(week) else f"Week {week:g}"
            keys = _keys(one, place)
            parts.append(keys.assign(AVISIT=visit, AVISITN=week, AVAL=score, SYNTHFL="Y"))
    if not parts:
        return None
    variables = (
        *_KEYS,
        Variable("AVISIT", "Analysis Visit", "string", "Week after randomisation"),
        Variable("AVISITN", "Analysis Visit (N)", "double", "Week after randomisation"),
        Variable("AVAL", "Prognostic Score", "double", "Mean of the placebo twin, from baseline alone"),
        MARK,
    )
    frame = pd.concat(parts, ignore_index=True)
    frame = frame.sort_values(["USUBJID", "AVISITN"], kind="stable", ignore_index=True)
    return Dataset("ADTWIN", "Placebo Twins (synthetic)", variables, ("USUBJID", "AVISITN"), frame)

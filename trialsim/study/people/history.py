"""The history of a declared trial: its file read by the endpoint's kind, or refused."""

from __future__ import annotations

from pathlib import Path

from trialsim.data import History, OutcomeHistory
from trialsim.errors import HistoryError, ProtocolError
from trialsim.prognosis import read_history, read_outcome_history
from trialsim.protocol.declared import ContinuousOutcome, CountOutcome, DeclaredTrial
from trialsim.protocol.declared.endpoints import endpoint
from trialsim.protocol.declared.history import HistoryDeclared
from trialsim.protocol.history_table import HistoryTable
from trialsim.protocol.outcome_table import WEEKS_IN, OutcomeTable
from trialsim.protocol.reading import check_model

GIVEN = "given_score"
BASELINE = "baseline"
_TOLERANCE_WEEKS = 1.0


def read_declared_history(
    trial: DeclaredTrial, folder: Path, override: Path | None = None
) -> History | OutcomeHistory:
    """Read the past placebo participants of a trial.

    Parameters
    ----------
    trial : DeclaredTrial
        With ``[history]`` and ``[twins]``.
    folder : Path
        Of the protocol: `history.file` is relative to it.
    override : Path, optional
        A file in the place of `history.file`.

    Returns
    -------
    History or OutcomeHistory
        With the covariates of the twins, and those that eligibility, strata, drifts and analyses name; a
        score that the user gives is the covariate ``given_score``, or ``given_score_1`` and so on at visits.

    Raises
    ------
    HistoryError
        No file is named, or it cannot be used.
    """
    declared, path = trial.history or HistoryDeclared(), named_file(trial, folder, override)
    try:
        if trial.outcome.kind == "score":
            return _visits(trial, declared, path)
        return read_outcome_history(path, _outcome_table(trial, declared, path))
    except HistoryError as fault:
        _name_given_score(trial, fault)
        raise


def _name_given_score(trial: DeclaredTrial, fault: HistoryError) -> None:
    """Say of a given score's column what the file calls it, not our name for it."""
    if trial.twins is not None and (fault.field or "").startswith(f"history.columns.covariates.{GIVEN}"):
        fault.field = "twins.columns" if trial.twins.columns else "twins.column"
        fault.mend = "name the column that holds your own predictions"


def named_file(trial: DeclaredTrial, folder: Path, override: Path | None = None) -> Path:
    """Return the file of a trial's history, or one in its place; refuse where none is named."""
    named = None if trial.history is None else trial.history.file
    path = override or (None if named is None else folder / named)
    if path is None:
        raise HistoryError(
            "is missing", field="history.file", mend="name the file of the placebo arm, or give --history"
        )
    return Path(path)


def family_of(trial: DeclaredTrial) -> str:
    """Return the family of the trial's twins: the one that is named, or the first one served."""
    named = None if trial.twins is None else trial.twins.family
    return named or endpoint(trial.outcome.kind).families[0]


def learnt_covariates(trial: DeclaredTrial) -> tuple[str, ...]:
    """Return the covariates that the twins are made from."""
    twins = trial.twins
    if twins is None:
        return ()
    if twins.source != "given":
        return twins.covariates
    return tuple(f"{GIVEN}_{visit}" for visit in range(1, len(twins.columns) + 1)) or (GIVEN,)


def given_columns(trial: DeclaredTrial) -> dict[str, str]:
    """Return the columns of the file that hold given scores, by our names; one for all visits, or one each.

    Raises
    ------
    ProtocolError
        There is not one column for each visit.
    """
    twins = trial.twins
    if twins is None or twins.source != "given":
        return {}
    visits = len(getattr(trial.outcome, "weeks", ())) or 1
    if twins.columns and len(twins.columns) != visits:
        raise ProtocolError(
            f"needs one column for each of the {visits} visits", field="twins.columns",
            value=list(twins.columns), mend="name them in the order of the visits, or give column",
        )  # fmt: skip
    return dict(zip(learnt_covariates(trial), twins.columns or (twins.column or "",), strict=True))


def wanted_covariates(trial: DeclaredTrial) -> tuple[str, ...]:
    """Return every covariate that a history of the trial is read for, those of the twins first."""
    named = list(learnt_covariates(trial))
    if trial.population is not None and trial.population.kind == "history":
        factors = [factor.name for factor in trial.strata]
        named += [criterion.covariate for criterion in trial.population.eligibility]
        named += [factor.covariate for factor in trial.strata if factor.covariate is not None]
        named += [name for world in trial.scenarios if world.drift for name in world.drift.covariate_shift]
        named += [
            name for one in trial.analyses for name in one.adjust
            if name not in (*factors, "score", "covariates")
        ]  # fmt: skip
    of_endpoint = (BASELINE, trial.outcome.name) if trial.outcome.kind == "score" else ()
    return tuple(dict.fromkeys(name for name in named if name not in of_endpoint))


def weeks_of(trial: DeclaredTrial) -> tuple[float, ...]:
    """Return the weeks of the visits of a score."""
    assert isinstance(trial.outcome, ContinuousOutcome)
    return trial.outcome.weeks


def months_of(trial: DeclaredTrial) -> float:
    """Return the months of follow-up of a count."""
    assert isinstance(trial.outcome, CountOutcome)
    return trial.outcome.months


def _columns(trial: DeclaredTrial, declared: HistoryDeclared) -> dict[str, object]:
    """Return the tables of columns that both readers share."""
    own = declared.columns
    covariates = own.model_dump()["covariates"] | given_columns(trial)
    known = wanted_covariates(trial)
    return {
        "participant": own.participant, "outcome": own.outcome, "group": own.group,
        "covariates": {name: place for name, place in covariates.items() if name in known},
    }  # fmt: skip


def _rows(declared: HistoryDeclared) -> dict[str, object]:
    given = declared.model_dump(exclude_unset=True)
    return {name: given[name] for name in ("join", "filter", "missing") if name in given}


def history_rows(trial: DeclaredTrial) -> HistoryTable:
    """Return which rows of a trial's history are read, and what their columns are called."""
    declared = trial.history or HistoryDeclared()
    if trial.outcome.kind == "score":
        return _visits_table(trial, declared)
    return _outcome_table(trial, declared, None).rows


def read_running_trial(trial: DeclaredTrial, path: Path) -> History:
    """Read the participants of a running trial of a score, in the columns of the history.

    One participant is enough, and visits may be staggered.

    Raises
    ------
    HistoryError
        The file cannot be used.
    """
    table = _visits_table(trial, trial.history or HistoryDeclared())
    names = learnt_covariates(trial)
    return read_history(path, table, trial.outcome.name, None, names, running=True)


def _visits(trial: DeclaredTrial, declared: HistoryDeclared, path: Path) -> History:
    table = _visits_table(trial, declared)
    return read_history(path, table, trial.outcome.name, weeks_of(trial), wanted_covariates(trial))


def _visits_table(trial: DeclaredTrial, declared: HistoryDeclared) -> HistoryTable:
    for field in ("values", "time"):
        if getattr(declared.columns, field):
            raise ProtocolError(
                "belongs to one outcome a participant, not to a score at visits",
                field=f"history.columns.{field}", mend="leave it out",
            )  # fmt: skip
    tables = {"columns": _columns(trial, declared) | {"week": declared.columns.week}, **_rows(declared)}
    return check_model(tables, HistoryTable, HistoryError)


def _outcome_table(trial: DeclaredTrial, declared: HistoryDeclared, path: Path | None) -> OutcomeTable:
    own, outcome = declared.columns, trial.outcome
    columns = _columns(trial, declared) | {
        "values": own.values, "time": own.time, "time_unit": own.time_unit,
    }  # fmt: skip
    tables: dict[str, object] = {
        "endpoint": outcome.name, "family": family_of(trial),
        "covariates": wanted_covariates(trial), "columns": columns, **_rows(declared),
    }  # fmt: skip
    if outcome.kind == "level":
        tables["levels"] = tuple(getattr(outcome, "levels", ()))
    if (week := _week(trial, declared)) is not None:
        tables["week"] = week
    return check_model(tables, OutcomeTable, HistoryError, file=path)


def _week(trial: DeclaredTrial, declared: HistoryDeclared) -> float | None:
    """Return the week of assessment where no column says the time; refuse another than the trial's."""
    if declared.columns.time is not None:
        return declared.week
    weeks = float(getattr(trial.outcome, "months", 0.0)) * WEEKS_IN["months"]
    if trial.outcome.kind in ("response", "level"):
        if declared.week is not None and weeks > 0 and abs(declared.week - weeks) > _TOLERANCE_WEEKS:
            raise ProtocolError(
                f"is the week of assessment of the history; the trial's is week {weeks:.1f}",
                field="history.week", value=declared.week,
                mend="give endpoints.months and history.week of one time: nothing was learnt of another",
            )  # fmt: skip
        # A response has one time and no clock: any unit of time will do.
        return declared.week or weeks or 1.0
    return declared.week or weeks or None

"""From a protocol and its history to what is known of its twins, with a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trialsim.data import History, OutcomeHistory
from trialsim.disease import ScoreModel
from trialsim.errors import ProtocolError
from trialsim.prognosis import (
    CrossValidation,
    OutcomePrognosis,
    Prognosis,
    calibrate,
    cross_validate,
    validate_outcome,
)
from trialsim.prognosis.validation import (
    FOLD_SETTINGS,
    OutcomeValidation,
    covariate_subgroups,
    default_subgroups,
)
from trialsim.prognosis.validation.outcome import FOLD_SETTINGS as OUTCOME_FOLD_SETTINGS
from trialsim.progress import Progress, silent
from trialsim.protocol.declared import DeclaredTrial
from trialsim.protocol.declared.course import ModelCourse
from trialsim.study.people.history import history_rows
from trialsim.study.people.learning import Fits, Judged, LearntTwins, judge_twins, learnt_of, terms_of
from trialsim.study.people.modelled.composition import compose
from trialsim.study.validation.checks import checks_of_outcomes, checks_of_visits
from trialsim.study.validation.controls import worth_as_controls
from trialsim.study.validation.findings import Finding, Validation
from trialsim.study.validation.outcomes import outcome_findings
from trialsim.study.validation.reach import reach_into_card, reach_into_trial
from trialsim.study.validation.subgroups import Labels, group_labels, subgroup_labels
from trialsim.study.validation.verdict import verdict_of
from trialsim.study.validation.visits import calibration_findings


@dataclass(frozen=True)
class ValidationAsked:
    """What is looked at beyond what always is.

    Parameters
    ----------
    subgroups : tuple of str
        Columns of the history, which no model uses.
    by_group : bool
        Judge on studies, sites or periods never seen.
    cohort : Path, optional
        Card of the population that the twins are meant for; a trial on a card has its own.
    """

    subgroups: tuple[str, ...] = ()
    by_group: bool = False
    cohort: Path | None = None


def validate_twins(
    trial: DeclaredTrial,
    folder: Path,
    history_override: Path | None = None,
    asked: ValidationAsked | None = None,
    *,
    cache: Path | None = None,
    progress: Progress = silent,
    fits: Fits | None = None,
) -> Validation:
    """Learn the twins of a trial, and say how good they are on participants that they were not learnt from.

    Parameters
    ----------
    trial, folder, history_override, cache, progress, fits
        As in `trialsim.study.people.learning.learn_twins`. No disease model is needed.
    asked : ValidationAsked, optional
        What is looked at beyond what always is.

    Returns
    -------
    Validation
        With a verdict, by the gate and by the saving beyond the best analysis without a twin.

    Raises
    ------
    ProtocolError, HistoryError, FitError
        As `learn_twins`; also a cohort beside a trial that has its own, and columns that are not there.
    """
    asked, fits = asked or ValidationAsked(), fits or Fits()
    on_card = isinstance(trial.outcome.course, ModelCourse)
    if asked.cohort is not None and on_card:
        raise ProtocolError(
            "stands beside the card of the protocol: which of the two?", field="--cohort",
            value=asked.cohort.name, mend="leave it out",
        )  # fmt: skip
    path = _file_of(trial, folder, history_override)
    labels = subgroup_labels(path, history_rows(trial), asked.subgroups)
    judged = judge_twins(trial, folder, history_override, cache=cache, progress=progress, fits=fits)
    learnt = judged.twins
    if isinstance(learnt.history, History):
        found = _of_visits(trial, folder, learnt.history, judged, labels, asked, cache, progress, fits)
    else:
        groups = group_labels(path, history_rows(trial), len(learnt.history))
        found = _of_outcomes(trial, learnt.history, judged, labels, groups, asked, progress, fits)
    smallest = 0.0 if trial.sizing is None else trial.sizing.smallest_worthwhile_saving
    return Validation(
        history_in_words(trial, learnt), learnt.judgement.sound, learnt.supported(smallest),
        verdict_of(learnt, smallest), (*found, _rivals(learnt)),
    )  # fmt: skip


def history_in_words(trial: DeclaredTrial, learnt: LearntTwins) -> str:
    """Return what is learnt from, and by which model."""
    twins, facts = trial.twins, learnt.facts
    assert twins is not None
    family = "gaussian" if isinstance(learnt.history, History) else learnt.history.family
    levels = f" ({' < '.join(getattr(trial.outcome, 'levels', ()))})" if family == "ordinal" else ""
    terms = [*(f"spline of {name}" for name in twins.splines)]
    terms += [f"{one} x {other}" for one, other in twins.interactions]
    said = "; ".join([f"{trial.outcome.name}, {family}{levels}", *terms])
    if twins.source == "given":
        columns = (twins.column,) if twins.column else twins.columns
        said = f"{trial.outcome.name}, scores given in {', '.join(columns)}"
    return f"{facts.source}, {facts.participants} participants; {said}"


def _file_of(trial: DeclaredTrial, folder: Path, override: Path | None) -> Path | None:
    """Return the file of the history; None where it is generated."""
    if override is not None:
        return override
    named = None if trial.history is None else trial.history.file
    return None if named is None else folder / named


def _of_visits(
    trial: DeclaredTrial, folder: Path, history: History, judged: Judged, labels: dict[str, Labels],
    asked: ValidationAsked, cache: Path | None, progress: Progress, fits: Fits,
) -> list[Finding]:  # fmt: skip
    past, model, held_out = learnt_of(trial, history), judged.twins.model, judged.held_out
    assert isinstance(model, Prognosis)
    assert isinstance(held_out, CrossValidation)
    by_group = None
    if asked.by_group:
        by_group = cross_validate(
            past, fits.folds or FOLD_SETTINGS, seed=trial.seed, by_group=True, terms=terms_of(trial),
            cache=cache, progress=progress, sampler=fits.sampler,
        )  # fmt: skip
    strict = held_out if by_group is None else by_group
    course = trial.outcome.course
    limits = None
    if isinstance(course, ModelCourse):
        disease = compose(trial, folder).disease
        limits = (disease.lower, disease.upper) if isinstance(disease, ScoreModel) else None
    found = calibration_findings(past, held_out, default_subgroups(past) | labels, by_group)
    found.append(checks_of_visits(past, model, trial.seed, limits))
    if limits is not None:
        found += reach_into_trial(trial, folder, past.covariates, past.baseline, model, strict)
    elif asked.cohort is not None:
        found += reach_into_card(past.covariates, asked.cohort, trial.seed)
    worth = worth_as_controls(past, model, strict, calibrate(strict), asked.by_group, trial.seed)
    return [*found, worth]


def _of_outcomes(
    trial: DeclaredTrial, history: OutcomeHistory, judged: Judged, labels: dict[str, Labels],
    groups: Labels, asked: ValidationAsked, progress: Progress, fits: Fits,
) -> list[Finding]:  # fmt: skip
    past, model, held_out = learnt_of(trial, history), judged.twins.model, judged.held_out
    assert isinstance(model, OutcomePrognosis)
    assert isinstance(held_out, OutcomeValidation)
    by_group = None
    if asked.by_group:
        progress("groups never seen", 0, 1)
        by_group = validate_outcome(
            past, fits.folds or OUTCOME_FOLD_SETTINGS, seed=trial.seed, by_group=True, terms=terms_of(trial),
            sampler=fits.outcome_sampler,
        )  # fmt: skip
        progress("groups never seen", 1, 1)
    named = covariate_subgroups(past.covariates) | labels
    found = outcome_findings(past, held_out, named, by_group, groups, trial.seed)
    found.append(checks_of_outcomes(past, model, trial.seed))
    if asked.cohort is not None:
        found += reach_into_card(past.covariates, asked.cohort, trial.seed)
    return found


def _rivals(learnt: LearntTwins) -> Finding:
    frame = learnt.rivals.to_frame().reset_index(names="way")
    frame.columns = [str(name).replace(" ", "_") for name in frame.columns]
    title = f"Variance that each way to adjust leaves, relative to {learnt.rivals.reference}, out of sample"
    return Finding(title, frame)

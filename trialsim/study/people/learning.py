"""From the history of a declared trial to its twins: fit, gate, and what they save beyond their rivals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from trialsim.data import History, OutcomeHistory
from trialsim.errors import ProtocolError
from trialsim.notebook import InNotebook
from trialsim.prognosis import (
    Calibration,
    CrossValidation,
    FitSettings,
    Gain,
    ModelTerms,
    OutcomePrognosis,
    OutcomeSampler,
    Prognosis,
    Sampler,
    calibrate,
    cross_validate,
    fit_outcome,
    fit_prognosis,
    gain_beyond_baseline,
    validate_outcome,
)
from trialsim.prognosis.validation import OutcomeValidation
from trialsim.prognosis.validation.longitudinal import FOLD_SETTINGS
from trialsim.prognosis.validation.outcome import FOLD_SETTINGS as OUTCOME_FOLD_SETTINGS
from trialsim.prognosis.validation.outcome_measures import derived_outcome
from trialsim.prognosis.validation.rivals import Rivals, compare_rivals
from trialsim.progress import Progress, silent
from trialsim.protocol.declared import DeclaredTrial
from trialsim.streams import stream
from trialsim.study.people.against_card import hold_against_card
from trialsim.study.people.facts import HistoryFacts, facts_of
from trialsim.study.people.history import (
    BASELINE,
    learnt_covariates,
    named_file,
    read_declared_history,
)
from trialsim.study.people.judgement import Judgement, judge_given, judge_outcomes, judge_visits
from trialsim.study.people.modelled.generated import generate_declared_history

NOTHING = "nothing"
_OF_VISITS = {
    "variance_covariates": "one response, level, count or event has no spread that a covariate could change",
    "visit_scales": "one response, level, count or event has no visits that could differ",
    "study_effects": "studies have effects of their own wherever the history has three or more",
}
Past = TypeVar("Past", bound=History | OutcomeHistory)


@dataclass(frozen=True)
class ModelledHistory:
    """Past participants and the model of their outcome: what a register is drawn from.

    Parameters
    ----------
    source : str
        ``learned`` or ``given``.
    history : History or OutcomeHistory
        The past participants, whom a register of them resamples; never printed or written.
    model : Prognosis or OutcomePrognosis
        Of the outcome on placebo. For a given score it is fitted on the score: it is the course of a register
        of the history, while the score stays what was given.
    """

    source: str
    history: History | OutcomeHistory
    model: Prognosis | OutcomePrognosis


@dataclass(frozen=True)
class LearntTwins(ModelledHistory, InNotebook):
    """Twins of a trial, and how good they are on participants that they were not learnt from.

    Parameters
    ----------
    source, history, model
        As in `ModelledHistory`.
    facts : HistoryFacts
        What may be said of the past participants.
    judgement : Judgement
        Whether the scores are honest.
    rivals : Rivals
        What they leave of the variance beside the best single covariate and the covariates themselves.
    calibration : Calibration, optional
        Of the model of a score at visits, on participants that it had not seen.
    gain : Gain, optional
        What a score at visits tells beyond the baseline, out of sample.
    """

    facts: HistoryFacts
    judgement: Judgement
    rivals: Rivals
    calibration: Calibration | None = None
    gain: Gain | None = None

    def supported(self, smallest: float) -> bool:
        """Return whether the scores are honest and save more than a share beyond the best rival."""
        return self.judgement.sound and self.rivals.supported(smallest)


@dataclass(frozen=True)
class Fits:
    """How posteriors are sampled: settings of fits and folds, how many folds, and models to share."""

    whole: FitSettings | None = None
    folds: FitSettings | None = None
    sampler: Sampler | None = None
    outcome_sampler: OutcomeSampler | None = None
    number: int = 10


@dataclass(frozen=True)
class Judged:
    """Twins, and their predictions of participants that they were not learnt from."""

    twins: LearntTwins
    held_out: CrossValidation | OutcomeValidation


def learn_twins(
    trial: DeclaredTrial,
    folder: Path,
    history_override: Path | None = None,
    *,
    cache: Path | None = None,
    progress: Progress = silent,
    fits: Fits | None = None,
) -> LearntTwins:
    """Learn the twins of a trial from its history, and judge them out of sample; see `judge_twins`.

    Parameters
    ----------
    trial, folder, history_override, cache, progress, fits
        As in `judge_twins`.

    Returns
    -------
    LearntTwins
        The history as a world, with its twins, and what they are worth out of sample.

    Raises
    ------
    ProtocolError, HistoryError, FitError
        The trial has no twins that a history gives, the history cannot be read, or no twin is issued.
    """
    return judge_twins(trial, folder, history_override, cache=cache, progress=progress, fits=fits).twins


def judge_twins(
    trial: DeclaredTrial,
    folder: Path,
    history_override: Path | None = None,
    *,
    cache: Path | None = None,
    progress: Progress = silent,
    fits: Fits | None = None,
) -> Judged:
    """Learn the twins of a trial from its history, and predict each participant by a model without them.

    Parameters
    ----------
    trial : DeclaredTrial
        With learned or given twins. Its seed names the streams.
    folder : Path
        Of the protocol: files are relative to it.
    history_override : Path, optional
        A file in the place of `history.file`, or of a generated history.
    cache : Path, optional
        Folder of fitted posteriors.
    progress : callable
        Called with stage, steps done and steps in all.
    fits : Fits, optional
        Settings and compiled models; the defaults of the prognosis.

    Returns
    -------
    Judged

    Raises
    ------
    ProtocolError
        The trial has no twins that a history gives.
    HistoryError
        The history cannot be read, or nothing can be learnt from it.
    FitError
        A fit did not pass its gate, also when it was made again.
    """
    progress("read history", 0, 1)
    history = past_of(trial, folder, history_override)
    progress("read history", 1, 1)
    fits = fits or Fits()
    if isinstance(history, History):
        return _of_visits(trial, history, fits, cache, progress)
    return _of_outcomes(trial, history, fits, cache, progress)


def past_of(
    trial: DeclaredTrial, folder: Path, history_override: Path | None = None
) -> History | OutcomeHistory:
    """Return the past placebo participants that a trial's twins are learnt from, read or generated.

    Raises
    ------
    ProtocolError
        The trial has no twins that a history gives, or nothing that a history could be made from.
    HistoryError
        The file cannot be read.
    """
    twins = trial.twins
    if twins is None or twins.source == "assumed":
        raise ProtocolError(
            "are not those of a history",
            field="twins",
            mend='give [twins] with source = "learned" or "given"',
        )
    on_card = trial.population is not None and trial.population.kind == "card"
    if twins.source == "given" and on_card:
        raise ProtocolError(
            "is a column of the history, which the people of a card do not have", field="twins.source",
            value=twins.source, mend='use [population] with kind = "history", or learn the twins',
        )  # fmt: skip
    declared = trial.history
    if declared is not None and declared.generated is not None and history_override is None:
        if not on_card:
            raise ProtocolError(
                "needs a card and a disease model to be made from", field="history.generated",
                value=declared.generated, mend="name the file of the placebo arm as history.file",
            )  # fmt: skip
        return generate_declared_history(trial, folder)
    history = read_declared_history(trial, folder, history_override)
    if on_card and isinstance(history, History):
        hold_against_card(trial, folder, history, named_file(trial, folder, history_override))
    return history


def learnt_of(trial: DeclaredTrial, history: Past) -> Past:
    """Return the history with the covariates that the twins are made from."""
    return _with(history, learnt_covariates(trial))


def terms_of(trial: DeclaredTrial) -> ModelTerms:
    """Return what the twins of a trial have beyond their linear terms.

    Raises
    ------
    ProtocolError
        A term of visits, for one outcome a participant.
    """
    twins = trial.twins
    assert twins is not None
    of_visits = (twins.variance_covariates, twins.study_effects, twins.visit_scales)
    if trial.outcome.kind != "score":
        for field, problem in _OF_VISITS.items():
            if given := getattr(twins, field):
                raise ProtocolError(problem, field=f"twins.{field}", value=given, mend="leave it out")
        named = (*twins.splines, *(name for pair in twins.interactions for name in pair))
        if BASELINE in named and BASELINE not in twins.covariates:
            raise ProtocolError(
                "one response, level, count or event has no value at baseline", field="twins.splines",
                value=BASELINE, mend="name the score at baseline under covariates, and that name here",
            )  # fmt: skip
    return ModelTerms(twins.splines, twins.interactions, *of_visits)


def recall_history(
    trial: DeclaredTrial, folder: Path, history_override: Path | None, posterior: Path
) -> ModelledHistory:
    """Return history and model of a trial whose posterior was saved: nothing is fitted.

    Parameters
    ----------
    trial : DeclaredTrial
        With learned or given twins.
    folder : Path
        Where its card is: a generated history is made again.
    history_override : Path, optional
        The file of the history.
    posterior : Path
        What the model's ``save`` wrote.

    Raises
    ------
    HistoryError
        The history or the posterior cannot be read.
    """
    assert trial.twins is not None
    history: History | OutcomeHistory
    if history_override is None:
        history = generate_declared_history(trial, folder)
    else:
        history = read_declared_history(trial, folder, history_override)
    model: Prognosis | OutcomePrognosis = (
        Prognosis.load(posterior) if isinstance(history, History) else OutcomePrognosis.load(posterior)
    )
    return ModelledHistory(trial.twins.source, history, model)


def _of_visits(
    trial: DeclaredTrial, history: History, fits: Fits, cache: Path | None, progress: Progress
) -> Judged:
    assert trial.twins is not None
    twins, terms, past = trial.twins, terms_of(trial), learnt_of(trial, history)
    sampler = fits.sampler or Sampler()
    model = fit_prognosis(
        past,
        seed=trial.seed,
        settings=fits.whole,
        terms=terms,
        cache=cache,
        progress=progress,
        sampler=sampler,
    )
    # Twins with study effects are those of a new study: a fold is then a study that the others have not seen.
    cv = cross_validate(
        past, fits.folds or FOLD_SETTINGS, seed=trial.seed, folds=fits.number, by_group=terms.studies,
        terms=terms, cache=cache, progress=progress, sampler=sampler,
    )  # fmt: skip
    outcome, score = cv.outcomes[:, -1], cv.score[:, -1]
    with threadpool_limits(1, user_api="blas"):
        calibration = calibrate(cv)
        judgement = judge_visits(calibration, cv, model.diagnostics)
        if twins.source == "given":
            score = past.covariates.column(learnt_covariates(trial)[-1])[cv.rows]
            seen = np.isfinite(outcome) & np.isfinite(score)
            judgement = judge_given("score", outcome[seen], cv.baseline[seen], score[seen])
        rivals = compare_rivals(
            outcome, cv.baseline[:, None], _rivals_of(trial, history).covariates.take(cv.rows), score,
            generator=stream(trial.seed, "", 0, "bootstrap"),
        )  # fmt: skip
        gain = gain_beyond_baseline(
            outcome, cv.baseline, score, generator=stream(trial.seed, "", 0, "bootstrap")
        )
    learnt = LearntTwins(
        twins.source, history, model, facts_of(history), judgement, rivals, calibration, gain
    )
    return Judged(learnt, cv)


def _of_outcomes(
    trial: DeclaredTrial, history: OutcomeHistory, fits: Fits, cache: Path | None, progress: Progress
) -> Judged:
    assert trial.twins is not None
    twins, terms, past = trial.twins, terms_of(trial), learnt_of(trial, history)
    sampler = fits.outcome_sampler or OutcomeSampler()
    progress("sample posterior", 0, 1)
    model = fit_outcome(past, seed=trial.seed, settings=fits.whole, terms=terms, cache=cache, sampler=sampler)
    progress("sample posterior", 1, 1)
    cv = validate_outcome(
        past, fits.folds or OUTCOME_FOLD_SETTINGS, seed=trial.seed, folds=fits.number, terms=terms,
        sampler=sampler, progress=progress,
    )  # fmt: skip
    with threadpool_limits(1, user_api="blas"):
        judgement = judge_outcomes(cv, model.diagnostics, stream(trial.seed, "", 0, "twins"))
        outcome, score = derived_outcome(cv.family, cv.outcome, cv.time, cv.risk)
        if twins.source == "given":
            score = past.covariates.column(learnt_covariates(trial)[-1])
            seen = np.isfinite(score)
            judgement = judge_given(trial.outcome.kind, outcome[seen], None, score[seen])
        rivals = compare_rivals(
            outcome, np.empty((len(past), 0)), _rivals_of(trial, history).covariates, score,
            generator=stream(trial.seed, "", 0, "bootstrap"), reference_name=NOTHING,
        )  # fmt: skip
    learnt = LearntTwins(twins.source, history, model, facts_of(history), judgement, rivals)
    return Judged(learnt, cv)


def _rivals_of(trial: DeclaredTrial, history: Past) -> Past:
    """Return the history with the covariates that a rival adjusts for.

    Beside a given score those are every other covariate that the trial names, or the score itself.
    """
    names = learnt_covariates(trial)
    assert trial.twins is not None
    if trial.twins.source == "given":
        names = tuple(name for name in history.covariates.names if name not in names) or names
    return _with(history, names)


def _with(history: Past, names: tuple[str, ...]) -> Past:
    """Return the history with some of its covariates."""
    return replace(history, covariates=history.covariates.select(names))

"""Whom the participant view can ask: the twins of a protocol or a run, and the disease models of a card."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trialsim.disease import disease_model, disease_models
from trialsim.errors import DesignError, TrialsimError
from trialsim.explore.answers.plain import plain
from trialsim.explore.participants.modelled import ModelView, suits, usual_person
from trialsim.explore.participants.twin import TwinView
from trialsim.explore.starting import Started
from trialsim.population import draw_covariates
from trialsim.prognosis import OutcomePrognosis, Prognosis
from trialsim.protocol.declared.course import ModelCourse
from trialsim.streams import stream

_SEED = 20261130
_MOST_PEOPLE = 1_000_000


class People:
    """Twins and models of what was given; twins of a protocol are learnt when they are asked for.

    Parameters
    ----------
    started : Started
        What was given.
    cache : Path, optional
        Folder of fitted posteriors.
    """

    def __init__(self, started: Started, cache: Path | None = None) -> None:
        self._started, self._cache = started, cache
        self._lock = threading.Lock()
        self._views: dict[str, TwinView | ModelView] | None = None
        self._learning: threading.Thread | None = None
        self._stage = ("", 0, 0)
        self._problem: str | None = None

    def offer(self) -> dict[str, Any]:
        """Return what the page can ask, and how far the twins are learnt."""
        views = self._known()
        running = self._learning is not None and self._learning.is_alive()
        stage, done, total = self._stage
        return plain(
            {
                "views": {name: one.offer() for name, one in views.items()},
                "can_learn": self._started.has_twins and "twin" not in views,
                "learning": running,
                "stage": stage,
                "done": done,
                "total": total,
                "problem": self._problem,
            }
        )

    def person(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return another participant of the card, drawn by chance: the same for the same number."""
        card, number = self._started.card, asked.get("number", 0)
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < _MOST_PEOPLE:
            raise DesignError("must be a whole number from 0 on", field="number")
        if card is None:
            raise DesignError(
                "are not known: there is no card", field="participants", mend="type their numbers"
            )
        drawn = draw_covariates(card, 1, stream(_SEED, "participant", number, "register"))
        return {"person": {name: float(f"{value:.4g}") for name, value in
                           zip(drawn.names, drawn.values[0], strict=True)}}  # fmt: skip

    def what_if(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return the what-if of one of the views."""
        view = self._known().get(str(asked.get("view", ""))[:60])
        if view is None:
            raise DesignError("is not known here", field="view", mend="learn the twins first, or give a card")
        return plain(view.what_if(asked))

    def learn(self) -> dict[str, Any]:
        """Begin to learn the twins, unless they are known or being learnt."""
        if not self._started.has_twins:
            raise DesignError("are not learnt by this protocol", field="twins")
        known = self._known()
        with self._lock:
            if "twin" not in known and (self._learning is None or not self._learning.is_alive()):
                self._problem = None
                self._learning = threading.Thread(target=self._learn, daemon=True)
                self._learning.start()
        return self.offer()

    def _known(self) -> dict[str, TwinView | ModelView]:
        with self._lock:
            if self._views is None:
                self._views = self._at_once()
            return dict(self._views)

    def _at_once(self) -> dict[str, TwinView | ModelView]:
        """Return the views that need no fit: a run's posterior, and models whose inputs the card has."""
        started, found = self._started, dict[str, TwinView | ModelView]()
        if (posterior := started.posterior) is not None and started.trial is not None:
            of_visits = started.trial.outcome.kind == "score"
            model = Prognosis.load(posterior) if of_visits else OutcomePrognosis.load(posterior)
            found["twin"] = self._twin(model, "the posterior of the run")
        card = started.card
        if card is None:
            return found
        usual = usual_person(card, _SEED)
        own = None if started.trial is None else started.trial.outcome.course
        if isinstance(own, ModelCourse):
            names = {own.model: dict(own.options)}
        else:
            names = {name: {} for name in disease_models()}
        fitting = [disease for name, options in names.items()
                   if suits(disease := disease_model(name, **options), usual)]  # fmt: skip
        # The model that reads most of what the card says stands first.
        for disease in sorted(fitting, key=lambda one: -len(one.inputs)):
            found[f"model:{disease.name}"] = ModelView(disease, card, usual, _SEED)
        return found

    def _twin(self, model: Prognosis | OutcomePrognosis, source: str) -> TwinView:
        card, trial = self._started.card, self._started.trial
        assert trial is not None
        labels = {} if card is None else {margin.name: margin.label for margin in card.margins}
        return TwinView(model, labels, source, trial.seed)

    def _learn(self) -> None:
        from trialsim.data import History
        from trialsim.prognosis import fit_outcome, fit_prognosis
        from trialsim.study.people.learning import learnt_of, past_of, terms_of

        trial = self._started.trial
        assert trial is not None
        try:
            self._tell("read history", 0, 1)
            past = learnt_of(trial, past_of(trial, self._started.folder, self._started.history))
            terms = terms_of(trial)
            if isinstance(past, History):
                model: Prognosis | OutcomePrognosis = fit_prognosis(
                    past, seed=trial.seed, terms=terms, cache=self._cache, progress=self._tell
                )
            else:
                self._tell("fit", 0, 1)
                model = fit_outcome(past, seed=trial.seed, terms=terms, cache=self._cache)
        except TrialsimError as refusal:
            self._problem = str(refusal)
            return
        with self._lock:
            assert self._views is not None
            self._views = {"twin": self._twin(model, past.source), **self._views}

    def _tell(self, stage: str, done: int, total: int) -> None:
        self._stage = (stage, done, total)

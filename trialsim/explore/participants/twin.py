"""The twin of one participant, as they are and changed: what ``trialsim twins whatif`` says, for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from trialsim.data import Covariates, Floats, Twins
from trialsim.errors import DesignError
from trialsim.explore.participants.person import Field, numbers_of, warnings_of, whole_person
from trialsim.prognosis import OutcomePrognosis, Prognosis, TreatmentTerm, outcome_what_if, what_if
from trialsim.prognosis.what_ifs import ASSOCIATION
from trialsim.streams import stream

BASELINE = "baseline"
_FARTHEST_SD = 4.0
_LEVELS = (0.5, 0.9)
_WEEKS = 13
_SCALES = {"binary": "log odds ratio", "ordinal": "log odds ratio", "count": "log rate ratio"}


@dataclass(frozen=True)
class TwinView:
    """A fitted model, and how a page asks it.

    Parameters
    ----------
    model : Prognosis or OutcomePrognosis
        Fitted to a history.
    labels : mapping of str to str
        What a card calls its covariates.
    source : str
        Of the history, in words.
    seed : int
        Of the order of a treatment's effects.
    """

    model: Prognosis | OutcomePrognosis
    labels: Mapping[str, str]
    source: str
    seed: int

    @property
    def of_visits(self) -> bool:
        """Whether the outcome is a score at visits."""
        return isinstance(self.model, Prognosis)

    @property
    def horizon(self) -> float:
        """Last week that the history says anything about."""
        return float(self.model.weeks[-1]) if isinstance(self.model, Prognosis) else self.model.unit

    def fields(self) -> tuple[Field, ...]:
        """Return what is asked of a participant; usual values are the history's means."""
        if isinstance(self.model, Prognosis):
            s = self.model.standardisation
            names, columns, mean, sd = (BASELINE, *s.names), s.labels, s.mean, s.sd
        else:
            c = self.model.columns
            names, columns, mean, sd = c.names, c.names, c.mean, c.sd
        return tuple(
            self._field(name, float(mean[columns.index(name)]), float(sd[columns.index(name)]))
            for name in names
        )

    def _field(self, name: str, mean: float, sd: float) -> Field:
        label = f"{self.model.endpoint} at baseline" if name == BASELINE else self.labels.get(name, name)
        # The mean and SD of a yes or no are tied to each other: SD² = p (1 − p).
        binary = 0 < mean < 1 and abs(sd**2 - mean * (1 - mean)) < 0.01 * sd**2
        low, high = (0.0, 1.0) if binary else (mean - _FARTHEST_SD * sd, mean + _FARTHEST_SD * sd)
        return Field(
            name, label, "0 or 1" if binary else "", round(mean) if binary else float(f"{mean:.4g}"),
            float(f"{low:.4g}"), float(f"{high:.4g}"),
            "yes is 1" if binary else "the history's mean ± 4 SD",
        )  # fmt: skip

    def offer(self) -> dict[str, Any]:
        """Return what the page draws for this twin."""
        return {
            "kind": "twin",
            "title": "Placebo twin",
            "source": self.source,
            "endpoint": self.model.endpoint,
            "outcome": "score" if isinstance(self.model, Prognosis) else self.model.family,
            "axis": self._axis(),
            "fields": [one.shown() for one in self.fields()],
            "horizon_weeks": self.horizon,
            "treatment_unit": "points"
            if isinstance(self.model, Prognosis)
            else _SCALES.get(self.model.family, "log hazard ratio"),
            "ramps": self.of_visits,
            "dials": [],
        }

    def _axis(self) -> str:
        if isinstance(self.model, Prognosis):
            return self.model.endpoint
        return {
            "binary": "probability of the response",
            "ordinal": "expected position of the level",
            "count": "expected count",
        }.get(self.model.family, "probability of the event")

    def what_if(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return the twin before and after a change, and where the answer leaves the evidence.

        Parameters
        ----------
        asked : mapping
            ``person``, ``change`` (new values by name), ``treatment`` (effect, sd, dose, full_by_week and its
            source) and ``week``.
        """
        fields = self.fields()
        person = whole_person(asked.get("person", {}), fields)
        change = numbers_of(asked.get("change", {}), list(person), "change")
        change = {name: value for name, value in change.items() if value != person[name]}
        term = _term(asked.get("treatment"))
        weeks = self._weeks(asked.get("week"))
        covariates = Covariates(self.model.names, np.array([[person[name] for name in self.model.names]]))
        base = np.array([person.get(BASELINE, np.nan)])
        if not change and term is None:
            before = self._predict(covariates, base, weeks)
            after, mean, low, high = before, np.zeros(len(weeks)), None, None
        else:
            chance = stream(self.seed, "what-if", 0, "twins")
            if isinstance(self.model, Prognosis):
                found = what_if(self.model, covariates, base, weeks, set_to=change, treatment=term,
                                generator=chance)  # fmt: skip
            else:
                found = outcome_what_if(self.model, covariates, weeks, set_to=change, treatment=term,
                                        generator=chance)  # fmt: skip
            before, after, mean, low, high = found.before, found.after, found.mean, found.low, found.high
        warnings = warnings_of(person, fields, "As they are") + warnings_of(change, fields, "Changed")
        return {
            "weeks": weeks,
            "before": self._fan(before, base),
            "after": self._fan(after, base),
            "difference": {"mean": mean, "low": low, "high": high},
            "words": self._words(weeks, mean, low, high, bool(change or term)),
            "warnings": warnings,
            "note": ASSOCIATION,
        }

    def _predict(self, covariates: Covariates, base: Floats, weeks: Floats) -> Twins:
        if isinstance(self.model, Prognosis):
            return self.model.predict(covariates, base, weeks)
        return self.model.predict(covariates, weeks)

    def _weeks(self, week: object) -> Floats:
        last = self.horizon if week is None else numbers_of({"week": week}, ["week"], "asked")["week"]
        first = float(self.model.weeks[0]) if isinstance(self.model, Prognosis) else 0.0
        if not first <= last <= self.horizon or last <= 0:
            raise DesignError(
                f"must lie between week {first:g} and week {self.horizon:g}", field="week", value=last,
                mend="the history says nothing of other weeks",
            )  # fmt: skip
        if isinstance(self.model, Prognosis):
            inside = [float(one) for one in self.model.weeks if one < last]
            return np.array([*inside, last])
        if not self.model.law.counts_time:
            return np.array([last])
        return np.linspace(last / _WEEKS, last, _WEEKS)

    def _fan(self, twins: Twins, base: Floats) -> dict[str, Any]:
        """Return score and central intervals of a score; of others the expectation alone."""
        score, sd = twins.score[0], twins.sd[0]
        made: dict[str, Any] = {"weeks": twins.weeks, "score": score, "bands": []}
        if self.of_visits:
            made["weeks"] = np.concatenate([[0.0], twins.weeks])
            made["score"] = np.concatenate([base, score])
            for level in _LEVELS:
                reach = np.concatenate([[0.0], ndtri(0.5 + level / 2) * sd])
                made["bands"].append(
                    {"level": level, "low": made["score"] - reach, "high": made["score"] + reach}
                )
        return made

    def _words(self, weeks: Floats, mean: Floats, low: Any, high: Any, changed: bool) -> str:
        if not changed:
            return "Nothing is changed yet: change a number or add a treatment."
        return (
            f"At week {weeks[-1]:g} the expected {self._axis()} differs by {mean[-1]:.3g} "
            f"(90 % posterior interval {low[-1]:.3g} to {high[-1]:.3g})."
        )


def _term(given: object) -> TreatmentTerm | None:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise DesignError("must be numbers by name", field="treatment")
    name, source = (given.get(part, "") for part in ("name", "source"))
    if not isinstance(name, str) or not isinstance(source, str) or not source.strip():
        raise DesignError(
            "needs its source: a placebo history knows no treatment", field="treatment.source",
            mend="say where the effect comes from",
        )  # fmt: skip
    parts = ("effect", "effect_sd", "dose", "full_by_week")
    rest = {part: value for part, value in given.items() if part not in ("name", "source")}
    numbers = {"effect_sd": 0.0, "dose": 1.0, "full_by_week": 0.0} | numbers_of(rest, parts, "treatment")
    if "effect" not in numbers:
        raise DesignError("is missing", field="treatment.effect", mend="give the effect of a unit of dose")
    if numbers["effect"] * numbers["dose"] == 0 and numbers["effect_sd"] == 0:
        return None
    return TreatmentTerm(name.strip() or "treatment", source, **numbers)

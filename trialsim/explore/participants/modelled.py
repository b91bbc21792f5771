"""One participant in a disease model, untreated and treated: the same luck, other dials."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, assert_never

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease import DiseaseModel, Endpoint
from trialsim.errors import DesignError
from trialsim.explore.participants.person import Field, numbers_of, warnings_of, whole_person
from trialsim.population import CohortCard, draw_covariates
from trialsim.streams import stream

COPIES = 2000
_VISITS = 13
_WEEKS_PER_MONTH = 365.25 / 84
_QUANTILES = ((0.5, 0.25, 0.75), (0.9, 0.05, 0.95))
_AXES = {
    "response": "probability of the response",
    "level": "expected position of the level",
    "count": "mean number of events",
    "recurrent": "mean number of events",
    "time_to_event": "share with the event",
}
CAUTION = (
    "A what-if of the disease model: many people with these numbers, each with the same luck in both lines. "
    "It holds how people differ, and not how uncertain the model's own numbers are. A dial says what a "
    "treatment is assumed to do."
)


@dataclass(frozen=True)
class ModelView:
    """A disease model for people of a card, and how a page asks it.

    Parameters
    ----------
    model : DiseaseModel
        With every input on the card.
    card : CohortCard
        Whom usual values come from.
    usual : mapping of str to float
        A usual value of every covariate.
    seed : int
        Of the luck.
    """

    model: DiseaseModel
    card: CohortCard
    usual: Mapping[str, float]
    seed: int

    def fields(self) -> tuple[Field, ...]:
        """Return the covariates that the model reads; ranges are those of its sources."""
        labels = {margin.name: margin.label for margin in self.card.margins}
        return tuple(
            Field(one.name, labels.get(one.name, one.name), one.unit, self.usual[one.name], one.low, one.high,
                  one.source)
            for one in self.model.inputs
        )  # fmt: skip

    def offer(self) -> dict[str, Any]:
        """Return what the page draws for this model."""
        evidence = ", ".join(f"{count} {kind}" for kind, count in self.model.evidence().items() if count)
        return {
            "kind": "model",
            "name": self.model.name,
            "title": self.model.title,
            "source": f"Numbers of the model: {evidence}",
            "endpoints": [self._endpoint(one) for one in self.model.endpoints],
            "fields": [one.shown() for one in self.fields()],
            "dials": [
                {"name": one.name, "operation": one.operation, "low": max(one.low, -1e4),
                 "high": min(one.high, 1e4), "unit": one.unit, "says": one.says, "value": one.idle}
                for one in self.model.dials
            ],
        }  # fmt: skip

    def _endpoint(self, one: Endpoint) -> dict[str, Any]:
        return {"name": one.name, "kind": one.kind, "unit": one.unit, "horizon_weeks": one.horizon_weeks,
                "higher_is_worse": one.higher_is_worse, "axis": _AXES.get(one.kind, one.name)}  # fmt: skip

    def what_if(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return what would be seen of such people before and after a change of numbers and dials.

        Parameters
        ----------
        asked : mapping
            ``endpoint``, ``person``, ``change``, ``dials_now`` and ``dials`` (settings as they are, and
            changed), ``dose`` (by which their distance from doing nothing is multiplied) and ``week``.
        """
        fields = self.fields()
        endpoint = self.model.endpoint_named(str(asked.get("endpoint", self.model.endpoints[0].name))[:60])
        person = whole_person(asked.get("person", {}), fields)
        change = numbers_of(asked.get("change", {}), list(person), "change")
        now, then = (self._dials(asked, name) for name in ("dials_now", "dials"))
        numbers = {"dose": 1.0, "week": endpoint.horizon_weeks} | numbers_of(
            {name: asked[name] for name in ("dose", "week") if name in asked}, ("dose", "week"), "asked"
        )
        week, dose = numbers["week"], numbers["dose"]
        if not (0 < week <= 5_000 and 0 <= dose <= 100):
            raise DesignError("needs a week above 0, up to 5000, and a dose from 0 to 100", field="week")
        at = np.linspace(0.0, week, _VISITS)
        before = self._course(endpoint, person, _dosed(now, self.model, dose), at)
        after = self._course(endpoint, {**person, **change}, _dosed(then, self.model, dose), at)
        warnings = warnings_of(person, fields, "As they are") + warnings_of(change, fields, "Changed")
        if week > endpoint.horizon_weeks:
            warnings.append(
                f"The model's sources followed people to week {endpoint.horizon_weeks:.0f}: beyond, the "
                "model only goes on"
            )
        gap = after[:, -1] - before[:, -1]
        low, high = np.quantile(gap, (0.05, 0.95))
        error = float(gap.std(ddof=1) / np.sqrt(len(gap)))
        difference = (after - before).mean(axis=0)
        return {
            "weeks": at,
            "before": _fan(before, at, endpoint),
            "after": _fan(after, at, endpoint),
            "difference": {"mean": difference, "low": None, "high": None},
            "words": "Nothing is changed yet: change a number or turn a dial."
            if not gap.any()
            else (
                f"At week {week:g} the mean differs by {gap.mean():.3g} (Monte Carlo error {error:.2g}); for "
                f"90 % of such people between {low:.3g} and {high:.3g}."
            ),
            "warnings": warnings,
            "note": CAUTION,
        }

    def _dials(self, asked: Mapping[str, Any], field: str) -> dict[str, float]:
        return numbers_of(asked.get(field, {}), [one.name for one in self.model.dials], field)

    def _course(
        self, endpoint: Endpoint, person: Mapping[str, float], dials: Mapping[str, float], at: Floats
    ) -> Floats:
        """Return what is seen of copies of a person (M, V): a score, or what has happened by each week."""
        every = {**self.usual, **person}
        names = tuple(every)
        people = Covariates(names, np.tile([every[name] for name in names], (COPIES, 1)))
        chance: Callable[[str], np.random.Generator] = partial(stream, self.seed, "what-if", 0)
        weeks = at if endpoint.kind == "score" else at[-1:]
        found = self.model.draw(people, endpoint.name, dials, weeks, chance)
        months = at / _WEEKS_PER_MONTH
        match endpoint.kind:
            case "score":
                return found.outcomes
            case "time_to_event":
                return (found.outcomes[:, :1] <= months[None]).astype(float)
            case "recurrent":
                counts = [(found.outcomes <= month).sum(axis=1) for month in months]
                return np.stack(counts, axis=1).astype(float)
            case "response" | "level" | "count":
                # Known once, at the end: a flat line.
                return np.repeat(found.outcomes[:, :1], len(at), axis=1)
            case _:
                assert_never(endpoint.kind)


def _dosed(given: Mapping[str, float], model: DiseaseModel, dose: float) -> dict[str, float]:
    """Return dials at a dose: what is added grows with the dose, and the logarithm of ratios does."""
    found = {}
    for one in model.dials:
        if one.name in given:
            setting = given[one.name]
            added = one.operation == "add"
            found[one.name] = one.idle + dose * (setting - one.idle) if added else _power(setting, dose)
    return found


def _power(ratio: float, dose: float) -> float:
    """Return a ratio at a dose; a ratio of 0 is 0 at any dose above 0."""
    return float(ratio**dose) if ratio > 0 or dose > 0 else 1.0


def _fan(courses: Floats, at: Floats, endpoint: Endpoint) -> dict[str, Any]:
    made: dict[str, Any] = {"weeks": at, "score": courses.mean(axis=0), "bands": []}
    if endpoint.kind == "score":
        for level, low, high in _QUANTILES:
            ends = np.quantile(courses, (low, high), axis=0)
            made["bands"].append({"level": level, "low": ends[0], "high": ends[1]})
    return made


def suits(model: DiseaseModel, person: Mapping[str, float]) -> bool:
    """Return whether a model takes a usual person of a card: names alone may fit by chance.

    Examples
    --------
    >>> from trialsim.disease import disease_model
    >>> boys_alone = disease_model("duchenne")
    >>> suits(boys_alone, {"age": 9.0}), suits(boys_alone, {"age": 60.0}), suits(boys_alone, {})
    (True, False, False)
    """
    return all(one.low <= person.get(one.name, math.nan) <= one.high for one in model.inputs)


def usual_person(card: CohortCard, seed: int, people: int = 4000) -> dict[str, float]:
    """Return medians of the people of a card, each rounded to a number that people do have.

    Examples
    --------
    >>> from trialsim.population import read_card
    >>> person = usual_person(read_card("cohorts/heart_failure.toml"), 1)
    >>> person["female"], 64 < person["age"] < 69
    (0.0, True)
    """
    drawn = draw_covariates(card, people, stream(seed, "usual person", 0, "register"))
    middle = np.median(drawn.values, axis=0)
    return {name: float(f"{value:.4g}") for name, value in zip(drawn.names, middle, strict=True)}

"""A disease model without code: a score whose mean course, spread and covariates stand in a TOML card."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import LABELS, Parameter, Table
from trialsim.disease.inputs import require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised
from trialsim.errors import InputError

_TABLES = {
    "mean": {"weeks", "change", "evidence", "source"}, "spread": {"weeks", "sd", "evidence", "source"},
    "error": {"sd", "evidence", "source"},
}  # fmt: skip
_KEYS = {
    "name", "title", "endpoint", "unit", "lower", "upper", "higher_is_worse", "baseline", "horizon_weeks",
    "sources", "covariates", *_TABLES,
}  # fmt: skip
_COVARIATE = {"name", "unit", "low", "high", "why", "centre", "per_unit", "evidence", "source"}


class LinearCourse(DiseaseModel):
    """A score that changes from its baseline along a line between the weeks of a card.

        y(t) = y(0) + change · (m(t) + s(t)/s(T) · Σ b (x − centre)) + points · m(t)/m(T) + z s(t) + N(0, e²)

    with the mean change m and the spread s of people's own changes, both on straight lines between the weeks
    that are given, z ~ N(0, 1) of each person, and T the last week. `change` multiplies what happens on
    average, `points` adds at the last week, and in proportion before it.
    """

    dials = (
        Dial("change", "multiply", -5.0, 5.0, "ratio", "the mean change since baseline"),
        Dial("points", "add", -1e6, 1e6, "points", "the change at the last week, in proportion before it"),
    )
    card: Mapping[str, Any]

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw scores (M, V); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        card = self.card
        mean = np.interp(weeks, card["mean"]["weeks"], card["mean"]["change"])
        spread = np.interp(weeks, card["spread"]["weeks"], card["spread"]["sd"])
        grown, share = spread / card["spread"]["sd"][-1], mean / card["mean"]["change"][-1]
        own = np.zeros(len(people))
        for one in card.get("covariates", ()):
            own = own + one["per_unit"] * (people.column(one["name"]) - one["centre"])
        change, points = (np.reshape(dialled[name], (-1, 1)) for name in ("change", "points"))
        person = chance("disease").standard_normal(len(people))
        error = card["error"]["sd"] * chance("outcome").standard_normal((len(people), len(weeks)))
        moved = change * (mean + own[:, None] * grown) + points * share + person[:, None] * spread
        score = people.column(card["baseline"])[:, None] + (moved + error) * (weeks > 0)
        return Realised(np.clip(score, asked.lower, asked.upper))


def linear_course(path: Path) -> type[LinearCourse]:
    """Return the disease model of a TOML card.

    Parameters
    ----------
    path : Path
        ``name``, ``title``, ``endpoint``, ``unit``, ``lower`` and ``upper`` ends of the scale,
        ``higher_is_worse``, ``baseline`` (the covariate at week 0), ``horizon_weeks`` and ``sources``; tables
        ``mean`` (``weeks``, ``change``), ``spread`` (``weeks``, ``sd`` of people's own changes) and ``error``
        (``sd`` within a person); and ``[[covariates]]`` with ``name``, ``unit``, ``low``, ``high``, ``why``,
        ``centre`` and ``per_unit`` (the change at the last week). Numbers have ``evidence`` and ``source``.

    Returns
    -------
    type of LinearCourse
        To be registered, or offered by an entry point.

    Raises
    ------
    InputError
        A key that is missing, unknown or impossible.

    Examples
    --------
    >>> linear_course(Path("trialsim/disease/cards/hamd17.toml")).title
    'Depression, HAMD-17'
    """
    try:
        card = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise InputError(f"cannot be read: {fault.strerror}", file=path, mend="check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise InputError(f"is no TOML: {fault}", file=path, mend="mend the file") from None
    _check(card, path)
    baseline = Input(card["baseline"], card["unit"], card["lower"], card["upper"], "the scale")
    others = tuple(
        Input(one["name"], one["unit"], one["low"], one["high"], one["why"])
        for one in card.get("covariates", ())
    )
    end = Endpoint(
        card["endpoint"], "score", card["unit"], card["higher_is_worse"], card["horizon_weeks"],
        card["lower"], card["upper"],
    )  # fmt: skip
    said = {
        "name": card["name"], "title": card["title"], "parameters": _parameters(card),
        "inputs": (baseline, *others), "endpoints": (end,), "sources": tuple(card["sources"]), "card": card,
        "__module__": __name__,
        "__doc__": f"{card['title']}, of the card {path.name}; see `LinearCourse`.",
    }  # fmt: skip
    return type("".join(part.title() for part in card["name"].split("_")), (LinearCourse,), said)


def _parameters(card: Mapping[str, Any]) -> dict[str, Parameter | Table]:
    unit, mean, spread, error = card["unit"], card["mean"], card["spread"], card["error"]
    found: dict[str, Parameter | Table] = {
        "mean": Table(mean["change"], unit, mean["evidence"], mean["source"]),
        "spread": Table(spread["sd"], unit, spread["evidence"], spread["source"]),
        "error": Parameter(error["sd"], unit, error["evidence"], error["source"]),
    }
    for one in card.get("covariates", ()):
        found[one["name"]] = Parameter(
            one["per_unit"], f"{unit} a {one['unit']}", one["evidence"], one["source"]
        )
    return found


def _check(card: Mapping[str, Any], path: Path) -> None:
    """Refuse a card with keys that are missing, unknown or impossible."""

    def problem(text: str, field: str, mend: str) -> InputError:
        return InputError(text, file=path, field=field, mend=mend)

    tables = [("", card, _KEYS, _KEYS - {"covariates"})]
    tables += [(f"{name}.", card.get(name, {}), keys, keys) for name, keys in _TABLES.items()]
    tables += [("covariates.", one, _COVARIATE, _COVARIATE) for one in card.get("covariates", ())]
    for place, table, known, needed in tables:
        for key in sorted(set(table) - known):
            raise problem("is no key of a disease card", place + key, f"use {', '.join(sorted(known))}")
        for key in sorted(needed - set(table)):
            raise problem("is missing", place + key, "add the key")
        if "evidence" in known and table["evidence"] not in LABELS:
            raise problem("is no evidence label", place + "evidence", f"use {', '.join(LABELS)}")
    if not card["lower"] < card["upper"]:
        raise problem("is not below the upper end", "lower", "give the ends of the scale")
    for name, values in (("mean", "change"), ("spread", "sd")):
        weeks, numbers = card[name]["weeks"], card[name][values]
        if len(weeks) != len(numbers) or weeks[:1] != [0] or list(weeks) != sorted(set(weeks)):
            raise problem(
                f"needs ascending weeks from 0, and one {values} a week", f"{name}.weeks", "count them"
            )
        if numbers[0] != 0 or not np.isfinite(numbers).all() or not numbers[-1]:
            raise problem(
                "is 0 at week 0, and finite and not 0 at the last", f"{name}.{values}", "mend the numbers"
            )
    if min(card["spread"]["sd"]) < 0 or card["error"]["sd"] < 0:
        raise problem(
            "is negative",
            "spread.sd" if card["error"]["sd"] >= 0 else "error.sd",
            "give a standard deviation",
        )

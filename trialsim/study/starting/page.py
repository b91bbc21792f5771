"""The first protocol of a file of past participants, as text: every guess has a comment that says why."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialsim.errors import ProtocolError
from trialsim.missing_codes import blanked
from trialsim.protocol.declared.analyses import WITH_TWINS
from trialsim.protocol.outcome_table import WEEKS_IN
from trialsim.study.starting.covariates import slug
from trialsim.study.starting.law import law_of
from trialsim.study.starting.response import outcome_numbers
from trialsim.study.starting.roles import as_numbers
from trialsim.study.starting.told import Found, Told

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_YOURS = "yours to set"
_Z = 1.959964
_ACCRUAL_MONTHS = 12.0
_MORE_DROPOUT = 0.05
_RATIOS = {"response": 1.75, "level": 1.75, "count": 0.75, "time_to_event": 0.7}
_EFFECTS = {
    "score": "shift", "response": "odds_ratio", "level": "odds_ratio", "count": "rate_ratio",
    "time_to_event": "hazard_ratio",
}  # fmt: skip
_ANALYSES: dict[str, tuple[str, ...]] = {
    "score": ("mmrm", "ancova"),
    "response": ("g_computation",),
    "level": ("proportional_odds",),
    "count": ("negative_binomial",),
    "time_to_event": ("cox", "adjusted_log_rank"),
}


def toml(value: Any) -> str:
    """Return a value as TOML writes it.

    Examples
    --------
    >>> toml(2), toml(0.5), toml(["a"]), toml({"F": 1.0, "not known": 0.0})
    ('2', '0.5', '["a"]', '{ F = 1.0, "not known" = 0.0 }')
    """
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {toml(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(one) for one in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(float(value)) if isinstance(value, float) else str(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else toml(name)


@dataclass
class _Page:
    """Lines of a TOML file."""

    lines: list[str]

    def table(self, name: str, /, **values: Any) -> None:
        """Add a table; a value is alone, or a pair of it and the reason of a guess."""
        self.lines += ["", f"[{name}]"]
        self.put(**values)

    def put(self, /, **values: Any) -> None:
        """Add values; None is left out."""
        for key, given in values.items():
            value, why = given if isinstance(given, _Why) else (given, None)
            if value is not None:
                comment = "" if why is None else f"   # {why}"
                self.lines.append(f"{_key(key)} = {toml(value)}{comment}")

    def note(self, sentence: str) -> None:
        """Add a line of comment."""
        self.lines.append(f"# {_one_line(sentence)}")


class _Why(tuple[Any, str | None]):
    """A value and the comment beside it."""

    __slots__ = ()


def protocol_text(found: Found, told: Told, history: str, name: str, join: str | None = None) -> str:
    """Return the protocol of what was found.

    Parameters
    ----------
    found : Found
        What the file says.
    told : Told
        What the user says of the trial: effect, allocation, power, months.
    history : str
        Path of the file that is learnt from, as the protocol sees it.
    name : str
        Of the protocol.
    join : str, optional
        The file of participants that is joined when the history is read; None if that was done already.

    Returns
    -------
    str
        TOML, format ``trialsim.protocol/2``.
    """
    page = _Page([])
    months = _months(found, told)
    _head(page, found, name)
    _arms(page, told)
    _endpoint(page, found, told, months)
    effect = _effect(page, found, told)
    _people(page, found)
    if found.covariates:
        _history(page, found, history, join, none_is_missing=told.missing == ())
    else:
        _read_for_the_law(page, found)
    _conduct(page, found, told, effect, months)
    _worlds(page, found)
    return "\n".join(page.lines) + "\n"


def _guess(found: Found, field: str, value: Any) -> Any:
    why = found.why.get(field)
    return value if why is None else _Why((value, f"guessed: {_one_line(why)}"))


def _one_line(words: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]+", " ", words)


def _head(page: _Page, found: Found, name: str) -> None:
    page.note(f"A first protocol from {found.file.name}, written by `trialsim new`.")
    page.note('Check every line that says "guessed", and set those that say "yours to set".')
    page.put(
        format="trialsim.protocol/2", name=slug(name),
        title=f"A trial of {found.outcome}" + (", with placebo twins" if found.covariates else ""),
    )  # fmt: skip
    page.put(
        question="How many participants must still get placebo for the asked power, with twins and without?"
        if found.covariates
        else "How many participants does the trial need for the asked power?",
        seed=20261130,
    )


def _arms(page: _Page, told: Told) -> None:
    control, active = told.ratio
    page.table("[arms]", name="placebo", role="control", allocation=control)
    page.table("[arms]", name="active", role="active", allocation=active)


def _months(found: Found, told: Told) -> Any:
    """Return the months of the outcome, as a value or a guess."""
    if found.kind in ("score", "time_to_event"):
        return None
    if told.months is not None:
        return told.months
    if found.time is not None:
        weeks = as_numbers(found.rows[found.time]) * WEEKS_IN[found.time_unit]
        return _Why((round(float(weeks.median()) / WEEKS_IN["months"], 2), "guessed: the median follow-up"))
    return _Why((6.0, f"{_YOURS}: the file does not say how long after the start the outcome is known"))


def _endpoint(page: _Page, found: Found, told: Told, months: Any) -> None:
    page.table("[endpoints]", name=found.name, label=found.outcome, kind=_guess(found, "kind", found.kind))
    if found.kind not in ("count", "time_to_event"):
        page.put(direction=_guess(found, "direction", found.direction))
    if found.kind == "score":
        page.put(weeks=_guess(found, "weeks", list(found.weeks)))
    if found.kind == "level":
        page.put(levels=_guess(found, "levels", list(found.levels)))
    page.put(months=months)
    if found.covariates:
        page.put(course={"kind": "history"})
        return
    law = law_of(found, 6.0 if months is None else float(months[0] if isinstance(months, _Why) else months))
    page.put(source=f"As in {found.file.name}: {found.people} participants", **law)


def _effect(page: _Page, found: Found, told: Told) -> float:
    """Write the effect, and return it."""
    better = 1.0 if found.direction == "higher_is_better" else -1.0
    why = f"{_YOURS}: a placeholder"
    if found.kind == "score":
        last = _last_visit(found)
        value = better * _round(0.25 * float(np.std(last, ddof=1)))
        why += f", a quarter of the SD at week {found.weeks[-1]:g} ({np.std(last, ddof=1):.3g})"
    else:
        ratio = _RATIOS[found.kind]
        value = ratio if found.kind in ("count", "time_to_event") or better > 0 else round(1 / ratio, 3)
    given = value if told.effect is None else told.effect
    harmless = 0.0 if found.kind == "score" else 1.0
    if (given - harmless) * (value - harmless) <= 0:
        raise ProtocolError(
            f"is no benefit where {found.direction.replace('_', ' ')}", field="--effect", value=given,
            mend=f"give a number {'above' if value > harmless else 'below'} {harmless:g}, or --direction",
        )  # fmt: skip
    page.table(
        "[effects]", kind=_EFFECTS[found.kind], arm="active",
        value=given if told.effect is not None else _Why((value, why)),
        source="Given to trialsim new" if told.effect is not None else "A placeholder, to be replaced",
    )  # fmt: skip
    return float(given)


def _last_visit(found: Found) -> np.ndarray:
    assert found.week is not None
    rows = found.rows[found.rows[found.week].astype(float) == found.weeks[-1]]
    return as_numbers(blanked(rows[found.outcome], found.missing.get(found.outcome, ()))).dropna().to_numpy()


def _round(value: float) -> float:
    return float(f"{value:.2g}")


def _people(page: _Page, found: Found) -> None:
    if not found.covariates:
        page.lines.append("")
        page.note("No column is a baseline covariate, so that there is nothing to learn placebo twins from.")
        page.note('To ask what a score would save, add [twins] with source = "assumed": see docs/trials.md.')
    else:
        page.table("population", kind="history")
        page.table(
            "twins", source="learned",
            covariates=_guess(found, "covariates", [one.name for one in found.covariates]),
        )  # fmt: skip
    for column, why in found.left_out:
        page.note(f"left out: {column}: {why}")


def _history(page: _Page, found: Found, history: str, join: str | None, *, none_is_missing: bool) -> None:
    page.lines += [""]
    for change in found.changes:
        page.note(f"{found.file.name}: {change}")
    page.lines += ["[history]"]
    page.put(file=history)
    if found.missing:
        page.put(
            missing=_guess(found, "missing", {name: list(codes) for name, codes in found.missing.items()})
        )
    elif none_is_missing:
        page.put(missing=[])
    page.table(
        "history.columns", participant=_guess(found, "participant", found.participant),
        week=_guess(found, "week", found.week) if found.week else None,
        time=_guess(found, "time", found.time) if found.time else None,
        time_unit=_guess(found, "time_unit", found.time_unit) if found.time else None,
        outcome=_guess(found, "outcome", found.outcome),
        values=_guess(found, "values", found.values) if found.values else None,
        group=_guess(found, "group", found.group) if found.group else None,
    )  # fmt: skip
    page.lines += ["", "[history.columns.covariates]"]
    for one in found.covariates:
        place: Any = {"column": one.column, "values": one.values} if one.values else one.column
        page.put(**{one.name: place if one.why is None else _Why((place, f"guessed: {one.why}"))})
    if join is not None:
        page.table("history.join", file=join, by=found.joined_by)
    for column, value in found.filters:
        page.table("[history.filter]", column=column, equals=_guess(found, f"filter.{column}", value))


def _read_for_the_law(page: _Page, found: Found) -> None:
    """Say in comments how the file was read, since no table of the protocol does."""
    for change in found.changes:
        page.note(f"{found.file.name}: {change}")
    of_filters = {f"filter.{column}": f"{column} = {value}" for column, value in found.filters}
    read = {
        "participant": found.participant, "week": found.week, "time": found.time,
        "time_unit": found.time_unit if found.time else None, "outcome": found.outcome,
        "values": found.values or None, "missing": found.missing or None, **of_filters,
    }  # fmt: skip
    for field, value in read.items():
        if value is not None:
            why = found.why.get(field)
            guessed = "" if why is None else f"   # guessed: {why}"
            page.note(f"read from {found.file.name}: {field.partition('.')[0]}: {value}{guessed}")


def _conduct(page: _Page, found: Found, told: Told, effect: float, months: Any) -> None:
    rate = _round(found.people / _ACCRUAL_MONTHS)
    page.table(
        "enrolment", kind="planned",
        rates=_Why(([rate], f"{_YOURS}: as if the history's {found.people} had come within a year")),
        durations=[_ACCRUAL_MONTHS], source="A placeholder, to be replaced",
    )  # fmt: skip
    step = int(sum(told.ratio)) if all(float(one).is_integer() for one in told.ratio) else 0
    if step:
        page.table("randomisation", kind="permuted_blocks", block_sizes=[2 * step])
    else:
        page.table("randomisation", kind="simple")
    _dropout(page, found)
    if found.kind == "time_to_event":
        _events(page, found, told, effect)
    else:
        page.table("design", kind="fixed", alpha=0.025)
    for kind in _ANALYSES[found.kind]:
        if kind == "mmrm" and len(found.weeks) < 2:
            continue
        if found.covariates:
            page.table("[analyses]", kind=kind, name=f"{kind}{WITH_TWINS}", adjust=["score"])
        else:
            page.table("[analyses]", kind="log_rank" if kind == "adjusted_log_rank" else kind)
    page.table("sizing", power=told.power)
    page.table("simulation", replicates=4000, block=250)


def _dropout(page: _Page, found: Found) -> None:
    """Write why people stop; counts are read over the same follow-up for everybody."""
    if found.kind == "count":
        return
    survival = found.kind == "time_to_event"
    if not survival and found.dropout < 5e-4:
        return
    share = _MORE_DROPOUT if survival else min(round(found.dropout, 3), 0.99)
    why = (
        f"{_YOURS}: censoring in a file mixes dropout with the end of its study" if survival
        else f"guessed: without {found.outcome} at the last visit in the history; no difference between arms"
    )  # fmt: skip
    page.table(
        "[discontinuation]", cause="dropout", cumulative=_Why(({"placebo": share, "active": share}, why)),
        mechanism="MCAR", by_month=12.0 if survival else None,
        strategy=_Why(("hypothetical", f"{_YOURS}: what the estimand makes of it")) if found.kind == "score"
        else None,
        source="A placeholder, to be replaced" if survival else f"Counted in {found.file.name}",
    )  # fmt: skip


def _events(page: _Page, found: Found, told: Told, effect: float) -> None:
    """Write events by Schoenfeld's formula, and participants enough for them by the history's share."""
    control, active = (one / sum(told.ratio) for one in told.ratio)
    power = _normal_quantile(told.power)
    events = math.ceil((_Z + power) ** 2 / (active * control * math.log(effect) ** 2))
    had = outcome_numbers(found, found.rows[found.outcome])
    step = max(2, round(sum(told.ratio)))
    people = step * math.ceil(events / max(0.05, 0.8 * float(had.mean())) / step)
    page.lines.insert(
        page.lines.index("[[arms]]") - 1,
        f"participants = {people}   # guessed: enough for the events below, by the history's share",
    )
    page.table(
        "design", kind="fixed", alpha=0.025,
        events=_Why((events, "guessed: by Schoenfeld's formula for the effect and power; sizes scale it")),
    )  # fmt: skip


def _normal_quantile(share: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(share))


def _worlds(page: _Page, found: Found) -> None:
    worse = -1.0 if found.direction == "higher_is_better" else 1.0
    drift: dict[str, float]
    if found.kind == "score":
        drift = {"outcome_shift": worse * _round(0.25 * float(np.std(_last_visit(found), ddof=1)))}
    else:
        field = {"count": "rate_ratio", "time_to_event": "hazard_ratio"}.get(found.kind, "odds_ratio")
        drift = {field: 1.3 if worse > 0 else 0.77}
    worlds: Sequence[tuple[str, str, str, dict[str, Any]]] = (
        ("alternative", "alternative", "The effect holds, and the history describes the trial", {}),
        ("null", "null", "No effect: the type I error of every analysis", {}),
        ("useless_twins", "other", "The score says nothing: the power falls back to that without it",
         {"twins": "useless"}),
        ("sicker_people", "other", "The trial's people do worse than the history's, in both arms",
         {"drift": _Why((drift, f"{_YOURS}: how far the trial may drift from the history"))}),
    )  # fmt: skip
    for name, kind, why, more in worlds if found.covariates else worlds[:2]:
        page.table("[scenarios]", name=name, kind=kind, why=why, **more)

"""The data card of a history: how good each of its columns is, with nothing that tells about few people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trialsim.errors import HistoryError
from trialsim.exchange.histories.building import Built
from trialsim.exchange.histories.declaration import Declaration, Values
from trialsim.exchange.histories.gain import gain_of
from trialsim.exchange.histories.placing import CONTRADICTS, OVERRULED, USED, Placed
from trialsim.exchange.histories.plausible import plausible_range
from trialsim.exchange.histories.records import days_of
from trialsim.prognosis.validation.subgroups import SMALLEST_CELL
from trialsim.study.bundles.alone.files import UnsoundError, read_plain, strict_json

FORMAT = "trialsim.data_card/1"
_LARGEST_CARD = 10_000_000
# Share of participants with a value at least, and share of what is amiss at most, for each grade.
_COMPLETE = ((0.95, "A"), (0.80, "B"), (0.50, "C"))
_AMISS = ((0.0, "A"), (0.01, "B"), (0.05, "C"))
_WORST = "D"


@dataclass(frozen=True)
class Counts:
    """What is counted of a column: cells, or participants, out of how many."""

    of: int
    complete: int
    contradicted: int
    between_sources: int
    outdated: int
    implausible: int
    unusable: int


def data_card(built: Built, told: Declaration) -> dict[str, Any]:
    """Return the data card of a history.

    Parameters
    ----------
    built : Built
        The history.
    told : Declaration
        What it was made of.

    Returns
    -------
    dict
        Plain JSON types. Counts from 1 to 10 are ``<11``, and so is what is missing of a total; a grade is
        the worst of its column's: completeness (A from 95 %, B 80 %, C 50 %) and the shares that are
        contradicted, outdated or implausible (A none, B up to 1 %, C up to 5 %).

    Examples
    --------
    >>> rows = pd.DataFrame({"participant": ["p1"], "score": [2.0]})
    >>> empty = pd.DataFrame({"person": ["x"], "cell": [0.0], "number": [2.0], "status": ["used"],
    ...                       "date": [""], "source": [""], "first": [0.0], "last": [0.0], "left_out": [""]})
    >>> told = Declaration.model_validate({"outcome": {"name": "score", "from": "ADX", "week": 4}})
    >>> built = Built(rows, rows, (Placed("score", empty, empty),), pd.Series(dtype=float), {})
    >>> data_card(built, told)["participants"]
    '<11'
    """
    people = int(built.history["participant"].nunique())
    columns = [
        _column(one, told.outcome if number == 0 else told.covariates[one.name], built, told, number == 0)
        for number, one in enumerate(built.columns)
    ]
    if 0 < people < SMALLEST_CELL:
        # A score at visits has more cells than people: what few people have is not told by their number.
        columns = [one | {"complete": f"<{SMALLEST_CELL}"} for one in columns]
    left_out = {why: shown(number) for why, number in built.left_out.items()}
    return {"format": FORMAT, "participants": shown(people)} | about(told) | {
        "left_out": left_out, "columns": columns,
    }  # fmt: skip


def about(told: Declaration) -> dict[str, Any]:
    """Return what makes two histories comparable: time zero, kind, visits, outcome and units.

    Parameters
    ----------
    told : Declaration
        What the history is made of.

    Returns
    -------
    dict
        The part of its data card that is known before data are read.

    Examples
    --------
    >>> told = Declaration.model_validate({"outcome": {"name": "score", "from": "ADX", "week": 4}})
    >>> about(told)["zero"], about(told)["weeks"]
    ('as the data count their visits', [4.0])
    """
    own = told.outcome
    units = {own.name: own.unit} | {name: one.unit for name, one in told.covariates.items()}
    return {
        "zero": zero_in_words(told),
        "kind": "score at visits" if own.weeks else own.kind.replace("_", " "),
        "weeks": list(own.weeks) or ([] if own.week is None else [own.week]),
        "outcome": own.name,
        "units": {name: unit for name, unit in units.items() if unit},
    }


def zero_in_words(told: Declaration) -> str:
    """Return what day 0 is, as it is told or as it is found."""
    if told.time_zero is not None:
        return told.time_zero
    if told.zero is None:
        return "as the data count their visits"
    codes = f" {', '.join(told.zero.codes)}" if told.zero.codes else ""
    return f"{told.zero.pick} {told.zero.from_}{codes}"


def shown(count: int, of: int | None = None) -> str:
    """Return a count, suppressed where it, or what is missing of the total, is from 1 to 10.

    Examples
    --------
    >>> shown(0), shown(3), shown(40), shown(95, 100), shown(100, 100), shown(60, 100)
    ('0', '<11', '40', 'all but <11', 'all', '60 %')
    """
    if of is None:
        return f"<{SMALLEST_CELL}" if 0 < count < SMALLEST_CELL else f"{count}"
    if count == of:
        return "all" if count >= SMALLEST_CELL or count == 0 else f"<{SMALLEST_CELL}"
    if count == 0:
        return "none"
    if count < SMALLEST_CELL:
        return f"<{SMALLEST_CELL}"
    return f"all but <{SMALLEST_CELL}" if of - count < SMALLEST_CELL else f"{100 * count / of:.0f} %"


def _column(
    placed: Placed, values: Values, built: Built, told: Declaration, is_outcome: bool
) -> dict[str, Any]:
    rows = placed.records[placed.records["status"].notna()]
    range_, whose = plausible_range(placed.name, values)
    counts = _counted(placed, values, built, range_, is_outcome)
    gain = None if is_outcome else gain_of(built.history, told.outcome, placed.name)
    return {
        "column": placed.name,
        "role": "outcome" if is_outcome else "covariate",
        "unit": values.unit or "",
        "complete": shown(counts.complete, counts.of),
        # A date of birth is no update.
        "last_update": "" if placed.meaning == "birth" else _last_update(rows),
        "contradictions": shown(counts.contradicted),
        "between_sources": shown(counts.between_sources),
        "outdated": shown(counts.outdated),
        "implausible": shown(counts.implausible),
        "plausible": None if range_ is None else [_plain(one) for one in range_],
        "plausible_by": whose,
        "unusable_records": shown(counts.unusable),
        "gain": None if gain is None else round(gain.gain, 4),
        "gain_90": None if gain is None else [round(one, 4) for one in gain.gain_90],
        "gain_says": "" if is_outcome else _in_words(gain),
        "grade": _grade(counts),
    }


def _plain(number: float) -> float | None:
    return number if np.isfinite(number) else None


def _in_words(gain: Any) -> str:
    if gain is None:
        return "not judged"
    return "helps" if gain.gain_90[0] > 0 else "no sign of help"


def _counted(
    placed: Placed, values: Values, built: Built, range_: tuple[float, float] | None, is_outcome: bool
) -> Counts:
    history, rows = built.history, placed.records
    first_row = ~history["participant"].duplicated()
    cells = history[placed.name] if is_outcome else history.loc[first_row, placed.name]
    status = rows["status"]
    clash = rows[status.isin([CONTRADICTS, OVERRULED])]
    # The value that decides a contradiction belongs to it.
    keys = set(zip(clash["person"], clash["cell"], strict=True))
    own = rows[[pair in keys for pair in zip(rows["person"], rows["cell"], strict=True)]]
    own = own[own["status"].isin([CONTRADICTS, OVERRULED, USED])]
    sources = own.groupby(["person", "cell"])["source"].nunique()
    used = rows[status == USED]
    day = (used["first"] + used["last"]) / 2
    outdated = 0 if is_outcome else int((day < -values.outdated_after).sum())
    measured = history["time"] if is_outcome and "time" in history else cells
    implausible = 0
    if range_ is not None:
        implausible = int(((measured < range_[0]) | (measured > range_[1])).sum())
    unusable = ~status.isin([USED]) & (rows["left_out"] != "")
    return Counts(
        len(cells), int(cells.notna().sum()), len(keys), int((sources > 1).sum()), outdated, implausible,
        int(unusable.sum()),
    )  # fmt: skip


def _last_update(rows: pd.DataFrame) -> str:
    """Return the latest month that values of at least 11 participants reach."""
    used = rows[rows["status"] == USED]
    days = pd.Series(days_of(used["date"])[0], index=used.index)
    latest = days.groupby(used["person"]).max().dropna().sort_values(ascending=False)
    if len(latest) < SMALLEST_CELL:
        return "" if latest.empty else f"fewer than {SMALLEST_CELL} dated"
    return str(np.datetime64(int(latest.iloc[SMALLEST_CELL - 1]), "D").astype("datetime64[M]"))


def _grade(counts: Counts) -> str:
    of = max(counts.of, 1)
    grades = [next((grade for least, grade in _COMPLETE if counts.complete / of >= least), _WORST)]
    for amiss in (counts.contradicted, counts.outdated, counts.implausible):
        grades.append(next((grade for most, grade in _AMISS if amiss / of <= most), _WORST))
    return max(grades)


def read_card(path: Path) -> dict[str, Any]:
    """Read a data card that another history was given.

    Parameters
    ----------
    path : Path
        Its ``.card.json``.

    Returns
    -------
    dict
        As `data_card` made it.

    Raises
    ------
    HistoryError
        It is none.

    Examples
    --------
    >>> read_card(Path("no.card.json"))
    Traceback (most recent call last):
        ...
    trialsim.errors.HistoryError: no.card.json: cannot be read (No such file or directory). Mend: give the
    .card.json of a history.
    """
    try:
        found = strict_json(read_plain(path, path.name, _LARGEST_CARD), path.name)
    except UnsoundError as fault:
        raise HistoryError(fault.problem, file=path, mend="give the .card.json of a history") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise HistoryError("is no data card", file=path, field="format", mend=f"give one of format {FORMAT}")
    return found


def require_like(here: dict[str, Any], other: dict[str, Any], path: Path) -> None:
    """Refuse a history that counts time, or measures, otherwise than another one, by their data cards.

    Parameters
    ----------
    here, other : dict
        Two data cards, or what `about` says of one.
    path : Path
        File of the other, for the message.

    Raises
    ------
    HistoryError
        Time zero, kind, visits, outcome or a unit differ: the first difference is named.

    Examples
    --------
    >>> require_like({"zero": "first Condition"}, {"zero": "first Observation"}, Path("trial.card.json"))
    Traceback (most recent call last):
        ...
    trialsim.errors.HistoryError: trial.card.json: zero: is another than here ('first Condition'). Got 'first
    Observation'. Mend: external data are comparable only with the same time zero, visits and units;
    where two words mean the same, say time_zero in both.
    """
    found = [one.get("units") for one in (here, other)]
    units: list[dict[str, Any]] = [one if isinstance(one, dict) else {} for one in found]
    names = sorted(set(units[0]) & set(units[1]))
    pairs = [(name, here.get(name), other.get(name)) for name in ("zero", "kind", "weeks", "outcome")]
    pairs += [(f"units.{name}", units[0][name], units[1][name]) for name in names]
    for name, mine, theirs in pairs:
        if mine != theirs:
            raise HistoryError(
                f"is another than here ({mine!r})", file=path, field=name, value=theirs,
                mend="external data are comparable only with the same time zero, visits and units; where two "
                "words mean the same, say time_zero in both",
            )  # fmt: skip

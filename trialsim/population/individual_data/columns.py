"""What the columns of individual data are: covariates that can be learnt, or things that must not be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from trialsim.data import Floats
from trialsim.errors import InputError
from trialsim.missing_codes import MEND, Code, MissingCodes, blanked, code_like, declared
from trialsim.population.individual_data.privacy import SMALLEST_CELL

Kind = Literal["binary", "ordinal", "nominal", "continuous"]

_FEWEST_PARTICIPANTS = 50
_MOST_LEVELS = 10
_IDENTIFIER = re.compile(
    r"^(id|.*_id|.*subj.*id.*|usubjid|subjid|patid|seqn|mrn|ssn|name|surname|first_?name|last_?name|e?mail|phone|address|initials)$",
    re.IGNORECASE,
)
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}([T ].*)?$")


@dataclass(frozen=True)
class Column:
    """One column of individual data in codes.

    Parameters
    ----------
    name : str
        As on a card: lower case, digits and underscores.
    label : str
        As in the data, with the meaning of a code.
    kind : str
        ``binary``, ``ordinal``, ``nominal`` or ``continuous``.
    values : ndarray (N,)
        Codes or values; NaN where missing.
    categories : tuple of str
        Of a nominal column.
    joined : bool
        Whether rare levels of an ordinal column were joined to their neighbours.
    """

    name: str
    label: str
    kind: Kind
    values: Floats
    categories: tuple[str, ...] = ()
    joined: bool = False

    @property
    def missing_rate(self) -> float:
        """Share of participants without a value."""
        return float(np.isnan(self.values).mean())


def classify(frame: pd.DataFrame, as_of: date | None = None, missing: MissingCodes = None) -> list[Column]:
    """Return the columns of individual data in codes, or refuse the first that cannot be a covariate."""
    if len(frame) < _FEWEST_PARTICIPANTS:
        raise InputError(
            f"fewer than {_FEWEST_PARTICIPANTS} participants cannot hide each other",
            value=len(frame),
            mend="pool studies, or write the card from a published table",
        )
    if frame.shape[1] == 0:
        raise InputError("there is no column", mend="name the columns to learn")
    columns = [_column(str(name), frame[name], as_of, declared(missing, str(name))) for name in frame.columns]
    for k, column in enumerate(columns):
        if column.name in [other.name for other in columns[:k]]:
            raise InputError("two columns have this name on a card", field=column.name, mend="rename one")
    return columns


def _column(name: str, series: pd.Series, as_of: date | None, codes: Sequence[Code] | None) -> Column:
    if _IDENTIFIER.match(name):
        raise _refused("is an identifier", name, "leave it out: a card holds nobody's identity")
    series = _measured(series, codes or ())
    present = series.dropna()
    if present.nunique() < 2:
        raise _refused("does not vary", name, "leave it out")
    if pd.api.types.is_bool_dtype(series) or set(present.unique()) <= {True, False}:
        return _binary(name, series.astype(float), name)
    if pd.api.types.is_datetime64_any_dtype(series) or present.map(_looks_like_a_date).all():
        raise _refused_date(name, pd.to_datetime(present), as_of)
    if not pd.api.types.is_numeric_dtype(series):
        return _text_column(name, series, present)
    values = series.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(values).any():
        raise _refused("holds infinite values", name, "mend the values")
    if codes is None and (found := code_like(values)).any():
        what = f"holds what looks like a code for a missing value in {found.sum()} rows, far from all others"
        raise _refused(what, name, MEND)
    if _is_running_number(present):
        raise _refused("counts participants one by one, as an identifier does", name, "leave it out")
    if set(np.unique(values[~np.isnan(values)])) <= {0.0, 1.0}:
        return _binary(name, pd.Series(values), name)
    if present.nunique() <= _MOST_LEVELS:
        kept = _joined(name, values)
        joined = not np.array_equal(kept, values, equal_nan=True)
        return Column(_tidy(name), name, "ordinal", kept, joined=joined)
    return Column(_tidy(name), name, "continuous", values)


def _measured(series: pd.Series, codes: Sequence[Code]) -> pd.Series:
    """Return a column without its codes for "missing", as numbers if nothing but numbers is left."""
    kept = blanked(series, codes) if codes else series
    if not (pd.api.types.is_string_dtype(kept) or pd.api.types.is_object_dtype(kept)):
        return kept
    number = pd.to_numeric(kept, errors="coerce")
    return number if codes and number.notna().equals(kept.notna()) else kept


def _text_column(name: str, series: pd.Series, present: pd.Series) -> Column:
    if present.nunique() > _MOST_LEVELS:
        unique = present.nunique() == len(present)
        as_number = pd.to_numeric(present, errors="coerce").notna()
        if as_number.mean() >= 0.5:
            what = f"holds text in {int((~as_number).sum())} rows beside numbers"
            raise _refused(what, name, 'declare codes for missing values, such as missing = [".M"]')
        what = "is an identifier: every participant has another text" if unique else "is free text"
        raise _refused(what, name, "leave it out, or code it in at most ten categories")
    counts = present.astype(str).value_counts()
    if counts.min() < SMALLEST_CELL:
        raise _refused(
            f"has a category with fewer than {SMALLEST_CELL} participants", name, "join rare categories"
        )
    categories = tuple(sorted(counts.index))
    codes = series.map(lambda one: float(categories.index(str(one))) if pd.notna(one) else np.nan)
    if len(categories) == 2:
        return _binary(name, codes, f"{name}: {categories[1]}")
    return Column(_tidy(name), name, "nominal", codes.to_numpy(dtype=float), categories)


def _binary(name: str, series: pd.Series, label: str) -> Column:
    values = series.to_numpy(dtype=float, na_value=np.nan)
    ones, zeros = int(np.nansum(values == 1)), int(np.nansum(values == 0))
    if min(ones, zeros) < SMALLEST_CELL:
        raise _refused(
            f"has a value with fewer than {SMALLEST_CELL} participants",
            name,
            "leave it out: it would point at them",
        )
    return Column(_tidy(name), label, "binary", values)


def _joined(name: str, values: Floats) -> Floats:
    """Join levels with fewer than 11 participants to the nearest level."""
    values = values.copy()
    while True:
        levels, counts = np.unique(values[~np.isnan(values)], return_counts=True)
        if counts.min() >= SMALLEST_CELL:
            break
        rare = int(np.argmin(counts))
        distance = np.abs(levels - levels[rare])
        distance[rare] = np.inf
        values[values == levels[rare]] = levels[int(np.argmin(distance))]
    if len(levels) < 2:
        raise _refused(f"has no two levels with {SMALLEST_CELL} participants", name, "leave it out")
    return values


def _is_running_number(present: pd.Series) -> bool:
    """Return whether whole numbers are all different and without gaps, as a row number is."""
    whole = bool((present == present.round()).all())
    return whole and present.nunique() == len(present) and present.max() - present.min() < 2 * len(present)


def _looks_like_a_date(value: object) -> bool:
    return isinstance(value, date) or (isinstance(value, str) and bool(_DATE.match(value)))


def _refused_date(name: str, days: pd.Series, as_of: date | None) -> InputError:
    if as_of is not None and (days > pd.Timestamp(as_of)).any():
        row = int(np.argmax((days > pd.Timestamp(as_of)).to_numpy()))
        return _refused(f"row {row} holds a date in the future", name, "mend the date")
    return _refused("is a date", name, "give an age or a duration instead")


def _refused(problem: str, name: str, mend: str) -> InputError:
    return InputError(f"the column {problem}", field=name, mend=mend)


def _tidy(name: str) -> str:
    tidy = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return tidy if tidy[:1].isalpha() else f"x_{tidy}"

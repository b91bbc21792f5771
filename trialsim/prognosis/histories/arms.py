"""A file that holds several treatment arms: not to be learnt from as if all of it were placebo."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from trialsim.errors import HistoryError
from trialsim.prognosis.histories.rows import text
from trialsim.protocol.history_table import HistoryTable

MOST_ARMS = 12
_WHAT = "study|random(ised|ized)?|rand|planned|actual|act|assigned|subject|description(of)?"
_ARM = "arm|trt|treat|treatment|treatments|tx|rx|rand|random|randomised|randomized"
_TAIL = "arm|group|grp|gp|cd|code|name|num|no|nr|n|p|a|pn|an|id|label|desc|assigned|allocation|assignment|s"
# ARM, TRT01P, treatment_group, planned arm, rxasp: what data standards and registries call it.
_NAMED = re.compile(rf"(({_WHAT})?({_ARM})(\d+[pa]?n?)?({_TAIL})*|rx[a-z]{{2,5}})")
# These name much else, so that a level must look like a control too.
_MAYBE = re.compile(
    r"group|grp|cohort|allocation|assignment|assigned|intervention|drug|studydrug|dose|dosegroup|therapy|"
    r"regimen|treated"
)
# Factors of a factorial trial are called by what is given, such as aspirin and heparin.
_SUBSTANCE = re.compile(
    r"aspirin|dexamethasone|predniso(lo)?ne|tamoxifen|levamisole|interferon\w*|levodopa|"
    r"donepezil|memantine|clopidogrel|tranexamicacid|vaccine|[a-z]{2,}(mab|nib|statin|pril|sartan|olol|"
    r"gliflozin|gliptin|glutide|parin|arin|xaban|gatran|platin|taxel|azole|cillin|mycin|floxacin|setron|triptan|"
    r"oxetine|pidem|dronate|zumab|vir|fenac|profen)"
)
# Shares of arms that people are allocated to at random; of those who happen to take a drug, seldom.
_ALLOCATIONS = np.array([1 / 5, 1 / 4, 1 / 3, 2 / 5, 1 / 2, 3 / 5, 2 / 3, 3 / 4])
_STANDARD_ERRORS = 3.5
_CONTROL = re.compile(
    r"placebo|pbo|plc|plac|pcb|sham|vehicle|controls?|ctrl|ctl|standard( ?of ?care)?|soc|usual ?care|"
    r"no ?treatment"
)
_SURELY = re.compile(r"\b(placebo|pbo|sham|vehicle)\b")


def require_one_arm(rows: pd.DataFrame, table: HistoryTable, path: Path) -> None:
    """Raise if the rows that are left hold several treatment arms and no condition says which.

    A column is taken for an arm where its name is that of one, with 2 to 12 different values; where its name
    may be that of one and a value looks like a control; where one value among several is a placebo; or where
    its name is that of a drug, and people are split as at random. A condition on that column is an answer,
    whatever it keeps. A condition on one drug answers for the others of a factorial trial too.

    Parameters
    ----------
    rows : DataFrame
        Joined and filtered, under the file's column names.
    table : HistoryTable
        Its filters, and the columns that are something else.
    path : Path
        For the message.

    Raises
    ------
    HistoryError
        Names the column and the mend, never a value.
    """
    answered = {condition.column for condition in table.filter}
    answered |= {table.columns.participant, table.columns.week}
    for name, levels in arm_columns(rows, answered).items():
        raise HistoryError(
            f"looks like the treatment arm and has {len(levels)} different values: twins are learnt from "
            "one arm, on placebo or standard of care",
            file=path,
            field=name,
            mend="add a [[history.filter]] that keeps the control arm; if all of its values are control, "
            "name them all there under one_of",
        )


def arm_columns(rows: pd.DataFrame, answered: Collection[str] = ()) -> dict[str, list[str]]:
    """Return the columns that look like a treatment arm, with their levels as lower-case text.

    Parameters
    ----------
    rows : DataFrame
        Joined and filtered.
    answered : collection of str
        Columns that are known to be something else, or that a condition answers.

    Examples
    --------
    >>> arm_columns(pd.DataFrame({"ARM": ["Drug", "Placebo"], "age": [50, 60]}))
    {'ARM': ['drug', 'placebo']}
    """
    levels = {str(name): _levels(rows[name]) for name in rows.columns if str(name) not in answered}
    found = {name: seen for name, seen in levels.items() if seen and _is_arm(name, seen)}
    if not any(_is_substance(name) for name in answered):
        found |= {
            name: seen
            for name, seen in levels.items()
            if seen and name not in found and _is_substance(name) and _allocated(rows[name])
        }
    return found


def is_control(level: str) -> bool:
    """Return whether a level of an arm, in small letters, says that it is the control.

    Examples
    --------
    >>> is_control("placebo"), is_control("drug")
    (True, False)
    """
    return bool(_CONTROL.fullmatch(level) or _SURELY.search(level))


def _levels(column: pd.Series) -> list[str]:
    """Return the values of a column as lower-case text, if there are two to twelve."""
    if pd.api.types.is_float_dtype(column) and not (column.dropna() == column.dropna().round()).all():
        return []
    seen = column.dropna()
    if not 2 <= seen.nunique() <= MOST_ARMS:
        return []
    return [str(value).strip().lower() for value in np.unique(text(seen).to_numpy(dtype=str))]


def _is_substance(name: str) -> bool:
    return bool(_SUBSTANCE.fullmatch(re.sub(r"[^a-z]", "", name.lower())))


def _allocated(column: pd.Series) -> bool:
    """Return whether each level has a share that an allocation at random would give it."""
    shares = column.dropna().value_counts(normalize=True).to_numpy()
    errors = np.sqrt(_ALLOCATIONS * (1 - _ALLOCATIONS) / column.notna().sum())
    near = np.abs(shares[:, None] - _ALLOCATIONS) <= _STANDARD_ERRORS * errors
    return bool(near.any(axis=1).all())


def _is_arm(name: str, levels: list[str]) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    if _NAMED.fullmatch(plain) or any(_SURELY.search(level) for level in levels):
        return True
    return bool(_MAYBE.fullmatch(plain)) and any(_CONTROL.fullmatch(level) for level in levels)

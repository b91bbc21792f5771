"""Which columns are baseline covariates, what their categories count as, and which cells mean "missing"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping

import numpy as np
import pandas as pd

from trialsim.missing_codes import blanked, code_like
from trialsim.study.starting.roles import as_numbers, is_number, plain
from trialsim.study.starting.told import Covariate

MOST_CATEGORIES = 6
PEOPLE_A_COVARIATE = 8
_RARE = 0.05
_RESERVED = ("score", "covariates", "baseline", "given_score")
# What is known only after randomisation, by what it is called.
_LATER = re.compile(
    r"(disc|dis|comp|compl|completed|last|end|eos|eot|withdraw|withdrawn|dropout|death|died|dead|cause|reason|cum|"
    r"exposure|adherence|compliance|followup|fu|rescue|post|final|outcome|response|responder|event|status|"
    r"change|chg|discontinu\w*|surviv\w*|relapse\w*|recur\w*)"
)
_LATER_ANYWHERE = re.compile(
    r"(\d+_?(day|week|month|year)s?|treat_?days|to_death|last_contact|eff_?pop|itt|(saf|eff|itt|comp)fl|comp\d+)$"
)
_CALENDAR = re.compile(r"(entry|enrol\w*|randomi[sz]\w*|inclusion|calendar)_?(date|day|week|month|year|time)")
_ORIGIN = re.compile(r"(race|ethnic|country|nation|region|language)")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}( .*|t.*)?", re.IGNORECASE)
_UNKNOWN = {
    "unknown", "unk", "missing", "miss", "nk", "nd", "n/a", "n.a.", "na.", "not known", "not done",
    "not available", "?", "-", "--", "none given", "null", "#n/a", ".m", ".a", ".b", "k.a.", "unbekannt",
}  # fmt: skip
_ORDERS = (
    ("i", "ii", "iii", "iv", "v"), ("1", "2", "3", "4", "5"), ("low", "medium", "high"),
    ("low", "moderate", "high"),
    ("none", "mild", "moderate", "severe"), ("mild", "moderate", "severe", "very severe"),
    ("never", "former", "current"), ("alert", "drowsy", "unconscious"), ("absent", "present"), ("no", "yes"),
    ("n", "y"), ("false", "true"), ("never", "ever"), ("negative", "positive"),
)  # fmt: skip


def slug(name: str, taken: Collection[str] = ()) -> str:
    """Return a name of small letters, digits and _ for a column, another than those taken.

    Examples
    --------
    >>> slug("Größe (cm)"), slug("2nd line?"), slug("age", {"age"}), slug("体重")
    ('grosse_cm', 'c_2nd_line', 'age_2', 'column')
    """
    latin = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    bare = re.sub(r"[^a-z0-9]+", "_", latin.lower()).strip("_") or "column"
    bare = bare if bare[0].isalpha() else f"c_{bare}"
    found, number = bare[:36], 1
    while found in taken or found in _RESERVED:
        number += 1
        found = f"{bare[:36].rstrip('_')}_{number}"
    return found


def codes_of(column: pd.Series, participants: pd.Series | None = None) -> tuple[str | float, ...]:
    """Return the cells of a column that look like codes for "missing": numbers far away, and words.

    `participants` (n,) are given for a column that has one value a participant.

    Examples
    --------
    >>> codes_of(pd.Series(["61", "70", "999", "55", "48", "unknown", "66", "999", "52", "59", "63"]))
    (999.0, 'unknown')
    """
    seen = column.dropna()
    if pd.api.types.is_bool_dtype(seen) or seen.empty:
        return ()
    words = sorted({str(cell) for cell in seen.unique() if str(cell).strip().lower() in _UNKNOWN})
    if participants is not None:
        column = column.groupby(participants).first()
    numbers = as_numbers(blanked(column, words)) if words else as_numbers(column)
    if not is_number(blanked(seen, words) if words else seen):
        return tuple(words)
    found = np.unique(numbers[code_like(numbers.to_numpy())])
    return (*(float(one) for one in found), *words)


def covariates_of(
    people: pd.DataFrame,
    asked: tuple[str, ...] | None,
    candidates: Iterable[str],
    taken: Collection[str],
    most: int,
) -> tuple[tuple[Covariate, ...], tuple[tuple[str, str], ...]]:
    """Return baseline covariates, and the columns that are none with the reason.

    Parameters
    ----------
    people : DataFrame
        One row a participant, codes left empty.
    asked : tuple of str, optional
        Columns that the user names; they are taken as they are.
    candidates : iterable of str
        Columns that have one value a participant, in the order of the file.
    taken : collection of str
        Our names that mean something else, such as that of the endpoint.
    most : int
        No more covariates than these are guessed.
    """
    found: list[Covariate] = []
    left: list[tuple[str, str]] = []
    # Race and origin last: where there is room for few, the disease tells more.
    in_order = sorted(candidates, key=lambda name: bool(_ORIGIN.search(name.lower())))
    for column in in_order if asked is None else asked:
        reason = None if asked is not None else why_not(people[column], column, len(people))
        if reason is None and asked is None and len(found) >= most:
            reason = f"{most} covariates are enough for {len(people)} participants"
        made = (
            []
            if reason
            else coded(people[column], column, {*taken, *(one.name for one in found)}, asked is None)
        )
        if reason is None and not made:
            reason = "too many categories"
        if reason is not None:
            left.append((column, reason))
        found += made[: most - len(found)] if asked is None else made
    return tuple(found), tuple(left)


def why_not(column: pd.Series, name: str, people: int) -> str | None:
    """Return why a column is no baseline covariate, or None if it may be one."""
    seen = column.dropna()
    words = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    if seen.nunique() < 2:
        return "the same for everybody"
    if any(_LATER.fullmatch(word) for word in words) or _LATER_ANYWHERE.search(name.lower()):
        return "by its name it is known only after the baseline"
    if _CALENDAR.search(name.lower()):
        return "when they came, not how they were"
    if pd.api.types.is_datetime64_any_dtype(column) or seen.astype(str).head(50).map(_is_date).mean() > 0.9:
        return "a date"
    if len(seen) < 0.7 * people:
        return "missing for more than three in ten"
    if not is_number(column) and seen.astype(str).map(_bare).nunique() > MOST_CATEGORIES:
        return "an identifier" if seen.nunique() > 0.9 * len(seen) else "too many categories"
    if plain(name) in ("row", "index", "unnamed0", "seq"):
        return "a number of rows"
    if seen.value_counts().iloc[0] > 0.98 * len(seen):
        return "the same for nearly everybody"
    return None


def _is_date(cell: str) -> bool:
    return bool(_DATE.fullmatch(cell.strip()))


def coded(column: pd.Series, name: str, taken: Collection[str], guessed: bool = True) -> list[Covariate]:
    """Return a column as one covariate, or as an indicator of each category but the commonest."""
    why = "the same in every row of a participant, or one row each" if guessed else None
    if is_number(column):
        return [Covariate(slug(name, taken), name, {}, why)]
    spelled = column.dropna().astype(str).value_counts()
    # Of several spellings of a category the commonest names it.
    name_of: dict[str, str] = {}
    for level in spelled.index:
        name_of.setdefault(_bare(level), level)
    counts = spelled.groupby(lambda level: name_of[_bare(level)], sort=False).sum()
    counts = counts.sort_values(ascending=False, kind="stable")
    levels = sorted(counts.index)
    folded = ", spellings that differ by capitals taken as one" if len(levels) < len(spelled) else ""

    def each(numbers: Mapping[str, float]) -> dict[str, float]:
        return {level: numbers[name_of[_bare(level)]] for level in sorted(spelled.index)}

    if not 2 <= len(levels) <= MOST_CATEGORIES:
        return []
    order = ordered(levels)
    if order or len(levels) == 2:
        values = each({level: float(k) for k, level in enumerate(order or levels)})
        how = "a number for each category" + ("" if order or len(levels) == 2 else ", in this order") + folded
        return [Covariate(slug(name, taken), name, values, how)]
    made: list[Covariate] = []
    for level in counts.index[1:]:
        if counts[level] >= _RARE * counts.sum():
            own = slug(f"{name}_{level}", {*taken, *(one.name for one in made)})
            values = each({other: float(other == level) for other in levels})
            made.append(Covariate(own, name, values, f"1 for this category, 0 for the others{folded}"))
    return made


def _bare(level: str) -> str:
    """Return a category without capitals and blanks around it."""
    return level.strip().casefold()


def ordered(levels: Collection[str]) -> tuple[str, ...]:
    """Return levels in the order that their words say, or nothing.

    Examples
    --------
    >>> ordered(["Severe", "Mild", "Moderate"]), ordered(["A", "B"])
    (('Mild', 'Moderate', 'Severe'), ())
    """
    small = {level.strip().lower(): level for level in levels}
    for order in _ORDERS:
        if len(small) == len(levels) > 1 and set(small) <= set(order):
            return tuple(small[one] for one in order if one in small)
    return ()

"""Files with a score at several visits: rows or columns of visits, and the baseline."""

from __future__ import annotations

import pandas as pd

from trialsim.errors import HistoryError
from trialsim.study.starting import roles
from trialsim.study.starting.gathering import Filters, all_of_it
from trialsim.study.starting.look import Look, guess_codes, without_codes
from trialsim.study.starting.told import Found, UndecidedError
from trialsim.study.starting.wide import made_long

_SEEN_VISIT = 1 / 3


def long_form(look: Look, participant: str, wide: dict[str, dict[str, float]]) -> tuple[str, str, str | None]:
    """Put the columns of a score at its visits below each other; return score, week and no baseline."""
    names = [look.told.outcome.lower()] if look.told.outcome else list(wide)
    if len(names) > 1:
        raise UndecidedError(
            "several scores have a column for each visit", file=look.file, option="outcome", choices=names
        )
    (score,) = names
    columns = wide[score]
    look.rows = made_long(look.rows, participant, columns, score, "week")
    look.changes.append(f"the {len(columns)} columns of {score} at its visits are put below each other")
    look.why |= {"outcome": f"columns {', '.join(columns)}", "week": "from the names of these columns"}
    return score, "week", None


def visits_in_rows(look: Look, participant: str) -> tuple[str, str, str | None]:
    """Return score, week and baseline column of a file with several rows a participant."""
    told = look.told
    visit = told.week or roles.visit_of(look.rows, participant, {told.outcome or "", told.time or ""})
    if visit is None:
        raise UndecidedError(
            "participants have several rows, and no column says the visit",
            file=look.file,
            option="week",
            choices=roles.changing_columns(look.rows, participant)[:12],
        )
    look.visits = visit
    found = roles.week_values(look.rows, visit, told.time_unit)
    if found is None and roles.is_number(look.rows[visit]):
        raise UndecidedError(
            f"column {visit!r} holds numbers: of days, weeks, months or years?",
            file=look.file,
            option="time-unit",
            choices=("days", "weeks", "months", "years"),
        )
    if found is None:
        raise HistoryError(
            "holds visits whose names do not say the week",
            file=look.file,
            field=visit,
            mend='write them as "Week 12", "Month 6" or "Baseline", or name a column of days',
        )
    weeks, how = found
    if told.week is None or "weeks" not in how:
        look.why["week"] = how
    scores, base, why = roles.outcome_at_visits(look.rows, participant, {visit})
    score = told.outcome
    if score is None:
        if len(scores) != 1:
            raise UndecidedError(
                "several columns change from visit to visit: which is the endpoint?",
                file=look.file,
                option="outcome",
                choices=scores,
            )
        (score,) = scores
        look.why["outcome"] = why
    name = visit
    if not (roles.is_number(look.rows[visit]) and roles.as_numbers(look.rows[visit]).equals(weeks)):
        name = "week" if "week" not in look.rows or visit == "week" else "week_of_visit"
        look.changes.append(f"the visits of {visit} are turned into weeks: {how}")
    open_ = weeks.isna() | (weeks < 0)
    if open_.any():
        look.changes.append(
            f"{int(open_.sum())} rows have no planned week, such as screening, and are left out"
        )
    look.rows = look.rows.assign(**{name: weeks})[~open_]
    return score, name, base


def of_visits(
    look: Look,
    participant: str,
    filters: Filters,
    score: str,
    week: str,
    base: str | None,
) -> Found:
    """Return what is found in a file with rows of visits, once a column says their week."""
    kind = look.told.kind or "score"
    if kind != "score":
        raise HistoryError(
            f"is asked for, but participants have several rows: a {kind} has one row each",
            file=look.file,
            field="--kind",
            value=kind,
            mend=f"keep the rows of one visit, such as --filter {week}=12",
        )
    if look.told.kind is None:
        look.why["kind"] = "a number at several visits"
    guess_codes(look, participant, [score], changing=True)
    values = roles.as_numbers(without_codes(look, score))
    if not (look.rows[week][values.notna()] == 0).any():
        _add_baseline(look, participant, score, week, base)
        values = roles.as_numbers(without_codes(look, score))
    seen = pd.DataFrame({"p": look.rows[participant], "w": look.rows[week].astype(float), "y": values})
    twice = seen.duplicated(["p", "w"], keep=False)
    if twice.any():
        flags = [str(name) for name in look.rows if look.rows[name].nunique() == 2]
        raise UndecidedError(
            f"{int(twice.sum())} rows share participant and week with another row; keep one of them",
            file=look.file,
            option="filter",
            choices=[
                f"{flag}=VALUE" for flag in flags if flag in roles.changing_columns(look.rows, participant)
            ],
        )
    seen = seen.dropna()
    counts = seen[seen["w"] > 0].groupby("w")["p"].nunique()
    kept = counts[counts >= _SEEN_VISIT * counts.max()]
    if kept.empty:
        raise HistoryError(
            "nobody was measured after the baseline",
            file=look.file,
            field=score,
            mend="name another --outcome or --week",
        )
    weeks = tuple(float(one) for one in kept.index)
    left = ", ".join(f"{one:g}" for one in counts.index.difference(kept.index))
    look.why["weeks"] = "every visit at which many were measured" + (
        f"; left out: week {left}" if left else ""
    )
    with_baseline = set(seen.loc[seen["w"] == 0, "p"])
    at_end = set(seen.loc[seen["w"] == weeks[-1], "p"])
    dropout = 1 - len(with_baseline & at_end) / max(1, len(with_baseline))
    people = len(with_baseline & set(seen.loc[seen["w"] > 0, "p"]))
    return all_of_it(look, participant, filters, "score", score, people, dropout, week=week, weeks=weeks)


def _add_baseline(look: Look, participant: str, score: str, week: str, base: str | None) -> None:
    """Put the baseline of its own column into a row of week 0."""
    base = base or next(
        (
            name
            for name in roles.baseline_columns(look.rows)
            if name not in roles.changing_columns(look.rows, participant)
        ),
        None,
    )
    if base is None:
        raise HistoryError(
            "has no row of week 0, and no column of its baseline",
            file=look.file,
            field=score,
            mend="keep the rows of the baseline visit",
        )
    first = look.rows.groupby(participant, sort=False).head(1).copy()
    first[week], first[score] = 0.0, first[base]
    both = pd.concat([first, look.rows]).sort_values([participant, week], kind="stable")
    look.rows = both.set_axis(pd.RangeIndex(1, len(both) + 1))
    look.changes.append(f"{base} stands in a row of week 0")
    look.why["baseline"] = f"no row is at week 0; the baseline is taken from {base}"

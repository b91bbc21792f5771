"""All that was found of a file, with its covariates, its group and which way is worse."""

from __future__ import annotations

import pandas as pd

from trialsim.missing_codes import blanked
from trialsim.prognosis.histories.arms import arm_columns
from trialsim.study.starting import roles
from trialsim.study.starting.covariates import PEOPLE_A_COVARIATE, covariates_of, slug
from trialsim.study.starting.kinds import direction_of
from trialsim.study.starting.look import Look, guess_codes
from trialsim.study.starting.told import Found

Filters = tuple[tuple[str, str | float], ...]


def all_of_it(
    look: Look,
    participant: str,
    filters: Filters,
    kind: str,
    outcome: str,
    people: int,
    dropout: float,
    *,
    week: str | None = None,
    time: str | None = None,
    weeks: tuple[float, ...] = (),
    values: dict[str, float] | None = None,
    levels: tuple[str, ...] = (),
    unit: str = "weeks",
) -> Found:
    """Return all of it, with the covariates, the group and which way is worse."""
    told = look.told
    taken = {
        participant,
        outcome,
        *(one for one in (week, time, told.group) if one),
        *(name for name, _ in filters),
    }
    group = told.group
    if group is None and kind == "score":
        group = roles.group_of(look.rows, participant, taken)
        if group is not None:
            look.why["group"] = "by its name"
    sites = {str(name) for name in look.rows if roles.group_like(str(name))}
    changing = set(roles.changing_columns(look.rows, participant, taken))
    same = _same_as_baseline(look, participant, outcome, week)
    candidates = [
        str(name)
        for name in look.rows
        if str(name) not in {*taken, *changing, *sites, *same, *arm_columns(look.rows), group or participant}
    ]
    asked = told.covariates
    guess_codes(look, participant, list(candidates if asked is None else asked))
    first = look.rows.groupby(participant, sort=False).first()
    people_rows = pd.DataFrame(
        {
            name: blanked(first[name], look.missing.get(name, ()))
            for name in (*candidates, *(asked or ()))
            if name in first
        }
    )
    name = slug(outcome)
    covariates, left = covariates_of(
        people_rows, asked, candidates, {name}, max(1, people // PEOPLE_A_COVARIATE)
    )
    left = (
        *left,
        *((one, "the baseline of the endpoint, which the model has already") for one in sorted(same)),
        *((one, "a site or study") for one in sorted(sites - taken - {group or ""})),
        *(
            (one, "changes within a participant, or holds codes for missing that --missing can name")
            for one in sorted(changing - taken - same - sites - set(arm_columns(look.rows)))
            if asked is None and one != look.visits
        ),
    )
    used = {outcome, *(one.column for one in covariates), *([time] if time else [])}
    if told.missing is not None:
        missing: dict[str, tuple[str | float, ...]] = {}
    else:
        missing = {one: codes for one, codes in look.missing.items() if one in used}
    direction, why = (told.direction, "") if told.direction else direction_of(kind, outcome)
    if why:
        look.why["direction"] = why
    return Found(
        file=look.file,
        rows=look.rows,
        kind=kind,
        name=name,
        outcome=outcome,
        participant=participant,
        week=week,
        time=time,
        group=group,
        time_unit=unit,
        values=values or {},
        levels=levels,
        weeks=weeks,
        covariates=covariates,
        left_out=left,
        filters=filters,
        missing=missing,
        direction=direction,
        dropout=dropout,
        people=people,
        joined_by=look.joined_by,
        changes=tuple(look.changes),
        why=look.why,
    )


def _same_as_baseline(look: Look, participant: str, outcome: str, week: str | None) -> set[str]:
    """Return the columns that hold the score at baseline once more."""
    if week is None:
        return set()
    at_zero = look.rows[look.rows[week].astype(float) == 0].drop_duplicates(participant)
    base = roles.as_numbers(at_zero[outcome])
    found = set()
    for name in at_zero:
        gap = (roles.as_numbers(at_zero[name]) - base).dropna()
        if str(name) != outcome and len(gap) > 0.5 * len(base) and bool((gap.abs() < 1e-6).mean() > 0.9):
            found.add(str(name))
    return found

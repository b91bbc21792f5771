"""From individual participants to a cohort card that holds no individual value.

Margins are parametric laws, chosen by AIC: whole numbers where all values are whole, zeros apart where many
are 0, nothing below 0 where nobody is. Other limits come from the user, never from the smallest or largest
participant. Categories with fewer than 11 participants are joined or refused. Dependence is the
rank correlation of mid-ranks, shrunk toward independence when participants are few (Schäfer and Strimmer
2005): R = (1 − λ) R̂ + λ I, λ = Σ Var(r) / Σ r².
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from trialsim.data import Covariates, Floats
from trialsim.errors import CardError, InputError
from trialsim.missing_codes import MissingCodes
from trialsim.population.card_files.reading import check_content, parse_card
from trialsim.population.cards.card import CohortCard
from trialsim.population.drawing.copula import solve_copula
from trialsim.population.individual_data.columns import Column, classify
from trialsim.population.individual_data.families import SOURCE, best_family, number
from trialsim.population.individual_data.privacy import SMALLEST_CELL

_DIGITS = 4
_JOINED = "rarer levels are counted with the nearest"
_FEW = 20
_LARGEST_CORRELATION = 0.97
_EASED = "brought to what the fitted margins can have"
_MOST_EASINGS = 200


@dataclass(frozen=True)
class CardFacts:
    """What the data do not say of themselves.

    Parameters
    ----------
    name, title, population, period, citation, licence : str
        As on a card.
    describes : str
        ``enrolled`` or ``source``.
    """

    name: str
    title: str
    population: str
    period: str
    citation: str
    licence: str
    describes: str = "enrolled"


def fit_card(
    frame: pd.DataFrame,
    facts: CardFacts,
    *,
    limits: Mapping[str, tuple[float, float]] | None = None,
    as_of: date | None = None,
    missing: MissingCodes = None,
) -> CohortCard:
    """Return a card learnt from individual participants.

    Parameters
    ----------
    frame : DataFrame
        One row a participant, one column a baseline covariate; missing values are allowed.
    facts : CardFacts
        Whose data they are.
    limits : mapping of str to (float, float), optional
        Public limits of a covariate, such as those of a scale.
    as_of : date, optional
        The day after which a date lies in the future.
    missing : sequence of str or number, or mapping of str to such a sequence, optional
        Cells that say that a value is missing, of every column or by column; empty if every number was
        measured. If it is not given, numbers that look like codes are refused.

    Returns
    -------
    CohortCard
        Its numbers are rounded to four digits and labelled ``computed``.

    Raises
    ------
    InputError
        If a column is free text, an identifier or a date, lies in the future, does not vary, or has a
        category with fewer than 11 participants that no neighbour can take; or if fewer than 50
        participants are given.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"age": rng.normal(70, 8, 300), "female": rng.integers(0, 2, 300)})
    >>> card = fit_card(frame, CardFacts("tiny", "Tiny", "nobody", "never", "simulated", "none"))
    >>> [margin.kind for margin in card.margins], abs(card.margins[0].mean.value - 70) < 1.5
    (['normal', 'binary'], True)
    """
    columns = classify(frame, as_of, missing)
    unknown = sorted(set(limits or {}) - {column.name for column in columns})
    if unknown:
        raise InputError(
            "the data have no such column", field="limits", value=unknown[0], mend="mend its name"
        )
    margins = [_margin(column, columns, (limits or {}).get(column.name)) for column in columns]
    correlations = list(_correlations([column for column in columns if column.kind != "nominal"]))
    content: dict[str, Any] = {
        "name": facts.name,
        "title": facts.title,
        "population": facts.population,
        "period": facts.period,
        "n": len(frame),
        "describes": facts.describes,
        "unlisted_pairs": "independent",
        "contradictions": "nearest",
        "sources": {SOURCE: {"citation": facts.citation, "licence": facts.licence, "read": True}},
        "margins": margins,
        "correlations": correlations,
        "missing": [
            {"covariate": column.name, "rate": number(column.missing_rate)}
            for column in columns
            if column.missing_rate > 0
        ],
    }
    card = parse_card(content)
    check_content(card)
    return _attainable(card)


def shrinkage(correlations: Floats, n: int) -> float:
    """Return λ of the shrinkage toward independence: 0 trusts the correlations, 1 drops them."""
    r = correlations[np.triu_indices(len(correlations), 1)]
    total = float(np.sum(r * r))
    return 1.0 if total == 0 else float(min(1.0, np.sum((1 - r * r) ** 2 / (n - 1)) / total))


def _margin(column: Column, columns: list[Column], limits: tuple[float, float] | None) -> dict[str, Any]:
    base: dict[str, Any] = {"name": column.name, "label": column.label, "kind": column.kind}
    present = column.values[~np.isnan(column.values)]
    if column.kind == "binary":
        return base | {"probability": number(float(present.mean()))}
    if column.kind in ("ordinal", "nominal"):
        levels, counts = np.unique(present, return_counts=True)
        shares = _rounded_shares(counts / counts.sum())
        probabilities = {"probabilities": [number(share) for share in shares]}
        if column.kind == "ordinal":
            joined = {"joined": True, "note": _JOINED} if column.joined else {}
            return base | {"levels": [float(level) for level in levels]} | probabilities | joined
        return base | {"categories": list(column.categories)} | probabilities | _group_means(column, columns)
    if column.kind != "continuous":
        raise CardError("is no kind of covariate", field=column.name, value=column.kind)
    return base | best_family(present, limits)


def _rounded_shares(shares: Floats) -> list[float]:
    """Return shares to four decimals that still add up to 1."""
    units = np.floor(shares * 10_000)
    short = round(10_000 - units.sum())
    units[np.argsort(-(shares * 10_000 - units))[:short]] += 1
    return [float(unit) / 10_000 for unit in units]


def _group_means(column: Column, columns: list[Column]) -> dict[str, Any]:
    groups = []
    for other in columns:
        if other.kind == "nominal":
            continue
        means = [
            float(np.nanmean(other.values[column.values == code])) for code in range(len(column.categories))
        ]
        groups.append({"of": other.name, "means": [number(mean) for mean in means]})
    return {"group_means": groups}


def _correlations(columns: list[Column]) -> Iterator[dict[str, Any]]:
    if len(columns) < 2:
        return
    ranks = np.column_stack([_mid_ranks(column.values) for column in columns])
    r = pd.DataFrame(ranks).corr(min_periods=SMALLEST_CELL).fillna(0.0).to_numpy()
    n = len(ranks)
    if n < _FEW * len(columns):
        weight = shrinkage(r, n)
        r = (1 - weight) * r + weight * np.eye(len(r))
    r = np.clip(r, -_LARGEST_CORRELATION, _LARGEST_CORRELATION)
    for i, j in combinations(range(len(columns)), 2):
        yield {
            "between": [columns[i].name, columns[j].name],
            "measure": "spearman",
            **number(round(float(r[i, j]), _DIGITS)),
        }


def _mid_ranks(values: Floats) -> Floats:
    ranks = np.full(len(values), np.nan)
    present = ~np.isnan(values)
    ranks[present] = stats.rankdata(values[present])
    return ranks


def _attainable(card: CohortCard) -> CohortCard:
    """Bring correlations that the fitted margins cannot have to the edge of what they can."""
    for _ in range(_MOST_EASINGS):
        try:
            solve_copula(card)
        except CardError as error:
            field = error.field or ""
            if not field.startswith("correlations["):
                raise
            k = int(field.partition("[")[2].partition("]")[0])
            entry = card.correlations[k]
            eased = entry.model_copy(update={"value": round(0.95 * entry.value, _DIGITS), "note": _EASED})
            card = card.model_copy(
                update={"correlations": (*card.correlations[:k], eased, *card.correlations[k + 1 :])}
            )
        else:
            return card
    raise InputError(
        "the correlations of these columns cannot be had", mend="leave out a column that repeats another"
    )


def coded(frame: pd.DataFrame, as_of: date | None = None, missing: MissingCodes = None) -> Covariates:
    """Return individual participants in the codes that a fitted card draws, to compare them."""
    columns = classify(frame, as_of, missing)
    return Covariates(tuple(column.name for column in columns), np.column_stack([c.values for c in columns]))

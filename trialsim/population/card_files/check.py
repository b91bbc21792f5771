"""The certificate of a card: what was asked, what can be had, what comes out."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from trialsim.population.association.nominal import category_shares
from trialsim.population.cards.card import CohortCard
from trialsim.population.cards.margins import NominalMargin
from trialsim.population.cards.provenance import Number
from trialsim.population.drawing.copula import Copula, solve_copula
from trialsim.population.laws.hermite import latent_grid
from trialsim.population.laws.laws import Law, NominalLaw

_QUARTILES = {"q1": 0.25, "median": 0.5, "q3": 0.75}
_NOT_A_NUMBER = float("nan")


def check_card(card: CohortCard) -> pd.DataFrame:
    """Return the certificate of a card.

    Parameters
    ----------
    card : CohortCard
        The card.

    Returns
    -------
    DataFrame
        One row a number: ``what`` (mean, sd, probability, quartile, group mean, correlation or another
        measure), ``of``, ``asked``, ``attainable_low`` and ``attainable_high`` (associations, given the
        margins), ``latent`` (the correlation of the latent normals), ``achieved`` (by quadrature over the
        law that is drawn from), ``error`` (achieved minus asked), ``moved`` (by how much the latent
        correlation was moved so that all pairs can hold together), ``evidence`` and ``source``.

    Raises
    ------
    CardError
        If a number is infeasible.

    Examples
    --------
    >>> from trialsim.population import read_card
    >>> certificate = check_card(read_card("cohorts/alzheimers_early.toml"))
    >>> bool(certificate["error"].abs().max() < 1e-6)
    True
    """
    copula = solve_copula(card)
    rows = []
    for margin, law in zip(card.margins, copula.laws, strict=True):
        for field, number in margin.numbers().items():
            if not field.startswith("group_means"):
                rows.append(_row(field, margin.name, number, _achieved(field, law)))
        if isinstance(margin, NominalMargin):
            rows += _group_rows(margin, copula)
    rows += _pair_rows(card, copula)
    frame = pd.DataFrame(rows)
    frame.insert(7, "error", frame["achieved"] - frame["asked"])
    return frame


def _row(what: str, of: str, number: Number, achieved: float) -> dict[str, object]:
    return {
        "what": what,
        "of": of,
        "asked": number.value,
        "attainable_low": _NOT_A_NUMBER,
        "attainable_high": _NOT_A_NUMBER,
        "latent": _NOT_A_NUMBER,
        "achieved": achieved,
        "moved": 0.0,
        "evidence": number.evidence,
        "source": number.source,
    }


def _group_rows(margin: NominalMargin, copula: Copula) -> list[dict[str, object]]:
    return [
        _row("group mean", f"{group.of} in {category}", number, float(achieved))
        for group in margin.group_means
        for category, number, achieved in zip(
            margin.categories, group.means, copula.group_means[margin.name, group.of], strict=True
        )
    ]


def _pair_rows(card: CohortCard, copula: Copula) -> list[dict[str, object]]:
    rows = []
    for entry in card.correlations:
        pair = copula.pairs[entry.between]
        pearson = entry.measure in ("pearson", "point_biserial")
        row = _row(
            "correlation" if pearson else entry.measure.replace("_", " "),
            " – ".join(entry.between),
            entry,
            pair.achieved,
        )
        row |= {"attainable_low": pair.low, "attainable_high": pair.high, "latent": pair.latent}
        row["moved"] = copula.moves.get(entry.between, 0.0)
        rows.append(row)
    return rows


def _achieved(field: str, law: Law) -> float:
    if isinstance(law, NominalLaw):
        return category_shares(law.utilities)[_position(field)]
    if field in _QUARTILES:
        return float(law.from_latent(np.array([special.ndtri(_QUARTILES[field])]))[0])
    z, weights = latent_grid(law.cuts)
    values = law.from_latent(z)
    mean = float(weights @ values)
    if field in ("mean", "probability"):
        return mean
    if field == "zeros":
        return float(weights[values == 0].sum())
    if field == "sd":
        return float((weights @ (values - mean) ** 2) ** 0.5)
    if field in ("lower", "upper"):
        return float(getattr(law, field))
    level = sorted(set(values.tolist()))[_position(field)]
    return float(weights @ (values == level))


def _position(field: str) -> int:
    return int(field.removeprefix("probabilities[").removesuffix("]"))

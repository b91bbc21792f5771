"""The certificate of a card: what was asked, what can be had, what comes out."""

from __future__ import annotations

import pandas as pd

from trialsim.population.card import CohortCard, Number
from trialsim.population.dependence import solve_copula
from trialsim.population.hermite import latent_grid
from trialsim.population.laws import Law


def check_card(card: CohortCard) -> pd.DataFrame:
    """Return the certificate of a card.

    Parameters
    ----------
    card : CohortCard
        The card.

    Returns
    -------
    DataFrame
        One row a number: ``what`` (mean, sd, probability or correlation), ``of``, ``asked``,
        ``attainable_low`` and ``attainable_high`` (correlations, given the margins), ``latent`` (the
        correlation of the latent normals), ``achieved`` (by quadrature over the law that is drawn
        from), ``error`` (achieved minus asked), ``evidence`` and ``source``.

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
            rows.append(_margin_row(margin.name, field, number, law))
    for entry in card.correlations:
        pair = copula.pairs[entry.between]
        rows.append(
            {
                "what": "correlation",
                "of": " – ".join(entry.between),
                "asked": pair.asked,
                "attainable_low": pair.low,
                "attainable_high": pair.high,
                "latent": pair.latent,
                "achieved": pair.achieved,
                "evidence": entry.evidence,
                "source": entry.source,
            }
        )
    frame = pd.DataFrame(rows)
    frame.insert(7, "error", frame["achieved"] - frame["asked"])
    return frame


def _margin_row(name: str, field: str, number: Number, law: Law) -> dict[str, object]:
    return {
        "what": field,
        "of": name,
        "asked": number.value,
        "attainable_low": float("nan"),
        "attainable_high": float("nan"),
        "latent": float("nan"),
        "achieved": _achieved(field, number, law),
        "evidence": number.evidence,
        "source": number.source,
    }


def _achieved(field: str, number: Number, law: Law) -> float:
    z, weights = latent_grid(law.cuts)
    values = law.from_latent(z)
    mean = float(weights @ values)
    if field in ("mean", "probability"):
        return mean
    if field == "sd":
        return float((weights @ (values - mean) ** 2) ** 0.5)
    if field in ("lower", "upper"):
        return float(getattr(law, field))
    level = sorted(set(values.tolist()))[int(field.removeprefix("probabilities[").removesuffix("]"))]
    return float(weights @ (values == level))

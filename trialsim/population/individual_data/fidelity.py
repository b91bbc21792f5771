"""How like synthetic participants are to real ones: margins, pairs, all at once, and in every subgroup.

| measure | definition | best |
| --- | --- | --- |
| ks_complement | 1 − sup |F − G| | 1 |
| tv_complement | 1 − ½ Σ |p − q| | 1 |
| correlation_similarity | 1 − |ρ_r − ρ_s| / 2 | 1 |
| contingency_similarity | 1 − ½ ΣΣ |p − q| of two categorical covariates | 1 |
| pmse | Σ (p̂ − c)² / N of a logistic propensity, c the synthetic share | 0 |
| pmse_ratio | pMSE over df · c(1 − c)² / N, its expectation if the synthetic follow the real | 1 |

Definitions of the first four as in SDMetrics 0.32, of the last two as in Snoke et al. 2018, whose
expectation takes the real participants as given: two independent samples of one population have a ratio
of 1/(1 − c). The report takes as many synthetic as real participants, where that is 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from trialsim.data import Bools, Covariates, Floats
from trialsim.errors import InputError
from trialsim.population.cards.targets import in_group
from trialsim.protocol.eligibility import Criterion

_MOST_CATEGORIES = 10
_NEWTON_STEPS = 50
_RIDGE = 1e-9
_FEWEST = 20


def ks_complement(real: Floats, synthetic: Floats) -> float:
    """Return 1 minus the largest distance of the two distribution functions; NaN is left out.

    Examples
    --------
    >>> ks_complement(np.arange(10.0), np.arange(10.0))
    1.0
    """
    a, b = np.sort(_present(real)), np.sort(_present(synthetic))
    both = np.concatenate([a, b])
    first = np.searchsorted(a, both, side="right") / len(a)
    second = np.searchsorted(b, both, side="right") / len(b)
    return float(1.0 - np.abs(first - second).max())


def tv_complement(real: Floats, synthetic: Floats) -> float:
    """Return 1 minus the total variation distance of two categorical samples; NaN is left out."""
    a, b = _present(real), _present(synthetic)
    levels = np.union1d(a, b)
    distance = sum(abs(float((a == level).mean()) - float((b == level).mean())) for level in levels)
    return 1.0 - distance / 2


def correlation_similarity(real: Floats, synthetic: Floats) -> float:
    """Return 1 − |ρ_r − ρ_s| / 2 of two columns (N, 2) each; incomplete rows are left out."""
    correlations = []
    for pair in (real, synthetic):
        kept = pair[~np.isnan(pair).any(axis=1)]
        if kept.std(axis=0).min() == 0:
            return float("nan")
        correlations.append(float(np.asarray(np.corrcoef(kept.T))[0, 1]))
    return float(1.0 - abs(correlations[0] - correlations[1]) / 2)


def contingency_similarity(real: Floats, synthetic: Floats) -> float:
    """Return 1 minus the total variation distance of two two-way tables, of columns (N, 2) each."""
    a, b = (pair[~np.isnan(pair).any(axis=1)] for pair in (real, synthetic))
    cells = np.unique(np.concatenate([a, b]), axis=0)
    distance = sum(
        abs(float((a == cell).all(axis=1).mean()) - float((b == cell).all(axis=1).mean())) for cell in cells
    )
    return 1.0 - distance / 2


def propensity_mse(real: Floats, synthetic: Floats, pairs: bool = True) -> tuple[float, float]:
    """Return pMSE and its ratio to what one population would give.

    The propensity is logistic in the standardised covariates, their squares where they take more than
    two values, and, if `pairs`, their products. Incomplete rows are left out.

    Parameters
    ----------
    real, synthetic : ndarray (N, P)
        Participants.
    pairs : bool
        Whether products of covariates belong to the model.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> pmse, ratio = propensity_mse(rng.normal(size=(4000, 3)), rng.normal(size=(4000, 3)))
    >>> bool(0.5 < ratio < 5)
    True
    """
    first, second = (values[~np.isnan(values).any(axis=1)] for values in (real, synthetic))
    stacked = np.concatenate([first, second])
    labels = np.concatenate([np.zeros(len(first)), np.ones(len(second))])
    design = _design(stacked, pairs)
    share = float(labels.mean())
    fitted = _logistic(design, labels)
    pmse = float(np.mean((fitted - share) ** 2))
    df = np.linalg.matrix_rank(design) - 1
    return pmse, pmse / (df * share * (1 - share) ** 2 / len(labels))


def fidelity_report(
    real: Covariates, synthetic: Covariates, subgroups: Sequence[Criterion] = ()
) -> pd.DataFrame:
    """Return every measure, over everybody and in each subgroup and its complement.

    Parameters
    ----------
    real, synthetic : Covariates
        The same covariates, in any order; NaN where missing.
    subgroups : sequence of Criterion
        Groups to look at by themselves.

    Returns
    -------
    DataFrame
        ``group``, ``measure``, ``of``, ``value``, ``real_n``, ``synthetic_n``. A group with fewer than 20
        members on either side is listed with a value of NaN.

    Raises
    ------
    InputError
        If the covariates differ.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> a = Covariates(("x", "y"), rng.normal(size=(500, 2)))
    >>> b = Covariates(("x", "y"), rng.normal(size=(500, 2)))
    >>> frame = fidelity_report(a, b, [Criterion(covariate="x", at_least=0.0)])
    >>> sorted(set(frame["group"]))
    ['everybody', 'not: x at least 0', 'x at least 0']
    """
    if set(real.names) != set(synthetic.names):
        raise InputError(
            "real and synthetic participants differ in their covariates",
            value=", ".join(sorted(set(real.names) ^ set(synthetic.names))),
            mend="give the same columns",
        )
    synthetic = synthetic.select(real.names)
    rows = _group_rows("everybody", real, synthetic)
    for criterion in subgroups:
        inside = in_group((criterion,), real), in_group((criterion,), synthetic)
        known = _known(criterion, real), _known(criterion, synthetic)
        rows += _group_rows(criterion.words(), real.take(inside[0]), synthetic.take(inside[1]))
        outside = real.take(~inside[0] & known[0]), synthetic.take(~inside[1] & known[1])
        rows += _group_rows(f"not: {criterion.words()}", *outside)
    return pd.DataFrame(rows)


def minimum_by_measure(report: pd.DataFrame) -> pd.DataFrame:
    """Return the worst value of each measure and where it lies: the number to quote.

    Parameters
    ----------
    report : DataFrame
        What `fidelity_report` returns.

    Returns
    -------
    DataFrame
        A row a measure: its worst value, where it lies, and its value for everybody.

    Examples
    --------
    >>> report = pd.DataFrame({"measure": ["ks", "ks"], "group": ["everybody", "women"], "of": ["age", "age"],
    ...                        "value": [0.97, 0.9]})
    >>> minimum_by_measure(report)["worst"].tolist()
    [0.9]
    """
    worst = []
    for measure, rows in report.dropna(subset=["value"]).groupby("measure", sort=False):
        values = rows["value"].to_numpy()
        at = int(values.argmax() if str(measure).startswith("pmse") else values.argmin())
        everybody = rows.loc[rows["group"] == "everybody", "value"]
        worst.append(
            {
                "measure": measure,
                "mean_over_everybody": float(everybody.mean()),
                "worst": float(values[at]),
                "of": rows["of"].iloc[at],
                "group": rows["group"].iloc[at],
            }
        )
    return pd.DataFrame(worst)


def is_categorical(values: Floats) -> bool:
    """Return whether a column takes at most ten values."""
    return len(np.unique(_present(values))) <= _MOST_CATEGORIES


def _group_rows(group: str, real: Covariates, synthetic: Covariates) -> list[dict[str, object]]:
    sizes = {"real_n": len(real), "synthetic_n": len(synthetic)}
    if min(len(real), len(synthetic)) < _FEWEST:
        return [{"group": group, "measure": "all", "of": "too few", "value": float("nan"), **sizes}]
    rows: list[dict[str, object]] = []

    def add(measure: str, of: str, value: float) -> None:
        rows.append({"group": group, "measure": measure, "of": of, "value": value, **sizes})

    categorical = {name: is_categorical(real.column(name)) for name in real.names}
    for name in real.names:
        x, y = real.column(name), synthetic.column(name)
        if categorical[name]:
            add("tv_complement", name, tv_complement(x, y))
        else:
            add("ks_complement", name, ks_complement(x, y))
    for first, second in combinations(real.names, 2):
        pair = [people.select([first, second]).values for people in (real, synthetic)]
        of = f"{first} – {second}"
        if categorical[first] and categorical[second]:
            add("contingency_similarity", of, contingency_similarity(*pair))
        else:
            add("correlation_similarity", of, correlation_similarity(*pair))
    pmse, ratio = propensity_mse(real.values, synthetic.values[: len(real)])
    add("pmse", "all covariates", pmse)
    add("pmse_ratio", "all covariates", ratio)
    return rows


def _known(criterion: Criterion, people: Covariates) -> Bools:
    return np.asarray(~np.isnan(people.column(criterion.covariate)))


def _present(values: Floats) -> Floats:
    return np.asarray(values[~np.isnan(values)])


def _design(values: Floats, pairs: bool) -> Floats:
    spread = values.std(axis=0)
    standard = (values[:, spread > 0] - values[:, spread > 0].mean(axis=0)) / spread[spread > 0]
    columns = [np.ones(len(values)), *standard.T]
    columns += [x * x for x in standard.T if len(np.unique(x)) > 2]
    if pairs:
        columns += [a * b for a, b in combinations(standard.T, 2)]
    return np.column_stack(columns)


def _logistic(design: Floats, labels: Floats) -> Floats:
    """Return fitted probabilities by Newton steps; a ridge of 1e-9 keeps separated groups finite."""
    coefficients = np.zeros(design.shape[1])
    for _ in range(_NEWTON_STEPS):
        fitted = 1 / (1 + np.exp(-np.clip(design @ coefficients, -35, 35)))
        information = design.T @ (design * (fitted * (1 - fitted))[:, None])
        information += _RIDGE * len(labels) * np.eye(len(information))
        step = np.linalg.solve(
            information, design.T @ (labels - fitted) - _RIDGE * len(labels) * coefficients
        )
        coefficients += step
        if np.abs(step).max() < 1e-10:
            break
    return np.asarray(1 / (1 + np.exp(-np.clip(design @ coefficients, -35, 35))))

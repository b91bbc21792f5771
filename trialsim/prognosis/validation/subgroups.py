"""Calibration and discrimination of out-of-fold twins by subgroup; small subgroups are not shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from trialsim.data import Covariates, Floats, History
from trialsim.errors import HistoryError
from trialsim.prognosis.validation.longitudinal import CrossValidation

SMALLEST_CELL = 11
FEWEST_LEVELS = 2
_LEVEL = 0.9


def default_subgroups(history: History) -> dict[str, np.ndarray]:
    """Return labels (N,) by name: each covariate and the baseline, by its levels or by its halves.

    A covariate with two values is parted by them, any other at its median; who lacks it is "missing".

    Parameters
    ----------
    history : History
        N participants.

    Returns
    -------
    dict of str to ndarray of str (N,)
        Labels of each grouping.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, History
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> history = History("score", "example", True, people, np.array([12.0, 24.0]), rng.normal(20, 3, 60),
    ...                   rng.normal(22, 4, (60, 2)), np.zeros(60, dtype=int))
    >>> list(default_subgroups(history))
    ['age', 'severity at baseline']
    """
    return covariate_subgroups(history.covariates) | {"severity at baseline": _halves(history.baseline)}


def covariate_subgroups(covariates: Covariates) -> dict[str, np.ndarray]:
    """Return labels (N,) by name of each covariate, by its levels or by its halves.

    Parameters
    ----------
    covariates : Covariates
        N participants.

    Returns
    -------
    dict of str to ndarray of str (N,)
        A covariate with two values is parted by them, any other at its median.

    Examples
    --------
    >>> covariate_subgroups(Covariates(("female",), np.array([[0.0], [1.0]])))
    {'female': array(['= 0', '= 1'], dtype='<U7')}
    """
    return {name: _halves(covariates.column(name)) for name in covariates.names}


def _halves(values: Floats) -> np.ndarray:
    seen = values[np.isfinite(values)]
    levels = np.unique(seen)
    if levels.size <= FEWEST_LEVELS:
        labels = np.array([f"= {value:g}" for value in np.nan_to_num(values)])
    else:
        labels = np.where(values < np.median(seen), "lower half", "upper half")
    return np.where(np.isfinite(values), labels, "missing")


def calibrate_subgroups(
    cv: CrossValidation, subgroups: Mapping[str, np.ndarray], visit: int = -1
) -> pd.DataFrame:
    """Return how good the twins are in each subgroup, at one visit.

    Parameters
    ----------
    cv : CrossValidation
        Out-of-fold twins; part by study, site or period (`by_group`) to judge places never seen.
    subgroups : mapping of str to ndarray (N of the history,)
        Labels of all participants of the history, by name of the grouping.
    visit : int
        Position of the visit.

    Returns
    -------
    DataFrame
        grouping, subgroup, participants, bias and its standard error, intercept and slope of the
        observed on the predicted change, concordance (share of pairs whose changes the twins order rightly,
        .5 by chance) and coverage of the central 90 % interval. Subgroups of fewer than 11
        participants have no row of numbers and no count: ``shown`` is False; see `withheld`.

    Raises
    ------
    HistoryError
        Labels for fewer participants than the history has, or no subgroups.

    Examples
    --------
    >>> from trialsim.prognosis.validation.longitudinal import CrossValidation
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> score, none = rng.normal(0.0, 1.0, (90, 1)), np.zeros(90, dtype=int)
    >>> truth = score + rng.normal(0.0, 1.0, (90, 1))
    >>> cv = CrossValidation(
    ...     weeks=np.array([24.0]), rows=np.arange(90), fold=none, baseline=np.zeros(90), outcomes=truth,
    ...     score=score, sd=np.ones((90, 1)), pit=rng.uniform(size=(90, 1)), max_rhat=np.ones(1),
    ...     min_ess=np.full(1, 400.0), fits=np.ones(1),
    ... )
    >>> calibrate_subgroups(cv, {"half": np.repeat(["first", "second"], 45)}).shape[0]
    2
    """
    outcome, score = cv.outcomes[:, visit], cv.score[:, visit]
    seen = np.isfinite(outcome)
    rows = []
    for name, labels in subgroups.items():
        if len(labels) <= cv.rows.max():
            raise HistoryError(
                f"has {len(labels)} labels for the {cv.rows.max() + 1} participants of the history or more",
                field=name,
                mend="give one label a participant of the history, also of those who were left out",
            )
        of_judged = np.asarray(labels)[cv.rows]
        levels = np.unique(of_judged)
        hidden = withheld([int((seen & (of_judged == label)).sum()) for label in levels])
        for label, small in zip(levels, hidden, strict=True):
            which = seen & (of_judged == label)
            row: dict[str, object] = {"grouping": name, "subgroup": str(label), "shown": not small}
            if not small:
                row |= _measure(
                    outcome[which] - cv.baseline[which],
                    score[which] - cv.baseline[which],
                    cv.pit[which, visit],
                )
            rows.append(row)
    if not rows:
        raise HistoryError("no subgroups are given", field="subgroups", mend="name at least one")
    return pd.DataFrame(rows)


# Of these the least is the worst; of the others what lies farthest from what it should be.
_THE_MORE_THE_BETTER = ("discrimination", "concordance", "rank_correlation", "deviance_explained")
_SHOULD_BE = {"bias": 0.0, "intercept": 0.0, "slope": 1.0, "observed_to_expected": 1.0}


def worst_subgroups(table: pd.DataFrame) -> pd.DataFrame:
    """Return the worst subgroup by each measure: whom the twins serve least.

    Parameters
    ----------
    table : DataFrame
        Of `calibrate_subgroups`, or of `OutcomeValidation.by_subgroup`.

    Returns
    -------
    DataFrame
        ``measure``, ``worst``, ``grouping``, ``subgroup``, ``participants``, and the ``median`` over all that
        are shown. Coverage and discrimination are worst where they are least; bias, intercept, slope and
        observed to expected where they are farthest from 0, 0, 1 and 1, ratios on their logarithm. No rows if
        nothing is shown.

    Examples
    --------
    >>> table = pd.DataFrame({"grouping": "race", "subgroup": ["a", "b"], "shown": True,
    ...                       "participants": [90, 30], "bias": [0.2, -0.9], "coverage_90": [0.91, 0.93]})
    >>> worst_subgroups(table)[["measure", "worst", "subgroup"]].to_numpy().tolist()
    [['bias', -0.9, 'b'], ['coverage_90', 0.91, 'a']]
    """
    shown = table[table["shown"].astype(bool)]
    rows = []
    for name in shown.columns if len(shown) else ():
        values = shown[name]
        if name in _SHOULD_BE:
            ratio = name == "observed_to_expected"
            badness = np.abs(np.log(values.clip(lower=1e-9)) if ratio else values - _SHOULD_BE[name])
        elif name in _THE_MORE_THE_BETTER or name.startswith("coverage_"):
            badness = -values
        else:
            continue
        if badness.notna().any():
            worst = shown.loc[badness.idxmax()]
            rows.append(
                {
                    "measure": name, "worst": worst[name], "grouping": worst["grouping"],
                    "subgroup": worst["subgroup"], "participants": worst["participants"],
                    "median": values.median(),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def withheld(cells: Sequence[int]) -> list[bool]:
    """Return which subgroups of one grouping are not shown.

    Cells below 11 are withheld, and then the smallest others as well until at least two cells and 11
    members are: the total is printed elsewhere, so a cell that is withheld alone is known by subtraction.

    Examples
    --------
    >>> withheld([57, 8]), withheld([57, 8, 30]), withheld([40, 5, 6, 30]), withheld([20, 30])
    ([True, True], [False, True, True], [False, True, True, False], [False, False])
    """
    hidden = [cell < SMALLEST_CELL for cell in cells]
    for position in np.argsort(cells, kind="stable"):
        held = [cell for cell, small in zip(cells, hidden, strict=True) if small]
        if not held or (len(held) > 1 and sum(held) >= SMALLEST_CELL):
            break
        hidden[position] = True
    return hidden


def _measure(change: Floats, predicted: Floats, pit: Floats) -> dict[str, float]:
    missed = change - predicted
    slope = float("nan")
    if np.ptp(predicted) > 0:
        centred = predicted - predicted.mean()
        slope = float(centred @ change / (centred @ centred))
    return {
        "participants": len(change),
        "bias": float(missed.mean()),
        "bias_se": float(missed.std(ddof=1) / np.sqrt(len(change))),
        "intercept": float(change.mean() - slope * predicted.mean()),
        "slope": slope,
        "concordance": concordance(predicted, change),
        "coverage_90": float((np.abs(pit - 0.5) <= _LEVEL / 2).mean()),
    }


def concordance(predicted: Floats, observed: Floats) -> float:
    """Return the share of pairs with different observations that a prediction orders rightly; ties half.

    Examples
    --------
    >>> concordance(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))
    0.666...
    """
    above = np.sign(predicted[:, None] - predicted) * np.sign(observed[:, None] - observed)
    differ = np.sign(observed[:, None] - observed) != 0
    if not differ.any():
        return float("nan")
    return float((above[differ].mean() + 1) / 2)

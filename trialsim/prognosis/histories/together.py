"""Several columns that together give the outcome away, where none of them does alone.

A response that is made of two later values, a date of death beside a date of entry: each column alone looks
like a strong covariate, a line of both is the outcome. What is known at baseline never says so much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from trialsim.data import Bools, Floats, History, OutcomeHistory
from trialsim.errors import HistoryError

# Share of what is left by the baseline, and concordance of unseen pairs, that no honest columns reach.
LEAK_SHARE = 0.98
LEAK_CONCORDANCE = 0.995
_SEEN = 0.8
_FEWEST = 20
_FEWEST_OF_A_KIND = 10
_ENOUGH_OF_A_KIND = 30
_FOLDS = 5
_PENALTY = 0.01
_LIGHTEST = 1e-4
_MOST_FOR_PAIRS = 1000
_STEPS = 60
_INNER = (0.05, 0.95)

Told = Callable[[Floats], float]


def require_no_joint_leak(history: History) -> None:
    """Raise if two covariates or more are together the change at a visit.

    At ``LEAK_SHARE`` or more of the variance of the change that the baseline leaves, each participant
    predicted without itself (leave-one-out least squares), among all and without the twentieth at either end.

    Raises
    ------
    HistoryError
        Names the fewest covariates that tell as much, and the visit.
    """
    for visit, week in enumerate(history.weeks):
        change = history.outcomes[:, visit] - history.baseline

        def share(columns: Floats, change: Floats = change) -> float:
            return _share_told(change, columns, history.baseline[:, None])

        _refuse_together(history.covariates.names, history.covariates.values, share, LEAK_SHARE,
                         f"are the change at week {week:g}")  # fmt: skip


def require_no_joint_leak_of_outcome(history: OutcomeHistory) -> None:
    """Raise if two covariates or more are together the outcome of a history of one outcome a participant.

    A response, more than a level, an event: ridge logistic regression orders ``LEAK_CONCORDANCE`` of the
    pairs that it has not seen (five folds), all of them where the rarer kind is under 30; or a line of two
    columns parts up to a thousand participants without a fault. A count, its rate, or the time of those with
    an event: as in `require_no_joint_leak`, for a count given the follow-up.

    Raises
    ------
    HistoryError
        Names the fewest covariates that tell as much.
    """
    names, values = history.covariates.names, history.covariates.values
    outcome, time = history.outcome, history.time
    if history.family == "count":
        for what, y, given in (
            ("count", outcome, time[:, None]),
            ("rate", outcome / time, np.empty((len(time), 0))),
        ):
            _refuse_together(names, values, lambda x, y=y, g=given: _share_told(y, x, g), LEAK_SHARE,  # type: ignore[misc]  # bound at once
                             f"are the {what}")  # fmt: skip
        return
    for cut in range(int(outcome.max())):
        above: Bools = np.asarray(outcome > cut)
        _refuse_a_pair(names, values, above)
        _refuse_together(names, values, lambda x, y=above: _concordance_told(y, x), LEAK_CONCORDANCE,  # type: ignore[misc]  # bound at once
                         "part the outcomes nearly without a fault")  # fmt: skip
    if history.family not in ("binary", "ordinal"):
        when = np.where(outcome > 0, time, np.nan)
        none = np.empty((len(time), 0))
        _refuse_together(names, values, lambda x: _share_told(when, x, none), LEAK_SHARE,
                         "are the time of the event")  # fmt: skip


def _refuse_a_pair(names: tuple[str, ...], values: Floats, above: Bools) -> None:
    """Raise if a line of two columns parts the participants, at least ten of either kind."""
    for one, other in combinations(range(len(names)), 2):
        x = values[:, [one, other]]
        kept = np.isfinite(x).all(axis=1)
        y = above[kept]
        if min(y.sum(), (~y).sum()) < _FEWEST_OF_A_KIND or len(y) > _MOST_FOR_PAIRS:
            continue
        score = _ridge_logistic(y, x[kept], x[kept], _LIGHTEST)
        if score[y].min() > score[~y].max():
            raise _together((names[one], names[other]), "part the outcomes without a fault")


def _refuse_together(names: tuple[str, ...], values: Floats, told: Told, limit: float, what: str) -> None:
    """Raise if columns tell as much as the limit, naming as few of them as do."""
    seen = np.isfinite(values)
    kept = [k for k in range(len(names)) if seen[:, k].mean() >= _SEEN]
    if len(kept) < 2 or told(values[:, kept]) < limit:
        return
    for k in list(kept):
        fewer = [one for one in kept if one != k]
        if fewer and told(values[:, fewer]) >= limit:
            kept = fewer
    raise _together([names[k] for k in kept], what)


def _together(names: Sequence[str], what: str) -> HistoryError:
    known = "only what is known later tells so much"
    return HistoryError(
        f"covariates {what}: {known}" if len(names) == 1 else f"covariates {what}, taken together: {known}",
        field=", ".join(names),
        mend="leave out what is known only after baseline, or made of it",
    )


def _share_told(outcome: Floats, columns: Floats, given: Floats) -> float:
    """Return the share of what `given` leaves that columns tell, among all and the inner, if smaller."""
    kept = np.isfinite(np.column_stack([outcome, columns, given])).all(axis=1)
    if kept.sum() < _FEWEST + 3 * (columns.shape[1] + given.shape[1]):
        return 0.0
    low, high = np.quantile(outcome[kept], _INNER)
    inner: Bools = kept & (outcome >= low) & (outcome <= high)
    return min(_left_out_share(outcome[some], columns[some], given[some]) for some in (kept, inner))


def _left_out_share(y: Floats, columns: Floats, given: Floats) -> float:
    without, beside = _press(y, given), _press(y, np.column_stack([given, columns]))
    return 1 - beside / without if without > 0 else 0.0


def _press(y: Floats, columns: Floats) -> float:
    """Return the sum of squared leave-one-out residuals of least squares with an intercept."""
    spread = columns.std(axis=0)
    x = np.column_stack([np.ones(len(y)), (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1)])
    q, r = np.linalg.qr(x)
    q = q[:, np.abs(np.diag(r)) > 1e-9 * np.abs(r).max()]
    leverage = (q**2).sum(axis=1)
    return float((((y - q @ (q.T @ y)) / np.maximum(1 - leverage, 1e-10)) ** 2).sum())


def _concordance_told(above: Bools, columns: Floats) -> float:
    """Return the share of unseen pairs of either kind that a line of the columns orders."""
    kept = np.isfinite(columns).all(axis=1)
    y, x = above[kept], columns[kept]
    rarer = min(y.sum(), (~y).sum())
    if rarer < _FEWEST_OF_A_KIND:
        return 0.0
    fold = np.empty(len(y), dtype=np.int64)
    for kind in (y, ~y):
        fold[kind] = np.arange(kind.sum()) % _FOLDS
    right = pairs = 0.0
    for k in range(_FOLDS):
        score = _ridge_logistic(y[fold != k], x[fold != k], x[fold == k])
        yes, no = score[y[fold == k]], np.sort(score[~y[fold == k]])
        right += float((np.searchsorted(no, yes, "left") + np.searchsorted(no, yes, "right")).sum()) / 2
        pairs += len(yes) * len(no)
    # Among few, chance alone orders nearly all pairs of a good honest score.
    return right / pairs if rarer >= _ENOUGH_OF_A_KIND or right == pairs else 0.0


def _ridge_logistic(y: Bools, x: Floats, unseen: Floats, weight_of_prior: float = _PENALTY) -> Floats:
    """Return linear predictors of the unseen by Newton steps with a light penalty."""
    centre, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(len(x)), (x - centre) / spread])
    penalty = np.diag([0.0, *np.full(x.shape[1], weight_of_prior)])
    b = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ b, -30, 30)))
        gradient = design.T @ (y - p) - penalty @ b
        weight = np.maximum(p * (1 - p), 1e-8)
        step = np.linalg.solve(design.T @ (design * weight[:, None]) + penalty, gradient)
        b += step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-6:
            break
    return np.asarray((unseen - centre) / spread @ b[1:])

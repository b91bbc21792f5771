"""How good twins of responses and events are on studies, sites or participants never seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import chi2

from trialsim.data import Floats, Ints
from trialsim.errors import FitError, HistoryError
from trialsim.prognosis.fit.outcome_sampler import OutcomeSampler
from trialsim.prognosis.fit.sampler import FitSettings
from trialsim.prognosis.outcome_history import OutcomeHistory
from trialsim.prognosis.outcome_prognosis import fit_outcome
from trialsim.prognosis.subgroups import concordance, withheld
from trialsim.streams import stream

FOLD_SETTINGS = FitSettings(
    tune=500, draws=500, accept=0.95, max_rhat=1.03, min_ess=100.0, max_divergences=10
)
_STEPS = 50


@dataclass(frozen=True)
class OutcomeValidation:
    """Out-of-fold probabilities of N participants.

    Parameters
    ----------
    family : str
        Of the outcome.
    fold : ndarray of int (N,)
        Fold of each.
    event, time : ndarray (N,)
        As observed, time in weeks.
    score : ndarray (N,)
        Probability of the response, or of an event by the participant's own end of follow-up.
    risk : ndarray (N,)
        Probability of the response, or of an event by the median follow-up: what ranks participants.
    """

    family: str
    fold: Ints
    event: Floats
    time: Floats
    score: Floats
    risk: Floats

    def judge(self, which: np.ndarray | None = None) -> dict[str, float]:
        """Return the measures of some participants (all if not given).

        ``participants`` and ``events``; ``expected`` events and ``observed_to_expected`` with its exact
        95 % Poisson interval (for a time to an event the expectation is the cumulative hazard at the end of
        follow-up); ``discrimination``: area under the curve, or Harrell's C. For binary outcomes also the
        logistic calibration ``intercept`` and ``slope`` (0 and 1 where calibrated).
        """
        some = np.full(len(self.event), True) if which is None else np.asarray(which)
        event, score, risk, time = self.event[some], self.score[some], self.risk[some], self.time[some]
        expected = float(score.sum() if self.family == "binary" else -np.log1p(-score).sum())
        seen = float(event.sum())
        low = chi2.ppf(0.025, 2 * seen) / 2 if seen else 0.0
        found = {
            "participants": float(len(event)),
            "events": seen,
            "expected": expected,
            "observed_to_expected": seen / expected,
            "low_95": float(low) / expected,
            "high_95": float(chi2.ppf(0.975, 2 * seen + 2)) / 2 / expected,
        }
        if self.family == "binary":
            intercept, slope = _logistic_line(logit(np.clip(score, 1e-9, 1 - 1e-9)), event)
            return found | {
                "intercept": intercept,
                "slope": slope,
                "discrimination": concordance(risk, event),
            }
        return found | {"discrimination": harrell(risk, event, time)}

    def by_subgroup(self, subgroups: dict[str, np.ndarray]) -> pd.DataFrame:
        """Return `judge` of each subgroup; fewer than 11 events or non-events are not shown (`withheld`)."""
        rows = []
        for name, labels in subgroups.items():
            levels = np.unique(labels)
            parts = [np.asarray(labels) == label for label in levels]
            events = [int(self.event[which].sum()) for which in parts]
            cells = [min(seen, int(which.sum()) - seen) for seen, which in zip(events, parts, strict=True)]
            for label, which, small in zip(levels, parts, withheld(cells), strict=True):
                row: dict[str, object] = {"grouping": name, "subgroup": str(label), "shown": not small}
                rows.append(row | ({} if small else self.judge(which)))
        return pd.DataFrame(rows)


def validate_outcome(
    history: OutcomeHistory,
    settings: FitSettings = FOLD_SETTINGS,
    *,
    seed: int,
    folds: int = 10,
    by_group: bool = False,
    sampler: OutcomeSampler | None = None,
) -> OutcomeValidation:
    """Predict every participant by a fit to the others; arguments as in `cross_validate`.

    Raises
    ------
    HistoryError
        Nothing can be learnt, or there is nothing to part.
    FitError
        The fit of a fold did not pass its gate.
    """
    units = history.group if by_group else np.arange(len(history))
    labels, unit = np.unique(units, return_inverse=True)
    folds = min(folds, len(labels))
    if folds < 2:
        raise HistoryError(
            "there are fewer than two folds to part", field="folds", mend="give more groups or folds"
        )
    of_unit = np.empty(len(labels), dtype=np.int64)
    of_unit[stream(seed, "outcome", 0, "folds").permutation(len(labels))] = np.arange(len(labels)) % folds
    fold = of_unit[unit.ravel()]
    score, risk = np.empty((2, len(history)))
    sampler = sampler or OutcomeSampler()
    for k in range(folds):
        rows = np.flatnonzero(fold == k)
        try:
            fitted = fit_outcome(
                history.take(np.flatnonzero(fold != k)),
                seed=seed,
                settings=settings,
                sampler=sampler,
                block=k + 1,
            )
        except FitError as fault:
            raise FitError(f"fold {k + 1} of {folds}: {fault}") from fault
        them = history.take(rows)
        # Nothing was learnt beyond the fold's longest follow-up: later ends count as that.
        ends = np.minimum(them.time, fitted.unit)
        if history.family == "binary":
            score[rows] = risk[rows] = fitted.predict(them.covariates, [fitted.unit]).score[:, 0]
            continue
        weeks, where = np.unique(ends, return_inverse=True)
        score[rows] = fitted.predict(them.covariates, weeks).score[np.arange(len(rows)), where.ravel()]
        risk[rows] = fitted.predict(them.covariates, [float(np.median(ends))]).score[:, 0]
    return OutcomeValidation(history.family, fold, history.event, history.time, score, risk)


def harrell(risk: Floats, event: Floats, time: Floats) -> float:
    """Return Harrell's C: of pairs whose order is known, the share with the higher risk first; ties half.

    Examples
    --------
    >>> harrell(np.array([3.0, 2.0, 1.0]), np.array([1.0, 0.0, 1.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    """
    known = (event > 0)[:, None] & ((time[:, None] < time) | ((time[:, None] == time) & (event == 0)))
    if not known.any():
        return float("nan")
    return float((np.sign(risk[:, None] - risk)[known].mean() + 1) / 2)


def _logistic_line(x: Floats, y: Floats) -> tuple[float, float]:
    """Return intercept and slope of a logistic regression by Newton's method; NaN where it has none."""
    design = np.column_stack([np.ones_like(x), x])
    line = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        p = expit(design @ line)
        gradient = design.T @ (y - p)
        if np.abs(gradient).max() < 1e-9 * len(y):
            return float(line[0]), float(line[1])
        line = line + np.linalg.lstsq((design * (p * (1 - p))[:, None]).T @ design, gradient, rcond=None)[0]
    return float("nan"), float("nan")

"""Measures of predictions of one outcome a participant, family by family."""

from __future__ import annotations

import numpy as np
from scipy.special import logit, xlogy
from scipy.stats import beta, chi2, norm, spearmanr

from trialsim.data import Floats
from trialsim.errors import HistoryError
from trialsim.prognosis.validation.calibration_lines import Line, calibration_line
from trialsim.prognosis.validation.subgroups import concordance

EVENT_FAMILIES = ("weibull", "cure", "piecewise")
_TINY = 1e-9
_Z_95 = float(norm.ppf(0.975))


def measure(
    family: str, outcome: Floats, time: Floats, score: Floats, risk: Floats, exceedance: Floats
) -> dict[str, float]:
    """Return the measures of a family that `OutcomeValidation.judge` describes."""
    if family == "binary":
        return _binary(outcome, score)
    if family == "ordinal":
        return _ordinal(outcome, score, exceedance)
    if family == "count":
        return _count(outcome, time, score, risk)
    require_event_family(family)
    return _event(outcome, time, score, risk)


def require_event_family(family: str) -> None:
    """Raise if a family is none of a time to an event: it is then measured by no other's measures.

    Raises
    ------
    HistoryError
        Names the family.
    """
    if family not in EVENT_FAMILIES:
        raise HistoryError("has no measures", field="family", value=family)


def _binary(outcome: Floats, score: Floats) -> dict[str, float]:
    line = calibration_line(logit(np.clip(score, _TINY, 1 - _TINY)), outcome, "logit")
    return {
        **_responses(outcome, float(score.sum())),
        **vars(line),
        "discrimination": concordance(score, outcome),
    }


def _ordinal(outcome: Floats, score: Floats, exceedance: Floats) -> dict[str, float]:
    cuts = exceedance.shape[1]
    more = np.asarray(outcome[:, None] > np.arange(cuts), dtype=float)
    who = np.repeat(np.arange(len(outcome), dtype=float), cuts)
    predicted = logit(np.clip(exceedance, _TINY, 1 - _TINY)).ravel()
    line = calibration_line(predicted, more.ravel(), "logit", cluster=who)
    return {
        "mean_level": float(outcome.mean()),
        "expected_level": float(score.mean()),
        **vars(line),
        "discrimination": concordance(score, outcome),
    }


def _count(outcome: Floats, time: Floats, score: Floats, risk: Floats) -> dict[str, float]:
    expected, seen = float(score.sum()), float(outcome.sum())
    ratio = seen / expected
    error = float(np.sqrt(((outcome - ratio * score) ** 2).sum())) / max(seen, 1.0)
    one_rate = seen / time.sum() * time
    rate = outcome / time
    differ = np.ptp(risk) > 0 and np.ptp(rate) > 0
    return {
        "events": seen,
        "expected": expected,
        "observed_to_expected": ratio,
        "low_95": ratio * np.exp(-_Z_95 * error),
        "high_95": ratio * np.exp(_Z_95 * error),
        **vars(_rate_line(outcome, np.log(np.maximum(risk, _TINY)), score)),
        "discrimination": concordance(risk, rate),
        "rank_correlation": float(spearmanr(risk, rate).statistic) if differ else float("nan"),
        "deviance_explained": 1 - poisson_deviance(outcome, score) / poisson_deviance(outcome, one_rate),
    }


def _event(outcome: Floats, time: Floats, score: Floats, risk: Floats) -> dict[str, float]:
    cumulative = -np.log1p(-score)
    return {
        **_events(outcome, float(cumulative.sum())),
        **vars(_rate_line(outcome, log_cumulative_hazard(risk), cumulative)),
        "discrimination": harrell(risk, outcome, time),
    }


def _responses(outcome: Floats, expected: float) -> dict[str, float]:
    """Return observed to expected responses with the interval of Clopper and Pearson of their share.

    Exact where all have one probability, and wider than needed where they differ: the variance of the number
    of responses is then smaller than the binomial one (Hoeffding 1956).
    """
    n, seen = len(outcome), float(outcome.sum())
    low = float(beta.ppf(0.025, seen, n - seen + 1)) if seen else 0.0
    high = float(beta.ppf(0.975, seen + 1, n - seen)) if seen < n else 1.0
    return {
        "events": seen,
        "expected": expected,
        "observed_to_expected": seen / expected,
        "low_95": n * low / expected,
        "high_95": n * high / expected,
    }


def _events(outcome: Floats, expected: float) -> dict[str, float]:
    """Return observed to expected events with the exact Poisson interval."""
    seen = float(outcome.sum())
    low = float(chi2.ppf(0.025, 2 * seen)) / 2 if seen else 0.0
    return {
        "events": seen,
        "expected": expected,
        "observed_to_expected": seen / expected,
        "low_95": low / expected,
        "high_95": float(chi2.ppf(0.975, 2 * seen + 2)) / 2 / expected,
    }


def _rate_line(outcome: Floats, log_risk: Floats, expected: Floats) -> Line:
    """Return the Poisson line on centred log risk, such that 0 and 1 give back what was expected."""
    offset = np.log(np.maximum(expected, _TINY)) - log_risk
    centre = log_risk.mean()
    return calibration_line(log_risk - centre, outcome, "log", offset + centre)


def log_cumulative_hazard(probability: Floats) -> Floats:
    """Return log(-log(1 - p))."""
    return np.log(-np.log1p(-np.clip(probability, _TINY, 1 - _TINY)))


def poisson_deviance(outcome: Floats, mean: Floats) -> float:
    """Return 2 sum(y log(y / mu) - (y - mu)).

    Examples
    --------
    >>> poisson_deviance(np.array([0.0, 2.0]), np.array([0.0, 2.0]))
    0.0
    """
    safe = np.where(outcome > 0, mean, 1.0)
    return float(2 * (xlogy(outcome, outcome / safe) - (outcome - mean)).sum())


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


def derived_outcome(family: str, outcome: Floats, time: Floats, risk: Floats) -> tuple[Floats, Floats]:
    """Return the outcome (N,) that an adjusted comparison regresses, and the score to adjust by."""
    if family in ("binary", "ordinal"):
        return outcome, risk
    if family == "count":
        return outcome - outcome.sum() / time.sum() * time, risk
    require_event_family(family)
    return outcome - nelson_aalen(outcome, time), log_cumulative_hazard(risk)


def nelson_aalen(event: Floats, time: Floats) -> Floats:
    """Return the Nelson-Aalen cumulative hazard (N,) at each participant's own time.

    Examples
    --------
    >>> nelson_aalen(np.array([1.0, 0.0, 1.0]), np.array([1.0, 2.0, 3.0])).round(3).tolist()
    [0.333, 0.333, 1.333]
    """
    order = np.sort(time)
    at_risk = len(time) - np.searchsorted(order, time)
    each = event / at_risk
    by_time = np.argsort(time, kind="stable")
    total = np.cumsum(each[by_time])
    return np.asarray(total[np.searchsorted(order, time, side="right") - 1])

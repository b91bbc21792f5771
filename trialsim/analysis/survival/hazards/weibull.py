r"""Weibull regression by maximum likelihood, as accelerated failure time and as proportional hazards.

.. math:: \log T = μ + x'α + σ W, \qquad P(W > w) = e^{-e^w}; \qquad
          λ(t \mid x) = p\, t^{p-1} e^{-pμ} e^{x'β}, \quad p = 1/σ, \quad β = -p\,α

With z = (log t − μ − x'α)/σ the log likelihood is Σ δ (z − log σ − log t) − e^z, and with delayed entry
e^z is the increment since entry. Newton's method on (μ, α, log σ), from the exponential's closed form; the
errors are those of the observed information, and of β by the delta method. Kalbfleisch and Prentice (2002),
The Statistical Analysis of Failure Time Data, chapter 3; R's survreg.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from trialsim.analysis.one_trial.normal_estimates import normal_estimates
from trialsim.analysis.one_trial.printed import Facts, Tables, half_width, number, p_text
from trialsim.analysis.one_trial.tidy_frame import Columns, check_level, row_name
from trialsim.analysis.one_trial.two_arms import TwoArmResult
from trialsim.analysis.survival.frame import read_frame
from trialsim.data import Floats
from trialsim.errors import AnalysisError

_MOST_STEPS = 100
_MOST_HALVINGS = 40
_DECREMENT = 1e-20
_WIDEST = 20.0


@dataclass(frozen=True)
class WeibullFit:
    """The maximum of the likelihood: θ = (μ, α, log σ) with its covariance, and the log likelihood."""

    theta: Floats
    covariance: Floats
    log_likelihood: float


def weibull_likelihood(
    theta: Floats, time: Floats, event: Floats, entry: Floats | None, X: Floats
) -> tuple[float, Floats, Floats]:
    """Return log likelihood, gradient (K + 1,) and negative Hessian; X (N, K) with its intercept."""
    sigma = np.exp(theta[-1])
    y = np.log(time)
    z = (y - X @ theta[:-1]) / sigma
    grown = np.exp(np.minimum(z, 700.0))
    value = (event * (z - theta[-1] - y)).sum() - grown.sum()
    # First and second derivatives of one row's likelihood in z, then in (η, log σ): dz = −dη/σ − z d log σ.
    first, second = event - grown, -grown
    gradient = np.append(-(X.T @ first) / sigma, -(first * z + event).sum())
    cross = X.T @ (second * z + first) / sigma
    hessian = _bordered(X, second / sigma**2, cross, (second * z**2 + first * z).sum())
    if entry is not None:
        late = entry > 0
        z = (np.log(entry[late]) - X[late] @ theta[:-1]) / sigma
        grown = np.exp(np.minimum(z, 700.0))
        rows = X[late]
        value += grown.sum()
        gradient += np.append(-(rows.T @ grown) / sigma, -(grown * z).sum())
        cross = rows.T @ (grown * z + grown) / sigma
        hessian += _bordered(rows, grown / sigma**2, cross, (grown * z**2 + grown * z).sum())
    return float(value), gradient, -hessian


def _bordered(X: Floats, weight: Floats, cross: Floats, corner: float) -> Floats:
    """Return the Hessian from its blocks of coefficients and of log σ."""
    K = X.shape[1]
    found = np.empty((K + 1, K + 1))
    found[:K, :K] = (X * weight[:, None]).T @ X
    found[:K, K] = found[K, :K] = cross
    found[K, K] = corner
    return found


def fit_weibull(time: Floats, event: Floats, entry: Floats | None, X: Floats) -> WeibullFit | None:
    """Return the maximum, or None where the likelihood has none; X (N, K) with its intercept."""
    waited = time.sum() - (0.0 if entry is None else entry.sum())
    theta = np.zeros(X.shape[1] + 1)
    theta[0] = np.log(waited / event.sum())
    value, gradient, information = weibull_likelihood(theta, time, event, entry, X)
    for _ in range(_MOST_STEPS):
        values, vectors = np.linalg.eigh(information)
        curved = np.maximum(np.abs(values), 1e-10 * np.abs(values).max())
        step = vectors @ ((vectors.T @ gradient) / curved)
        if gradient @ step <= _DECREMENT * (1.0 + abs(value)):
            flat = values[0] <= 1e-10 * values[-1] or np.ptp(X @ theta[:-1]) > _WIDEST
            return None if flat else WeibullFit(theta, np.asarray(np.linalg.inv(information)), value)
        moved = max(abs(step[-1]), np.abs(X @ step[:-1]).max() / (5.0 * np.exp(theta[-1])))
        share = 1.0 / max(1.0, moved)
        for _ in range(_MOST_HALVINGS):
            new = weibull_likelihood(theta + share * step, time, event, entry, X)
            if new[0] >= value - 1e-13 * abs(value):
                break
            share *= 0.5
        theta = theta + share * step
        value, gradient, information = new
        if np.ptp(X @ theta[:-1]) > _WIDEST * np.exp(theta[-1]) + _WIDEST:
            return None
    return None


@dataclass(frozen=True, repr=False)
class WeibullResult(TwoArmResult):
    """A Weibull regression of one trial; the estimate is the log time ratio of the arm. See `TwoArmResult`.

    Parameters
    ----------
    names : tuple of str
        Of arm and covariates.
    theta, covariance : ndarray (K + 1,), (K + 1, K + 1)
        Intercept μ, α of arm and covariates, log σ; and their covariance.
    log_likelihood, null_log_likelihood : float
        At the estimate, and with an intercept alone.
    level : float
        Of the intervals.
    """

    names: tuple[str, ...]
    theta: Floats
    covariance: Floats
    log_likelihood: float
    null_log_likelihood: float
    level: float

    @property
    def shape(self) -> float:
        """Shape p = 1/σ: above 1 the hazard grows."""
        return float(np.exp(-self.theta[-1]))

    def time_ratios(self) -> pd.DataFrame:
        """Return the accelerated failure time form: one row a term, intercept and log scale included."""
        names = ("intercept", *self.names, "log(scale)")
        return self._table(names, self.theta, np.sqrt(self.covariance.diagonal()), "time_ratio")

    def hazard_ratios(self) -> pd.DataFrame:
        """Return the proportional hazards form of arm and covariates: β = −α/σ, by the delta method."""
        beta, covariance = self._hazards()
        return self._table(self.names, beta, np.sqrt(covariance.diagonal()), "hazard_ratio")

    def _hazards(self) -> tuple[Floats, Floats]:
        alpha = self.theta[1:-1]
        jacobian = np.zeros((len(alpha), len(self.theta)))
        jacobian[:, 1:-1] = -self.shape * np.eye(len(alpha))
        jacobian[:, -1] = self.shape * alpha
        return -self.shape * alpha, jacobian @ self.covariance @ jacobian.T

    def _table(self, names: tuple[str, ...], value: Floats, error: Floats, ratio: str) -> pd.DataFrame:
        width, statistic = half_width(self.level) * error, value / error
        return pd.DataFrame(
            {
                "term": names,
                "estimate": value,
                "standard_error": error,
                ratio: np.exp(value),
                "lower": np.exp(value - width),
                "upper": np.exp(value + width),
                "statistic": statistic,
                "p_value": 2.0 * special.ndtr(-np.abs(statistic)),
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the accelerated failure time form."""
        return self.time_ratios()

    def _title(self) -> str:
        return f"Weibull regression; {self.compared}"

    def _facts(self) -> Facts:
        ratio = 2.0 * (self.log_likelihood - self.null_log_likelihood)
        p_value = float(special.chdtrc(len(self.names), ratio))
        return {
            "shape": f"{number(self.shape)}, scale 1/shape {number(1 / self.shape)}",
            "likelihood ratio": f"chi-square {number(ratio)} on {len(self.names)} df, p {p_text(p_value)}",
            "intervals": f"{self.level:.0%}",
        }

    def _tables(self) -> Tables:
        return {
            "Accelerated failure time": self.time_ratios(),
            "Proportional hazards": self.hazard_ratios(),
        }


def weibull(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    arm: str,
    covariates: Columns | None = None,
    entry: str | None = None,
    control: object = None,
    active: object = None,
    level: float = 0.95,
) -> WeibullResult:
    """Estimate time ratio and hazard ratio of two arms by Weibull regression.

    Parameters
    ----------
    data, time, event, arm, entry, control, active, level
        As in `log_rank`; times must be above 0.
    covariates
        As in `cox`.

    Returns
    -------
    WeibullResult
        Prints both forms.

    Raises
    ------
    AnalysisError
        If the data cannot be read, a time is 0, a covariate is collinear (named), or the likelihood has no
        maximum, such as where an arm has no event.

    Examples
    --------
    >>> data = pd.DataFrame({"t": [1, 2, 3, 4, 2, 3, 4, 9], "e": 1, "arm": list("aaaabbbb")})
    >>> weibull(data, time="t", event="e", arm="arm").time_ratios().estimate.round(4).to_list()
    [1.0115, 0.6529, -0.7195]
    """
    frame = read_frame(
        data,
        time=time,
        event=event,
        arm=arm,
        covariates=covariates,
        control=control,
        active=active,
        entry=entry,
    )
    block = frame.block
    times, events = block.time[0], (block.event[0] == 1).astype(np.float64)
    if (times <= 0).any():
        raise AnalysisError(
            f"must be above 0, but is 0 in {row_name(times <= 0, frame.participants)}", field=time
        )
    entries = None if block.entry is None else block.entry[0]
    X = np.column_stack([np.ones(len(times)), block.arm[0], block.covariates[0]])
    fit, null = fit_weibull(times, events, entries, X), fit_weibull(times, events, entries, X[:, :1])
    if fit is None or null is None:
        raise AnalysisError("infinite_coefficient: the likelihood has no maximum", field=arm)
    error = np.sqrt(fit.covariance[1:2, 1])
    status = np.zeros(1, np.int8)
    return WeibullResult(
        estimates=normal_estimates("Weibull regression", fit.theta[1:2], error, status, ("ok",)),
        arms=frame.pair,
        names=(f"{arm}[{frame.pair[1]}]", *frame.covariates),
        theta=fit.theta,
        covariance=fit.covariance,
        log_likelihood=fit.log_likelihood,
        null_log_likelihood=null.log_likelihood,
        level=check_level(level),
    )

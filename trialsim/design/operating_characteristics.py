"""Operating characteristics from running sums, each with its Monte Carlo standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtri

from trialsim.data import Estimates
from trialsim.notebook import InNotebook


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927): (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n).

    Examples
    --------
    >>> low, high = wilson_interval(90, 100)
    >>> round(low, 4), round(high, 4)
    (0.8256, 0.9448)
    """
    z = -float(ndtri(0.025))
    share, scale = successes / n, 1 + z**2 / n
    centre = (share + z**2 / (2 * n)) / scale
    reach = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / scale
    return max(centre - reach, 0.0), min(centre + reach, 1.0)


@dataclass(frozen=True)
class Tally(InNotebook):
    """Running sums of one analysis over replicates; memory does not grow with their number.

    Sums are taken of deviations from the true effect, so that no digit is lost to cancellation.
    """

    replicates: int = 0
    fitted: int = 0
    rejected: int = 0
    covered: int = 0
    deviation: float = 0.0
    deviation_2: float = 0.0
    deviation_4: float = 0.0
    variance: float = 0.0
    variance_2: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        failures = dict(self.failures)
        for reason, count in other.failures.items():
            failures[reason] = failures.get(reason, 0) + count
        numbers = {
            name: getattr(self, name) + getattr(other, name)
            for name in self.__dataclass_fields__
            if name != "failures"
        }
        return Tally(**numbers, failures=failures)


def tally(estimates: Estimates, truth: float, alpha: float, half_width: np.ndarray) -> Tally:
    """Return the sums of a block of estimates.

    Parameters
    ----------
    estimates : Estimates
        R replicates of one analysis.
    truth : float
        True effect in this scenario.
    alpha : float
        Two-sided level of the test.
    half_width : ndarray (R,)
        Half width of the confidence interval of level 1 − alpha.

    Returns
    -------
    Tally
        Sums that add over blocks; bias and coverage are of the fits that succeeded.

    Examples
    --------
    >>> from trialsim.analysis.linear import fit_linear
    >>> arm = np.repeat([0, 1], 4)[None].repeat(2, axis=0)
    >>> estimates = fit_linear([[0.1, 0.9, 0.4, 0.6, 2.1, 2.9, 2.4, 2.6], [0, 1, 0, 1, 0, 1, 0, 1]], arm)
    >>> sums = tally(estimates, truth=2.0, alpha=0.05, half_width=np.full(2, 0.8))
    >>> sums.replicates, sums.rejected, sums.covered
    (2, 1, 1)
    """
    good = estimates.fitted
    deviation = estimates.estimate[good] - truth
    variance = estimates.standard_error[good] ** 2
    reasons, counts = np.unique(estimates.status[~good], return_counts=True)
    return Tally(
        replicates=len(estimates),
        fitted=int(good.sum()),
        rejected=int(estimates.rejects(alpha).sum()),
        covered=int((np.abs(deviation) <= half_width[good]).sum()),
        deviation=_sum(deviation),
        deviation_2=_sum(deviation**2),
        deviation_4=_sum(deviation**4),
        variance=_sum(variance),
        variance_2=_sum(variance**2),
        failures={estimates.reasons[r]: int(c) for r, c in zip(reasons, counts, strict=True)},
    )


def _sum(values: np.ndarray) -> float:
    # Exact, so that no order of adding matters; from a list, which takes half the time of an array.
    return math.fsum(values.tolist())


@dataclass(frozen=True)
class OperatingCharacteristics:
    """What an analysis does in a scenario, with Monte Carlo standard errors (`..._mcse`).

    Where a fit failed, the test that stands in decides, and without any test nothing is rejected. Bias and
    coverage are of the fits that succeeded, penalised ones among them; failures are listed.
    """

    scenario: str
    analysis: str
    truth: float
    counts: Tally

    @property
    def rejection_rate(self) -> float:
        """Power, or type I error where the true effect is 0."""
        return self.counts.rejected / self.counts.replicates

    @property
    def rejection_rate_mcse(self) -> float:
        """Monte Carlo standard error of the rejection rate, never 0."""
        return _proportion_error(self.counts.rejected, self.counts.replicates)

    @property
    def rejection_interval(self) -> tuple[float, float]:
        """Wilson 95 % interval of the rejection rate."""
        return wilson_interval(self.counts.rejected, self.counts.replicates)

    @property
    def bias(self) -> float:
        """Mean estimate minus the true effect."""
        return self.counts.deviation / self.counts.fitted

    @property
    def bias_mcse(self) -> float:
        """Monte Carlo standard error of the bias."""
        return self.empirical_se / math.sqrt(self.counts.fitted)

    @property
    def empirical_se(self) -> float:
        """Standard deviation of the estimates over replicates."""
        n = self.counts.fitted
        return math.sqrt((self.counts.deviation_2 - n * self.bias**2) / (n - 1))

    @property
    def empirical_se_mcse(self) -> float:
        """Monte Carlo standard error of the empirical standard error."""
        return self.empirical_se / math.sqrt(2 * (self.counts.fitted - 1))

    @property
    def mean_squared_error(self) -> float:
        """Mean squared deviation of the estimates from the true effect."""
        return self.counts.deviation_2 / self.counts.fitted

    @property
    def mean_squared_error_mcse(self) -> float:
        """Monte Carlo standard error of the mean squared error."""
        n = self.counts.fitted
        return math.sqrt(max(self.counts.deviation_4 / n - self.mean_squared_error**2, 0.0) / (n - 1))

    @property
    def root_mean_variance(self) -> float:
        """Root of the mean squared standard error; it should equal `empirical_se`."""
        return math.sqrt(self.counts.variance / self.counts.fitted)

    @property
    def root_mean_variance_mcse(self) -> float:
        """Monte Carlo standard error of the root mean variance, by the delta method."""
        n = self.counts.fitted
        spread = max(self.counts.variance_2 / n - self.root_mean_variance**4, 0.0)
        return math.sqrt(spread / (n - 1)) / (2 * self.root_mean_variance)

    @property
    def coverage(self) -> float:
        """Share of confidence intervals that hold the true effect."""
        return self.counts.covered / self.counts.fitted

    @property
    def coverage_mcse(self) -> float:
        """Monte Carlo standard error of the coverage, never 0."""
        return _proportion_error(self.counts.covered, self.counts.fitted)

    def to_row(self) -> dict[str, object]:
        """Return a flat row for a tidy table."""
        low, high = self.rejection_interval
        return {
            "scenario": self.scenario,
            "analysis": self.analysis,
            "true_effect": self.truth,
            "replicates": self.counts.replicates,
            "failed": self.counts.replicates - self.counts.fitted,
            "rejection_rate": self.rejection_rate,
            "rejection_rate_mcse": self.rejection_rate_mcse,
            "rejection_rate_low": low,
            "rejection_rate_high": high,
            "bias": self.bias,
            "bias_mcse": self.bias_mcse,
            "empirical_se": self.empirical_se,
            "empirical_se_mcse": self.empirical_se_mcse,
            "root_mean_variance": self.root_mean_variance,
            "root_mean_variance_mcse": self.root_mean_variance_mcse,
            "mean_squared_error": self.mean_squared_error,
            "mean_squared_error_mcse": self.mean_squared_error_mcse,
            "coverage": self.coverage,
            "coverage_mcse": self.coverage_mcse,
            "failures": "; ".join(f"{k}: {v}" for k, v in sorted(self.counts.failures.items())),
        }


def _proportion_error(successes: int, trials: int) -> float:
    """Return the standard error of a proportion, with half a success added at the edges 0 and 1."""
    rate = min(max(successes, 0.5), trials - 0.5) / trials
    return math.sqrt(rate * (1 - rate) / trials)

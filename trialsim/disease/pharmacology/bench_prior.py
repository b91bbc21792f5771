"""What a value from the bench, such as a chip or an enzyme in a dish, says about a dial in people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats
from trialsim.disease.evidence import Parameter
from trialsim.disease.inputs import require_option

_TABLE = "16 of 52 drug interactions predicted from enzymes: log (observed / predicted)"
BIAS = Parameter(0.04, "log ratio", "computed", f"Mean: {_TABLE}")
ERROR = Parameter(0.57, "log ratio", "computed", f"SD: {_TABLE}")
DRUGS = Parameter(16.0, "drugs", "computed", _TABLE)

_FARTHEST = 1e6


@dataclass(frozen=True)
class BenchPrior:
    """A normal distribution of the log of a dial, and of how far the bench is off on average.

    Parameters
    ----------
    mean, sd : float
        Of the log of the dial.
    bias, bias_sd : float
        Of log (people / bench) on average over drugs.
    error : float
        SD of a drug about that average.
    """

    mean: float
    sd: float
    bias: float
    bias_sd: float
    error: float

    def interval(self) -> tuple[float, float]:
        """Return the central 95 % interval of the dial itself."""
        low, high = np.exp(self.mean + 1.959964 * self.sd * np.array([-1.0, 1.0]))
        return float(low), float(high)

    def updated(self, log_estimate: float, standard_error: float) -> BenchPrior:
        """Return what a clinical estimate of the log of the dial leaves: it moves the dial and the bias.

        Both are normal, with covariance bias_sd², so that each moves by its share of the surprise.

        Raises
        ------
        InputError
            A standard error that is not above 0, or an estimate that is not finite.
        """
        estimate = require_option(log_estimate, "log_estimate", -_FARTHEST, _FARTHEST)
        error = require_option(standard_error, "standard_error", 1e-9, _FARTHEST)
        total, surprise = self.sd**2 + error**2, estimate - self.mean
        of_bias = self.bias_sd**2 / total
        return BenchPrior(
            self.mean + self.sd**2 / total * surprise,
            self.sd * error / float(np.sqrt(total)),
            self.bias + of_bias * surprise,
            float(np.sqrt(self.bias_sd**2 * (1 - of_bias))),
            self.error,
        )

    def draw(self, n: int, generator: np.random.Generator) -> Floats:
        """Return settings (n,) of the dial."""
        return np.asarray(np.exp(self.mean + self.sd * generator.standard_normal(n)))


def bench_prior(
    predicted: float, bias: float = BIAS, error: float = ERROR, drugs: float = DRUGS
) -> BenchPrior:
    """Return the prior of a dial for which the bench predicts a ratio.

        log dial ~ N(log predicted + bias, error² (1 + 1 / drugs))

    Parameters
    ----------
    predicted : float
        Ratio that the bench predicts, above 0.
    bias, error, drugs : float
        Mean and SD of log (people / bench) over reference drugs, and how many they are.

    Raises
    ------
    InputError
        A ratio or an error that is not above 0, or fewer than two drugs.

    Examples
    --------
    >>> [round(end, 2) for end in bench_prior(1.0).interval()]
    [0.33, 3.29]
    """
    ratio = require_option(predicted, "predicted", 1e-6, _FARTHEST)
    spread = require_option(error, "error", 1e-9, _FARTHEST)
    size = require_option(drugs, "drugs", 2.0, _FARTHEST)
    off = require_option(bias, "bias", -_FARTHEST, _FARTHEST)
    return BenchPrior(
        float(np.log(ratio)) + off,
        spread * float(np.sqrt(1 + 1 / size)),
        off,
        spread / float(np.sqrt(size)),
        spread,
    )

"""What stands in for a fit where a test does not depend on one."""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats, History
from trialsim.prognosis import Prognosis, summarise
from trialsim.prognosis.models.design_matrix import standardise


class NoSampler:
    """A sampler that must not be asked."""

    def has_compiled(self, _: object) -> bool:
        return True

    def sample(self, *_: object) -> None:
        raise AssertionError("the sampler was asked")


def coefficients_of(history: History) -> int:
    """Return the number of coefficients of a prognosis without further terms."""
    standardisation = standardise(history)
    return len(standardisation.weeks) + 2 * len(standardisation.labels)


def made_up_prognosis(history: History, scales: Floats, coefficients: Floats) -> Prognosis:
    """Return a prognosis with the given draws of its scales (D, 6) and coefficients (D, K)."""
    return Prognosis(
        standardise(history), scales, coefficients, np.ones(2), {"max_rhat": 1.0}, summarise(history), "key"
    )

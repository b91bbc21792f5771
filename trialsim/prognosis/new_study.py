"""Means over the effect of a study never seen, for responses, levels, counts and events."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trialsim.data import Floats
from trialsim.prognosis.families import Params

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)


def over_new_study(params: Params, eta: Floats) -> Iterator[tuple[float, Floats]]:
    """Yield weights that sum to 1, and linear predictors (D, N), of a study never seen.

    Nine nodes of Gauss and Hermite for its effect; one, without an effect, where the model has none.
    """
    omega = params.get("omega")
    if omega is None:
        yield 1.0, eta
        return
    for node, weight in zip(_NODES, _WEIGHTS / _WEIGHTS.sum(), strict=True):
        yield weight, eta + node * omega[:, None]

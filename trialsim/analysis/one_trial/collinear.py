"""Refusal of covariates that depend on those before them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trialsim.analysis.one_trial.tidy_frame import (
    collinear,
)
from trialsim.data import Floats, Ints
from trialsim.errors import AnalysisError

_DEPENDENT = 1e-9


def refuse_collinear(names: Sequence[str], columns: Floats, stratum: Ints) -> None:
    """Raise if a covariate depends linearly, within strata, on the arm and the covariates before it.

    `columns` are the arm and then the covariates. Gram–Schmidt on the centred columns.
    """
    basis: list[Floats] = []
    counts = np.bincount(stratum)
    for position, column in enumerate(columns.T):
        means = np.bincount(stratum, weights=column) / counts
        rest = column - means[stratum]
        size = float(np.linalg.norm(column - column.mean())) or 1.0
        for _ in range(2):
            for direction in basis:
                rest = rest - direction * (direction @ rest)
        length = float(np.linalg.norm(rest))
        if length > _DEPENDENT * size:
            basis.append(rest / length)
        elif position > 0:
            raise collinear(names[position - 1])
        else:
            raise AnalysisError("no stratum has participants of both arms", field="strata")

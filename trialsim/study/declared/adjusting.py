"""What an analysis adjusts for: factors, covariates and the prognostic score, as columns."""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats, Ints
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial
from trialsim.trial.register import Register

SCORE, COVARIATES = "score", "covariates"


def adjusting_columns(
    trial: DeclaredTrial,
    analysis: AnalysisDeclared,
    levels: Ints,
    register: Register | None = None,
    rows: Ints | None = None,
    matched: bool = False,
) -> Floats | None:
    """Return the columns of an analysis (R, N, P); None where it adjusts for nothing.

    Parameters
    ----------
    trial : DeclaredTrial
        Names the factors.
    analysis : AnalysisDeclared
        Names what it adjusts for.
    levels : ndarray of int (R, N, F)
        Level of each factor.
    register, rows : Register, ndarray of int (R, N)
        Who was recruited, where there is a register. The score is that of the last visit. A missing
        covariate is the mean over the register, which is a constant and keeps randomised arms alike.
    matched : bool
        Whether the score is left out, because the analysis has `scores_at_visits`.

    Raises
    ------
    ProtocolError
        The register has no such covariate.
    """
    factors = [factor.name for factor in trial.strata]
    columns: list[Floats] = []
    of_people: list[Floats] = []
    for name in analysis.adjust:
        if name in factors:
            position = factors.index(name)
            columns += [
                (levels[..., position] == level).astype(np.float64)
                for level in range(1, len(trial.strata[position].levels))
            ]
        elif name != SCORE or not matched:
            of_people += _of_register(name, trial, register)
    parts = [np.stack(columns, axis=-1)] if columns else []
    if of_people:
        assert rows is not None
        parts.append(np.column_stack(of_people)[rows])
    return np.concatenate(parts, axis=-1) if parts else None


def scores_at_visits(
    analysis: AnalysisDeclared, register: Register | None, rows: Ints | None
) -> Floats | None:
    """Return the scores at visits (R, N, V) of an analysis that takes them, where visits have their own.

    None where there is one score for all visits: it is then a covariate like any other.
    """
    if register is None or SCORE not in analysis.adjust:
        return None
    scores = register.scores
    if scores.shape[1] < 2 or (scores == scores[:, :1]).all():
        return None
    assert rows is not None
    return np.asarray(scores[rows])


def _of_register(name: str, trial: DeclaredTrial, register: Register | None) -> list[Floats]:
    """Return columns (M,) of a register: the score, all covariates of the twins, or one covariate."""
    if register is None or (name == SCORE and not register.scores.shape[1]):
        raise ProtocolError("needs people with it", field="analyses.adjust", value=name,
                            mend="declare [twins], or leave it out")  # fmt: skip
    if name == SCORE:
        return [register.scores[:, -1]]
    known = register.names.tolist()
    twins = trial.twins
    names = list(twins.covariates) if name == COVARIATES and twins is not None else [name]
    if unknown := [one for one in names if one not in known]:
        raise ProtocolError(
            "is no covariate of these people", field="analyses.adjust", value=unknown,
            mend=f"use some of {', '.join(known)}",
        )  # fmt: skip
    found = []
    for one in names:
        values = register.column(one)
        found.append(np.where(np.isnan(values), np.nanmean(values), values))
    return found

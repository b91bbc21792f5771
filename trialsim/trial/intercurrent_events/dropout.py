"""Who leaves, when and why: competing causes with constant hazards that meet their cumulative shares."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from trialsim.data import Floats
from trialsim.errors import DesignError


def constant_hazard_dropout(
    arm: ArrayLike, shares: ArrayLike, last_week: float, generator: np.random.Generator
) -> tuple[Floats, NDArray[np.int8]]:
    """Draw the week and the cause of dropout of every participant, completely at random within arms.

    Parameters
    ----------
    arm : ndarray of int8 (R, N)
        Position of each participant's arm.
    shares : array (A, C)
        Share of each arm that each cause takes by the last visit; the sum of an arm is below 1.
    last_week : float
        Week of the last visit, above 0.
    generator : numpy.random.Generator
        Stream ``dropout``.

    Returns
    -------
    week : ndarray (R, N)
        Infinite for completers.
    cause : ndarray of int8 (R, N)
        Position of the cause, −1 for completers.

    Raises
    ------
    DesignError
        Shares that are not shares, an arm without them, or a last week that is not above 0.

    Notes
    -----
    With p = Σ p_c the time is exponential with hazard −ln(1 − p)/T and the cause has probability p_c/p,
    which makes the cumulative incidence of each cause at T exactly p_c.

    Examples
    --------
    >>> arm = np.zeros((1000, 50), dtype=np.int8)
    >>> week, cause = constant_hazard_dropout(arm, [[0.1, 0.2]], 24.0, np.random.default_rng(1))
    >>> [round(float((cause == c).mean()), 2) for c in (0, 1)]
    [0.1, 0.2]
    """
    arm = np.asarray(arm)
    table = np.asarray(shares, dtype=np.float64)
    if table.ndim != 2 or len(table) <= int(arm.max(initial=0)):
        raise DesignError(
            f"must hold one row for each of {int(arm.max(initial=0)) + 1} arms",
            field="shares",
            value=table.shape,
        )
    if not (table >= 0).all() or not (table.sum(axis=1) < 1).all():
        raise DesignError(
            "must be at least 0 with a sum below 1 in each arm", field="shares", value=table.tolist()
        )
    if not (np.isfinite(last_week) and last_week > 0):
        raise DesignError("must be finite and above 0", field="last_week", value=last_week)
    week = np.full(arm.shape, np.inf)
    cause = np.full(arm.shape, -1, dtype=np.int8)
    _fill_dropout(generator, arm, np.cumsum(table, axis=1), last_week, week, cause)
    return week, cause


@njit(cache=True)
def _fill_dropout(
    generator: np.random.Generator,
    arm: NDArray[np.int8],
    edges: Floats,
    last_week: float,
    week: Floats,
    cause: NDArray[np.int8],
) -> None:
    """Fill weeks and causes; a second number is drawn for those who leave alone."""
    replicates, participants = arm.shape
    causes = edges.shape[1]
    if causes == 0:
        return
    for r in range(replicates):
        for i in range(participants):
            a = arm[r, i]
            total = edges[a, causes - 1]
            uniform = generator.random()
            if uniform < total:
                week[r, i] = last_week * np.log1p(-uniform) / np.log1p(-total)
                choice = generator.random() * total
                c = 0
                while c < causes - 1 and choice >= edges[a, c]:
                    c += 1
                cause[r, i] = c

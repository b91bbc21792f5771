"""Who leaves, when and why: competing causes with constant hazards that meet their cumulative shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trialsim.data import Floats
from trialsim.protocol.conduct import Arm, Dropout


def drop_out(
    arm: NDArray[np.int8],
    causes: Sequence[Dropout],
    arms: Sequence[Arm],
    last_week: float,
    generator: np.random.Generator,
) -> tuple[Floats, NDArray[np.int8]]:
    """Draw the week and the cause of dropout of every participant, completely at random within arms.

    Parameters
    ----------
    arm : ndarray of int8 (R, N)
        Position of each participant's arm in `arms`.
    causes : sequence of Dropout
        Each with the share p_c of each arm that it takes by the last visit; their sum is below 1.
    arms : sequence of Arm
        The arms.
    last_week : float
        Week of the last visit, T.
    generator : numpy.random.Generator
        Stream ``dropout``.

    Returns
    -------
    week : ndarray (R, N)
        Infinite for completers.
    cause : ndarray of int8 (R, N)
        Position in `causes`, -1 for completers.

    Notes
    -----
    With p = Σ p_c the time is exponential with hazard −ln(1 − p)/T and the cause has probability p_c/p,
    which makes the cumulative incidence of each cause at T exactly p_c.
    """
    uniform = generator.random(arm.shape)
    choice = generator.random(arm.shape)
    week = np.full(arm.shape, np.inf)
    cause = np.full(arm.shape, -1, dtype=np.int8)
    for position, one in enumerate(arms):
        shares = np.array([entry.cumulative[one.name] for entry in causes])
        total = float(shares.sum())
        if total == 0:
            continue
        leaves = (arm == position) & (uniform < total)
        week[leaves] = last_week * np.log1p(-uniform[leaves]) / np.log1p(-total)
        edges = np.cumsum(shares) / total
        cause[leaves] = np.searchsorted(edges, choice[leaves] * edges[-1], side="right").astype(np.int8)
    return week, cause

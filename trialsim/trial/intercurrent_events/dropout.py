"""Who leaves, when and why: competing causes with constant hazards that meet their cumulative shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from trialsim.data import Floats
from trialsim.errors import DesignError
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

    Examples
    --------
    >>> arms = (
    ...     Arm(name="placebo", allocation=1, role="control"),
    ...     Arm(name="drug", allocation=1, role="active"),
    ... )
    >>> cause = Dropout(cause="any", cumulative={"placebo": 0.2, "drug": 0.4}, source="assumed")
    >>> arm = np.repeat(np.array([[0, 1]], dtype=np.int8), 4000, axis=1)
    >>> week, _ = drop_out(arm, [cause], arms, 52.0, np.random.default_rng(1))
    >>> [round(float(np.isfinite(week[arm == a]).mean()), 1) for a in (0, 1)]
    [0.2, 0.4]
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


def constant_hazard_dropout(
    arm: ArrayLike, shares: ArrayLike, last_week: float, generator: np.random.Generator
) -> tuple[Floats, NDArray[np.int8]]:
    """Draw the same law as `drop_out` for any number of arms, from a table, in one compiled pass.

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

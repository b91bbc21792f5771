"""Group-sequential decisions when outcomes are delayed: what is claimed once the pipeline is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from trialsim.design.group_sequential.crossing import Floats, crossing_probabilities
from trialsim.design.group_sequential.looks import checked_times
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook

_FARTHEST = 12.0
_NO_PIPELINE = 1e-9


@dataclass(frozen=True)
class DelayedDesign(InNotebook):
    r"""Bounds that stop enrolment, and critical values for the analysis that follows the pipeline.

    Made by `delayed_design`. At look k enrolment stops when z leaves (lower, upper); once the
    pipeline is seen, efficacy is claimed where the statistic of all is at or above ``decision``.

    Parameters
    ----------
    information : tuple of float (K,)
        Seen at each look.
    decision_information : tuple of float (K,)
        With the pipeline of each look.
    upper, lower : tuple of float (K,)
        Bounds on the z scale; the last upper one is the last decision's critical value.
    decision : tuple of float (K,)
        Critical values after the pipeline; −inf where a claim at the look cannot be turned.
    reversal : tuple of float (K − 1,)
        Probability under the null of crossing the upper bound and not claiming.
    """

    information: tuple[float, ...]
    decision_information: tuple[float, ...]
    upper: tuple[float, ...]
    lower: tuple[float, ...]
    decision: tuple[float, ...]
    reversal: tuple[float, ...]

    def claims(self, drift: float) -> Floats:
        """Return the probability of stopping at each look and claiming (K,).

        Parameters
        ----------
        drift : float
            Mean of z at information 1.

        Examples
        --------
        >>> design = delayed_design([0.5, 1.0], [0.7, 1.0], [2.797, 1.977], [0.5, 1.977])
        >>> design.claims(0.0).sum() < 0.025
        np.True_
        """
        looks = len(self.information)
        out = np.zeros(looks)
        for k in range(looks - 1):
            out[k] = sum(_after_pipeline(self, k, side, self.decision[k], drift) for side in (1, -1))
        time = np.array(self.information)
        out[-1] = crossing_probabilities(
            time, np.array(self.upper), np.array(self.lower), drift * np.sqrt(time)
        ).upper[-1]
        return out


def delayed_design(
    information: Sequence[float],
    decision_information: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float],
) -> DelayedDesign:
    r"""Return critical values that keep the type I error although the pipeline may turn a claim.

    Parameters
    ----------
    information : sequence of float (K,)
        Seen at each look, ascending.
    decision_information : sequence of float (K,)
        With the pipeline, at least `information`; the last one equal to it, since the last look
        waits for everybody.
    upper, lower : sequence of float (K,)
        Bounds of a group-sequential design with binding futility bounds; the last lower one has no
        meaning.

    Returns
    -------
    DelayedDesign

    Raises
    ------
    DesignError
        Looks out of order, a pipeline that takes information away, or bounds that cross.

    Notes
    -----
    The critical value c of look k balances both reversals under the null,

    ``P(Z_k ≥ u_k, Z̃_k < c) = P(Z_k ≤ l_k, Z̃_k ≥ c)`` among trials that came to look k,

    so that each look claims as often as it would without a pipeline (Hampson & Jennison 2013, J. R.
    Stat. Soc. B 75:3).

    Examples
    --------
    >>> design = delayed_design([0.5, 1.0], [0.7, 1.0], [2.797, 1.977], [0.5, 1.977])
    >>> round(design.decision[0], 4)
    1.8664
    """
    seen = checked_times(information, "information", last=None)
    whole = np.asarray(decision_information, dtype=np.float64)
    high, low = np.asarray(upper, dtype=np.float64), np.array(lower, dtype=np.float64)
    if not len(whole) == len(high) == len(low) == len(seen):
        raise DesignError(f"must hold {len(seen)} looks", field="decision_information", value=len(whole))
    if (whole < seen).any() or abs(whole[-1] - seen[-1]) > _NO_PIPELINE:
        raise DesignError(
            "must be at least the information seen, and equal to it at the last look",
            field="decision_information",
            value=whole.tolist(),
        )
    if (low[:-1] >= high[:-1]).any():
        raise DesignError("must lie below the upper bound", field="lower", value=low.tolist())
    low[-1] = high[-1]
    design = DelayedDesign(
        tuple(seen.tolist()), tuple(whole.tolist()), tuple(high.tolist()), tuple(low.tolist()), (), ()
    )
    decision, reversal = [], []
    for k in range(len(seen) - 1):
        critical = _balanced(design, k)
        decision.append(critical)
        reversal.append(_after_pipeline(design, k, -1, critical, 0.0))
    return DelayedDesign(
        design.information, design.decision_information, design.upper, design.lower,
        (*decision, float(high[-1])), tuple(reversal),
    )  # fmt: skip


def _balanced(design: DelayedDesign, k: int) -> float:
    """Return the critical value after look k."""
    if design.decision_information[k] - design.information[k] < _NO_PIPELINE:
        return design.upper[k]
    if design.lower[k] == -np.inf:
        return -np.inf
    crossed = _after_pipeline(design, k, 1, -np.inf, 0.0)

    def excess(critical: float) -> float:
        turned = crossed - _after_pipeline(design, k, 1, critical, 0.0)
        return turned - _after_pipeline(design, k, -1, critical, 0.0)

    return float(brentq(excess, -_FARTHEST, _FARTHEST, xtol=1e-12))


def _after_pipeline(design: DelayedDesign, k: int, side: int, critical: float, drift: float) -> float:
    """Return P(look k is held and stops at its upper (1) or lower (−1) bound, and the end is ≥ critical).

    The walk goes on where a trial stops: beyond the bound of look k instead of between the bounds.
    """
    upper, lower = list(design.upper[: k + 1]), list(design.lower[: k + 1])
    if side == 1:
        upper[k], lower[k] = np.inf, design.upper[k]
    else:
        upper[k], lower[k] = design.lower[k], -np.inf
    pipeline = max(design.decision_information[k] - design.information[k], _NO_PIPELINE)
    time = np.array([*design.information[: k + 1], design.information[k] + pipeline])
    found = crossing_probabilities(
        time, np.array([*upper, critical]), np.array([*lower, -np.inf]), drift * np.sqrt(time)
    )
    return float(found.upper[-1])

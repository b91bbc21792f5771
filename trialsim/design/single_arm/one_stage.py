"""One arm, one stage: the exact binomial test of a response rate (A'Hern 2001)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from trialsim.design.sizes.means import check_level, check_power
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook


@dataclass(frozen=True)
class OneStage(InNotebook):
    """A single-arm trial with one exact test.

    Parameters
    ----------
    participants : int
        n.
    responders : int
        The rate is claimed with at least so many responders.
    alpha, power : float
        Exact one-sided error under the null rate, and power under the alternative.
    """

    participants: int
    responders: int
    alpha: float
    power: float


def one_stage_size(
    null: float, alternative: float, *, alpha: float = 0.05, power: float = 0.9, largest: int = 2000
) -> OneStage:
    """Return the smallest single-arm trial whose exact test keeps the level and has the power.

    Parameters
    ----------
    null, alternative : float
        Response rates, the alternative above the null.
    alpha : float
        One-sided level.
    power : float
        In (alpha, 1).
    largest : int
        Participants at which the search gives up.

    Returns
    -------
    OneStage
        Participants, the least responders of a claim, and exact level and power.

    Raises
    ------
    DesignError
        Rates in the wrong order, or no trial up to `largest`.

    Notes
    -----
    The exact power goes up and down with n like a saw; this is the first n that reaches it (A'Hern 2001,
    Stat. Med. 20:859).

    Examples
    --------
    >>> found = one_stage_size(0.1, 0.3, power=0.8)
    >>> found.participants, found.responders, round(found.alpha, 4), round(found.power, 4)
    (25, 6, 0.0334, 0.8065)
    """
    checked_rates(null, alternative)
    check_level(alpha, 1.0)
    check_power(power, alpha)
    n = np.arange(1, largest + 1)
    # The smallest count whose upper tail under the null is at most alpha.
    claim = np.asarray(binom.isf(alpha, n, null)).astype(np.int64) + 1
    reached = np.asarray(binom.sf(claim - 1, n, alternative))
    enough = np.flatnonzero(reached >= power)
    if not len(enough):
        raise DesignError(
            f"is not reached by up to {largest} participants",
            field="power",
            value=power,
            mend="assume a higher rate",
        )
    at = int(enough[0])
    return OneStage(
        int(n[at]),
        int(claim[at]),
        float(binom.sf(claim[at] - 1, n[at], null)),
        float(reached[at]),
    )


def checked_rates(null: float, alternative: float) -> None:
    """Refuse rates of which no trial shows that the second exceeds the first.

    Examples
    --------
    >>> checked_rates(0.1, 0.3)
    """
    for field, rate in (("null", null), ("alternative", alternative)):
        if not 0 < rate < 1:
            raise DesignError("must lie between 0 and 1", field=field, value=rate)
    if not alternative > null:
        raise DesignError(
            "lies on the wrong side of the null rate: no size shows it",
            field="alternative",
            value=alternative,
            mend="give a rate above the null, or count failures in place of responses",
        )

"""Two-sided designs that may also stop for futility, where |z| is small at an interim look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr

from trialsim.data import Floats
from trialsim.design.group_sequential.design import group_sequential_design
from trialsim.design.group_sequential.looks import checked_times
from trialsim.design.group_sequential.spending import SpendingFunction, increments
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_PANEL = 0.75  # Of the narrowest Gaussian scale, times 6 in `crossing`; 32 nodes leave about 1e-12.
_REACH = 8.0


@dataclass(frozen=True)
class TwoSidedFutility(InNotebook):
    """A two-sided design with an inner wedge; made by `two_sided_futility_design`.

    Parameters
    ----------
    information : tuple of float (K,)
        At each look, ending with 1.
    outer : tuple of float (K,)
        Reject at |z| at or above.
    inner : tuple of float (K,)
        Stop for futility at |z| at or below; at the last look it meets `outer`.
    alpha, power : float
        Two-sided level, and power at `drift`.
    drift : float
        Mean of z at information 1 under the alternative, of either sign.
    """

    information: tuple[float, ...]
    outer: tuple[float, ...]
    inner: tuple[float, ...]
    alpha: float
    power: float
    drift: float

    def stopping(self, drift: float) -> tuple[Floats, Floats]:
        """Return the probabilities of rejecting (either way) and of stopping for futility at each look.

        Examples
        --------
        >>> from trialsim.design import HwangShihDeCani, OBrienFlemingSpending
        >>> plan = two_sided_futility_design([0.5, 1.0], OBrienFlemingSpending(), HwangShihDeCani(-2))
        >>> rejected, futile = plan.stopping(plan.drift)
        >>> rejected.sum().round(6), futile.sum().round(6)
        (np.float64(0.9), np.float64(0.1))
        """
        time = np.array(self.information)
        found = _walk(time, np.array(self.outer), np.array(self.inner), drift, None)
        return found[1], found[2]

    def expected_information(self, drift: float) -> float:
        """Return the expected information when the trial stops."""
        rejected, futile = self.stopping(drift)
        early = (rejected + futile)[:-1]
        return float(1.0 - np.dot(early, 1.0 - np.array(self.information[:-1])))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a look: bounds and the probabilities of stopping without and with the effect."""
        null, own = self.stopping(0.0), self.stopping(self.drift)
        return pd.DataFrame(
            {
                "look": np.arange(1, len(self.information) + 1),
                "information": self.information,
                "reject_z": self.outer,
                "futile_z": self.inner,
                "reject_h0": null[0],
                "futile_h0": null[1],
                "reject_h1": own[0],
                "futile_h1": own[1],
            }
        )


def two_sided_futility_design(
    information: list[float] | tuple[float, ...],
    efficacy: SpendingFunction,
    futility: SpendingFunction,
    *,
    alpha: float = 0.05,
    power: float = 0.9,
) -> TwoSidedFutility:
    r"""Return a two-sided design whose inner wedge spends the type II error, non-binding.

    Parameters
    ----------
    information : sequence of float (K,)
        Ascending, ending with 1.
    efficacy, futility : SpendingFunction
        How alpha and 1 − power are spent.
    alpha : float
        Two-sided level; kept even if futility is overruled.
    power : float
        Probability of rejecting, either way, at the design's drift.

    Returns
    -------
    TwoSidedFutility
        Bounds of efficacy and futility, the drift and the chances of crossing.

    Raises
    ------
    DesignError
        Looks out of order, or errors out of range.

    Notes
    -----
    The wedge :math:`|Z_k| \le l_k` spends :math:`\beta(t_k) - \beta(t_{k-1})` under the drift, and the drift
    is the one at which it meets the outer bounds at the last look (Jennison and Turnbull 2000, section 5).
    A look whose spending the wedge cannot use, because too little lies near 0, has none.

    Examples
    --------
    >>> from trialsim.design import HwangShihDeCani, OBrienFlemingSpending
    >>> plan = two_sided_futility_design([0.5, 1.0], OBrienFlemingSpending(), HwangShihDeCani(-2))
    >>> [round(z, 4) for z in plan.outer], [round(z, 4) for z in plan.inner], round(plan.drift, 4)
    ([2.9626, 1.9686], [0.4516, 1.9686], 3.3086)
    """
    time = checked_times(information, "information", last=1.0)
    if not alpha < power < 1:
        raise DesignError("must lie between alpha and 1", field="power", value=power)
    plain = group_sequential_design(time.tolist(), efficacy=efficacy, alpha=alpha, power=power, sides=2)
    outer = np.array(plain.upper)
    steps = increments(futility, 1 - power, time)

    def missed(drift: float) -> float:
        return float(_walk(time, outer, None, drift, steps)[2].sum()) - (1 - power)

    high = 1.1 * plain.drift
    while missed(high) > 0:
        high *= 1.2
    drift = float(brentq(missed, 0.9 * plain.drift, high, xtol=1e-10))
    inner = _walk(time, outer, None, drift, steps)[0]
    return TwoSidedFutility(
        tuple(time.tolist()), tuple(outer.tolist()), tuple(inner.tolist()), alpha, power, drift
    )


def _walk(
    time: Floats, outer: Floats, inner: Floats | None, drift: float, steps: Floats | None
) -> tuple[Floats, Floats, Floats]:
    """Return the inner bounds, and the probabilities of rejecting and of stopping for futility at each look.

    Without `inner` the bounds are found that spend `steps`; the last one meets the outer bound.
    """
    looks = len(time)
    found, rejected, futile = np.zeros(looks), np.zeros(looks), np.zeros(looks)
    nodes, mass, spread = np.zeros(1), np.ones(1), 1.0
    points = np.array([drift * np.sqrt(time[0])])
    for k in range(looks):
        if k > 0:
            before, now = time[k - 1], time[k]
            points = nodes * np.sqrt(before / now) + drift * (now - before) / np.sqrt(now)
            spread = float(np.sqrt(1 - before / now))

        def between(
            low: float, high: float, at: Floats = points, w: Floats = mass, s: float = spread
        ) -> float:
            return float(w @ (ndtr((high - at) / s) - ndtr((low - at) / s)))

        top = float(outer[k])
        if inner is not None:
            found[k] = inner[k]
        elif k == looks - 1:
            found[k] = top
        elif steps is not None and between(-top, top) > steps[k] > 0:
            wanted = float(steps[k])
            found[k] = brentq(lambda z, b=between, w=wanted: b(-z, z) - w, 0.0, top, xtol=1e-12)
        edge = float(found[k])
        futile[k] = between(-edge, edge)
        rejected[k] = float(mass.sum()) - between(-top, top)
        if k == looks - 1:
            break
        centre = drift * np.sqrt(time[k])
        reach = max(abs(centre) + _REACH, _REACH)
        sides = [_panels(edge, min(top, reach), time, k), _panels(-min(top, reach), -edge, time, k)]
        nodes = np.concatenate([x for x, _ in sides])
        widths = np.concatenate([w for _, w in sides])
        kernel = np.exp(-0.5 * ((nodes[:, None] - points) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
        mass = widths * (kernel @ mass)
    return found, rejected, futile


def _panels(low: float, high: float, time: Floats, k: int) -> tuple[Floats, Floats]:
    """Return nodes and weights between two bounds, fine enough for the look after and the one before."""
    if high <= low:
        return np.empty(0), np.empty(0)
    before = time[k - 1] if k > 0 else 0.0
    narrow = 1 / np.sqrt(time[k] / (time[k] - before) + time[k] / (time[k + 1] - time[k]))
    count = max(1, int(np.ceil((high - low) / (6 * _PANEL * narrow))))
    edges = np.linspace(low, high, count + 1)
    half = np.diff(edges) / 2
    nodes = (edges[:-1, None] + half[:, None] * (1 + _NODES)).ravel()
    return nodes, (half[:, None] * _WEIGHTS).ravel()

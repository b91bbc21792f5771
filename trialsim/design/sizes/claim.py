"""What a trial claims of an effect: that there is one, that it lies beyond a margin, or between limits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import chi2, t

from trialsim.design.sizes.direction import Direction, checked_direction, claimed, refuse_wrong_side
from trialsim.errors import DesignError

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


@dataclass(frozen=True)
class Claim:
    """What is claimed, on the scale on which the estimate is normal.

    Parameters
    ----------
    null : tuple of float
        Nothing: that there is an effect. One number: that it lies beyond this margin. Two: that it lies
        between these limits of equivalence.
    direction : {"greater", "less"}, optional
        Side of the claim. Left out, it is that of the effect; against a margin the side on which 0 lies,
        so that a margin below 0 is one of a loss and one above 0 of a gain.

    Raises
    ------
    DesignError
        Limits in the wrong order, a direction of an equivalence, or a margin of 0.

    Examples
    --------
    >>> Claim((-0.3,)).distances(0.1), Claim((0.3,)).distances(0.1), Claim((-0.3, 0.3)).distances(0.1)
    ((0.4,), (0.19999999999999998,), (0.4, 0.19999999999999998))
    """

    null: tuple[float, ...] = ()
    direction: Direction | None = None

    def __post_init__(self) -> None:
        if self.direction is not None:
            checked_direction(self.direction)
        if len(self.null) == 2:
            if not self.null[0] < self.null[1]:
                raise DesignError("must be the lower limit, then the upper", field="limits", value=self.null,
                                  mend="swap the two numbers")  # fmt: skip
            if self.direction is not None:
                raise DesignError("does not go with limits of equivalence", field="direction",
                                  value=self.direction, mend="leave it out")  # fmt: skip
        if len(self.null) == 1 and self.null[0] == 0 and self.direction is None:
            raise DesignError("means no effect, and is no margin", field="margin", value=self.null[0],
                              mend="leave it out")  # fmt: skip

    @property
    def equivalence(self) -> bool:
        """Whether the effect shall lie between two limits."""
        return len(self.null) == 2

    def distances(self, effect: float) -> tuple[float, ...]:
        """Return how far an effect lies from the null on the side of the claim; of limits, from both."""
        if self.equivalence:
            return effect - self.null[0], self.null[1] - effect
        if not self.null:
            return (claimed(effect, self.direction, True),)
        (margin,) = self.null
        loss: Direction = "greater" if margin < 0 else "less"
        return (claimed(effect - margin, self.direction or loss, False),)

    def refuse_outside(self, effect: float, field: str, value: float) -> None:
        """Refuse an assumed effect that is not what is to be claimed.

        Raises
        ------
        DesignError
            It names the field and its value, in the scale's own terms.
        """
        if not self.null and effect == 0:
            raise DesignError("must not mean no effect: no size detects it", field=field, value=value,
                              mend="assume an effect, or give a margin")  # fmt: skip
        if self.equivalence and min(self.distances(effect)) <= 0:
            raise DesignError("must lie between the limits: no size shows equivalence", field=field,
                              value=value)  # fmt: skip
        refuse_wrong_side(min(self.distances(effect)), field, value)

    def power(self, effect: float, standard_error: float, alpha: float) -> float:
        """Return the power of a normal test, or of two one-sided ones, each at half the two-sided level.

        ``Φ(d/σ − z)``; between limits ``max(0, Φ(d_lower/σ − z) + Φ(d_upper/σ − z) − 1)``.

        Examples
        --------
        >>> [round(Claim(null).power(0.0, 0.07, 0.05), 4) for null in ((-0.2,), (-0.2, 0.2))]
        [0.8152, 0.6304]
        """
        z = float(ndtri(1 - alpha / 2))
        parts = [float(ndtr(away / standard_error - z)) for away in self.distances(effect)]
        return parts[0] if len(parts) == 1 else max(0.0, parts[0] + parts[1] - 1)

    def reach(self, effect: float, alpha: float, power: float) -> float:
        """Return the distance from the null that one one-sided test needs for the same power and error.

        It turns every formula of one distance into that of an equivalence: with the standard error σ at which
        the claim has its power, it is σ (z_{1−α/2} + z_power). Without limits it is the distance.

        Examples
        --------
        >>> Claim().reach(-0.3, 0.05, 0.9)
        0.3
        >>> z = Claim((-0.2, 0.2)).reach(0.0, 0.05, 0.9) / (1.959964 + 1.281552)  # the standard error
        >>> round(0.2 / z, 3)  # z of .975 and of .95: Julious 2004
        3.605
        """
        distances = self.distances(effect)
        if not self.equivalence:
            return distances[0]
        z = float(ndtri(1 - alpha / 2))
        nearer = min(distances)

        def missing(drift: float) -> float:
            return self.power(effect, nearer / drift, alpha) - power

        drift = float(brentq(missing, 1e-6, z + 40.0, xtol=1e-12, rtol=1e-14))
        return nearer / drift * (z + float(ndtri(power)))


def power_within(
    lower: float, upper: float, alpha: float, df: float = math.inf, error_factor: float = 1.0
) -> float:
    r"""Return the probability that two one-sided tests, each at its level, find an effect within limits.

    Parameters
    ----------
    lower, upper : float
        Limits minus the true effect, in standard errors of its estimate.
    alpha : float
        One-sided level of each test.
    df : float
        Degrees of freedom of the t statistics; infinite for normal tests.
    error_factor : float
        By how much the estimated standard error exceeds the true one on average, as HC3 does.

    Returns
    -------
    float
        In [0, 1).

    Notes
    -----
    With s² the estimated over the true variance, :math:`\int_0^{s_1} [\Phi(U - ts) - \Phi(L + ts)] f(s)\,ds`,
    t the critical value and :math:`s_1 = (U - L)/(2 t)` where the rejection region closes (Owen 1965;
    Phillips 1990), by quadrature.

    Examples
    --------
    >>> round(power_within(-3.605, 3.605, 0.025), 3), round(power_within(-3.605, 3.605, 0.025, 60), 3)
    (0.9, 0.887)
    """
    if math.isinf(df):
        z = float(-ndtri(alpha)) * error_factor
        return max(0.0, float(ndtr(upper - z) - ndtr(lower + z)))
    if not df > 0:
        return 0.0
    critical = float(t.isf(alpha, df)) * error_factor
    first, last = (math.sqrt(chi2.ppf(p, df) / df) for p in (1e-14, 1 - 1e-14))
    last = min(last, (upper - lower) / (2 * critical))
    if last <= first:
        return 0.0
    s = first + (last - first) * (1 + _NODES) / 2
    density = 2 * df * s * chi2.pdf(df * s**2, df)
    inside = ndtr(upper - critical * s) - ndtr(lower + critical * s)
    return max(0.0, float((last - first) / 2 * np.dot(_WEIGHTS, inside * density)))


def limits_of(margin: float | None, limits: tuple[float, float] | None) -> tuple[float, ...]:
    """Return the null from a margin or limits, refusing both.

    Examples
    --------
    >>> limits_of(None, None), limits_of(-0.2, None), limits_of(None, (-0.2, 0.2))
    ((), (-0.2,), (-0.2, 0.2))
    """
    if margin is not None and limits is not None:
        raise DesignError("does not go with limits of equivalence", field="margin", value=margin,
                          mend="give one of them")  # fmt: skip
    if limits is not None:
        return limits
    return () if margin is None or not math.isfinite(margin) else (margin,)

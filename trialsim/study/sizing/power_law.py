"""How power grows with a size: of one test, and of the two of an equivalence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from trialsim.errors import DesignError
from trialsim.protocol.declared import DeclaredTrial
from trialsim.registry import Truth
from trialsim.study.declared.claims import favourable_sign
from trialsim.study.declared.refusing import null_of, reader_of

_ROUNDING = 1e-12
_FAR = 40.0


@dataclass(frozen=True)
class PowerLaw:
    r"""Power by :math:`y`, the drift of the statistic beyond its critical value z.

    Of one test it is :math:`Φ(y)`. Of two one-sided tests whose limits lie in the ratio k from the effect it
    is :math:`Φ(y) + Φ(k(y + z) - z) - 1`, y that of the nearer limit.

    Parameters
    ----------
    z_alpha : float
        Critical value of each one-sided test.
    ratio : float
        k, at least 1; infinite for one test.
    """

    z_alpha: float
    ratio: float = math.inf

    def probit(self, power: float) -> float:
        """Return y at a power.

        Examples
        --------
        >>> round(PowerLaw(1.959964).probit(0.9), 4), round(PowerLaw(1.959964, 1.0).probit(0.9), 4)
        (1.2816, 1.6449)
        """
        if math.isinf(self.ratio):
            return float(ndtri(power))

        def missing(y: float) -> float:
            other = self.ratio * (y + self.z_alpha) - self.z_alpha
            return float(ndtr(y) - ndtr(-other)) - power

        return float(brentq(missing, -self.z_alpha, _FAR, xtol=1e-12))

    def slope(self, probit: float) -> float:
        """Return by how much power rises with y."""
        density = math.exp(-probit * probit / 2)
        if not math.isinf(self.ratio):
            other = self.ratio * (probit + self.z_alpha) - self.z_alpha
            density += self.ratio * math.exp(-other * other / 2)
        return density / math.sqrt(2 * math.pi)


def power_laws(trial: DeclaredTrial, truths: Mapping[str, Truth]) -> dict[str, PowerLaw]:
    """Return the law of every analysis of a trial, from where its true effect lies.

    Raises
    ------
    DesignError
        The true effect is not what an analysis is to claim: no size shows it.
    """
    z = -float(ndtri(trial.design.alpha))
    found: dict[str, PowerLaw] = {}
    for one in trial.analyses:
        null, truth = null_of(one, reader_of(trial, one)), truths[one.label]
        if not null or truth.value is None:
            found[one.label] = PowerLaw(z, 1.0 if len(null) == 2 else math.inf)
            continue
        away = (truth.value - null[0], null[-1] - truth.value)
        inside = away if len(null) == 2 else (away[0] if favourable_sign(trial, one.label) > 0 else away[1],)
        if min(inside) <= _ROUNDING:
            raise DesignError(
                f"is not what can be claimed: the true effect is {truth.value:.3g} on the scale of the "
                "estimate, and no size shows it",
                field=f"analyses.{one.label}.null", value=one.null, mend="assume another effect, or null",
            )  # fmt: skip
        found[one.label] = PowerLaw(z, max(inside) / min(inside) if len(inside) == 2 else math.inf)
    return found

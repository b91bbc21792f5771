"""Bounds at which a one-sided trial stops because the treatment does harm, below its futility bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.design.group_sequential.crossing import Floats, crossing_probabilities
from trialsim.design.group_sequential.design import GroupSequentialDesign, group_sequential_design
from trialsim.design.group_sequential.spending import SpendingFunction
from trialsim.errors import DesignError
from trialsim.notebook import InNotebook


@dataclass(frozen=True)
class HarmBounds(InNotebook):
    """Bounds for harm beside a one-sided design; made by `harm_bounds`.

    Parameters
    ----------
    design : GroupSequentialDesign
        The trial's own bounds.
    z : tuple of float (K,)
        Harm is concluded at or below.
    alpha : float
        One-sided probability of concluding harm where there is no effect.
    """

    design: GroupSequentialDesign
    z: tuple[float, ...]
    alpha: float

    def stopping(self, drift: float) -> Floats:
        """Return the probability of concluding harm at each look (K,), stops for efficacy obeyed.

        Futility is left aside, as where it is overruled: with it obeyed harm is found less often.

        Parameters
        ----------
        drift : float
            Mean of z at information 1; below 0 where the treatment does harm.
        """
        time = np.array(self.design.information)
        return crossing_probabilities(
            time, np.array(self.design.upper), np.array(self.z), drift * np.sqrt(time)
        ).lower

    def to_frame(self) -> pd.DataFrame:
        """Return one row a look: the bound, and its chance without effect and with the effect's mirror."""
        return pd.DataFrame(
            {
                "look": np.arange(1, len(self.z) + 1),
                "information": self.design.information,
                "harm_z": self.z,
                "stop_harm_h0": self.stopping(0.0),
                "stop_harm_if_as_bad": self.stopping(-self.design.drift),
            }
        )


def harm_bounds(
    design: GroupSequentialDesign, spending: SpendingFunction, alpha: float = 0.025
) -> HarmBounds:
    """Return bounds for harm that spend an error of their own where there is no effect.

    Parameters
    ----------
    design : GroupSequentialDesign
        A one-sided design, with or without futility.
    spending : SpendingFunction
        How `alpha` is spent.
    alpha : float
        One-sided probability of concluding harm without an effect, efficacy and futility left aside.

    Returns
    -------
    HarmBounds

    Raises
    ------
    DesignError
        A two-sided design, or harm bounds above the futility bounds: futility would then stop first.

    Notes
    -----
    By symmetry they are the efficacy bounds of a design with this error, with their sign turned (as the
    lower bounds of gsDesign's test types 5 and 6 without an upper bound).

    Examples
    --------
    >>> from trialsim.design import OBrienFlemingSpending, PocockSpending
    >>> plan = group_sequential_design([0.5, 1.0])
    >>> found = harm_bounds(plan, PocockSpending(), 0.05)
    >>> [round(z, 4) for z in found.z], found.stopping(0.0).sum().round(4)
    ([-1.8662, -1.8849], np.float64(0.05))
    """
    if design.sides != 1:
        raise DesignError("has bounds for harm already", field="design.sides", value=design.sides)
    mirror = group_sequential_design(
        design.information,
        efficacy=spending,
        alpha=alpha,
        power=max(0.9, (1 + alpha) / 2),
        spending_time=design.spending_time,
    )
    z = tuple(-bound for bound in mirror.upper)
    crossed = [
        k for k, (low, harm) in enumerate(zip(design.lower[:-1], z, strict=False)) if harm > low > -np.inf
    ]
    if crossed:
        raise DesignError(
            f"lies above the futility bound at look {crossed[0] + 1}: futility would stop first",
            field="alpha",
            value=alpha,
            mend="spend less on harm, or later",
        )
    return HarmBounds(design, z, alpha)

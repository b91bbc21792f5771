"""How many more participants a design with looks needs than one without."""

from __future__ import annotations

from scipy.optimize import brentq
from scipy.special import ndtri

from trialsim.protocol.declared import FixedDesign, GroupSequentialDesign
from trialsim.study.declared.bounds import planned_design
from trialsim.study.sizing.formulas.answer import NoFormula

_DRIFT = 12.0


def inflation(design: FixedDesign | GroupSequentialDesign, power: float) -> float:
    """Return the size of a design relative to a trial with one look, both with a power.

    Raises
    ------
    NoFormula
        Looks of the calendar have the information that comes.

    Examples
    --------
    >>> round(inflation(GroupSequentialDesign(kind="group_sequential", timing="information",
    ...     information=(0.5, 1.0), efficacy={"rule": "o_brien_fleming"}), 0.9), 4)
    1.0071
    """
    if isinstance(design, FixedDesign):
        return 1.0
    if design.timing == "calendar":
        raise NoFormula("looks by the calendar")
    planned = design.events if design.timing == "events" else design.information
    last = planned[-1] if design.timing == "events" else 1.0
    made = planned_design(design, [one / planned[-1] for one in planned])
    drift = float(brentq(lambda mean: made.power_at(mean) - power, 0.1, _DRIFT, xtol=1e-10))
    fixed = float(-ndtri(design.alpha) + ndtri(power))
    return (drift / fixed) ** 2 * last / planned[-1]

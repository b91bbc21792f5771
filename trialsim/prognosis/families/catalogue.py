"""Every family by its name."""

from __future__ import annotations

from trialsim.prognosis.families.binary import Binary
from trialsim.prognosis.families.common import Family
from trialsim.prognosis.families.count import Count
from trialsim.prognosis.families.ordinal import Ordinal
from trialsim.prognosis.families.piecewise import Piecewise
from trialsim.prognosis.families.weibull import Cure, Weibull

FAMILIES: dict[str, Family] = {
    family.name: family for family in (Binary(), Ordinal(), Count(), Weibull(), Cure(), Piecewise())
}

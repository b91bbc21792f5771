"""Equally spaced looks: their bounds, and what they make of a size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from scipy.special import ndtri


@dataclass(frozen=True)
class Looks:
    """Looks of a design, as the page shows them.

    Parameters
    ----------
    information : tuple of float
        At each look; 1 is the end.
    bounds : tuple of float
        On the z scale.
    inflation : float
        The most that a trial enrols, relative to one look.
    expected_share : float
        Expected information where the effect holds, relative to the end.
    stops, stops_under_null : tuple of float
        Probability to cross each bound where the effect holds, and where there is none.
    """

    information: tuple[float, ...]
    bounds: tuple[float, ...]
    inflation: float
    expected_share: float
    stops: tuple[float, ...]
    stops_under_null: tuple[float, ...]


@lru_cache(maxsize=256)
def looks_of(looks: int, alpha: float, power: float) -> Looks:
    """Return equally spaced looks with O'Brien-Fleming-type spending; one look is a fixed design.

    Parameters
    ----------
    looks : int
        At least 1.
    alpha, power : float
        Two-sided level, and power.

    Examples
    --------
    >>> one, two = looks_of(1, 0.05, 0.9), looks_of(2, 0.05, 0.9)
    >>> round(one.bounds[0], 4), one.inflation, round(two.inflation, 4), round(two.expected_share, 3)
    (1.96, 1.0, 1.0034, 0.874)
    """
    if looks == 1:
        return Looks((1.0,), (float(-ndtri(alpha / 2)),), 1.0, 1.0, (power,), (alpha / 2,))
    # Its kernels take a second to be loaded, which a page without interim looks need not wait for.
    from trialsim.design import OBrienFlemingSpending, group_sequential_design

    information = [(k + 1) / looks for k in range(looks)]
    found = group_sequential_design(
        information, efficacy=OBrienFlemingSpending(), alpha=alpha / 2, power=power
    )
    return Looks(
        found.information,
        found.upper,
        found.inflation,
        found.expected_information(found.drift),
        tuple(found.under_alternative.upper.tolist()),
        tuple(found.under_null.upper.tolist()),
    )

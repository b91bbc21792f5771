"""How often, and how, a fit is made again before it is refused: a rule that is fixed beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from trialsim.errors import FitError
from trialsim.prognosis.fit.settings import FitSettings

# With thousands of participants a few iterations in ten thousand diverge, or chains mix slowly: smaller steps
# end the one, chains of twice the length the other.
RAISED_ACCEPT = (0.99, 0.998)
LONGER = 2

Found = TypeVar("Found")


def tries_of(settings: FitSettings) -> tuple[FitSettings, ...]:
    """Return the settings of each try: as asked, then twice as long with smaller steps, and smaller again.

    Examples
    --------
    >>> [(one.accept, one.tune, one.draws) for one in tries_of(FitSettings())]
    [(0.9, 1000, 1500), (0.99, 2000, 3000), (0.998, 2000, 3000)]
    """
    again = [
        replace(
            settings,
            accept=max(rate, settings.accept),
            tune=LONGER * settings.tune,
            draws=LONGER * settings.draws,
        )
        for rate in RAISED_ACCEPT
    ]
    return settings, *again


def first_passing(
    fit: Callable[[FitSettings], Found], settings: FitSettings
) -> tuple[Found, FitSettings, int]:
    """Return the first fit that passes the gate, its settings, and how many fits that took.

    Parameters
    ----------
    fit : callable
        Makes a fit from new chains, or raises `FitError`.
    settings : FitSettings
        Of the first try.

    Raises
    ------
    FitError
        Of the last try, if none passes.
    """
    tries = tries_of(settings)
    for number, now in enumerate(tries[:-1], start=1):
        try:
            return fit(now), now, number
        except FitError:
            continue
    return fit(tries[-1]), tries[-1], len(tries)

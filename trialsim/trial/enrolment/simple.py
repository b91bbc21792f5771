"""When participants arrive: sites that activate one after the other and recruit at unequal rates."""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats
from trialsim.protocol.conduct import Enrolment


def enrol(replicates: int, participants: int, enrolment: Enrolment, generator: np.random.Generator) -> Floats:
    """Draw the calendar months in which participants are randomised.

    Parameters
    ----------
    replicates, participants : int
        R and N.
    enrolment : Enrolment
        Sites S activate at equal steps from month 0 to `last_activation_month`; the rate of each
        site is gamma distributed with mean `rate_per_site_month` and shape `rate_shape`.
    generator : numpy.random.Generator
        Stream ``enrolment``.

    Returns
    -------
    ndarray (R, N)
        Months from the first activation, ascending.

    Notes
    -----
    Poisson-gamma model (Anisimov and Fedorov 2007). Given the rates λ_s and activations a_s, the sites
    together are a Poisson process with cumulative intensity Λ(t) = Σ λ_s (t − a_s)+, so the n-th
    arrival is Λ⁻¹ of the sum of n standard exponentials.

    Examples
    --------
    >>> ten = Enrolment(sites=10, rate_per_site_month=1.0, rate_shape=2.0, last_activation_month=3.0,
    ...                 source="assumed")
    >>> months = enrol(2, 50, ten, np.random.default_rng(1))
    >>> months.shape, bool((np.diff(months) > 0).all())
    ((2, 50), True)
    """
    activation = np.linspace(0.0, enrolment.last_activation_month, enrolment.sites)
    scale = enrolment.rate_per_site_month / enrolment.rate_shape
    rates = generator.gamma(enrolment.rate_shape, scale, size=(replicates, enrolment.sites))
    needed = np.cumsum(generator.standard_exponential((replicates, participants)), axis=1)
    total_rate = np.cumsum(rates, axis=1)
    reached = np.zeros_like(total_rate)
    np.cumsum(total_rate[:, :-1] * np.diff(activation), axis=1, out=reached[:, 1:])
    months = np.empty_like(needed)
    for replicate in range(replicates):
        open_sites = np.searchsorted(reached[replicate], needed[replicate], side="right") - 1
        beyond = needed[replicate] - reached[replicate, open_sites]
        months[replicate] = activation[open_sites] + beyond / total_rate[replicate, open_sites]
    return months

"""Speed of the null library of the MMRM, and of a power surface from it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from trialsim.analysis.repeated_measures.closed_form import monotone_block
from trialsim.design.repeated_measures import null_library as draw_library
from trialsim.design.repeated_measures import power_surface as draw_surface

VISITS, DRAWS = 5, 10_000
PATIENT_LEVEL = round(0.25 / 0.003**2)  # trials that bring the Monte Carlo error of a power of .5 to .003
SIGMA = np.array([[0.8 ** abs(i - j) for j in range(VISITS)] for i in range(VISITS)])


def null_library() -> Iterator[Figure]:
    retention = np.linspace(1.0, 0.75, VISITS)
    for arm, goal in ((200, 100_000.0), (40, None)):
        generator = np.random.default_rng(20261121)
        with threadpool_limits(1):
            taken = seconds(lambda n=arm, g=generator: draw_library((n, n), retention, g, draws=DRAWS))
        yield Figure(
            f"null_library visits={VISITS} an arm={arm}",
            DRAWS / taken,
            "draws/s",
            goal,
            limit="about 1,000,000 draws/s if the 60 variates were all that a draw costs",
        )


def power_surface() -> Iterator[Figure]:
    retentions = [np.linspace(1.0, last, VISITS) for last in np.linspace(0.98, 0.6, 20)]
    for arm in (20, 100, 200):
        effects = np.linspace(0.0, 6.0, 20) * np.sqrt(2.0 / arm)
        generator = np.random.default_rng(20261121)
        with threadpool_limits(1):
            taken = seconds(
                lambda n=arm, d=effects, g=generator: draw_surface(d, retentions, (n, n), SIGMA, g)
            )
            surface = draw_surface(effects, retentions, (arm, arm), SIGMA, generator)
            drawn = surface_library(arm, retentions)
            fit = closed_form_seconds(arm)
        patients = len(retentions) * len(effects) * PATIENT_LEVEL * fit
        yield Figure(
            f"power_surface 20 x 20, an arm={arm}",
            taken,
            "s",
            0.2,
            at_most=True,
            peer=f"{PATIENT_LEVEL:,} simulated trials a cell, closed-form fits alone: {patients:.0f} s",
            ratio=patients / taken,
            limit=f"drawing 250 times a retention: {drawn:.3f} s, {drawn / taken:.0%} of it",
        )
        worst = float(surface.monte_carlo_error.max())
        yield Figure(
            f"power_surface Monte Carlo error, an arm={arm}",
            worst,
            "power",
            0.003,
            at_most=True,
            limit="0 in the limit of draws; the surface draws until its tolerance of .003 is met",
        )


def surface_library(arm: int, retentions: list[np.ndarray]) -> float:
    """Return the seconds of small libraries, one a retention."""
    generator = np.random.default_rng(20261121)
    return seconds(lambda: [draw_library((arm, arm), one, generator, draws=250) for one in retentions])


def closed_form_seconds(arm: int) -> float:
    """Return the seconds of one patient-level fit in closed form."""
    outcomes = np.random.default_rng(1).standard_normal((200, 2 * arm, VISITS))
    design = np.column_stack([np.ones(2 * arm), np.arange(2 * arm) % 2.0])
    return seconds(lambda: monotone_block(outcomes, design)) / len(outcomes)


BENCHMARKS = {"null_library": null_library, "power_surface": power_surface}

"""Speed of the null library of the MMRM, and of a power surface from it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from trialsim.analysis import null_library as draw_library
from trialsim.analysis import power_surface as draw_surface

VISITS, DRAWS = 5, 10_000
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
        yield Figure(f"power_surface 20 x 20, an arm={arm}", taken, "s", 0.2, at_most=True)
        worst = float(surface.monte_carlo_error.max())
        yield Figure(f"power_surface Monte Carlo error, an arm={arm}", worst, "power", 0.003, at_most=True)


BENCHMARKS = {"null_library": null_library, "power_surface": power_surface}

"""``trialsim design mmrm``: repeated measures with dropout."""

from __future__ import annotations

import math
from typing import Any

import click

from trialsim.cli.design.answer import Answer, answers, few
from trialsim.cli.design.options import NUMBERS, POSITIVE, level_options

CORRELATION = click.FloatRange(0, 1, max_open=True)


@click.command()
@click.option(
    "--effect",
    type=NUMBERS,
    required=True,
    help="Assumed difference at the last visit, in units of the outcome; several with --arm-sizes.",
)
@click.option(
    "--sd",
    type=POSITIVE,
    default=1.0,
    show_default=True,
    help="Standard deviation of the outcome at every visit, in the same units.",
)
@click.option("--visits", type=click.IntRange(1, 30), required=True, help="Number of visits after baseline.")
@click.option(
    "--correlation", type=CORRELATION, required=True, help="Correlation of the outcomes of two visits."
)
@click.option(
    "--decay", is_flag=True, help="The correlation falls by its power with the visits between (AR 1)."
)
@click.option(
    "--retention",
    type=NUMBERS,
    multiple=True,
    help="Share observed at each visit; may be given again with --arm-sizes.  [default: everybody]",
)
@click.option("--arm-sizes", type=NUMBERS, help="Participants control,active: gives their exact power.")
@click.option(
    "--draws",
    type=click.IntRange(200, 1_000_000),
    default=20_000,
    show_default=True,
    help="Random draws behind the exact power.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=20261121, show_default=True, help="Seed of the random numbers."
)
@level_options(alpha=0.05, allocation=False)
@answers
def mmrm(
    effect: tuple[float, ...],
    sd: float,
    visits: int,
    correlation: float,
    decay: bool,
    retention: tuple[tuple[float, ...], ...],
    arm_sizes: tuple[float, ...] | None,
    draws: int,
    seed: int,
    power: float,
    alpha: float,
) -> Answer:
    """Size a mixed model for repeated measures with dropout; alpha is two-sided.

    \b
    Examples:
      trialsim design mmrm --effect 0.5 --visits 3 --correlation 0.6 --retention 1,0.9,0.8
      trialsim design mmrm --effect 0.5 --visits 3 --correlation 0.6 --retention 1,0.9,0.8 \\
          --arm-sizes 95,95
      trialsim design mmrm --effect 0.3,0.4,0.5 --visits 3 --correlation 0.6 \\
          --retention 1,0.9,0.8 --retention 1,0.8,0.6 --arm-sizes 95,95

    A size comes from the large-sample variance (Lu, Luo and Chen 2008); the power of given arms from the
    exact law of the test with Satterthwaite's degrees of freedom.
    """
    import numpy as np

    from trialsim.design.repeated_measures.exact_law import null_library, power_surface
    from trialsim.design.repeated_measures.large_sample import large_sample_inflation, large_sample_size
    from trialsim.errors import DesignError
    from trialsim.streams import stream

    gap = np.abs(np.subtract.outer(np.arange(visits), np.arange(visits)))
    matrix = np.where(gap == 0, 1.0, correlation ** (gap if decay else 1))
    shares = np.asarray(retention[0]) if retention else np.ones(visits)
    headline = f"MMRM of {visits} visits, two-sided alpha {alpha:g}."
    facts: dict[str, Any]
    chance = stream(seed, "mmrm", 0, "analysis")
    if len(effect) > 1 or len(retention) > 1:
        if arm_sizes is None:
            raise DesignError(
                "and --retention may be several with --arm-sizes alone", field="--effect", value=effect,
                mend="give --arm-sizes, or one of each for a size",
            )  # fmt: skip
        sizes = int(arm_sizes[0]), int(arm_sizes[-1])
        surface = power_surface(effect, retention or [shares], sizes, sd**2 * matrix, chance, alpha=alpha)
        table = surface.to_frame().rename(columns={"monte_carlo_error": "Monte Carlo error"})
        facts = {"participants": f"{sizes[0]} and {sizes[1]}"}
        return Answer(headline, facts, {"Power by effect and share at the last visit": table.round(6)})
    inflation = large_sample_inflation(matrix, shares)
    facts = {"inflation by dropout": inflation}
    if arm_sizes is None:
        _, total = large_sample_size(
            effect[0], sd=sd, inflation=(inflation, inflation), alpha=alpha, power=power
        )
        each = math.ceil(total / 2 - 1e-9)
        return Answer(
            headline, facts | {"each arm": each, "total": 2 * each, "power": power}, note=few(total)
        )
    library = null_library((int(arm_sizes[0]), int(arm_sizes[-1])), shares, chance, draws=draws)
    curve = library.power(effect, sd**2 * matrix, alpha=alpha)
    facts |= {
        "participants": f"{int(arm_sizes[0])} and {int(arm_sizes[-1])}",
        "power": float(curve.power[0]),
        "Monte Carlo error": float(curve.monte_carlo_error[0]),
    }
    return Answer(headline, facts, note="Rejections in either direction count, as the two-sided test does.")

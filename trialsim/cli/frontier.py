"""``trialsim frontier``: how few concurrent controls, by method, and at what risk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trialsim.design import BorrowingMethod

METHODS = ("prognostic", "weighted", "bayesian", "map", "commensurate", "power", "sam", "twin")
SHARE = click.FloatRange(0, 1, max_open=True)


@click.command()
@click.option("--effect", type=float, required=True, help="Assumed effect, above 0: more is better.")
@click.option("--active", type=click.IntRange(2), required=True, help="Active participants, fixed.")
@click.option("--history", type=click.IntRange(10), required=True, help="Past placebo participants.")
@click.option("--sd", type=float, default=1.0, show_default=True, help="SD of the outcome.")
@click.option(
    "--correlation", type=SHARE, default=0.0, show_default=True, help="corr(outcome, prognostic score)."
)
@click.option("--power", type=click.FloatRange(0.5, 1, max_open=True), default=0.9, show_default=True)
@click.option("--alpha", type=click.FloatRange(0, 0.5, True, True), default=0.05, show_default=True)
@click.option(
    "--cap", type=SHARE, default=0.075, show_default=True, help="Largest type I error at any declared drift."
)
@click.option(
    "--drift",
    "largest_drift",
    type=click.FloatRange(0, 2),
    default=1.0,
    show_default=True,
    help="Declare every drift up to this many SD, both ways, in steps of .05.",
)
@click.option("--dropout", type=SHARE, default=0.0, show_default=True, help="Share of each arm that is lost.")
@click.option("--most", type=click.IntRange(5), help="Most controls to consider.  [default: as prognostic]")
@click.option(
    "--method",
    "methods",
    type=click.Choice(METHODS),
    multiple=True,
    help="Only this method; may be repeated.  [default: all]",
)
@click.option(
    "--between-sd",
    type=click.FloatRange(0, 2),
    default=0.05,
    show_default=True,
    help="Between-study SD that the MAP, SAM and twin priors assume, in SD of the outcome.",
)
@click.option(
    "--calibration-slope",
    type=float,
    default=1.0,
    show_default=True,
    help="Slope of outcome on twin in held-out studies.",
)
@click.option(
    "--weighted-factor",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Variance left by weighting with the twins' own certainty.",
)
@click.option("--replicates", type=click.IntRange(200), default=4000, show_default=True, help="Simulated.")
@click.option("--seed", type=click.IntRange(0), default=20261121, show_default=True)
@click.option("--curves", type=click.IntRange(2), help="Show drift curves at this many controls instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON rows instead of text.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write rows to a .csv or .json file.",
)
def frontier(
    effect: float,
    active: int,
    history: int,
    sd: float,
    correlation: float,
    power: float,
    alpha: float,
    cap: float,
    largest_drift: float,
    dropout: float,
    most: int | None,
    methods: tuple[str, ...],
    between_sd: float,
    calibration_slope: float,
    weighted_factor: float,
    replicates: int,
    seed: int,
    curves: int | None,
    as_json: bool,
    output: Path | None,
) -> None:
    """Find the fewest concurrent controls of each way to use a history.

    Prognostic adjustment uses the history to explain variance only: it keeps its type I error whatever
    happens. The other methods borrow: they let past participants stand in for controls, and reject too
    often when the trial's placebo outcomes drift from what the history says.

    Declare the drifts that could happen (--drift) and the type I error that you accept under the worst
    of them (--cap). Each method then answers with its fewest controls, or with "none feasible" and the
    best that can be had. Where the type I error breaks its cap at a drift too small for the concurrent
    controls to see, the answer says that borrowing is not defensible.

    \b
    Examples:
      trialsim frontier --effect 0.4 --active 120 --history 1000 --correlation 0.5
      trialsim frontier --effect 0.4 --active 120 --history 1000 --correlation 0.5 --cap 0.05
      trialsim frontier --effect 0.4 --active 100 --history 1000 --correlation 0.5 \\
          --method bayesian --curves 100 --drift 0.6 --output curves.csv
    """
    from trialsim.design import BorrowingQuestion, control_frontier, drift_map

    steps = round(largest_drift / 0.05)
    question = BorrowingQuestion(
        effect=effect,
        active=active,
        history=history,
        sd=sd,
        correlation=correlation,
        power=power,
        alpha=alpha,
        type_one_cap=cap,
        drifts=tuple(round(0.05 * step, 2) for step in range(-steps, steps + 1)),
        dropout=(dropout, dropout),
        replicates=replicates,
        seed=seed,
    )
    known = _methods(between_sd, calibration_slope, weighted_factor)
    wanted = methods or tuple(name for name in METHODS if name != "bayesian" or correlation > 0)
    chosen = [known[name] for name in wanted]
    answer = (
        control_frontier(question, chosen, most_controls=most)
        if curves is None
        else drift_map(chosen, question, curves)
    )
    frame = answer.to_frame()
    if output is not None:
        _write(frame, output)
    if as_json:
        click.echo(frame.to_json(orient="records", indent=2))
        return
    click.echo(str(answer))
    if not methods and "bayesian" not in wanted:
        click.echo("Exact Bayesian adjustment needs --correlation above 0, and was left out.")


def _methods(between: float, slope: float, weighted: float) -> dict[str, BorrowingMethod]:
    from trialsim.design import (
        Commensurate,
        ExactBayesian,
        NoBorrowing,
        PowerPrior,
        RobustMap,
        SelfAdapting,
        TwinInformedPrior,
    )

    return {
        "prognostic": NoBorrowing(),
        "weighted": NoBorrowing("weighted adjustment", weighted),
        "bayesian": ExactBayesian(),
        "map": RobustMap(between_sd=between),
        "commensurate": Commensurate(),
        "power": PowerPrior(),
        "sam": SelfAdapting(between_sd=between),
        "twin": TwinInformedPrior(between_sd=between, calibration_slope=slope),
    }


def _write(frame, output: Path) -> None:  # type: ignore[no-untyped-def]  # pandas is imported only when it runs
    from trialsim.cli.tables import write_frame
    from trialsim.errors import InputError

    if output.suffix != ".json":
        write_frame(frame, output)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(frame.to_json(orient="records", indent=2) + "\n")
    except OSError as fault:
        raise InputError(
            f"cannot be written: {fault.strerror}", file=output, mend="choose another file"
        ) from None

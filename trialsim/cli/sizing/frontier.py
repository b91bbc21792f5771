"""``trialsim frontier``: how few concurrent controls, by method, and at what risk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trialsim.cli.sizing.from_protocol import from_option
from trialsim.cli.sizing.outcome_options import outcome_options
from trialsim.study.from_numbers.borrowed import LINEAR_ONLY, METHODS
from trialsim.study.from_numbers.of_protocol import frontier_numbers
from trialsim.study.from_numbers.scale import refuse_endless

if TYPE_CHECKING:
    from trialsim.design.borrowing import (
        BorrowingMethod,
        ControlFrontier,
        ControlQuestion,
        DriftMap,
        SafePriors,
    )
    from trialsim.progress import Progress

SHARE = click.FloatRange(0, 1, max_open=True)


@click.command()
@from_option(frontier_numbers)
@outcome_options
@click.option("--effect", type=float, help="Continuous: assumed effect, above 0: more is better.")
@click.option(
    "--margin",
    type=float,
    help="Effect under the null, told as the effect is: -0.2, or 1.3 of a hazard ratio.  [default: none]",
)
@click.option(
    "--direction",
    type=click.Choice(["greater", "less"]),
    help="Side of the claim.  [default: that of the effect; of a margin, that of no effect]",
)
@click.option(
    "--active",
    type=click.IntRange(2),
    required=True,
    help="Number of active participants; it stays as it is, and controls are searched.",
)
@click.option(
    "--history",
    type=click.IntRange(10),
    required=True,
    help="Number of past placebo participants; for survival, of past events.",
)
@click.option(
    "--sd", type=float, help="Continuous: SD of the outcome, in the units of --effect.  [default: 1]"
)
@click.option(
    "--correlation",
    type=SHARE,
    default=0.0,
    show_default=True,
    help="Correlation of outcome and prognostic score, from participants that the score was not fitted to.",
)
@click.option(
    "--power",
    type=click.FloatRange(0.5, 1, max_open=True),
    default=0.9,
    show_default=True,
    help="Power that the trial should have: a probability.",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0, 0.5, True, True),
    default=0.05,
    show_default=True,
    help="Two-sided type I error without drift.",
)
@click.option(
    "--cap", type=SHARE, default=0.075, show_default=True, help="Largest type I error at any declared drift."
)
@click.option(
    "--drift",
    "largest_drift",
    type=click.FloatRange(0, 2),
    default=1.0,
    show_default=True,
    help="Declare every drift up to this many SD, both ways, in steps of .05; on the other scales this many "
    "log odds, log rate or log hazard, in steps of .1.",
)
@click.option(
    "--dropout",
    type=SHARE,
    default=0.0,
    show_default=True,
    help="Share of each arm whose outcome is not seen.",
)
@click.option(
    "--most",
    type=click.IntRange(5),
    help="Largest number of controls that is tried.  [default: as prognostic]",
)
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
    help="Between-study SD that the MAP, SAM and twin priors assume, in the unit of drift.",
)
@click.option(
    "--calibration-slope",
    type=float,
    default=1.0,
    show_default=True,
    help="Slope of the outcome on the twin in studies that were held out; 1 is calibrated.",
)
@click.option(
    "--calibration-bias",
    type=(float, float),
    multiple=True,
    metavar="BIAS SE",
    help="Mean error of the twins in one held-out study, and its standard error; may be repeated. The vague "
    "part of the twin prior weighs at least the share of studies that they miss.  [default: none, one half]",
)
@click.option(
    "--weighted-factor",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Share of the variance that is left when each participant is weighted by the twin's certainty.",
)
@click.option(
    "--replicates",
    type=click.IntRange(200),
    default=4000,
    show_default=True,
    help="Trials simulated at each point, for methods that have no exact law.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=20261121, show_default=True, help="Seed of the random numbers."
)
@click.option(
    "--curves",
    type=click.IntRange(2),
    help="Show instead, at this many controls, power and type I error over drift.",
)
@click.option(
    "--all-settings",
    is_flag=True,
    help="With --curves: show every setting of each prior, not only the customary one.",
)
@click.option(
    "--tuned",
    type=click.IntRange(2),
    help="Show instead, at this many controls, the setting of each prior that gains most power and keeps the "
    "cap at every drift up to 1.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Also simulate trials at every point, to check the exact numbers; not for continuous outcomes.",
)
@click.option(
    "--figure", type=click.Path(path_type=Path, dir_okay=False), help="Write a figure to this .html file."
)
@click.option("--quiet", is_flag=True, help="Show no progress bars.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the rows to this .csv or .json file.",
)
def frontier(
    scale: str,
    effect: float | None,
    margin: float | None,
    direction: str | None,
    active: int,
    history: int,
    sd: float | None,
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
    calibration_bias: tuple[tuple[float, float], ...],
    weighted_factor: float,
    replicates: int,
    seed: int,
    curves: int | None,
    all_settings: bool,
    tuned: int | None,
    check: bool,
    figure: Path | None,
    quiet: bool,
    output: Path | None,
    **numbers: float | None,
) -> None:
    """Find the fewest concurrent controls of each way to use a history.

    \b
    Examples:
      trialsim frontier --effect 0.4 --active 120 --history 1000 --correlation 0.5
      trialsim frontier --effect 0.4 --active 120 --history 1000 --correlation 0.5 --cap 0.05
      trialsim frontier --effect 0.4 --active 100 --history 1000 --correlation 0.5 \\
          --method bayesian --curves 100 --drift 0.6 --output curves.csv
      trialsim frontier --effect 0.4 --active 100 --history 1000 --method map --curves 100 --all-settings
      trialsim frontier --effect 0.4 --active 100 --history 1000 --correlation 0.5 --tuned 60
      trialsim frontier --from my-trial/protocols/copd_twins.toml --history 300
      trialsim frontier --scale binary --control-rate 0.3 --odds-ratio 2.2 --active 150 --history 400
      trialsim frontier --scale survival --control-median 12 --hazard-ratio 0.65 --accrual 18 \\
          --duration 30 --active 250 --history 300 --figure frontier.html

    Prognostic adjustment uses the history to explain variance only: it keeps its type I error whatever
    happens. The other methods borrow: they let past participants stand in for controls, and reject too
    often when the trial's placebo outcomes drift from what the history says.

    Declare the drifts that could happen (--drift) and the type I error that you accept under the worst
    of them (--cap). Each method then answers with its fewest controls, or with "none feasible" and the
    best that can be had. Where the type I error breaks its cap at a drift too small for the concurrent
    controls to see, the answer says that borrowing is not defensible.

    With --scale the outcome is binary, a count or a time to an event, told in its own terms: a control
    rate and an odds ratio, a rate and its ratio, a median and a hazard ratio. Drift is then the trial's
    control level minus the history's, in log odds, log rate or log hazard.

    With --from the numbers are those of a protocol, as for trialsim size; the correlation is that of all
    that the score and the baseline explain together.
    """
    from trialsim.cli.terminal.as_json import collected
    from trialsim.cli.terminal.progress import progress_bars
    from trialsim.cli.terminal.written import write_figure, write_rows
    from trialsim.design.borrowing import ControlFrontier, DriftMap, check_frontier
    from trialsim.study.from_numbers.borrowed import (
        borrowing_methods,
        borrowing_question,
        method_suits,
        twin_prior,
    )

    refuse_endless(
        {"margin": margin, "drift": largest_drift, "dropout": dropout, "calibration_slope": calibration_slope}
    )
    _refuse_pairs(scale, methods, curves, tuned, all_settings, check, dropout)
    shared = {
        "active": active,
        "history": history,
        "correlation": correlation,
        "power": power,
        "alpha": alpha,
        "type_one_cap": cap,
        "replicates": replicates,
        "seed": seed,
    }
    question = borrowing_question(
        scale, effect, sd, largest_drift, dropout, shared, numbers, margin, direction
    )
    twin = twin_prior(between_sd, calibration_slope, calibration_bias)
    known = borrowing_methods(between_sd, twin, weighted_factor, question.drift_unit)
    wanted = methods or tuple(name for name in METHODS if method_suits(name, scale, correlation))
    chosen = [known[name] for name in wanted]
    with progress_bars(quiet) as progress:
        answer = _answer(question, chosen, most, curves, tuned, all_settings, progress)
        frame = (
            check_frontier(answer, progress=progress)
            if check and isinstance(answer, ControlFrontier)
            else answer.to_frame()
        )
    if output is not None:
        write_rows(frame, output)
    if figure is not None:
        write_figure(answer.plot(), figure, f"Borrowing from a history beside {active} active participants")
    if (found := collected()) is not None:
        found.add_table(
            "frontier" if curves is None and tuned is None else "curves" if curves else "tuned", frame
        )
        return
    click.echo(str(answer))
    if check:
        click.echo("Beside simulated trials:\n" + frame.round(4).to_string(index=False))
    elif scale != "continuous" and set(wanted) != {"prognostic"}:
        click.echo("In the normal approximation; --check holds a frontier against simulated trials.")
    if isinstance(answer, DriftMap):
        spots = answer.sweet_spots().to_string(index=False, na_rep="none")
        click.echo(f"Sweet spots, drifts that keep the cap and lose no power:\n{spots}")
    if not methods and scale != "continuous":
        click.echo("Exact Bayesian and weighted adjustment rest on a linear model, and were left out.")
    elif not methods and "bayesian" not in wanted:
        click.echo("Exact Bayesian adjustment needs --correlation above 0, and was left out.")


def _refuse_pairs(
    scale: str,
    methods: tuple[str, ...],
    curves: int | None,
    tuned: int | None,
    all_settings: bool,
    check: bool,
    dropout: float,
) -> None:
    """Refuse options that do not go together."""
    from trialsim.errors import DesignError

    if curves is not None and tuned is not None:
        raise DesignError(
            "does not go with --curves", field="--tuned", value=tuned, mend="ask for one of them"
        )
    if all_settings and curves is None:
        raise DesignError("needs --curves beside it", field="--all-settings")
    if check and (curves is not None or tuned is not None):
        raise DesignError("goes with a frontier, not with --curves or --tuned", field="--check")
    if check and scale == "continuous":
        raise DesignError("is for the other scales", field="--check", mend="leave it out, or give --scale")
    if scale == "survival" and dropout > 0:
        raise DesignError("does not belong to a survival outcome", field="--dropout", mend="give --loss")
    for name in methods:
        if scale != "continuous" and name in LINEAR_ONLY:
            raise DesignError(
                f"rests on a linear model, and does not belong to a {scale} outcome",
                field="--method",
                value=name,
                mend="use a prior of the control level, such as map",
            )


def _answer(
    question: ControlQuestion,
    methods: list[BorrowingMethod],
    most: int | None,
    curves: int | None,
    tuned: int | None,
    all_settings: bool,
    progress: Progress,
) -> ControlFrontier | DriftMap | SafePriors:
    from trialsim.design import control_frontier, drift_map
    from trialsim.design.borrowing import safe_priors

    if tuned is not None:
        return safe_priors(question, tuned, methods, progress=progress)
    if curves is not None:
        return drift_map(methods, question, curves, all_settings=all_settings, progress=progress)
    return control_frontier(question, methods, most_controls=most, progress=progress)

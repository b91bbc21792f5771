"""``trialsim size``: sizes by formula, from numbers or from a protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trialsim.cli.design.options import NUMBERS
from trialsim.cli.sizing.from_protocol import from_option
from trialsim.cli.sizing.outcome_options import outcome_options
from trialsim.study.from_numbers.nulls import CONTRASTS
from trialsim.study.from_numbers.of_protocol import size_numbers

PAIR = click.FloatRange(-1, 1, min_open=True, max_open=True)
PRICE = click.FloatRange(0)


@click.command()
@from_option(size_numbers)
@outcome_options
@click.option("--effect", type=float, help="Continuous: assumed effect at the last visit, in points.")
@click.option(
    "--margin",
    type=float,
    help="Effect under the null, told as the effect is: -0.2 where a loss of 0.2 is too much, 1.3 of a "
    "hazard ratio.  [default: no effect]",
)
@click.option(
    "--limits",
    type=NUMBERS,
    help="Two limits, such as -0.5,0.5 or 0.8,1.25: shows equivalence by two one-sided tests, each at half "
    "of --alpha.",
)
@click.option(
    "--direction",
    type=click.Choice(["greater", "less"]),
    help="Side of the claim.  [default: that of the effect; of a margin, that of no effect]",
)
@click.option(
    "--contrast",
    type=click.Choice(CONTRASTS),
    help="Binary: what is tested, and what a margin is of.  [default: against a margin as the effect is "
    "told, else odds-ratio]",
)
@click.option("--sd", type=float, help="Continuous: SD of the change from baseline, control arm.")
@click.option("--sd-active", type=float, help="Continuous: SD in the active arm.  [default: as control]")
@click.option(
    "--baseline-correlation", type=PAIR, default=0.0, show_default=True, help="corr(change, baseline)."
)
@click.option(
    "--partial-correlation",
    type=PAIR,
    default=0.0,
    show_default=True,
    help="corr(change, score | baseline), from a history that the score was not fitted to.",
)
@click.option(
    "--baseline-correlation-active",
    type=PAIR,
    help="Continuous: corr(change, baseline) of the treated.  [default: as control]",
)
@click.option(
    "--partial-correlation-active",
    type=PAIR,
    help="Continuous: partial correlation of the treated; its ratio to that of "
    "controls holds in every figure.  [default: as control]",
)
@click.option(
    "--partial-lower",
    type=PAIR,
    help="Lower 95 % bound of --partial-correlation, for the worst plausible figure.  [default: 0]",
)
@click.option(
    "--partial-upper",
    type=PAIR,
    help="Upper 95 % bound of --partial-correlation, for the intervals of the savings.",
)
@click.option("--allocation", default="1:1", show_default=True, help="control:active, such as 1:2.")
@click.option(
    "--dropout",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    show_default=True,
    help="Share of controls whose outcome is not seen.",
)
@click.option(
    "--dropout-active",
    type=click.FloatRange(0, 1, max_open=True),
    help="Share of active participants whose outcome is not seen.  [default: as control]",
)
@click.option(
    "--largest-trial",
    type=click.IntRange(10),
    help="Continuous: participants at which the search gives up.  [default: 50000]",
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
    help="Two-sided type I error that is accepted.",
)
@click.option(
    "--slopes",
    type=click.Choice(["common", "interacted"]),
    help="Continuous: slopes of the model.  [default: common]",
)
@click.option(
    "--variance",
    type=click.Choice(["hc0", "hc1", "hc2", "hc3", "model"]),
    help="Continuous: standard error that the trial will use.  [default: hc3]",
)
@click.option(
    "--correlation-discount",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.9,
    show_default=True,
    help="λ on the correlation, for the discounted and the worst plausible figure.",
)
@click.option(
    "--sd-inflation",
    type=click.FloatRange(1, 3),
    default=1.0,
    show_default=True,
    help="γ on the SD of both arms, for the same figures; continuous assurance takes it on the controls'.",
)
@click.option(
    "--agreement",
    type=click.FloatRange(-1, 1),
    help="Continuous: heterogeneity dial c, how far the score means the same when treated (1 sharp, 0 not).",
)
@click.option(
    "--assurance",
    type=click.FloatRange(0, 1, True, True),
    help="Size for this assurance, over what --history-pairs leave uncertain.",
)
@click.option(
    "--history-pairs",
    type=click.IntRange(5),
    help="Past placebo participants behind the numbers; survival: past events.",
)
@click.option(
    "--effect-sd",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Prior SD of the effect; of its logarithm on the other scales.",
)
@click.option(
    "--control-price",
    type=PRICE,
    help="Price of one control, in any currency: shows savings in money, and the cheapest allocation.",
)
@click.option(
    "--active-price",
    type=PRICE,
    help="Price of one active participant, in the same currency.  [default: as a control]",
)
@click.option(
    "--month-price",
    type=PRICE,
    default=0.0,
    show_default=True,
    help="Price of one month of enrolment, in the same currency.",
)
@click.option(
    "--per-month",
    type=click.FloatRange(0, min_open=True),
    help="Participants enrolled in one month, in both arms: shows months.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=20261121,
    show_default=True,
    help="Seed of the random numbers behind the assurance.",
)
@click.option(
    "--figure", type=click.Path(path_type=Path, dir_okay=False), help="Write a figure to this .html file."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the sizes to a .csv, .parquet or .json file.",
)
def size(**given: Any) -> None:
    """Size a two-arm trial by formula: unadjusted, baseline adjustment, and prognostic adjustment.

    \b
    Examples:
      trialsim size --effect 0.45 --sd 2.2 --baseline-correlation 0.2 --partial-correlation 0.35
      trialsim size --effect 0.45 --sd 2.2 --partial-correlation 0.35 --agreement 0.7
      trialsim size --from my-trial/protocols/copd_twins.toml --power 0.8
      trialsim size --effect 0.45 --sd 2.2 --partial-correlation 0.35 \\
          --assurance 0.8 --history-pairs 300
      trialsim size --scale binary --control-rate 0.3 --risk-difference 0.15 --partial-correlation 0.4
      trialsim size --scale binary --control-rate 0.6 --risk-difference 0 --margin -0.1
      trialsim size --scale survival --control-median 12 --hazard-ratio 1 --margin 1.3 --accrual 18 \\
          --duration 30
      trialsim size --scale survival --control-median 12 --hazard-ratio 0.7 --accrual 18 --duration 30 \\
          --partial-correlation 0.3 --control-price 30000 --active-price 45000 --per-month 20

    With --agreement, see what the size would be if the score meant less under treatment. With
    --assurance and --history-pairs, see the size that holds its power over what the history leaves
    uncertain, beside the customary discounts. Both are in the normal approximation and count participants
    with an outcome.

    With --scale the outcome is binary, a count or a time to an event, sized by a two-sided Wald test of the
    log odds ratio, log rate ratio or log hazard ratio; correlations are those among controls.

    With --margin a trial shows non-inferiority, with --limits equivalence. With a margin
    below 0, or a ratio below 1, the effect must lie above it; with any other margin, below it.

    With --from the numbers are those of a protocol: its law, or its history's own means and SDs, its arms,
    its level, and the strength of an assumed score. That of a learned one is not known before it is learnt:
    give --partial-correlation as trialsim twins validate says. Looks and dropout that depends on outcomes
    are not in the formula; trialsim run searches the size with them.

    With prices, see what a score saves in money, and allocations of the same power: 1:1, with the active
    arm fixed, at least cost, and with the fewest controls for the same money.
    """
    from trialsim.cli.sizing.shown import show
    from trialsim.study.from_numbers.sized import size_from_numbers

    figure, output = given.pop("figure"), given.pop("output")
    show(size_from_numbers(given), figure, output)

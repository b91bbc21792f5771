"""``trialsim size``: sizes by formula, without a protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trialsim.design import PlanningMoments, SizingQuestion

PAIR = click.FloatRange(-1, 1, min_open=True, max_open=True)


@click.command()
@click.option("--effect", type=float, required=True, help="Assumed effect at the last visit, in points.")
@click.option("--sd", type=float, required=True, help="SD of the change from baseline, control arm.")
@click.option("--sd-active", type=float, help="SD in the active arm.  [default: as control]")
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
    "--partial-lower", type=PAIR, help="Its lower 95 % bound, for the worst plausible figure.  [default: 0]"
)
@click.option("--allocation", default="1:1", show_default=True, help="control:active, such as 1:2.")
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), default=0.0, show_default=True)
@click.option("--power", type=click.FloatRange(0.5, 1, max_open=True), default=0.9, show_default=True)
@click.option("--alpha", type=click.FloatRange(0, 0.5, True, True), default=0.05, show_default=True)
@click.option("--slopes", type=click.Choice(["common", "interacted"]), default="common", show_default=True)
@click.option(
    "--variance",
    type=click.Choice(["hc0", "hc1", "hc2", "hc3", "model"]),
    default="hc3",
    show_default=True,
    help="Standard error that the trial will use.",
)
@click.option(
    "--correlation-discount", type=click.FloatRange(0, 1, min_open=True), default=0.9, show_default=True
)
@click.option("--sd-inflation", type=click.FloatRange(1, 3), default=1.0, show_default=True)
@click.option(
    "--agreement",
    type=click.FloatRange(-1, 1),
    help="Heterogeneity dial c: how far the score means the same under treatment (1 sharp, 0 no credit).",
)
@click.option(
    "--assurance",
    type=click.FloatRange(0, 1, True, True),
    help="Size for this assurance, over what --history-pairs leave uncertain.",
)
@click.option("--history-pairs", type=click.IntRange(5), help="Past placebo participants behind the numbers.")
@click.option(
    "--effect-sd", type=click.FloatRange(0), default=0.0, show_default=True, help="Prior SD of the effect."
)
@click.option("--seed", type=click.IntRange(0), default=20261121, show_default=True, help="Of the assurance.")
def size(
    effect: float,
    sd: float,
    sd_active: float | None,
    baseline_correlation: float,
    partial_correlation: float,
    partial_lower: float | None,
    allocation: str,
    dropout: float,
    power: float,
    alpha: float,
    slopes: str,
    variance: str,
    correlation_discount: float,
    sd_inflation: float,
    agreement: float | None,
    assurance: float | None,
    history_pairs: int | None,
    effect_sd: float,
    seed: int,
) -> None:
    """Size a two-arm trial by formula: unadjusted, baseline ANCOVA, and prognostic adjustment.

    With --agreement, see what the size would be if the score meant less under treatment. With
    --assurance and --history-pairs, see the size that holds its power over what the history leaves
    uncertain, beside the customary discounts. Both are in the normal approximation and count participants
    with an outcome.

    \b
    Examples:
      trialsim size --effect 0.45 --sd 2.2 --baseline-correlation 0.2 --partial-correlation 0.35
      trialsim size --effect 0.45 --sd 2.2 --partial-correlation 0.35 --agreement 0.7
      trialsim size --effect 0.45 --sd 2.2 --partial-correlation 0.35 \\
          --assurance 0.8 --history-pairs 300
    """
    from rich.console import Console

    from trialsim.cli.tables import print_frame
    from trialsim.design import PlanningMoments, PrognosticGain, SizingQuestion, plan_control_arm
    from trialsim.errors import DesignError

    if sd <= 0 or (sd_active is not None and sd_active <= 0):
        raise DesignError("must be above 0", field="--sd", value=sd, mend="give a standard deviation")
    question = SizingQuestion(
        effect=effect,
        power=power,
        alpha=alpha,
        allocation=_shares(allocation),
        dropout=(dropout, dropout),
        slopes=slopes,  # type: ignore[arg-type]  # click.Choice has checked it
        variance=variance,  # type: ignore[arg-type]  # click.Choice has checked it
    )
    rho = baseline_correlation
    moments = PlanningMoments((sd, sd_active or sd), (rho, rho), (0.0, 0.0))
    lower = 0.0 if partial_lower is None else partial_lower
    gain = PrognosticGain(partial_correlation, lower, {}, partial_correlation**2, 0.0)
    plan = plan_control_arm(
        moments,
        gain,
        question,
        correlation_discount=correlation_discount,
        sd_inflation=sd_inflation,
        smallest_worthwhile_saving=0.0,
    )
    console = Console()
    unadjusted = plan.sizes["unadjusted"]
    console.print(
        f"Unadjusted: {unadjusted.total} participants, {unadjusted.controls} of them controls. "
        f"Two-sided alpha {alpha:g}, power {power:g}, {variance} standard errors."
    )
    print_frame(plan.to_frame(), console, "Prognostic adjustment beyond baseline ANCOVA")
    explained = 1 - (1 - rho**2) * (1 - partial_correlation**2)
    if agreement is not None:
        console.print("\nHeterogeneity dial, participants with an outcome:")
        console.print(_dial_text(moments, explained, agreement, question))
    if assurance is not None:
        console.print("\nAssurance, participants with an outcome:")
        draws = (explained, history_pairs, effect_sd, 1.0 if agreement is None else agreement, seed)
        discounts = (correlation_discount, sd_inflation)
        console.print(_assurance_text(moments, draws, assurance, question, discounts))


def _dial_text(moments: PlanningMoments, explained: float, agreement: float, question: SizingQuestion) -> str:
    from trialsim.design import PredictionMoments, dial_sizes

    score = PredictionMoments.from_correlation(moments.sd, (explained**0.5, explained**0.5), agreement)
    sizes = dial_sizes(
        score, question.effect, allocation=question.allocation, power=question.power, alpha=question.alpha
    )
    return str(sizes)


def _assurance_text(
    moments: PlanningMoments,
    history: tuple[float, int | None, float, float, int],
    assurance: float,
    question: SizingQuestion,
    discounts: tuple[float, float],
) -> str:
    from trialsim.design import AssuranceQuestion, assured_sizes, draws_from_history
    from trialsim.errors import DesignError
    from trialsim.streams import stream

    explained, pairs, effect_sd, agreement, seed = history
    if pairs is None:
        raise DesignError(
            "is needed for --assurance", field="--history-pairs", mend="give the size of the history"
        )
    draws = draws_from_history(
        explained**0.5,
        moments.sd[0],
        pairs,
        effect=question.effect,
        generator=stream(seed, "assurance", 0, "analysis"),
        effect_sd=effect_sd,
        sd_ratio=moments.sd[1] / moments.sd[0],
        agreement=(agreement, agreement),
    )
    asked = AssuranceQuestion(
        assurance=assurance,
        power=question.power,
        alpha=question.alpha,
        allocation=question.allocation,
        direction=1 if question.effect > 0 else -1,
        correlation_discount=discounts[0],
        sd_inflation=discounts[1],
    )
    return str(assured_sizes(draws, asked))


def _shares(allocation: str) -> tuple[float, float]:
    from trialsim.errors import DesignError

    try:
        control, active = (float(part) for part in allocation.split(":"))
        if min(control, active) <= 0:
            raise ValueError
    except ValueError:
        raise DesignError(
            "must be two positive numbers",
            field="--allocation",
            value=allocation,
            mend="write control:active, such as 1:2",
        ) from None
    return control / (control + active), active / (control + active)

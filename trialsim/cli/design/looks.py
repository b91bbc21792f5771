"""``trialsim design`` for trials that are read more than once: bounds, and what an interim result says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from trialsim.cli.design.answer import Answer, answers
from trialsim.cli.design.options import NUMBERS, PIECES, POSITIVE, RATE
from trialsim.errors import DesignError

if TYPE_CHECKING:
    import pandas as pd

    from trialsim.design.group_sequential import GroupSequentialDesign

RULES = "obf, pocock, hsd:GAMMA, power:RHO, exponential:NU, table:SHARE@TIME,..."
SHAPES = "o-brien-fleming, wang-tsiatis:DELTA, haybittle-peto:Z"


def spending(text: str, field: str) -> Any:
    """Return a spending function from its name, such as hsd:-4 or table:0.2@0.5,1@1."""
    from trialsim.design.group_sequential import (
        ExponentialSpending,
        HwangShihDeCani,
        OBrienFlemingSpending,
        PocockSpending,
        PowerSpending,
        SpendingTable,
    )

    name, _, number = text.partition(":")
    if name == "table":
        shares, times = PIECES.convert(number, None, None)
        return SpendingTable(times, shares)
    try:
        if name in ("obf", "pocock") and not number:
            return OBrienFlemingSpending() if name == "obf" else PocockSpending()
        kinds = {"hsd": HwangShihDeCani, "power": PowerSpending, "exponential": ExponentialSpending}
        if name in kinds:
            return kinds[name](float(number))
    except ValueError:
        pass
    raise DesignError("is no spending function", field=field, value=text, mend=f"write one of {RULES}")


def _efficacy(text: str) -> Any:
    from trialsim.design.group_sequential import HaybittlePeto, WangTsiatis

    name, _, number = text.partition(":")
    try:
        if name == "o-brien-fleming" and not number:
            return WangTsiatis(0.0)
        if name == "wang-tsiatis":
            return WangTsiatis(float(number))
        if name == "haybittle-peto":
            return HaybittlePeto(float(number or 3.0))
    except ValueError:
        raise DesignError(
            "needs a number after the colon", field="--efficacy", value=text, mend=f"write one of {SHAPES}"
        ) from None
    return spending(text, "--efficacy")


def _design(given: dict[str, Any]) -> GroupSequentialDesign:
    from trialsim.design import group_sequential_design
    from trialsim.design.group_sequential import BetaSpending, FutilityBounds

    if given["futility"] is not None and given["futility_z"] is not None:
        raise DesignError("does not go with --futility", field="--futility-z", value=given["futility_z"])
    futility: Any = None
    if given["futility"] is not None:
        futility = BetaSpending(spending(given["futility"], "--futility"), given["binding"])
    elif given["futility_z"] is not None:
        futility = FutilityBounds(given["futility_z"], given["binding"])
    return group_sequential_design(
        given["looks"],
        efficacy=_efficacy(given["efficacy"]),
        futility=futility,
        alpha=given["alpha"],
        power=given["power"],
        sides=given["sides"],
    )


def _plan_options(method: Any) -> Any:
    for option in (
        click.option("--power", type=RATE, default=0.9, show_default=True, help="Power of the whole trial."),
        click.option(
            "--alpha",
            type=click.FloatRange(0, 0.5, True, True),
            default=0.025,
            show_default=True,
            help="Type I error over all sides together.",
        ),
        click.option(
            "--sides",
            type=click.IntRange(1, 2),
            default=1,
            show_default=True,
            help="1: one-sided test; 2: two-sided test.",
        ),
        click.option(
            "--binding",
            is_flag=True,
            help="Futility is binding: efficacy bounds are lower, and hold type I error only "
            "if the trial obeys it.",
        ),
        click.option(
            "--futility-z",
            type=NUMBERS,
            help="Futility bounds of the interim looks as z values, one a look but the last, such as 0,0.5.",
        ),
        click.option("--futility", help=f"Beta spending: {RULES}.  [default: none]"),
        click.option("--efficacy", default="obf", show_default=True, help=f"Spending: {RULES}; or {SHAPES}."),
        click.option(
            "--looks",
            type=NUMBERS,
            required=True,
            help="Share of information at each look, ending with 1, such as 0.5,0.75,1.",
        ),
    ):
        method = option(method)
    return method


@click.command()
@_plan_options
@click.option(
    "--size",
    type=POSITIVE,
    help="Participants or events that a trial with one look needs: shows what the looks make of it.",
)
@click.option(
    "--effect", type=float, help="Assumed effect that gives the power: shows the estimate at each bound."
)
@click.option(
    "--hazard-ratio",
    type=POSITIVE,
    help="Assumed hazard ratio, in place of --effect: shows the hazard ratio at each bound.",
)
@click.option(
    "--observed",
    type=NUMBERS,
    help="Shares of information that the looks so far really had, such as 0.6,1.1: "
    "bounds are found for these.",
)
@click.option("--final", is_flag=True, help="The last of --observed is the final look.")
@click.option("--harm", help=f"Bounds for harm by spending: {RULES}.")
@click.option(
    "--harm-alpha",
    type=RATE,
    default=0.025,
    show_default=True,
    help="One-sided error that the bounds for harm may spend.",
)
@answers
def bounds(
    size: float | None,
    effect: float | None,
    hazard_ratio: float | None,
    observed: tuple[float, ...] | None,
    final: bool,
    harm: str | None,
    harm_alpha: float,
    **given: Any,
) -> Answer:
    """Find group-sequential bounds, what they spend, and what the trial is expected to need.

    \b
    Examples:
      trialsim design bounds --looks 0.5,0.75,1 --futility hsd:-2 --size 330 --hazard-ratio 0.7
      trialsim design bounds --looks 0.5,1 --observed 0.6,1.1 --final
      trialsim design bounds --looks 0.5,1 --sides 2 --alpha 0.05 --futility hsd:-2

    With two sides and --futility the trial also stops where |z| is small (an inner wedge).
    """
    from trialsim.design.group_sequential import bounds_table, expected_sizes

    if given["sides"] == 2 and given["futility"] is not None:
        return _wedge(given)
    design = _design(given)
    if observed is not None:
        design = design.at_observed(observed, final=final)
    frame = design.to_frame().reset_index()
    table = _in_words(bounds_table(design, effect=effect, hazard_ratio=hazard_ratio, size=size))
    if design.futility is None:
        del table["futility z"]
    chance = frame[["look", "stop_upper_h0", "stop_lower_h0", "stop_upper_h1", "stop_lower_h1"]].copy()
    chance.columns = ["look", "efficacy, H0", "futility, H0", "efficacy, H1", "futility, H1"]
    chance["power so far"] = frame["cumulative_power"]
    tables = {"Bounds": table.round(6), "Chance of stopping at each look": chance.round(6)}
    tables["Expected size"] = _in_words(expected_sizes(design, size))
    if harm is not None:
        from trialsim.design.group_sequential import harm_bounds

        found = harm_bounds(design, spending(harm, "--harm"), harm_alpha).to_frame()
        tables["Bounds for harm"] = found.rename(
            columns={"harm_z": "z", "stop_harm_h0": "stop, H0", "stop_harm_if_as_bad": "stop, as bad as good"}
        ).round(6)
    futility = "none" if design.futility is None else design.futility.label
    return Answer(
        f"{len(design.information)} looks, {design.sides}-sided alpha {design.alpha:g}, "
        f"power {design.power:g}.",
        {
            "efficacy": design.efficacy.label,
            "futility": futility,
            "inflation": design.inflation,
            "drift": design.drift,
        },
        tables,
    )


def _in_words(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns=lambda name: name.replace("_", " "))


def _wedge(given: dict[str, Any]) -> Answer:
    from trialsim.design.group_sequential import two_sided_futility_design

    plan = two_sided_futility_design(
        given["looks"],
        spending(given["efficacy"], "--efficacy"),
        spending(given["futility"], "--futility"),
        alpha=given["alpha"],
        power=given["power"],
    )
    frame = plan.to_frame()
    chance = frame[["look", "reject_h0", "futile_h0", "reject_h1", "futile_h1"]]
    chance.columns = ["look", "reject, H0", "futility, H0", "reject, H1", "futility, H1"]
    marks = frame[["look", "information", "reject_z", "futile_z"]]
    marks.columns = ["look", "information", "reject at |z| >=", "futile at |z| <="]
    return Answer(
        f"{len(plan.information)} looks, two-sided alpha {plan.alpha:g}, power {plan.power:g}, "
        "with futility.",
        {
            "drift": plan.drift,
            "expected information, H0": plan.expected_information(0.0),
            "expected information, H1": plan.expected_information(plan.drift),
        },
        {"Bounds": marks.round(6), "Chance of stopping at each look": chance.round(6)},
        note="The level holds even if futility is overruled.",
    )


@click.command()
@_plan_options
@click.option(
    "--look", type=click.IntRange(1), required=True, help="Number of the look that was held: 1 is the first."
)
@click.option(
    "--z", type=float, required=True, help="z statistic at that look; above 0 it favours the active arm."
)
@click.option(
    "--prior",
    type=PIECES,
    help="Belief before the trial, weight@drift, such as 0.3@0,0.7@3.2: shows the power it predicts.",
)
@answers
def conditional(
    look: int, z: float, prior: tuple[tuple[float, ...], tuple[float, ...]] | None, **given: Any
) -> Answer:
    """Say what an interim result means for the end: conditional and predictive power, and repeated p.

    \b
    Examples:
      trialsim design conditional --looks 0.5,1 --look 1 --z 1.4
      trialsim design conditional --looks 0.5,1 --look 1 --z 1.4 --prior 0.3@0,0.7@3.2
    """
    import pandas as pd

    from trialsim.design import conditional_power, predictive_power
    from trialsim.design.group_sequential import predictive_power_normal, repeated_interval, repeated_p_value

    design = _design(given)
    if not 1 <= look < len(design.information):
        raise DesignError(
            f"must be an interim look, from 1 to {len(design.information) - 1}", field="--look", value=look
        )
    estimate = z / math.sqrt(design.information[look - 1])
    rows = [
        ("no effect", 0.0, float(conditional_power(design, look, z, 0.0).upper.sum())),
        ("as planned", design.drift, float(conditional_power(design, look, z, design.drift).upper.sum())),
        ("as seen", estimate, float(conditional_power(design, look, z).upper.sum())),
        ("predictive, flat prior", math.nan, predictive_power_normal(design, look, z)),
    ]
    if prior is not None:
        weights, drifts = prior
        rows.append(("predictive, --prior", math.nan, predictive_power(design, look, z, drifts, weights)))
    low, high = repeated_interval(design, look, estimate, 1 / math.sqrt(design.information[look - 1]))
    facts = {
        "repeated p value": repeated_p_value(design, look, z),
        "repeated interval of the drift": f"{low:.4f} to {high:.4f}",
        "planned drift": design.drift,
    }
    return Answer(
        f"Look {look} at information {design.information[look - 1]:g} with z = {z:g}.",
        facts,
        {"Power given the result": pd.DataFrame(rows, columns=["assumed", "drift", "power"])},
    )


@click.command()
@click.option(
    "--looks",
    type=NUMBERS,
    required=True,
    help="Share of information seen at each look, ending with 1, such as 0.5,1.",
)
@click.option(
    "--with-pipeline",
    type=NUMBERS,
    required=True,
    help="Share of information at each look once outcomes that are still due have come, ending with 1.",
)
@click.option("--upper", type=NUMBERS, required=True, help="Efficacy bounds as z values, one a look.")
@click.option(
    "--lower",
    type=NUMBERS,
    required=True,
    help="Binding futility bounds as z values, one a look; the last has no meaning.",
)
@click.option(
    "--drift",
    type=float,
    default=3.24,
    show_default=True,
    help="Expected z of the whole trial at which power is shown: 3.24 is 90 % power at one-sided 0.025.",
)
@answers
def delayed(
    looks: tuple[float, ...],
    with_pipeline: tuple[float, ...],
    upper: tuple[float, ...],
    lower: tuple[float, ...],
    drift: float,
) -> Answer:
    """Find the critical values once a trial has stopped and its pipeline is in (Hampson and Jennison).

    \b
    Example:
      trialsim design delayed --looks 0.5,1 --with-pipeline 0.7,1 --upper 2.797,1.977 --lower 0.5,1.977
    """
    import pandas as pd

    from trialsim.design.group_sequential import delayed_design

    design = delayed_design(looks, with_pipeline, upper, lower)
    table = pd.DataFrame(
        {
            "look": range(1, len(looks) + 1),
            "information": looks,
            "with pipeline": with_pipeline,
            "critical z": design.decision,
            "claim, H0": design.claims(0.0),
            "claim, drift": design.claims(drift),
        }
    )
    return Answer(
        "Critical values after a stop, with the data in the pipeline.",
        {"alpha": float(table["claim, H0"].sum()), "power": float(table["claim, drift"].sum())},
        {"Decisions": table.round(6)},
    )

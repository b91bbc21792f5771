"""``trialsim design`` for times to an event: events, and trials whose hazard ratio may change over time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from trialsim.cli.design.answer import Answer, answers
from trialsim.cli.design.looks import RULES, spending
from trialsim.cli.design.options import (
    NUMBERS,
    PIECES,
    POSITIVE,
    direction_option,
    equivalence_limits,
    level_options,
    limits_option,
)

if TYPE_CHECKING:
    from trialsim.design.group_sequential import GroupSequentialDesign, SurvivalSize
    from trialsim.design.sizes import EventForecast

PROPORTIONAL = ("schoenfeld", "freedman", "hsieh-freedman", "lachin-foulkes", "bernstein-lagakos")
OTHER = ("ahr", "log-rank", "fleming-harrington", "magirr-burman", "max-combo", "rmst")


@click.command()
@click.option("--hazard-ratio", type=POSITIVE, required=True, help="Assumed ratio, active over control.")
@click.option("--margin", type=POSITIVE, default=1.0, show_default=True, help="Ratio under the null.")
@limits_option
@click.option(
    "--method",
    type=click.Choice(["schoenfeld", "freedman", "hsieh-freedman"]),
    default="schoenfeld",
    show_default=True,
)
@click.option(
    "--squared-correlation",
    type=click.FloatRange(0, 1, max_open=True),
    help="Of a score with the martingale residuals: shows the events with the score in the test.",
)
@direction_option
@level_options()
@answers
def events(
    hazard_ratio: float,
    margin: float,
    limits: tuple[float, ...] | None,
    method: Any,
    squared_correlation: float | None,
    direction: Any,
    power: float,
    alpha: float,
    allocation: float,
) -> Answer:
    """Count the events that a log-rank test needs: superiority, non-inferiority or equivalence.

    \b
    Examples:
      trialsim design events --hazard-ratio 0.7
      trialsim design events --hazard-ratio 1 --margin 1.3
      trialsim design events --hazard-ratio 1 --limits 0.8,1.25 --alpha 0.05
    """
    from trialsim.design import events_for_power
    from trialsim.design.control_arm import prognostic_events
    from trialsim.design.other_trials import equivalence_of_hazards_events
    from trialsim.errors import DesignError

    if limits is not None:
        asked = equivalence_limits(limits, alpha, allocation)
        needed = equivalence_of_hazards_events(hazard_ratio, asked, power=power)
        headline = f"Equivalence of two hazards within {limits[0]:g} and {limits[1]:g}, at {alpha:g} each."
    else:
        needed = events_for_power(
            hazard_ratio,
            power=power,
            alpha=alpha,
            allocation=allocation,
            margin=margin,
            method=method,
            direction=direction,
        )
        headline = f"Log-rank test, {method}, null hazard ratio {margin:g}, one-sided alpha {alpha:g}."
    facts = {"events": math.ceil(needed - 1e-9), "by the formula": needed, "power": power}
    if squared_correlation is not None:
        if limits is not None or margin != 1:
            raise DesignError(
                "goes with superiority only", field="--squared-correlation", value=squared_correlation
            )
        scored = prognostic_events(
            hazard_ratio, squared_correlation, power=power, alpha=alpha, allocation=allocation, method=method
        )
        facts["events with the score"] = scored.adjusted
    return Answer(headline, facts)


@click.command()
@click.option(
    "--hazard-ratios", type=NUMBERS, required=True, help="Of every arm against any one, such as 1,0.8,0.7."
)
@click.option("--shares", type=NUMBERS, help="Share of participants in each arm.  [default: equal]")
@level_options(alpha=0.05, allocation=False)
@answers
def k_sample(
    hazard_ratios: tuple[float, ...], shares: tuple[float, ...] | None, power: float, alpha: float
) -> Answer:
    """Count the events that the log-rank test of several arms needs; it has no direction.

    \b
    Example:
      trialsim design k-sample --hazard-ratios 1,0.8,0.7
    """
    from trialsim.design.other_trials import k_sample_events

    needed = k_sample_events(hazard_ratios, shares=shares, power=power, alpha=alpha)
    return Answer(
        f"Log-rank test of {len(hazard_ratios)} arms at alpha {alpha:g}.",
        {"events": math.ceil(needed - 1e-9), "by the formula": needed, "power": power},
    )


@click.command()
@click.option("--control-median", type=POSITIVE, help="Median time to the event of the controls.")
@click.option("--control-hazard", type=PIECES, help="In its place: hazard@start of the controls.")
@click.option(
    "--hazard-ratio", type=PIECES, required=True, help="Active over control, such as 0.7 or 1@0,0.58@6."
)
@click.option(
    "--accrual", type=PIECES, required=True, help="Relative rate of accrual over time, such as 1 or 1@0,2@6."
)
@click.option("--accrual-time", type=POSITIVE, required=True, help="Time at which accrual closes.")
@click.option("--analysis-time", type=POSITIVE, required=True, help="Calendar time of the analysis.")
@click.option(
    "--dropout", type=click.FloatRange(0), default=0.0, show_default=True, help="Hazard of leaving."
)
@click.option(
    "--method",
    type=click.Choice([*PROPORTIONAL, *OTHER]),
    default="log-rank",
    show_default=True,
    help="The first five rest on proportional hazards.",
)
@click.option("--rho", type=click.FloatRange(0), default=0.0, show_default=True, help="Fleming-Harrington.")
@click.option("--gamma", type=click.FloatRange(0), default=1.0, show_default=True, help="Fleming-Harrington.")
@click.option("--delay", type=POSITIVE, help="Of Magirr and Burman's weights.")
@click.option("--tau", type=POSITIVE, help="Horizon of the restricted mean.")
@click.option(
    "--direction",
    type=click.Choice(["greater", "less"]),
    default="less",
    show_default=True,
    help="Side of the hazard ratio that is a benefit.",
)
@click.option("--total", type=POSITIVE, help="Participants: gives their power in place of a size.")
@click.option(
    "--looks",
    type=NUMBERS,
    help="Shares of the events at each look, ending with 1: shows when each comes and what it decides.",
)
@click.option("--efficacy", default="obf", show_default=True, help=f"Of --looks: {RULES}.")
@click.option("--futility", help=f"Of --looks, not binding: {RULES}.  [default: none]")
@level_options()
@answers
def survival(
    method: str,
    direction: Any,
    total: float | None,
    looks: tuple[float, ...] | None,
    efficacy: str,
    futility: str | None,
    power: float,
    alpha: float,
    analysis_time: float,
    **given: Any,
) -> Answer:
    """Size a trial with a time to an event, for hazards that may not be proportional.

    \b
    log-rank, fleming-harrington, magirr-burman: weighted log-rank tests by their large-sample law
    max-combo: the largest of the log-rank and Fleming-Harrington (0,1), (1,0) and (1,1) statistics
    ahr: the log-rank test by the average hazard ratio;  rmst: restricted mean survival up to --tau

    \b
    Examples:
      trialsim design survival --control-median 12 --hazard-ratio 0.7 \\
          --accrual 1 --accrual-time 24 --analysis-time 40 --method schoenfeld
      trialsim design survival --control-median 12 --hazard-ratio 1@0,0.58@6 \\
          --accrual 1 --accrual-time 24 --analysis-time 40 --method max-combo
      trialsim design survival --control-median 12 --hazard-ratio 0.7 \\
          --accrual 1 --accrual-time 24 --analysis-time 40 --method schoenfeld --looks 0.5,0.75,1
    """
    forecast = _forecast(given)
    if looks is not None:
        design = _bounds(looks, efficacy, futility, power, alpha)
        return _calendar(design, forecast, analysis_time, total, method, direction)
    if total is not None:
        found = _power(forecast, analysis_time, total, method, alpha, direction, given)
        return Answer(_headline(method, alpha), {"participants": total, "power": found})
    size = _size(forecast, analysis_time, method, power, alpha, direction, given)
    return Answer(
        _headline(method, alpha),
        {
            "participants": math.ceil(size.participants - 1e-9),
            "events": size.events,
            "by the formula": size.participants,
            "average hazard ratio": forecast.average_hazard_ratio(analysis_time),
            "power": power,
        },
    )


def _bounds(
    looks: tuple[float, ...], efficacy: str, futility: str | None, power: float, alpha: float
) -> GroupSequentialDesign:
    from trialsim.design import group_sequential_design
    from trialsim.design.group_sequential import BetaSpending

    return group_sequential_design(
        looks,
        efficacy=spending(efficacy, "--efficacy"),
        futility=None if futility is None else BetaSpending(spending(futility, "--futility")),
        alpha=alpha,
        power=power,
    )


def _calendar(
    design: GroupSequentialDesign,
    forecast: EventForecast,
    time: float,
    total: float | None,
    method: Any,
    direction: Any,
) -> Answer:
    """Return when the looks of a group-sequential log-rank test come; its size where none is given."""
    from dataclasses import replace

    from trialsim.design import survival_size
    from trialsim.design.group_sequential import survival_looks
    from trialsim.errors import DesignError

    if total is not None:
        forecast = replace(forecast, accrual=forecast.accrual.scaled(total / forecast.accrual.total))
        events = forecast.events(time)
    elif method not in PROPORTIONAL:
        raise DesignError(
            f"with {method} go with --total", field="--looks", value=design.information,
            mend=f"give --total, or one of --method {', '.join(PROPORTIONAL)}",
        )  # fmt: skip
    else:
        size = survival_size(
            forecast, time, method=method, direction=direction, power=design.power, alpha=design.alpha
        ).scaled(design.inflation)
        forecast, events, total = size.forecast, size.events, size.participants
    found = survival_looks(design, forecast, events, direction=direction)
    table = found.to_frame().reset_index()
    table = table[["look", "events", "time", "participants", "upper_z", "lower_z", "stop_upper_h1"]]
    table.columns = ["look", "events", "time", "entered", "efficacy z", "futility z", "stop, H1"]
    if design.futility is None:
        del table["futility z"]
    expected = {f"expected {name}, H1": value for name, value in found.expected().items()}
    facts = {"participants": math.ceil(total - 1e-9), "events": events, "power": found.power} | expected
    return Answer(
        f"Log-rank test at {len(design.information)} looks, {design.efficacy.label}, one-sided alpha "
        f"{design.alpha:g}.",
        facts,
        {"Looks": table.round(4)},
        note="H1 is the hazard ratio that is assumed, averaged over the events of each look.",
    )


def _headline(method: str, alpha: float) -> str:
    return f"Time to an event, {method}, one-sided alpha {alpha:g}."


def _forecast(given: dict[str, Any]) -> EventForecast:
    from trialsim.design.sizes import EventForecast, PiecewiseRate, PlannedAccrual
    from trialsim.errors import DesignError

    if (given["control_median"] is None) == (given["control_hazard"] is None):
        raise DesignError(
            "or --control-hazard must be given, and not both", field="--control-median",
            value=given["control_median"],
        )  # fmt: skip
    if given["control_median"] is not None:
        hazard = PiecewiseRate((math.log(2) / given["control_median"],))
    else:
        hazard = PiecewiseRate(*given["control_hazard"])
    rates, starts = given["accrual"]
    ends = [*starts[1:], given["accrual_time"]]
    durations = tuple(end - start for start, end in zip(starts, ends, strict=True))
    leaving = PiecewiseRate((given["dropout"],))
    return EventForecast(
        PlannedAccrual(rates, durations),
        hazard,
        PiecewiseRate(*given["hazard_ratio"]),
        (leaving, leaving),
        given["allocation"],
    )


def _weights(method: str, given: dict[str, Any]) -> Any:
    from trialsim.analysis.survival.weights import LOG_RANK, FlemingHarrington, MagirrBurman
    from trialsim.errors import DesignError

    if method == "log-rank":
        return [LOG_RANK]
    if method == "fleming-harrington":
        return [FlemingHarrington(given["rho"], given["gamma"])]
    if method == "magirr-burman":
        if given["delay"] is None:
            raise DesignError("is needed for magirr-burman", field="--delay")
        return [MagirrBurman(given["delay"])]
    if method != "max-combo":
        raise DesignError("is no method", field="--method", value=method)
    return [LOG_RANK, FlemingHarrington(0, 1), FlemingHarrington(1, 0), FlemingHarrington(1, 1)]


def _horizon(given: dict[str, Any]) -> float:
    from trialsim.errors import DesignError

    if given["tau"] is None:
        raise DesignError("is needed for rmst", field="--tau", mend="give the horizon of the mean")
    return float(given["tau"])


def _size(
    forecast: EventForecast,
    time: float,
    method: Any,
    power: float,
    alpha: float,
    direction: Any,
    given: dict[str, Any],
) -> SurvivalSize:
    from trialsim.design import survival_size
    from trialsim.design.non_proportional import (
        average_hazard_ratio_size,
        restricted_mean_size,
        weighted_survival_size,
    )

    asked: dict[str, Any] = {"power": power, "alpha": alpha, "direction": direction}
    if method in PROPORTIONAL:
        return survival_size(forecast, time, method=method, **asked)
    if method == "ahr":
        return average_hazard_ratio_size(forecast, time, **asked)
    if method == "rmst":
        asked["direction"] = "greater" if direction == "less" else "less"
        return restricted_mean_size(forecast, time, _horizon(given), **asked)
    return weighted_survival_size(forecast, time, _weights(method, given), **asked)


def _power(
    forecast: EventForecast,
    time: float,
    total: float,
    method: str,
    alpha: float,
    direction: Any,
    given: dict[str, Any],
) -> float:
    from dataclasses import replace

    from trialsim.design.non_proportional import max_combo_power, restricted_mean_power
    from trialsim.errors import DesignError

    scaled = replace(forecast, accrual=forecast.accrual.scaled(total / forecast.accrual.total))
    if method == "rmst":
        side: Any = "greater" if direction == "less" else "less"
        return restricted_mean_power(scaled, time, _horizon(given), alpha=alpha, direction=side)
    if method in PROPORTIONAL or method == "ahr":
        raise DesignError(
            "goes with log-rank, fleming-harrington, magirr-burman, max-combo and rmst", field="--total",
            value=total, mend="choose --method log-rank",
        )  # fmt: skip
    return max_combo_power(scaled, time, _weights(method, given), alpha=alpha, direction=direction)

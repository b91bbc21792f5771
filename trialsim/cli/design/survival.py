"""``trialsim design`` for times to an event: events, and trials whose hazard ratio may change over time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from trialsim.cli.design.answer import Answer, answers, few
from trialsim.cli.design.looks import RULES, spending
from trialsim.cli.design.options import (
    NUMBERS,
    PIECES,
    POSITIVE,
    level_options,
)

if TYPE_CHECKING:
    from trialsim.design.group_sequential import GroupSequentialDesign, SurvivalSize
    from trialsim.design.sizes import EventForecast

PROPORTIONAL = ("schoenfeld", "freedman", "hsieh-freedman", "lachin-foulkes", "bernstein-lagakos")
OTHER = ("ahr", "log-rank", "fleming-harrington", "magirr-burman", "max-combo", "rmst")


@click.command()
@click.option(
    "--control-median",
    type=POSITIVE,
    help="Median time to the event of the controls; every other time is in the same unit.",
)
@click.option(
    "--control-hazard",
    type=PIECES,
    help="Hazard of the controls from each start on, in place of --control-median, such as 0.05@0,0.03@6.",
)
@click.option(
    "--hazard-ratio", type=PIECES, required=True, help="Active over control, such as 0.7 or 1@0,0.58@6."
)
@click.option(
    "--accrual",
    type=PIECES,
    required=True,
    help="Relative rate of accrual over time: 1 is constant, 1@0,2@6 doubles after time 6.",
)
@click.option(
    "--accrual-time", type=POSITIVE, required=True, help="Time from the first participant to the last one."
)
@click.option(
    "--analysis-time",
    type=POSITIVE,
    required=True,
    help="Time from the first participant to the analysis; above --accrual-time.",
)
@click.option(
    "--dropout",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Hazard of leaving: dropouts per participant and unit of time, constant.",
)
@click.option(
    "--method",
    type=click.Choice([*PROPORTIONAL, *OTHER]),
    default="log-rank",
    show_default=True,
    help="The first five rest on proportional hazards.",
)
@click.option(
    "--rho",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Weight of Fleming and Harrington: S^rho (1 - S)^gamma; gamma above 0 stresses late differences.",
)
@click.option(
    "--gamma",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="Weight of Fleming and Harrington: S^rho (1 - S)^gamma; gamma above 0 stresses late differences.",
)
@click.option("--delay", type=POSITIVE, help="Time up to which Magirr and Burman's weights grow.")
@click.option(
    "--tau", type=POSITIVE, help="Time up to which the restricted mean survival is taken, with --method rmst."
)
@click.option(
    "--direction",
    type=click.Choice(["greater", "less"]),
    default="less",
    show_default=True,
    help="Side of the hazard ratio that is a benefit.",
)
@click.option(
    "--total",
    type=POSITIVE,
    help="Participants in both arms together: the answer is then their power, not a size.",
)
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
    Examples:
      trialsim design survival --control-median 12 --hazard-ratio 0.7 \\
          --accrual 1 --accrual-time 24 --analysis-time 40 --method schoenfeld
      trialsim design survival --control-median 12 --hazard-ratio 1@0,0.58@6 \\
          --accrual 1 --accrual-time 24 --analysis-time 40 --method max-combo
      trialsim design survival --control-median 12 --hazard-ratio 0.7 \\
          --accrual 1 --accrual-time 24 --analysis-time 40 --method schoenfeld --looks 0.5,0.75,1

    \b
    log-rank, fleming-harrington, magirr-burman: weighted log-rank tests by their large-sample law
    max-combo: the largest of the log-rank and Fleming-Harrington (0,1), (1,0) and (1,1) statistics
    ahr: the log-rank test by the average hazard ratio;  rmst: restricted mean survival up to --tau
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
        note=few(size.events),
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

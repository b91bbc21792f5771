"""Figures of the people in simulated trials: how they come, how their outcome runs, what their twins say."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go

from trialsim.protocol.declared import DeclaredTrial
from trialsim.report.theme import ARMS, LINES, Drawn, blank, faint
from trialsim.study.description.describe import TrialDescription
from trialsim.study.description.twin_fans import PERCENTILES

UNNAMED = "outcome"
PATTERNS = ("", "/", ".", "x")
# Of the example participants: with a low, a usual and a high score, so that bands can be told apart.
DRAWN_PERCENTILES = (5.0, 50.0, 95.0)


def people_figures(trial: DeclaredTrial, described: TrialDescription) -> dict[str, Drawn]:
    """Return the figures of a description by name; those without data are left out.

    Parameters
    ----------
    trial : DeclaredTrial
        As declared; names and units of the endpoint.
    described : TrialDescription
        Its simulated trials.
    """
    figures = {}
    if len(described.enrolment):
        figures["enrolment"] = enrolment_fan(described.enrolment)
    if len(described.course):
        figures["course"] = course_figure(trial, described.course)
    if len(described.twins):
        figures["twins"] = twins_figure(trial, described.twins)
    return figures


def enrolment_fan(frame: pd.DataFrame) -> Drawn:
    """Draw participants (and events) over calendar months, with the middle 90 % of trials."""
    figure = blank("", "months since the first participant", "number", 340)
    for position, (counted, part) in enumerate(frame.groupby("counted", sort=False)):
        colour, dash, _ = LINES[position]
        add_band(figure, part["month"], part["low_90"], part["high_90"], colour, str(counted))
        figure.add_scatter(
            x=part["month"], y=part["median"], mode="lines", name=f"{counted}, median",
            line={"color": colour, "dash": dash},
        )  # fmt: skip
    last = frame.groupby("counted", sort=False).tail(1)
    said = " and ".join(f"{row['median']:,.0f} {row['counted']}" for row in last.to_dict("records"))
    return Drawn(
        figure,
        f"How the trial fills: after {last['month'].max():.0f} months the median trial has {said}. "
        "The band holds the middle 90 % of trials.",
    )


def course_figure(trial: DeclaredTrial, frame: pd.DataFrame) -> Drawn:
    """Draw the outcome in each arm: over visits, over months, or by category."""
    return _COURSES[trial.outcome.kind](trial, frame)


def _visits_of_arms(trial: DeclaredTrial, frame: pd.DataFrame) -> Drawn:
    name = endpoint_name(trial)
    unit = f" ({trial.outcome.unit})" if trial.outcome.unit else ""
    figure = blank("", "week", f"{name}{unit}", 380)
    _lines_of_arms(figure, frame, "lines+markers")
    return Drawn(
        figure,
        f"{in_front(name)} in each arm as observed: the line is the mean, the band holds the middle 80 % "
        "of participants.",
    )


def _curves_of_arms(trial: DeclaredTrial, frame: pd.DataFrame) -> Drawn:
    figure = blank("", "months since randomisation", "share without the event", 380)
    _lines_of_arms(figure, frame, "lines")
    figure.update_yaxes(range=[0, 1.02])
    return Drawn(
        figure,
        f"Share of participants without {endpoint_name(trial)} in each arm (Kaplan–Meier): the median trial, "
        "and the middle 90 % of trials.",
    )


def _bars_of_arms(trial: DeclaredTrial, frame: pd.DataFrame) -> Drawn:
    name = endpoint_name(trial)
    figure = blank("", name, "share of participants", 360)
    names = _categories(trial)
    for position, (arm, part) in enumerate(frame.groupby("arm", sort=False)):
        above, below = part["high"] - part["value"], part["value"] - part["low"]
        figure.add_bar(
            x=[names.get(int(at), f"{at:g}") for at in part["at"]], y=part["value"], name=str(arm),
            marker={"color": ARMS[position % len(ARMS)], "pattern": {"shape": PATTERNS[position % 4]}},
            error_y={"type": "data", "array": above, "arrayminus": below},
        )  # fmt: skip
    figure.update_xaxes(type="category")
    return Drawn(
        figure,
        f"{in_front(name)} in each arm: the mean share of each category, and the middle 90 % of trials.",
    )


def twins_figure(trial: DeclaredTrial, frame: pd.DataFrame) -> Drawn:
    """Draw what twins say of example participants on placebo, from a low to a high score."""
    return _TWINS[trial.outcome.kind](trial, frame)


def _fans(trial: DeclaredTrial, frame: pd.DataFrame) -> Drawn:
    name = endpoint_name(trial)
    figure = blank("", "week", f"change of {name} on placebo", 400)
    for position, percentile in enumerate(DRAWN_PERCENTILES):
        part, (colour, dash, symbol) = frame[frame["percentile"] == percentile], LINES[position]
        said = f"score at the {percentile:.0f}th percentile"
        if percentile != DRAWN_PERCENTILES[1]:
            add_band(figure, part["at"], part["q05"], part["q95"], colour, said)
        figure.add_scatter(
            x=part["at"], y=part["q50"], mode="lines+markers", name=said,
            line={"color": colour, "dash": dash}, marker={"symbol": symbol},
        )  # fmt: skip
    return Drawn(
        figure,
        "What the placebo twin says of three example participants, with a low, a middle and a high "
        "score: median change on placebo, and the middle 90 % for the low and the high one. The less "
        "these two bands overlap, the more a twin tells.",
    )


def _curves_of_twins(trial: DeclaredTrial, frame: pd.DataFrame) -> Drawn:
    figure = blank("", "months since randomisation", "share without the event on placebo", 400)
    for position, percentile in enumerate(PERCENTILES):
        part, (colour, dash, _) = frame[frame["percentile"] == percentile], LINES[position]
        figure.add_scatter(
            x=part["at"], y=part["value"], mode="lines", line={"color": colour, "dash": dash},
            name=f"score at the {percentile}th percentile",
        )  # fmt: skip
    figure.update_yaxes(range=[0, 1.02])
    return Drawn(
        figure,
        "What the placebo twin says of five example participants: the probability of no event on "
        "placebo, by the percentile of their score. The further the curves part, the more a twin tells.",
    )


def _points_of_twins(trial: DeclaredTrial, frame: pd.DataFrame) -> Drawn:
    what = _EXPECTED[trial.outcome.kind]
    figure = blank("", "percentile of the prognostic score", f"{what} on placebo", 340)
    spread = (
        {"type": "data", "array": frame["q95"] - frame["value"], "arrayminus": frame["value"] - frame["q05"]}
        if "q05" in frame
        else None
    )
    figure.add_scatter(
        x=[f"{one:.0f}" for one in frame["percentile"]], y=frame["value"], error_y=spread, mode="markers",
        marker={"size": 10, "color": ARMS[0]}, name=what,
    )  # fmt: skip
    figure.update_xaxes(type="category")
    return Drawn(
        figure,
        f"What the placebo twin says of five example participants: the {what} on placebo, by the percentile "
        f"of their score{', with the middle 90 % of such people' if spread else ''}.",
    )


def endpoint_name(trial: DeclaredTrial) -> str:
    """Return what the endpoint is called: its label, its name, or what it is where it has neither."""
    outcome = trial.outcome
    if outcome.label or outcome.name != UNNAMED:
        return outcome.label or outcome.name.replace("_", " ")
    return "the event" if outcome.kind == "time_to_event" else "the outcome"


def in_front(name: str) -> str:
    """Return a name as it begins a sentence."""
    return name[:1].upper() + name[1:]


def add_band(
    figure: go.Figure, x: pd.Series, low: pd.Series, high: pd.Series, colour: str, name: str
) -> None:
    """Add a band between two lines, which the figure's table names."""
    line = {"mode": "lines", "line": {"width": 0, "color": colour}, "showlegend": False, "hoverinfo": "skip"}
    figure.add_scatter(x=x, y=low, name=f"{name}, lower", **line)
    figure.add_scatter(x=x, y=high, name=f"{name}, upper", fill="tonexty", fillcolor=faint(colour), **line)


def _lines_of_arms(figure: go.Figure, frame: pd.DataFrame, mode: str) -> None:
    for position, (arm, part) in enumerate(frame.groupby("arm", sort=False)):
        colour, (_, dash, symbol) = ARMS[position % len(ARMS)], LINES[position % len(LINES)]
        add_band(figure, part["at"], part["low"], part["high"], colour, str(arm))
        figure.add_scatter(
            x=part["at"], y=part["value"], mode=mode, name=str(arm), line={"color": colour, "dash": dash},
            marker={"symbol": symbol},
        )  # fmt: skip


def _categories(trial: DeclaredTrial) -> dict[int, str]:
    """Return the names of categories, where they have any."""
    if trial.outcome.kind == "response":
        return {0: "no", 1: "yes"}
    names: tuple[str, ...] = getattr(trial.outcome, "levels", ())
    return dict(enumerate(names))


_Draw = Callable[[DeclaredTrial, pd.DataFrame], Drawn]
_COURSES: dict[str, _Draw] = {
    "score": _visits_of_arms,
    "time_to_event": _curves_of_arms,
    "response": _bars_of_arms,
    "level": _bars_of_arms,
    "count": _bars_of_arms,
    "recurrent": _bars_of_arms,
}
_EXPECTED = {
    "response": "probability of a response",
    "level": "mean level",
    "count": "mean number of events",
    "recurrent": "mean number of events",
}
_TWINS: dict[str, _Draw] = {
    "score": _fans,
    "time_to_event": _curves_of_twins,
    **dict.fromkeys(_EXPECTED, _points_of_twins),
}

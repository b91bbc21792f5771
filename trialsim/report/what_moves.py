"""What power each size has, and what moves the answer most, by the line that the search of sizes fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from trialsim.data import Floats
from trialsim.protocol.declared import DeclaredTrial
from trialsim.report.labels import label
from trialsim.report.sizes import called
from trialsim.report.theme import INK, LINES, WARN, Drawn, blank, faint
from trialsim.study.declared import DeclaredResult

POINTS = 41
STEP = 0.1
MOST_BARS = 12
ROW_PIXELS = 34
# A rejection rate nearer to 0 or 1 than this says little of the size that another power needs.
NEAREST = 0.01
AS_DECLARED, NOT_USED = "as declared", "not used"


@dataclass(frozen=True)
class Line:
    """The line of the search: the probit of power rises with the root of the information.

    Parameters
    ----------
    power, alpha : float
        Asked power, and one-sided level.
    active : int or None
        Participants of the active arm, where the controls alone vary.
    """

    power: float
    alpha: float
    active: int | None = None

    @property
    def drift(self) -> float:
        """Mean of the test statistic at the asked power: z of the level and of the power."""
        return float(ndtri(1 - self.alpha) + ndtri(self.power))

    def information(self, participants: Any) -> Any:
        """Return the information of a trial, up to a factor that cancels."""
        if self.active is None:
            return participants
        controls = participants - self.active
        return controls * self.active / (controls + self.active)

    def power_at(self, participants: Any, found: float) -> Any:
        """Return the power Φ((z_α + z_power) √(I(n) / I(found)) − z_α) at n; `found` has the asked one."""
        share = self.information(participants) / self.information(found)
        return ndtr(self.drift * np.sqrt(share) - ndtri(1 - self.alpha))

    def scaled(self, participants: float, factor: float) -> float:
        """Return the participants that have `factor` times the information; infinite if no number has."""
        wanted = factor * self.information(participants)
        if self.active is None:
            return float(wanted)
        if wanted >= self.active:
            return float("inf")
        return float(self.active + wanted * self.active / (self.active - wanted))


@dataclass(frozen=True)
class Mover:
    """One thing that moves the answer, and where it moves it to.

    Parameters
    ----------
    name : str
        What changes.
    low, high : float
        Smallest and largest answer, in participants or in power.
    how : str
        ``formula``, ``simulated`` or ``Monte Carlo``.
    """

    name: str
    low: float
    high: float
    how: str


def line_of(trial: DeclaredTrial, alpha: float | None) -> Line | None:
    """Return the line of the search; None where no size was asked for, over a grid, or without one level."""
    if trial.sizing is None or alpha is None or trial.grid:
        return None
    return Line(trial.sizing.power, alpha, trial.sizing.active)


def reference_size(sizes: pd.DataFrame) -> pd.Series:
    """Return the row that the answer is about: the first with a score as declared, else the first."""
    scored = sizes[sizes["score"] == AS_DECLARED]
    return (scored if len(scored) else sizes).iloc[0]


def power_figure(result: DeclaredResult, line: Line) -> Drawn:
    """Draw power over size for the analysis of the answer, and for the best and the worst without a score."""
    sizes = result.sizes
    rows = [reference_size(sizes)]
    rivals = sizes[(sizes["score"] == NOT_USED) & (sizes["analysis"] != rows[0]["analysis"])]
    if len(rivals):
        # The best without a score, and the one that needs most.
        ends = dict.fromkeys((rivals["participants"].idxmin(), rivals["participants"].idxmax()))
        rows += [rivals.loc[position] for position in ends]
    least = min(float(row["participants_lower_95"]) for row in rows)
    most = max(float(row["participants_upper_95"]) for row in rows)
    first = max(0.5 * least, (line.active or 0) + 2.0)
    at = np.linspace(first, 1.4 * most, POINTS)
    figure = blank("", "participants", "power", 400)
    for row, (colour, dash, symbol) in zip(rows, LINES, strict=False):
        _draw_line(figure, row, line, at, (colour, dash, symbol))
    figure.add_hline(y=line.power, line_dash="dot", line_color=WARN)
    figure.update_yaxes(tickformat=".0%")
    return Drawn(
        figure,
        "Power over size, with the 95 % band of the search. Marks are the simulated power of its last round, "
        "with their 95 % intervals; the dotted line is the power that was asked for.",
    )


def _draw_line(figure: Any, row: pd.Series, line: Line, at: Floats, look: tuple[str, str, str]) -> None:
    colour, dash, symbol = look
    name = called(row)
    name = name[:1].upper() + name[1:]
    found = [float(row[column]) for column in ("participants_lower_95", "participants_upper_95")]
    high, low = (line.power_at(at, one) for one in found)
    figure.add_scatter(
        x=[*at, *at[::-1]], y=[*high, *low[::-1]], fill="toself", fillcolor=faint(colour), mode="lines",
        line={"width": 0}, hoverinfo="skip", name=f"{name}, 95 % band", showlegend=False,
    )  # fmt: skip
    figure.add_scatter(
        x=at, y=line.power_at(at, float(row["participants"])), mode="lines", name=name,
        line={"color": colour, "dash": dash},
    )  # fmt: skip
    error = 1.96 * float(row["power_mcse"])
    figure.add_scatter(
        x=[row["searched_at"]], y=[row["power"]], mode="markers", name=f"{name}, simulated",
        marker={"color": colour, "symbol": symbol, "size": 10},
        error_y={"type": "data", "array": [error], "arrayminus": [error]},
    )  # fmt: skip


def movers_of_size(trial: DeclaredTrial, result: DeclaredResult, line: Line) -> list[Mover]:
    """Return what moves the number of participants, the farthest first.

    Parameters
    ----------
    trial : DeclaredTrial
        What was asked.
    result : DeclaredResult
        With sizes.
    line : Line
        Of the search.

    Returns
    -------
    list of Mover
        In participants of the whole trial.
    """
    row = reference_size(result.sizes)
    found = float(row["participants"])
    by_formula = [
        Mover(name, line.scaled(found, low), line.scaled(found, high), "formula")
        for name, low, high in _factors(trial, line)
    ]
    movers = [
        *by_formula,
        *_of_sizes(result.sizes, row),
        *_of_scenarios(trial, result, str(row["analysis"]), line),
    ]
    kept = [one for one in movers if np.isfinite([one.low, one.high]).all() and one.high > one.low]
    return sorted(kept, key=lambda one: one.high - one.low, reverse=True)[:MOST_BARS]


def _factors(trial: DeclaredTrial, line: Line) -> Iterator[tuple[str, float, float]]:
    """Yield by how much less and more information changed assumptions need, in large samples."""
    z = float(ndtri(1 - line.alpha))
    low, high = (((z + float(ndtri(power))) / line.drift) ** 2 for power in (0.8, 0.95))
    yield "Power of 80 % or 95 %", low, high
    yield "Effect 10 % larger or smaller", (1 + STEP) ** -2, (1 - STEP) ** -2
    if trial.outcome.kind == "score":
        yield "SD 10 % smaller or larger", (1 - STEP) ** 2, (1 + STEP) ** 2
    lost = _lost(trial)
    if 0 < lost < 0.6:
        yield (
            "Half as much dropout, or half as much again",
            (1 - lost) / (1 - lost / 2),
            (1 - lost) / (1 - 1.5 * lost),
        )


def _lost(trial: DeclaredTrial) -> float:
    """Return the mean share of participants who stop and are no longer observed."""
    each = [np.mean(list(one.cumulative.values())) for one in trial.discontinuation]
    return float(1 - np.prod([1 - share for share in each]))


def _of_sizes(sizes: pd.DataFrame, row: pd.Series) -> Iterator[Mover]:
    """Yield what the search found for a weaker score, for other analyses, and its Monte Carlo error."""
    same = sizes[sizes["analysis"] == row["analysis"]]["participants"]
    ends = float(same.min()), float(same.max())
    yield Mover("Score as declared, discounted or worst plausible", *ends, "simulated")
    others = sizes[sizes["score"] == NOT_USED]["participants"]
    if len(others):
        ends = (float(row["participants"]), *others)
        yield Mover("Another analysis", min(ends), max(ends), "simulated")
    low, high = float(row["participants_lower_95"]), float(row["participants_upper_95"])
    yield Mover("Chance of the simulation, 95 %", low, high, "Monte Carlo")


def _of_scenarios(trial: DeclaredTrial, result: DeclaredResult, analysis: str, line: Line) -> Iterator[Mover]:
    """Yield the size in each other scenario with an effect, from its power at the size of the alternative."""
    rates = _power_by_scenario(trial, result.operating_characteristics, analysis)
    if not rates:
        return
    (_, there), *others = rates
    z = float(ndtri(1 - line.alpha))
    found = float(reference_size(result.sizes)["participants"])
    for name, rate in others:
        if NEAREST < rate < 1 - NEAREST and NEAREST < there < 1 - NEAREST and rate > 2 * line.alpha:
            other = line.scaled(found, ((z + float(ndtri(there))) / (z + float(ndtri(rate)))) ** 2)
            yield Mover(f"Scenario: {label(name).lower()}", min(found, other), max(found, other), "simulated")


def _power_by_scenario(trial: DeclaredTrial, frame: pd.DataFrame, analysis: str) -> list[tuple[str, float]]:
    """Return the power of an analysis in each scenario with an effect, the first alternative first."""
    shown = frame[(frame["analysis"] == analysis) & (frame["measure"] == "power")]
    rates = dict(zip(shown["scenario"], shown["rejection_rate"].astype(float), strict=True))
    first = next(
        (one.name for one in trial.scenarios if one.kind == "alternative" and one.name in rates), None
    )
    if first is None:
        return []
    return [(first, rates.pop(first)), *rates.items()]


def movers_of_power(trial: DeclaredTrial, result: DeclaredResult, alpha: float) -> list[Mover]:
    """Return what moves the power of the first analysis, the farthest first, where no size was asked."""
    frame = result.operating_characteristics
    analysis = str(frame["analysis"].iloc[0])
    rates = _power_by_scenario(trial, frame, analysis)
    if trial.grid or not rates or not NEAREST < rates[0][1] < 1 - NEAREST:
        return []
    there, z = rates[0][1], float(ndtri(1 - alpha))
    drift = z + float(ndtri(there))
    less, more = (float(ndtr(drift * factor - z)) for factor in (1 - STEP, 1 + STEP))
    few, many = (float(ndtr(drift * np.sqrt(factor) - z)) for factor in (1 - STEP, 1 + STEP))
    movers = [
        Mover("Effect 10 % smaller or larger", less, more, "formula"),
        Mover("Information 10 % less or more", few, many, "formula"),
        *(
            Mover(f"Scenario: {label(name).lower()}", min(there, rate), max(there, rate), "simulated")
            for name, rate in rates[1:]
        ),
    ]
    shown = frame[(frame["scenario"] == rates[0][0]) & (frame["measure"] == "power")]
    ends = shown["rejection_rate"].astype(float)
    if len(ends) > 1:
        movers.append(Mover("Another analysis", min(there, ends.min()), max(there, ends.max()), "simulated"))
    error = 1.96 * float(shown["rejection_rate_mcse"].iloc[0])
    movers.append(
        Mover("Chance of the simulation, 95 %", max(there - error, 0), min(there + error, 1), "Monte Carlo")
    )
    kept = [one for one in movers if one.high > one.low]
    return sorted(kept, key=lambda one: one.high - one.low, reverse=True)[:MOST_BARS]


def tornado_figure(movers: Sequence[Mover], found: float, of: str) -> Drawn:
    """Draw how far each thing moves the answer from where it is.

    Parameters
    ----------
    movers : sequence of Mover
        The farthest first.
    found : float
        The answer.
    of : str
        ``participants`` or ``power``.
    """
    names = [f"{one.name} ({one.how})" for one in movers]
    figure = blank("", of, "", 140 + ROW_PIXELS * len(movers))
    worse, better = WARN, LINES[0][0]
    low, high = (
        (("fewer", better), ("more", worse)) if of == "participants" else (("less", worse), ("more", better))
    )
    for end, (word, colour) in (("low", low), ("high", high)):
        moved = [one for one in movers if getattr(one, end) != found]
        ends = [float(getattr(one, end)) for one in moved]
        figure.add_scatter(
            x=ends, y=[f"{one.name} ({one.how})" for one in moved], mode="markers", name=f"{word} {of}",
            marker={"color": colour, "symbol": "line-ns", "size": 16, "line": {"color": colour, "width": 3}},
            error_x={
                "type": "data", "array": [max(found - one, 0.0) for one in ends],
                "arrayminus": [max(one - found, 0.0) for one in ends],
                "thickness": 12, "width": 0, "color": colour,
            },
        )  # fmt: skip
    figure.add_vline(x=found, line_color=INK)
    figure.update_yaxes(
        automargin=True, autorange="reversed", categoryorder="array", categoryarray=names, type="category"
    )
    if of == "power":
        figure.update_xaxes(tickformat=".0%")
    shown = f"{found:,.0f} participants" if of == "participants" else f"a power of {100 * found:.1f} %"
    return Drawn(
        figure,
        f"What moves the answer of {shown}, the most important first. One assumption changes, the others "
        "stay. By formula: as in large samples, where the probit of power rises with the root of the "
        "information. Simulated: from this run.",
    )


def moving_figures(trial: DeclaredTrial, result: DeclaredResult, alpha: float | None) -> dict[str, Drawn]:
    """Return the figures by name; those without data are left out.

    Parameters
    ----------
    trial, result : DeclaredTrial, DeclaredResult
        What was asked, and what was found.
    alpha : float or None
        One-sided level, where all cells have one.
    """
    line = line_of(trial, alpha)
    if line is not None and len(result.sizes):
        found = float(reference_size(result.sizes)["participants"])
        moved = tornado_figure(movers_of_size(trial, result, line), found, "participants")
        return {"power": power_figure(result, line), "tornado": moved}
    if alpha is None or trial.sizing is not None:
        return {}
    movers = movers_of_power(trial, result, alpha)
    if not movers:
        return {}
    analysis = str(result.operating_characteristics["analysis"].iloc[0])
    found = _power_by_scenario(trial, result.operating_characteristics, analysis)[0][1]
    return {"tornado": tornado_figure(movers, found, "power")}

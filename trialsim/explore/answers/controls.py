"""The numbers that a person may move: what each is called, its unit, and how far its slider goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from trialsim.study.from_numbers.scale import SCALES

_ANALYSED = ("continuous", "binary", "count")


@dataclass(frozen=True)
class Control:
    """A number on the page.

    Parameters
    ----------
    name : str
        Name in the state: that of the option of ``trialsim size`` or ``trialsim frontier``.
    group : str
        Heading under which it stands.
    label, unit, says : str
        What a person reads.
    low, high, step : float
        Of the slider; the field beside it takes every number that the formula takes.
    scales : tuple of str
        Outcomes that have it.
    relative : bool
        Whether the slider's ends are multiples of the value that the page starts with.
    """

    name: str
    group: str
    label: str
    unit: str
    says: str
    low: float
    high: float
    step: float
    scales: tuple[str, ...] = SCALES
    relative: bool = False


_CONTINUOUS, _BINARY, _COUNT, _SURVIVAL = (("continuous",), ("binary",), ("count",), ("survival",))
CONTROLS = (
    Control("effect", "Effect", "Effect at the last visit", "points",
            "Mean difference, active minus control, that the trial must detect",
            0.2, 3, 0, _CONTINUOUS, True),
    Control("sd", "Effect", "SD of the change", "points", "In each arm", 0.3, 3, 0, _CONTINUOUS, True),
    Control("control_rate", "Effect", "Response rate of controls", "share", "", 0.02, 0.98, 0.01, _BINARY),
    Control("odds_ratio", "Effect", "Odds ratio", "", "Active over control", 0.2, 4, 0.05, _BINARY),
    Control("control_rate", "Effect", "Events of a control", "per month", "", 0.1, 4, 0, _COUNT, True),
    Control("rate_ratio", "Effect", "Rate ratio", "", "Active over control", 0.2, 1.5, 0.01, _COUNT),
    Control("exposure", "Effect", "Follow-up of each participant", "months", "", 1, 48, 0.5, _COUNT),
    Control("dispersion", "Effect", "Dispersion", "k", "Variance is mean + k mean²", 0, 5, 0.05, _COUNT),
    Control("control_median", "Effect", "Median time to the event, controls", "months", "",
            0.2, 4, 0, _SURVIVAL, True),
    Control("hazard_ratio", "Effect", "Hazard ratio", "", "Active over control", 0.3, 0.98, 0.01, _SURVIVAL),
    Control("accrual", "Effect", "Time over which participants enter", "months", "", 1, 60, 0.5, _SURVIVAL),
    Control("duration", "Effect", "Time of the analysis", "months", "From the first participant on",
            2, 120, 0.5, _SURVIVAL),
    Control("loss", "Effect", "Lost to follow-up", "share a month", "", 0, 0.1, 0.001, _SURVIVAL),
    Control("baseline_correlation", "Score", "Correlation with the baseline", "ρ",
            "Of the outcome with the baseline covariates that any analysis would use; ρ² is their R²",
            -0.9, 0.9, 0.01, _CONTINUOUS),
    Control("baseline_correlation", "Score", "Correlation with baseline covariates", "ρ",
            "Of the outcome with the covariates that any analysis would use; ρ² is their R²",
            0, 0.9, 0.01, ("binary", "count", "survival")),
    Control("partial_correlation", "Score", "Correlation of the score, beyond the baseline", "r",
            "Partial correlation of outcome and score, from participants that the score was not fitted to",
            0, 0.9, 0.01),
    Control("partial_lower", "Score", "Its lower 95 % bound", "r", "For the worst plausible size",
            0, 0.9, 0.01),
    Control("correlation_discount", "Score", "What is left of it in the new trial", "λ",
            "A score is weaker where people or care have changed; 1 trusts the history whole", 0.5, 1, 0.01),
    Control("dropout", "Conduct", "Dropout, controls", "share", "Without the outcome",
            0, 0.6, 0.01, _ANALYSED),
    Control("dropout_active", "Conduct", "Dropout, active", "share", "Without the outcome",
            0, 0.6, 0.01, _ANALYSED),
    Control("ratio", "Conduct", "Active participants for each control", "", "Allocation 1 : this",
            0.5, 4, 0.05),
    Control("looks", "Conduct", "Looks", "", "Equally spaced, O'Brien–Fleming-type spending; 1 is no interim",
            1, 5, 1),
    Control("power", "Conduct", "Power", "", "", 0.5, 0.99, 0.01),
    Control("alpha", "Conduct", "Type I error, two-sided", "", "", 0.005, 0.2, 0.005),
    Control("history", "Risk", "Past placebo participants", "", "Events, for a time to an event",
            20, 5000, 10),
    Control("drift", "Risk", "Largest drift that is declared", "SD",
            "How far placebo outcomes may lie from the history; log odds, rate or hazard elsewhere",
            0, 1.5, 0.05),
    Control("cap", "Risk", "Type I error that is accepted", "", "Under the worst declared drift",
            0.05, 0.3, 0.005),
    Control("between_sd", "Risk", "Between-study SD", "SD", "That the priors of past controls assume",
            0, 0.5, 0.01),
    Control("per_month", "Time and money", "Participants enrolled", "per month", "", 1, 200, 1),
    Control("follow_up", "Time and money", "Follow-up of the last participant", "months", "",
            0, 60, 0.5, _ANALYSED),
    Control("control_price", "Time and money", "Price of a control", "", "In your currency", 0, 100_000, 500),
    Control("active_price", "Time and money", "Price of an active participant", "", "", 0, 100_000, 500),
    Control("month_price", "Time and money", "Price of a month of enrolment", "", "", 0, 1_000_000, 5_000),
)  # fmt: skip


def shown_controls(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the controls as the page draws them; relative ends are set from the state.

    Examples
    --------
    >>> from trialsim.explore.answers.state import DEFAULTS
    >>> effect = shown_controls({**DEFAULTS, "effect": -2.0})[0]
    >>> effect["low"], effect["high"], effect["step"]
    (-6.0, -0.4, 0.02)
    """
    found = []
    for one in CONTROLS:
        made = asdict(one)
        if one.relative and (value := state.get(one.name)):
            ends = sorted((one.low * value, one.high * value))
            step = _round_step(abs(value) / 100)
            made |= {"low": round(ends[0], 9), "high": round(ends[1], 9), "step": step}
        elif one.relative:
            made |= {"low": one.low, "high": one.high, "step": 0.01}
        found.append(made)
    return found


def _round_step(size: float) -> float:
    """Return the nearest 1, 2 or 5 times a power of ten at or below a size."""
    power = 10.0 ** int(f"{size:e}".partition("e")[2])
    return float(f"{max(one for one in (1, 2, 5) if one * power <= size * (1 + 1e-9)) * power:g}")

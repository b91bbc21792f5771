"""Controls from outside the trial: what they could replace, what drift does, and which trial they imitate."""

from __future__ import annotations

import math

from trialsim.report.guidances.design import claim, looks_in_words
from trialsim.report.guidances.run import Run
from trialsim.report.guidances.said import Answer, Blocked, CitedTable, Found, Part, Words, answered, say
from trialsim.report.guidances.stated import of_external_controls
from trialsim.report.labels import label

_SETTINGS, _DRIFT, _FRONTIER = (
    f"results/borrowing_{name}" for name in ("at_customary_settings", "over_drift", "frontier")
)
_DRIFTS_SHOWN = 5
_NOTHING = say("Nothing is borrowed from outside the trial: every control is randomised.")
time_zero = of_external_controls(
    "time_zero", "from when external controls are followed",
    "everybody is followed from randomisation, and that is time zero.",
)  # fmt: skip
data_sources = of_external_controls(
    "sources", "which sources of external controls were considered", "no source had to be chosen."
)
reason = of_external_controls(
    "reason", "why randomised controls alone are not enough", "randomised controls are enough."
)
confounding = of_external_controls(
    "confounding", "what differs between external and randomised controls",
    "randomisation makes arms comparable but for chance.",
)  # fmt: skip
same_outcome = of_external_controls(
    "outcome", "how the outcome of external controls was measured",
    "every outcome is measured in the trial.",
)  # fmt: skip
same_eligibility = of_external_controls(
    "eligibility", "how the criteria were applied to external controls",
    "the criteria are applied once, before randomisation.",
)  # fmt: skip


def borrows(run: Run) -> bool:
    """Return whether the run asks what controls from outside could do."""
    return run.trial.borrowing is not None


def priors(run: Run) -> Answer:
    """Return which priors enter an analysis, and how much they say."""
    if not borrows(run):
        if run.trial.twins is None:
            return answered(_NOTHING)
        return answered(_NOTHING, say("A prognostic model may have priors of its own; its prediction "
                                      "enters as "
                                      "one baseline covariate, and no prior on the effect is "
                                      "used."))  # fmt: skip
    rows = run.rows(_FRONTIER, lambda one: one["method"].notna())
    said = say("Past controls enter as a prior on the control arm, in each of these ways; the effect itself "
               "has none. The effective number of controls is a heuristic where a method "
               "adapts.")  # fmt: skip
    shown = ("method", "setting", "controls", "effective_controls")
    return answered(said, tables=run.table(_FRONTIER, rows, shown, "Priors from past controls"))


def design_prior(run: Run) -> Answer:
    """Return what is believed of the effect when the size is chosen."""
    rows = tuple((Words(label(one.name)), Words(one.kind), Words(one.why)) for one in run.trial.scenarios)
    said = say("The effect is assumed as one value in each scenario: the design prior is points, and nothing "
               "averages over them. The analysis does not see it.")  # fmt: skip
    return answered(
        said, tables=[CitedTable("Values at which the design is judged", ("scenario", "kind", "why"), rows)]
    )


def success(run: Run) -> Answer:
    """Return when the trial is called a success."""
    return answered(claim(run), looks_in_words(run))


def _drifts(run: Run) -> list[int]:
    """Return rows of the curve over drift: its ends, its middle and between, of each method."""
    frame, rows = run.frame(_DRIFT), []
    for _, part in frame.groupby(["method", "setting"], sort=False):
        places = [round(k * (len(part) - 1) / (_DRIFTS_SHOWN - 1)) for k in range(_DRIFTS_SHOWN)]
        rows += [int(part.index[place]) for place in places]
    return rows


def drift(run: Run) -> Found:
    """Return the type I error over drift between past and randomised controls."""
    if not borrows(run) or run.frame(_DRIFT).empty:
        moved = [one for one in run.trial.scenarios if one.kind == "null" and one.changes]
        if not moved:
            return answered(_NOTHING, say("The type I error does not rest on anything outside the trial."))
        return answered(_NOTHING, say("Scenarios without an effect in which people drift stand under "
                                      "the type I "
                                      "error."))  # fmt: skip
    shown = ("method", "setting", "drift", "type_one_error", "power", "bias")
    return answered(
        say("Two-sided type I error and power where past controls differ from randomised ones by a drift, in "
            "standard deviations of the outcome; a few points of each curve, all of which stand in the "
            "table:"),
        tables=run.table(_DRIFT, _drifts(run), shown, "Over drift"),
    )  # fmt: skip


def conflict(run: Run) -> Answer:
    """Return from which drift on a prior does harm, and whether the trial could see such a drift."""
    if not borrows(run) or run.frame(_SETTINGS).empty:
        return answered(_NOTHING, say("No prior can be in conflict with the trial's controls."))
    rows = run.rows(_SETTINGS, lambda one: one["method"].notna())
    finite = [
        row for row in rows if math.isfinite(float(run.frame(_SETTINGS)["worst_type_one_error"].iloc[row]))
    ]
    shown = ("method", "setting", "worst_type_one_error", "at_drift", "tipping", "detectable", "defensible")
    return answered(
        say("Tipping: the drift at which the type I error leaves its cap, {cap} times the level. "
            "Detectable: the "
            "drift that the trial's own controls would show. A method is defensible where harm would be "
            "seen.",
            cap=run.declared("borrowing.cap")),
        tables=run.table(_SETTINGS, finite, shown, "Where a prior contradicts the trial's controls"),
    )  # fmt: skip


def saved(run: Run) -> Answer:
    """Return what borrowing saves beside the design in which every control is randomised."""
    if not borrows(run) or run.frame(_FRONTIER).empty:
        return answered(_NOTHING)
    rows = run.rows(_FRONTIER, lambda one: one["method"].notna())
    shown = ("method", "setting", "controls", "controls_saved", "power", "worst_type_one_error", "at_drift")
    return answered(
        say("The first row is the design in which every control is randomised."),
        tables=run.table(_FRONTIER, rows, shown, "Controls that borrowing saves, and at what risk"),
    )


def target_trial(run: Run) -> Found:
    """Return the trial that an analysis with outside controls would have to imitate, element by element."""
    given = run.trial.estimand
    if given is None:
        return Blocked("the protocol does not state an estimand, which the target trial has", "estimand")
    stated: list[tuple[str, str]] = [
        ("Eligibility", given.population),
        ("Treatment strategies", given.treatment),
        ("Assignment", "randomisation"),
        ("Time zero", "randomisation"),
        ("Outcome", run.trial.outcome.label or run.trial.outcome.name),
        ("Causal contrast", given.summary_measure),
        ("Analysis", label(run.analysis)),
    ]
    rows: list[tuple[Part, ...]] = [(Words(name), Words(text)) for name, text in stated]
    return answered(
        say("The trial itself is the target; controls from outside would have to meet each element:"),
        tables=[CitedTable("Target trial", ("element", "in the randomised trial"), tuple(rows))],
    )

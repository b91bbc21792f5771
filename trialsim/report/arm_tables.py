"""Tables of a control arm that is sized by formula, and of what its sizes rest on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from trialsim.design.control_arm import FIGURES
from trialsim.report.arm_people_tables import (
    card_table,
    correlations_table,
    customary_table,
    fit_table,
    frontier_table,
    likeness_table,
    sensitivity_table,
)
from trialsim.report.frames import Table
from trialsim.report.labels import design_label, label, share, with_error
from trialsim.study.control_arm import ControlArm, SupplementaryAnalyses
from trialsim.study.control_arm.of_the_twins import calibration_frame, gain_frame
from trialsim.study.control_arm.plan import scored_analysis
from trialsim.study.people.modelled.composition import compose
from trialsim.study.sizing.tables import AS_DECLARED

# Whole participants in both arms differ from the formula's own by no more than this.
_ROUNDED_UP = 4.0


def arm_tables(beside: SupplementaryAnalyses) -> dict[str, Table]:
    """Return every table of a sized control arm by its name."""
    arm = beside.arm
    tables = {
        "control_arm": savings_table(arm),
        "formula_sizes": sizes_table(arm),
        "time_and_cost": time_and_cost_table(arm, beside.savings),
        "worlds": worlds_table(arm),
        "calibration": calibration_table(arm),
        "gain": gain_table(arm),
        "likeness": likeness_table(arm),
        "fit": fit_table(arm),
    }
    if beside.borrowing is not None:
        tables |= {
            "frontier": frontier_table(beside.borrowing),
            "customary": customary_table(beside.borrowing),
        }
    if beside.card is not None:
        tables["card_sensitivity"] = sensitivity_table(beside.card)
    if arm.trial.population is not None and arm.trial.population.kind == "card":
        card = compose(arm.alternative, arm.folder).card
        tables |= {"card": card_table(card), "correlations": correlations_table(card)}
    return tables


def sizes_table(arm: ControlArm) -> Table:
    """Return the size of each design by formula, and its power among the people that trials recruit from."""
    power = arm.formula_power
    rows = [
        (
            design_label(name), str(size.total), str(size.controls), str(size.active), f"{size.power:.3f}",
            f"{power[name]:.3f}",
        )
        for name, size in arm.plan.designs().items()
    ]  # fmt: skip
    columns = ("design", "participants", "controls", "active", "power planned", "power among these people")
    caption = (
        "Sizes for the asked power by formula, the score as strong as in the history (no Monte Carlo error)"
    )
    return Table(columns, rows, caption)


def two_formulas(arm: ControlArm, sizes: pd.DataFrame) -> str:
    """Return why this size by formula is not the one beside the searched sizes; empty where they agree.

    Parameters
    ----------
    arm : ControlArm
        Sized by formula.
    sizes : DataFrame
        Searched sizes of the same run.
    """
    name = scored_analysis(arm.trial).label
    rows = sizes[(sizes["analysis"] == name) & (sizes["score"] == AS_DECLARED)] if len(sizes) else sizes
    total = arm.plan.sizes["prognostic"].total
    beside = float(rows["participants_by_formula"].iloc[0]) if len(rows) == 1 else np.nan
    if np.isnan(beside) or abs(total - beside) <= _ROUNDED_UP:
        return ""
    here = arm.truth.moments.partial_correlation[0] * arm.strength("undiscounted")
    seen = arm.plan.moments.partial_correlation[0]
    return (
        f"Why {label(name)} has two sizes by formula: {beside:.1f}, beside the searched size of "
        f"{rows['participants'].iloc[0]:,.0f}, is for the people that this trial recruits from, where score "
        f"and outcome have a partial correlation of {here:.2f}; {total:,} is for the {seen:.2f} that the "
        "history showed out of sample. Plan with the searched size"
    )


def savings_table(arm: ControlArm) -> Table:
    """Return the three figures, both ways to save."""
    rows = []
    for saving in arm.plan.savings:
        fixed = saving.active_fixed
        rows.append(
            (
                label(saving.figure),
                f"{saving.partial_correlation[0]:.3f}",
                f"{saving.ancova.total} → {saving.prognostic.total}",
                f"{saving.participants_saved} ({share(saving.share_saved)})",
                "–" if saving.interval is None else f"{saving.interval[0]} to {saving.interval[1]}",
                "infeasible" if fixed is None else f"{saving.ancova.controls} → {fixed.controls}",
                "–"
                if fixed is None
                else f"{saving.controls_saved} ({share(saving.share_of_controls_saved)})",
                "–" if fixed is None else share(1 - fixed.total / saving.ancova.total),
            )
        )
    columns = (
        "figure",
        "partial correlation",
        "participants, ANCOVA → prognostic",
        "saved at fixed allocation",
        "95 % interval",
        "controls, active arm fixed",
        "controls saved",
        "total saved, active arm fixed",
    )
    return Table(
        columns,
        rows,
        "Saved by prognostic adjustment beyond baseline ANCOVA, two ways side by side (formula, so no "
        "Monte Carlo error; interval: 95 % of the out-of-sample partial correlation)",
    )


def worlds_table(arm: ControlArm) -> Table:
    """Return what is true in each scenario's world."""
    rows = [
        (
            label(fact.scenario),
            with_error(fact.true_effect, fact.true_effect_error, 4),
            f"{fact.mean_change:.3f}",
            f"{fact.moments.sd[0]:.3f} / {fact.moments.sd[1]:.3f}",
            f"{fact.moments.baseline_correlation[0]:.3f} / {fact.moments.baseline_correlation[1]:.3f}",
            f"{fact.moments.partial_correlation[0]:.3f} / {fact.moments.partial_correlation[1]:.3f}",
        )
        for fact in arm.facts.values()
    ]
    columns = (
        "scenario",
        "true effect (± register SE)",
        "mean change, control",
        "SD of change, control / active",
        "correlation with baseline",
        "partial correlation with score",
    )
    participants = next(iter(arm.facts.values())).participants
    return Table(
        columns,
        rows,
        f"What is true in each world, over registers of {participants:,} participants: SDs have a relative "
        f"standard error of {share((2 * participants) ** -0.5)}, correlations and shares one of at most "
        f"{participants**-0.5:.3f}",
    )


def calibration_table(arm: ControlArm) -> Table:
    """Return the calibration of the twins by visit."""
    rows = [
        (
            f"week {row.week:g}",
            str(row.observed),
            with_error(row.bias, row.bias_se, 2),
            with_error(row.slope, row.slope_se, 2),
            *(_covered(row, level) for level in (50, 80, 95)),
            f"{row.pit_p:.2g}",
        )
        for row in _rows(calibration_frame(arm.calibration))
    ]
    columns = ("visit", "observed", "bias ± SE", "slope ± SE", "50 % interval", "80 %", "95 %", "PIT flat, p")
    return Table(
        columns,
        rows,
        "Calibration of the twins on participants that their fit had not seen (± standard error, "
        "[95 % interval])",
    )


def _covered(row: Any, level: int) -> str:
    value, low, high = (getattr(row, f"coverage_{level}{end}") for end in ("", "_low", "_high"))
    return f"{share(value)} [{share(low)}, {share(high)}]"


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a frame with its columns as attributes, whose types pandas cannot know."""
    yield from frame.itertuples(index=False)


def gain_table(arm: ControlArm) -> Table:
    """Return the gain beyond the baseline value with its intervals."""

    def interval(low: float, high: float) -> str:
        return "–" if low != low else f"[{low:.3f}, {high:.3f}]"

    rows = [
        (
            row.measure,
            f"{row.value:.3f}",
            interval(row.low_90, row.high_90),
            interval(row.low_95, row.high_95),
        )
        for row in _rows(gain_frame(arm.gain))
    ]
    return Table(
        ("measure", "value", "90 % interval", "95 % interval"),
        rows,
        f"Gain beyond the baseline at the last visit, out of sample, {arm.gain.participants} participants "
        "(bootstrap intervals; R² without one are point estimates)",
    )


def time_and_cost_table(arm: ControlArm, savings: pd.DataFrame) -> Table:
    """Return what is saved in participants, months and money, one column a figure.

    Parameters
    ----------
    arm : ControlArm
        For its currency.
    savings : DataFrame
        Of `trialsim.study.control_arm.time_and_cost`.

    Returns
    -------
    Table
        For the page and the terminal.
    """
    units = {
        "participants": "participants",
        "controls": "of them controls",
        "months": "months of enrolment",
        "cost": "cost" if arm.trial.costs is None else f"cost, {arm.trial.costs.currency}",
    }
    rows = []
    for (way, gain), part in savings.groupby(["way", "gain"], sort=False):
        by_figure = {str(row["figure"]): row for _, row in part.iterrows()}
        rows.append(
            (
                f"{units[str(gain)]}, {way}",
                *(_saved(str(gain), by_figure[figure]) for figure in FIGURES),
            )
        )
    columns = ("saved beyond baseline ANCOVA", *(label(figure).lower() for figure in FIGURES))
    caption = (
        "Participants, months and money saved [95 % interval of the partial correlation]. Participants are a "
        "formula; months are simulated (± Monte Carlo SE), and with them money, if the protocol has prices"
    )
    return Table(columns, rows, caption)


def _saved(gain: str, row: pd.Series) -> str:
    if np.isnan(row["value"]):
        return "infeasible"
    text = _amount(gain, row["value"])
    if row["error"] > 0:
        error = _amount(gain, row["error"])
        text += f" ± {error}" if float(error.replace(",", "")) else " ± <0.01"
    if np.isfinite(row["lower"]):
        text += f" [{_amount(gain, row['lower'])} to {_amount(gain, row['upper'])}]"
    return text


def _amount(gain: str, value: float) -> str:
    if gain == "months":
        return f"{value:.2f}"
    # Three figures of a sum of money are as many as anybody believes.
    return f"{float(f'{value:.3g}'):,.0f}" if gain == "cost" else f"{value:.0f}"

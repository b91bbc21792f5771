"""The report's tables: headings and rows of text, ready for the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from trialsim.protocol import Enrolment, Scenario
from trialsim.report.frames import Table
from trialsim.report.labels import design_label, label, share, with_error
from trialsim.study import StudyResult, sizes_at_history
from trialsim.study.bundles import calibration_frame, gain_frame, sizes_frame


def all_tables(result: StudyResult) -> dict[str, Table]:
    """Return every table of the report by its name."""
    return {
        "sizes": sizes_table(result),
        "savings": savings_table(result),
        "characteristics": characteristics_table(result),
        "worlds": worlds_table(result),
        "calibration": calibration_table(result),
        "gain": gain_table(result),
        "likeness": likeness_table(result),
        "card": card_table(result),
        "correlations": correlations_table(result),
        "scenarios": scenarios_table(result),
        "fit": fit_table(result),
        "design": design_table(result),
    }


def sizes_table(result: StudyResult) -> Table:
    """Return the size of each analysis, with the power that simulation finds there."""
    rows = [
        (
            design_label(row.design),
            str(row.total),
            str(row.controls),
            str(row.active),
            f"{row.power_planned:.3f}",
            f"{row.power_formula_at_register:.3f}",
            with_error(row.power_simulated, row.power_simulated_mcse),
            with_error(row.months_to_full_enrolment, row.months_mcse, 2),
        )
        for row in _rows(sizes_frame(result))
    ]
    columns = (
        "design",
        "participants",
        "controls",
        "active",
        "power planned",
        "power by formula in the model's world",
        "power simulated",
        "months to full enrolment",
    )
    return Table(
        columns, rows, "Size for the asked power, by formula and confirmed by simulation (± Monte Carlo SE)"
    )


def savings_table(result: StudyResult) -> Table:
    """Return the three figures, both ways to save."""
    rows = []
    for saving in result.plan.savings:
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


def characteristics_table(result: StudyResult) -> Table:
    """Return the operating characteristics of every cell and analysis."""
    rows = []
    for cell in result.cells:
        for one in cell.characteristics.values():
            rows.append(
                (
                    label(one.scenario),
                    f"{design_label(cell.cell.sized_for)}, {cell.cell.size.controls}+{cell.cell.size.active}",
                    label(one.analysis),
                    f"{one.truth:.3f}",
                    with_error(one.rejection_rate, one.rejection_rate_mcse, 4),
                    with_error(one.bias, one.bias_mcse, 4),
                    with_error(one.empirical_se, one.empirical_se_mcse, 4),
                    with_error(one.root_mean_variance, one.root_mean_variance_mcse, 4),
                    with_error(one.coverage, one.coverage_mcse, 4),
                    str(one.counts.replicates - one.counts.fitted),
                )
            )
    columns = (
        "scenario",
        "size (controls+active)",
        "analysis",
        "true effect",
        "rejection rate",
        "bias",
        "empirical SE",
        "mean standard error",
        "coverage",
        "failed fits",
    )
    used = sorted({cell.conduct.trials for cell in result.cells})
    replicates = f"{used[0]:,}" if len(used) == 1 else f"{used[0]:,} to {used[-1]:,}"
    return Table(
        columns, rows, f"Operating characteristics, {replicates} replicates a row (± Monte Carlo SE)"
    )


def worlds_table(result: StudyResult) -> Table:
    """Return what is true in each scenario's world."""
    rows = [
        (
            label(fact.scenario),
            with_error(fact.true_effect, fact.true_effect_error, 4),
            f"{fact.mean_change:.3f}",
            f"{fact.moments.sd[0]:.3f} / {fact.moments.sd[1]:.3f}",
            f"{fact.moments.baseline_correlation[0]:.3f} / {fact.moments.baseline_correlation[1]:.3f}",
            f"{fact.moments.partial_correlation[0]:.3f} / {fact.moments.partial_correlation[1]:.3f}",
            share(fact.screen_failure_rate),
        )
        for fact in result.facts
    ]
    columns = (
        "scenario",
        "true effect (± register SE)",
        "mean change, control",
        "SD of change, control / active",
        "correlation with baseline",
        "partial correlation with score",
        "not eligible",
    )
    participants = result.facts[0].participants
    return Table(
        columns,
        rows,
        f"What is true in each world, over registers of {participants:,} participants: SDs have a relative "
        f"standard error of {share((2 * participants) ** -0.5)}, correlations and shares one of at most "
        f"{participants**-0.5:.3f}",
    )


def calibration_table(result: StudyResult) -> Table:
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
        for row in _rows(calibration_frame(result.calibration))
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


def gain_table(result: StudyResult) -> Table:
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
        for row in _rows(gain_frame(result.gain))
    ]
    return Table(
        ("measure", "value", "90 % interval", "95 % interval"),
        rows,
        f"Gain beyond the baseline at the last visit, out of sample, {result.gain.participants} participants "
        "(bootstrap intervals; R² without one are point estimates)",
    )


def likeness_table(result: StudyResult) -> Table:
    """Return the history beside the trial's model, to see whether they describe the same people."""
    history, fact = result.history, result.fact(result.protocol.alternative.name)
    n, seen = history.summary.learnt_from, history.summary.observed[-1]
    sd, rho, r = history.summary.sd_change[-1], history.baseline_correlation, result.gain.partial_correlation
    compared = (
        ("baseline, mean", history.baseline_mean, history.baseline_sd / n**0.5, fact.baseline_mean),
        ("baseline, SD", history.baseline_sd, history.baseline_sd / (2 * n) ** 0.5, fact.baseline_sd),
        ("change, mean", history.summary.mean_change[-1], sd / seen**0.5, fact.mean_change),
        ("change, SD", sd, sd / (2 * seen) ** 0.5, fact.moments.sd[0]),
        (
            "correlation of change and baseline",
            rho,
            (1 - rho**2) / seen**0.5,
            fact.moments.baseline_correlation[0],
        ),
        (
            "partial correlation of change and score",
            r,
            (1 - r**2) / seen**0.5,
            fact.moments.partial_correlation[0],
        ),
    )
    rows = [(name, with_error(value, error, 2), f"{model:.2f}") for name, value, error, model in compared]
    at_history, planned = sizes_at_history(result), result.plan.sizes
    for name in ("ancova", "prognostic"):
        size = at_history[name]
        needed = "none within the limit" if size is None else str(size.total)
        rows.append((f"size with this SD and correlation: {label(name)}", needed, str(planned[name].total)))
    return Table(
        ("at the last visit, on placebo", "history (± SE)", "trial's model"),
        rows,
        f"Does the trial's model describe the people of the history? (The model's numbers are those of a "
        f"register of {fact.participants:,}; sizes are formula)",
    )


def card_table(result: StudyResult) -> Table:
    """Return every margin of the cohort card with its source."""
    rows = []
    for margin in result.card.margins:
        for field, number in margin.numbers().items():
            rows.append(
                (
                    margin.label,
                    f"{margin.kind.replace('_', ' ')}: {field}",
                    f"{number.value:g}",
                    number.evidence,
                    result.card.sources[number.source].citation,
                    number.note or "",
                )
            )
    columns = ("covariate", "number", "value", "evidence", "source", "note")
    return Table(columns, rows, f"Cohort card: {result.card.title}", text=True)


def correlations_table(result: StudyResult) -> Table:
    """Return every correlation of the cohort card with its source."""
    rows = [
        (
            " – ".join(one.between),
            f"{one.value:g}",
            one.evidence,
            result.card.sources[one.source].citation,
            one.note or "",
        )
        for one in result.card.correlations
    ]
    return Table(
        ("pair", "value", "evidence", "source", "note"), rows, "Correlations of the cohort card", text=True
    )


def scenarios_table(result: StudyResult) -> Table:
    """Return the declared scenarios, their drifts and their reasons."""
    rows = [
        (label(scenario.name), label(scenario.kind), scenario.effect, _drift(scenario), scenario.why)
        for scenario in result.protocol.scenarios
    ]
    columns = ("scenario", "kind", "effect", "drift from the history", "why")
    return Table(columns, rows, "Scenarios, declared before the run", text=True)


def _drift(scenario: Scenario) -> str:
    parts = []
    if scenario.progression != 1:
        parts.append(f"speed of decline × {scenario.progression:g}")
    if scenario.outcome_shift:
        parts.append(f"{scenario.outcome_shift:+g} points at every visit after baseline")
    parts += [f"{name} {shift:+g} SD" for name, shift in scenario.covariate_shift.items()]
    return "; ".join(parts) or "none"


def fit_table(result: StudyResult) -> Table:
    """Return the diagnostics of the fit that passed the gate."""
    rows = [(name.replace("_", " "), f"{value:.4g}") for name, value in result.prognosis.diagnostics.items()]
    return Table(
        ("diagnostic", "value"), rows, "Fit gate: R-hat ≤ 1.01, bulk and tail ESS ≥ 400, no divergences"
    )


def design_table(result: StudyResult) -> Table:
    """Return the protocol's decisions."""
    protocol, analysis, sizing = result.protocol, result.protocol.analysis, result.protocol.sizing
    arms = ", ".join(f"{arm.name} ({arm.role}, {arm.allocation:g})" for arm in protocol.arms)
    effect = protocol.effect
    size = share(effect.value) if effect.kind == "slowing" else f"{effect.value:g} {protocol.endpoint.unit}"
    if effect.full_by_week is not None:
        size += f", reached by week {effect.full_by_week:g}"
    dropout = "; ".join(
        f"{cause.cause}: " + ", ".join(f"{arm} {share(value)}" for arm, value in cause.cumulative.items())
        for cause in protocol.dropout
    )
    events = "; ".join(f"{one.event}: {one.strategy}" for one in protocol.estimand.intercurrent_events)
    rows = [
        ("Treatment", protocol.estimand.treatment),
        ("Population", protocol.estimand.population),
        ("Variable", protocol.estimand.variable),
        ("Summary measure", label(protocol.estimand.summary_measure)),
        ("Intercurrent events", events),
        ("Arms (allocation)", arms),
        ("Visits, weeks", ", ".join(f"{week:g}" for week in protocol.visits.weeks)),
        ("Eligibility", "; ".join(one.words() for one in protocol.eligibility) or "as the card"),
        ("Assumed effect", f"{effect.kind} {size}. {effect.source}"),
        ("Dropout by the last visit", dropout or "none"),
        ("Enrolment", _enrolment(protocol.enrolment)),
        ("Analysis", f"{label(analysis.slopes)}, {label(analysis.variance)} standard errors, t reference"),
        ("Two-sided alpha, power", f"{analysis.alpha:g}, {sizing.power:g}"),
        ("Discounts", f"λ = {sizing.correlation_discount:g}, γ = {sizing.sd_inflation:g}"),
        ("Covariates of the score", protocol.prognosis.words()),
        ("Seed", str(protocol.seed)),
    ]
    return Table(("item", "decision"), rows, "Protocol", text=True)


def _enrolment(enrolment: Enrolment) -> str:
    return (
        f"{enrolment.sites} sites, activated over {enrolment.last_activation_month:g} months, "
        f"{enrolment.rate_per_site_month:g} participants a site and month on average "
        f"(gamma shape {enrolment.rate_shape:g}). {enrolment.source}"
    )

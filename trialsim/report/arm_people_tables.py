"""Tables of the people that a control arm is sized for: who they are, and how well their twins fit."""

from __future__ import annotations

import numpy as np

from trialsim.population import CohortCard
from trialsim.report.frames import Table
from trialsim.report.labels import label, share, with_error
from trialsim.study.control_arm import (
    BorrowingRisk,
    CardSensitivity,
    ControlArm,
    sizes_at_the_model,
)

NOT_DEFENSIBLE = "borrowing is not defensible"


_LARGEST_LOOKED_AT = "none up to 2 SD"


_SENSITIVITY = {
    "effect": ("true effect, points", "{:.3f}"),
    "sd": ("SD of change, control", "{:.3f}"),
    "partial_correlation": ("partial correlation of the score, discounted", "{:.3f}"),
    "ancova": ("participants, baseline ANCOVA", "{:.0f}"),
    "prognostic": ("participants, prognostic, discounted", "{:.0f}"),
    "saved": ("participants saved, discounted", "{:.0f}"),
    "share_saved": ("share saved, discounted", "{:.1%}"),
}


def likeness_table(arm: ControlArm) -> Table:
    """Return the history beside the trial's model, to see whether they describe the same people."""
    summary, said, fact = arm.summary, arm.learnt.facts.moments, arm.truth
    n, seen, spread = summary.learnt_from, summary.observed[-1], said["baseline SD"]
    rho, r = said["correlation of baseline and last change"], arm.gain.partial_correlation
    sd = summary.sd_change[-1]
    # A model whose people got the history's SD is shown as it was before.
    own = arm.at_the_model or fact.moments
    compared = (
        ("baseline, mean", said["baseline mean"], spread / n**0.5, fact.baseline_mean),
        ("baseline, SD", spread, spread / (2 * n) ** 0.5, fact.baseline_sd),
        ("change, mean", summary.mean_change[-1], sd / seen**0.5, fact.mean_change),
        ("change, SD", sd, sd / (2 * seen) ** 0.5, own.sd[0]),
        (
            "correlation of change and baseline",
            rho,
            (1 - rho**2) / seen**0.5,
            own.baseline_correlation[0],
        ),
        (
            "partial correlation of change and score",
            r,
            (1 - r**2) / seen**0.5,
            own.partial_correlation[0],
        ),
    )
    rows = [(name, with_error(value, error, 2), f"{model:.2f}") for name, value, error, model in compared]
    at_model, planned = sizes_at_the_model(arm), arm.plan.sizes
    for name in ("ancova", "prognostic") if at_model else ():
        size = at_model[name]
        needed = "none within the limit" if size is None else str(size.total)
        rows.append((f"size with this SD and correlation: {label(name)}", str(planned[name].total), needed))
    return Table(
        ("at the last visit, on placebo", "history (± SE)", "trial's model"),
        rows,
        f"Does the trial's model describe the people of the history? (The model's numbers are those of a "
        f"register of {fact.participants:,}; sizes are formula)",
    )


def fit_table(arm: ControlArm) -> Table:
    """Return the diagnostics of the fit that passed the gate."""
    rows = [(name.replace("_", " "), f"{value:.4g}") for name, value in arm.learnt.model.diagnostics.items()]
    return Table(
        ("diagnostic", "value"), rows, "Fit gate: R-hat ≤ 1.01, bulk and tail ESS ≥ 400, no divergences"
    )


def card_table(card: CohortCard) -> Table:
    """Return every margin of the cohort card with its source."""
    rows = []
    for margin in card.margins:
        for field, number in margin.numbers().items():
            rows.append(
                (
                    margin.label,
                    f"{margin.kind.replace('_', ' ')}: {field}",
                    f"{number.value:g}",
                    number.evidence,
                    card.sources[number.source].citation,
                    number.note or "",
                )
            )
    columns = ("covariate", "number", "value", "evidence", "source", "note")
    return Table(columns, rows, f"Cohort card: {card.title}", text=True)


def correlations_table(card: CohortCard) -> Table:
    """Return every correlation of the cohort card with its source."""
    rows = [
        (
            " – ".join(one.between),
            f"{one.value:g}",
            one.evidence,
            card.sources[one.source].citation,
            one.note or "",
        )
        for one in card.correlations
    ]
    return Table(
        ("pair", "value", "evidence", "source", "note"), rows, "Correlations of the cohort card", text=True
    )


def frontier_table(risk: BorrowingRisk) -> Table:
    """Return the fewest controls of every method at its best setting, with what that risks."""
    rows = []
    for point in risk.frontier.points:
        rows.append(
            (
                point.method,
                point.setting,
                str(point.controls) if point.feasible else "none feasible",
                share(point.power),
                share(point.worst_power),
                f"{_level(point.worst_type_one_error, point.error)} at {point.at_drift:g} SD",
                _tipping(point.tipping),
                f"{point.detectable:.2f} SD",
                _verdict(point.feasible, point.tipping, point.detectable),
            )
        )
    columns = (
        "method",
        "its best setting",
        "fewest controls",
        "power, no drift",
        "lowest power over drift",
        "largest two-sided type I error over drift",
        "cap broken at",
        "drift seen in half of trials",
        "verdict",
    )
    caption = (
        f"Fewest concurrent controls beside {risk.question.active} active participants, two-sided type I "
        f"error at most {share(risk.question.type_one_cap)} over every drift up to 1 SD (integrated, no "
        "Monte Carlo error)"
    )
    return Table(columns, rows, caption, text=True)


def customary_table(risk: BorrowingRisk) -> Table:
    """Return the risk of every method at its customary setting."""
    rows = [
        (
            str(row["method"]),
            str(row["setting"]),
            _level(float(row["power_no_drift"]), float(row["power_error"])),
            f"{_level(float(row['worst_type_one_error']), float(row['error']))} at {row['at_drift']:g} SD",
            _tipping(float(row["tipping"])),
            f"{row['detectable']:.2f} SD",
            _verdict(True, float(row["tipping"]), float(row["detectable"])),
        )
        for _, row in risk.curves_frame().iterrows()
    ]
    columns = (
        "method",
        "customary setting",
        "power, no drift",
        "largest two-sided type I error over drift",
        "cap broken at",
        "drift seen in half of trials",
        "verdict",
    )
    caption = (
        f"Every method at its customary setting, with {risk.curves.controls} controls (integrated; "
        "± largest Monte Carlo SE over drift where simulated)"
    )
    return Table(columns, rows, caption, text=True)


def _level(value: float, error: float) -> str:
    return with_error(100 * value, 100 * error, 1) + " %" if error else share(value)


def _tipping(drift: float) -> str:
    return f"{drift:.2f} SD" if np.isfinite(drift) else _LARGEST_LOOKED_AT


def _verdict(feasible: bool, tipping: float, detectable: float) -> str:
    if not feasible:
        return "none feasible"
    if np.isinf(tipping):
        return "keeps the cap"
    return "a harmful drift would be seen" if tipping >= detectable else NOT_DEFENSIBLE


def sensitivity_table(card: CardSensitivity) -> Table:
    """Return how sizes move over the correlations that the card leaves open."""
    found = card.summary().set_index("quantity").to_dict("index")
    rows = []
    for name, (words, form) in _SENSITIVITY.items():
        row = found[name]
        ends = ("on_the_card", "quantile_5", "quantile_50", "quantile_95", "lowest", "highest", "error")
        rows.append((words, *(form.format(row[end]) if np.isfinite(row[end]) else "–" for end in ends)))
    columns = (
        "quantity",
        "as on the card",
        "5 %",
        "median",
        "95 %",
        "lowest",
        "highest",
        "Monte Carlo SE of a world",
    )
    draws = int(found["effect"]["draws"])
    caption = (
        f"Sizes by formula over {draws} worlds that share all published numbers; "
        f"{card.open_pairs} of {card.pairs} correlations are open"
    )
    return Table(columns, rows, caption)

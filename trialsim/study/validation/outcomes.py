"""The validation of twins of a response, level, count or event."""

from __future__ import annotations

import pandas as pd

from trialsim.data import OutcomeHistory
from trialsim.prognosis.validation import OutcomeValidation, worst_subgroups
from trialsim.streams import stream
from trialsim.study.validation.findings import Finding
from trialsim.study.validation.subgroups import Labels

WORDS = {
    "low_95": "observed to expected, 95 % low",
    "high_95": "observed to expected, 95 % high",
    "intercept": "calibration intercept (0 if calibrated)",
    "slope": "calibration slope (1 if calibrated)",
    "discrimination": "discrimination (.5 by chance)",
}
MEANING = (
    "Gain is the share of participants that adjusting for the score saves beside that covariate, of the "
    "outcome that a linear comparison regresses; negative where the score misleads.",
)
WORST = (
    "The least of coverage and of discrimination; of the others what is farthest from its goal. The more "
    "subgroups and the smaller, the worse the worst by chance alone."
)


def outcome_findings(
    past: OutcomeHistory,
    held_out: OutcomeValidation,
    labels: dict[str, Labels],
    by_group: OutcomeValidation | None,
    groups: Labels,
    seed: int,
) -> list[Finding]:
    """Return calibration, discrimination and gain on participants, and on groups, never seen."""
    title = "Calibration and discrimination, on {} never seen"
    found = [Finding(title.format("participants"), _judged(held_out)), _gain(held_out, past, seed)]
    judged, place = held_out, "participants"
    if by_group is not None:
        judged, place = by_group, "groups"
        found.append(Finding(title.format("groups"), _judged(by_group)))
        each = by_group.by_subgroup({"group": groups})
        found.append(Finding("Each group, by a model that never saw it", each))
    name = f"Subgroups, on {place} never seen; small not shown"
    table = judged.by_subgroup(labels)
    return [*found, Finding(name, table), *worst_finding(table, place)]


def worst_finding(table: pd.DataFrame, place: str) -> list[Finding]:
    """Return whom the twins serve least, by each measure; nothing where no subgroup is shown."""
    worst = worst_subgroups(table)
    title = f"The worst subgroup by each measure, on {place} never seen"
    return [Finding(title, worst, (WORST,))] if len(worst) else []


def _judged(found: OutcomeValidation) -> pd.DataFrame:
    rows = [(WORDS.get(name, name.replace("_", " ")), value) for name, value in found.judge().items()]
    return pd.DataFrame(rows, columns=["measure", "value"])


def _gain(found: OutcomeValidation, past: OutcomeHistory, seed: int) -> Finding:
    """Return what the score adds to each covariate that an analysis could adjust for in its place."""
    rows = []
    for name in past.covariates.names:
        gain = found.gain(past, name, generator=stream(seed, f"gain beyond {name}", 0, "bootstrap"))
        rows.append(
            {
                "adjusted for": name,
                "participants": gain.participants,
                "partial correlation": gain.partial_correlation,
                "corr low 95": gain.partial_correlation_95[0],
                "corr high 95": gain.partial_correlation_95[1],
                "gain": gain.gain,
                "gain low 95": gain.gain_95[0],
                "gain high 95": gain.gain_95[1],
            }
        )
    return Finding("Gain of the score beyond one covariate, out of sample", pd.DataFrame(rows), MEANING)

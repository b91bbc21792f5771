"""EMA on external controls: estimand, the trial that is imitated, time zero, and what cannot be measured."""

from __future__ import annotations

from trialsim.report.guidances import design, outside
from trialsim.report.guidances.said import Guidance, Item

EXTERNAL_CONTROLS = Guidance(
    "external",
    "EMA, external controls",
    "concept paper of 2025; the reflection paper is to come",
    "what it will treat was read in summaries, not in its text; the words here are ours",
    (
        Item("reason", "Why external controls are considered at all.", outside.reason),
        Item("estimand", "The estimand, the same for external and randomised controls.", design.estimand),
        Item("target_trial", "The trial that the comparison imitates, element by element.",
             outside.target_trial),
        Item("sources", "Every source of data that was considered, and why it was kept or dropped.",
             outside.data_sources),
        Item("eligibility", "How the criteria were applied outside the trial.", outside.same_eligibility),
        Item("time_zero", "From when external controls are followed.", outside.time_zero),
        Item("outcome", "Whether the outcome was measured alike.", outside.same_outcome),
        Item("confounding", "What differs, measured or not, and what is done about it.", outside.confounding),
        Item("unmeasured", "How large a difference nobody measured would have to be to mislead.",
             outside.conflict),
        Item("gain", "What is gained beside a trial whose controls are all randomised, and at what risk.",
             outside.saved),
    ),
    "EMA, external controls",
)  # fmt: skip

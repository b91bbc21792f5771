"""ICH E20: what a report on the simulation of a design documents."""

from __future__ import annotations

from trialsim.report.guidances import design, model_evidence, operating, proof, stated
from trialsim.report.guidances.said import Guidance, Item, both

E20 = Guidance(
    "e20",
    "ICH E20, adaptive designs",
    "draft: step 2 in June 2025",
    "its list was read in a summary, not in its text; the words here are ours",
    (
        Item("objective", "What the simulation is to find out.", stated.question),
        Item("design", "The design in plain words: arms, allocation, endpoint, looks and rules.",
             design.overview),
        Item("options", "Options that were compared, a customary one among "
                        "them.", operating.options_compared),
        Item("scenarios", "Scenarios and assumptions, each with its reason.", operating.scenarios),
        Item("assumptions", "Where each assumption comes from.", model_evidence.context_and_model),
        Item("type_one_error", "Control of the type I error, over every scenario without an effect.",
             operating.type_one_error),
        Item("power", "Power under the assumptions.", operating.power),
        Item("stopping", "Bounds, probabilities of stopping, size and duration.", operating.stopping),
        Item("reliability", "Reliability of estimates: bias, mean squared error and coverage, early stops "
             "among them.", operating.reliability),
        Item("sensitivity", "What happens where assumptions fail.", operating.sensitivity),
        Item("examples", "Example trials, walked through one by one.", operating.example_trials),
        Item("replicates", "How many trials were simulated, and how precise the numbers are.",
             operating.replicates),
        Item("software", "Programs, seeds, and how to make the numbers again.",
             lambda run: both(proof.software(run), proof.verification(run))),
    ),
    "ICH E20",
)  # fmt: skip

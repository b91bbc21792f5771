"""FDA's draft on Bayesian methods: what decides, what is believed beforehand, and what if that is wrong."""

from __future__ import annotations

from trialsim.report.guidances import operating, outside, proof
from trialsim.report.guidances.model_evidence import twin_performance
from trialsim.report.guidances.said import Guidance, Item, both

BAYESIAN = Guidance(
    "bayesian",
    "FDA, Bayesian methods in trials of drugs and biological products",
    "draft of January 2026",
    "its list was read in a summary, not in its text; the words here are ours",
    (
        Item("success", "The criterion of success, and how it was calibrated.",
             lambda run: both(outside.success(run), operating.type_one_error(run))),
        Item("analysis_prior", "The prior of the analysis: its source, its reason, how much it says.",
             outside.priors),
        Item("design_prior", "What is believed of the effect when the design is chosen, apart from the "
             "prior of the analysis.", outside.design_prior),
        Item("conflict", "What happens where prior and data contradict each other.", outside.conflict),
        Item("drift", "How the type I error moves as the trial drifts from what the prior rests on.",
             outside.drift),
        Item("characteristics", "Power, bias and precision under the assumptions.",
             lambda run: both(operating.power(run), operating.reliability(run))),
        Item("sensitivity", "Results under other assumptions.", operating.sensitivity),
        Item("computation", "Programs, draws, and whether the fit converged.",
             lambda run: both(proof.software(run), twin_performance(run))),
    ),
    "FDA, Bayesian",
)  # fmt: skip

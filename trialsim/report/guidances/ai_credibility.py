"""FDA's frame for the credibility of models that learn: seven steps."""

from __future__ import annotations

from trialsim.report.guidances import criteria, model_evidence, operating, proof, stated
from trialsim.report.guidances.said import Guidance, Item, both

AI_CREDIBILITY = Guidance(
    "ai",
    "FDA, credibility of artificial intelligence for decisions on drugs",
    "draft of January 2025",
    "its seven steps were read; the words here are ours",
    (
        Item("1_question", "Define the question of interest.", stated.question),
        Item("2_context", "Define the context of use: the model's role, its scope, and what stands "
                          "beside it.",
             lambda run: both(stated.context_of_use(run), model_evidence.model(run),
                              stated.other_evidence(run))),
        Item("3_risk", "Assess the model risk: influence and consequence.", stated.risk),
        Item("4_plan", "Plan how credibility is shown: model, data, and how both are judged.",
             lambda run: both(criteria.criteria(run), model_evidence.sources(run),
                              proof.plan_before_outcomes(run))),
        Item("5_execute", "Carry the plan out.",
             lambda run: both(model_evidence.twin_performance(run), operating.type_one_error(run))),
        Item("6_document", "Document the results, and what departs from the plan.",
             lambda run: both(proof.deviations(run), operating.replicates(run), proof.software(run))),
        Item("7_adequacy", "Decide whether the model is adequate for its context of use.",
             lambda run: both(criteria.criteria_kept(run), stated.outcome(run))),
    ),
    "FDA, models that learn",
)  # fmt: skip

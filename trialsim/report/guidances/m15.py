"""ICH M15: the table by which evidence from a model is assessed, and how the model was evaluated."""

from __future__ import annotations

from trialsim.report.guidances import criteria, model_evidence, proof, stated
from trialsim.report.guidances.operating import sensitivity
from trialsim.report.guidances.said import Guidance, Item, both

M15 = Guidance(
    "m15",
    "ICH M15, model-informed drug development",
    "final: step 4 in January 2026, published by FDA in June 2026",
    "its assessment table (appendix 1) was read in FDA's text; the words here are ours",
    (
        Item("question", "The question that the model is to answer.", stated.question),
        Item("context", "What the answer is used for, and by whom.", stated.context_of_use),
        Item("model", "Which model answers, with which role, and on which data it rests.",
             model_evidence.context_and_model),
        Item("other_evidence", "What else informs the answer.", stated.other_evidence),
        Item("influence", "How much the model weighs in the decision, rated with a "
                          "reason.", stated.influence),
        Item("consequence", "What a wrong decision would do, how bad and how likely, rated with a reason.",
             stated.consequence),
        Item("risk", "The model risk: influence and consequence combined.", stated.risk),
        Item("impact", "How far the approach departs from what regulators are used to, rated with a reason.",
             stated.impact),
        Item("criteria", "Technical criteria, set beforehand, that results must keep.", criteria.criteria),
        Item("appropriateness", "Why this model can answer this question.", stated.appropriateness),
        Item("verification", "Whether the program computes what it says.",
             lambda run: both(proof.verification(run), proof.software(run))),
        Item("performance", "Whether the model predicts what it was not fitted to.",
             model_evidence.twin_performance),
        Item("applicability", "Whether the model holds for the people of this trial.",
             lambda run: both(model_evidence.applicability(run), sensitivity(run))),
        Item("evaluation", "Whether results keep the technical criteria.", criteria.criteria_kept),
        Item("outcome", "What the team concluded: whether the results are evidence.", stated.outcome),
    ),
    "ICH M15",
)  # fmt: skip

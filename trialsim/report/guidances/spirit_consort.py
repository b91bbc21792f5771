"""SPIRIT and CONSORT 2025: those of their items that a simulated trial can fill beforehand."""

from __future__ import annotations

from trialsim.report.guidances import design, operating, proof, stated
from trialsim.report.guidances.missing import missing_data, who_is_included
from trialsim.report.guidances.said import Guidance, Item, answered, both

SPIRIT_CONSORT = Guidance(
    "spirit",
    "SPIRIT 2025 (protocols) and CONSORT 2025 (reports)",
    "published in 2025",
    "items and numbers were read in the checklists; the words here are ours. Items that no simulation can "
    "fill, such as funding, ethics or who is blinded, are left out",
    (
        Item("S10_C7", "Objectives.", stated.question),
        Item("S12_C9", "Trial design: type, allocation ratio, framework.", design.overview),
        Item("S14a_C12a", "Eligibility.", design.eligibility),
        Item("S16_C14", "Outcomes: variable, metric, time point.",
             lambda run: both(design.endpoint(run), design.estimand(run))),
        Item("S18", "Timeline: visits and enrolment.", operating.timeline),
        Item("S19_C16a", "Sample size, with every assumption.", operating.sample_size),
        Item("S21b_C17b", "Type of randomisation and its restrictions.",
             lambda run: answered(design.allocation(run))),
        Item("S27a_C21a", "Statistical methods for the primary outcome.",
             lambda run: answered(design.analysis_in_words(run))),
        Item("S27b_C21b", "Who is included in the analysis.", who_is_included),
        Item("S27c_C21c", "How missing data are handled.", missing_data),
        Item("S27d_C21d", "Additional and sensitivity analyses.", operating.options_compared),
        Item("S28b_C16b", "Interim analyses and rules for stopping.", operating.stopping),
        Item("C22", "Flow of participants, as expected.", operating.flow),
        Item("C25", "Baseline, as expected.", operating.baseline),
        Item("S5_S6_C3_C4", "Where protocol, analysis plan, data and programs can be had.", proof.software),
    ),
    "SPIRIT and CONSORT",
)  # fmt: skip

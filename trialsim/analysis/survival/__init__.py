"""Does treatment delay an event, by tests, hazards, curves and restricted means?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.survival.adjusted_log_rank_test import (
        AdjustedLogRankResult,
        adjusted_log_rank,
        adjusted_log_rank_block,
    )
    from trialsim.analysis.survival.hazards.concordance import Concordance, concordance
    from trialsim.analysis.survival.hazards.cox_arms import CoxArmsResult, cox_several_arms
    from trialsim.analysis.survival.hazards.cox_model import CoxResult, cox, cox_block
    from trialsim.analysis.survival.hazards.weibull import WeibullResult, weibull
    from trialsim.analysis.survival.kaplan_meier_curve import KaplanMeierResult, kaplan_meier
    from trialsim.analysis.survival.log_rank_test import LogRankResult, log_rank, log_rank_block
    from trialsim.analysis.survival.looks import LogRankLooks, log_rank_looks, sweep_looks
    from trialsim.analysis.survival.max_combo_test import MaxComboResult, max_combo, max_combo_block
    from trialsim.analysis.survival.milestone import (
        MilestoneResult,
        milestone_survival,
        milestone_survival_block,
    )
    from trialsim.analysis.survival.restricted_mean import (
        RestrictedMeanResult,
        restricted_mean_survival,
        restricted_mean_survival_block,
    )
    from trialsim.analysis.survival.several_arms import k_sample_log_rank
    from trialsim.analysis.survival.weights import (
        AtRisk,
        EarlyZero,
        FlemingHarrington,
        MagirrBurman,
        PetoPeto,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "AdjustedLogRankResult",
    "AtRisk",
    "Concordance",
    "CoxArmsResult",
    "CoxResult",
    "EarlyZero",
    "FlemingHarrington",
    "KaplanMeierResult",
    "LogRankLooks",
    "LogRankResult",
    "MagirrBurman",
    "MaxComboResult",
    "MilestoneResult",
    "PetoPeto",
    "RestrictedMeanResult",
    "WeibullResult",
    "adjusted_log_rank",
    "adjusted_log_rank_block",
    "concordance",
    "cox",
    "cox_block",
    "cox_several_arms",
    "k_sample_log_rank",
    "kaplan_meier",
    "log_rank",
    "log_rank_block",
    "log_rank_looks",
    "max_combo",
    "max_combo_block",
    "milestone_survival",
    "milestone_survival_block",
    "restricted_mean_survival",
    "restricted_mean_survival_block",
    "sweep_looks",
    "weibull",
]

"""How many participants do trials of other outcomes, aims and arms need, by formula?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.design.other_trials.clusters import (
        ClusterQuestion,
        SteppedWedge,
        clusters_size,
        design_effect,
        power_of_clusters,
        power_of_wedge,
        wedge,
        wedge_size,
    )
    from trialsim.design.other_trials.counts import (
        CountsQuestion,
        FollowUp,
        counts_size,
        power_of_counts,
    )
    from trialsim.design.other_trials.equivalence import (
        EquivalenceLimits,
        equivalence_of_hazards_events,
        equivalence_of_means_size,
        equivalence_of_rates_size,
        equivalence_power,
    )
    from trialsim.design.other_trials.many_arms import (
        ManyToOneQuestion,
        anova_power,
        anova_size,
        k_sample_events,
        many_to_one_power,
        many_to_one_size,
    )
    from trialsim.design.other_trials.ranks import (
        proportional_odds_power,
        proportional_odds_size,
        rank_sum_power,
        rank_sum_size,
        win_ratio_power,
        win_ratio_size,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "ClusterQuestion",
    "CountsQuestion",
    "EquivalenceLimits",
    "FollowUp",
    "ManyToOneQuestion",
    "SteppedWedge",
    "anova_power",
    "anova_size",
    "clusters_size",
    "counts_size",
    "design_effect",
    "equivalence_of_hazards_events",
    "equivalence_of_means_size",
    "equivalence_of_rates_size",
    "equivalence_power",
    "k_sample_events",
    "many_to_one_power",
    "many_to_one_size",
    "power_of_clusters",
    "power_of_counts",
    "power_of_wedge",
    "proportional_odds_power",
    "proportional_odds_size",
    "rank_sum_power",
    "rank_sum_size",
    "wedge",
    "wedge_size",
    "win_ratio_power",
    "win_ratio_size",
]

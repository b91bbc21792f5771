"""How is a trial read?

Each function here reads one data set (``data``, a data frame with a row a participant or a visit) and
returns a result that prints as a table. `ts.analysis.mmrm` works after ``import trialsim as ts``; nothing
is imported before it is used.

- `linear`, `repeated_measures`, `marginal`: changes from baseline, visits, and binary outcomes by
  g-computation.
- `survival`, `competing_risks`, `recurrent_events`, `counts`, `ordinal`: the other kinds of outcome.
- `proportions`: two proportions by score, exact and stratified methods.
- `imputation`: reference-based imputation and tipping points. `bayesian`, `borrowing`: priors from a
  history.
- `multiplicity`: several hypotheses at once. `by_name`: one trial by a named method.

The same analyses over thousands of simulated trials (``*_block``), the results that they return, and
their options are in these sub-rooms.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis import (
        bayesian,
        borrowing,
        by_name,
        competing_risks,
        counts,
        imputation,
        linear,
        marginal,
        multiplicity,
        one_trial,
        ordinal,
        proportions,
        recurrent_events,
        repeated_measures,
        survival,
    )
    from trialsim.analysis.bayesian.block import bayesian_adjustment
    from trialsim.analysis.competing_risks.fine_gray_model import fine_gray
    from trialsim.analysis.competing_risks.gray import gray_test
    from trialsim.analysis.competing_risks.incidence import cumulative_incidence
    from trialsim.analysis.counts.frame import negative_binomial, negative_binomial_events
    from trialsim.analysis.imputation.frame import reference_based_imputation
    from trialsim.analysis.imputation.tipping import tipping_point
    from trialsim.analysis.linear.frame import ancova, dose_response, prognostic_adjustment, unadjusted
    from trialsim.analysis.linear.several_arms import dunnett, joint_test
    from trialsim.analysis.linear.within_participants import crossover, paired_t_test, t_test
    from trialsim.analysis.marginal.frame import g_computation
    from trialsim.analysis.multiplicity.graphs import fixed_sequence, hochberg, holm
    from trialsim.analysis.ordinal.index_frame import probabilistic_index
    from trialsim.analysis.ordinal.odds_frame import proportional_odds
    from trialsim.analysis.ordinal.wins import win_ratio
    from trialsim.analysis.proportions.frame import two_proportions
    from trialsim.analysis.proportions.stratified import mantel_haenszel
    from trialsim.analysis.recurrent_events.rate_ratio import lwyy
    from trialsim.analysis.repeated_measures.frame import mmrm
    from trialsim.analysis.survival.adjusted_log_rank_test import adjusted_log_rank
    from trialsim.analysis.survival.hazards.cox_model import cox
    from trialsim.analysis.survival.kaplan_meier_curve import kaplan_meier
    from trialsim.analysis.survival.log_rank_test import log_rank
    from trialsim.analysis.survival.max_combo_test import max_combo
    from trialsim.analysis.survival.milestone import milestone_survival
    from trialsim.analysis.survival.restricted_mean import restricted_mean_survival
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "adjusted_log_rank",
    "ancova",
    "bayesian",
    "bayesian_adjustment",
    "borrowing",
    "by_name",
    "competing_risks",
    "counts",
    "cox",
    "crossover",
    "cumulative_incidence",
    "dose_response",
    "dunnett",
    "fine_gray",
    "fixed_sequence",
    "g_computation",
    "gray_test",
    "hochberg",
    "holm",
    "imputation",
    "joint_test",
    "kaplan_meier",
    "linear",
    "log_rank",
    "lwyy",
    "mantel_haenszel",
    "marginal",
    "max_combo",
    "milestone_survival",
    "mmrm",
    "multiplicity",
    "negative_binomial",
    "negative_binomial_events",
    "one_trial",
    "ordinal",
    "paired_t_test",
    "probabilistic_index",
    "prognostic_adjustment",
    "proportional_odds",
    "proportions",
    "recurrent_events",
    "reference_based_imputation",
    "repeated_measures",
    "restricted_mean_survival",
    "survival",
    "t_test",
    "tipping_point",
    "two_proportions",
    "unadjusted",
    "win_ratio",
]

"""What would each have done on placebo: reading a history, fitted models, twins and their validation.

- `read_history`: a CSV or Parquet file of past placebo participants to a `History`.
- `summarise`, `HistorySummary`: what a history holds, without any participant's value.
- `require_learnable`: refuse a history that nothing can be learnt from.
- `fit_prognosis`: a `History` to a `Prognosis`, by MCMC behind a gate, cached by content.
- `history_hash`: the hash of everything in a history.
- `ModelTerms`: splines, interactions, study effects and covariates of the variance.
- `FitSettings`: how a posterior is sampled and what it must pass.
- `Sampler`: a compiled model to share between fits.
- `Prognosis`: posterior draws as plain arrays; `predict` makes `Twins`.
- `cross_validate`, `CrossValidation`: out-of-fold twins of the history's own participants.
- `FOLD_SETTINGS`: the settings of a fold's fit.
- `calibrate`, `Calibration`: whether the twins' distribution is right, visit by visit.
- `gain_beyond_baseline`, `Gain`: what the score adds to the baseline, with bootstrap intervals.
- `update_twins`, `UpdatedTwins`, `update_interim`: twins that know the visits observed so far.
- `value_of_updating`, `UpdateValue`: what each visit adds to a twin, out of sample.
- `recalibrate`, `Recalibration`, `add_interim`: a line, or a refit, from interim data;
  `FEWEST_TO_RECALIBRATE`: participants that the line needs.
- `compare_with_refit`, `RefitComparison`, `split_off_interim`: what a refit says beyond the closed form.
- `calibrate_subgroups`, `default_subgroups`, `covariate_subgroups`: by subgroup, small ones not shown.
- `read_labels`, `column_names`: labels of subgroups that no model uses, such as race.
- `participant_identifiers`: who the participants of a file are, for files that their owner asks for.
- `judge_applicability`, `Applicability`: whether a trial's population is inside the history's range.
- `balance_to_table`, `inverse_odds`, `Weights`, `kish`, `generalisability`: transport to a trial;
  `calibrate_transported`, `TransportedCalibration`: how good the twins are there.
- `OutcomeHistory`, `fit_outcome`, `OutcomePrognosis`, `OutcomeSampler`: the same for a response or an event.
- `read_outcome_history`: a file to an `OutcomeHistory`; `ISSUED` are the families.
- `validate_outcome`, `OutcomeValidation`: their calibration and discrimination, out of sample.
- `predictive_checks`, `prior_prognosis`, `PredictiveChecks`: whether the model makes such histories;
  `outcome_predictive_checks`, `prior_outcome_prognosis`: the same for responses, levels, counts and events.
- `what_if`, `WhatIf`, `TreatmentTerm`: twins under a changed covariate or an assumed treatment;
  `outcome_what_if`: the same for responses, levels, counts and events.
- `ASSOCIATION`: why a covariate's contrast is no effect.
- `NO_COVARIATE`: why updated twins adjust no analysis.
- `require_compatible`, `require_same_scales`, `require_same_scale`: refuse a history and a trial that must
  not meet; `require_compatible_outcomes`: those of one outcome a participant.
- `leave_one_out_r2`, `in_sample_r2`: what columns predict of an outcome, each participant
  without itself or all together.
"""

from trialsim.data import OutcomeHistory
from trialsim.prognosis.fit.outcome_sampler import OutcomeSampler
from trialsim.prognosis.fit.sampler import Sampler
from trialsim.prognosis.fit.settings import FitSettings
from trialsim.prognosis.histories.compatibility import (
    require_compatible,
    require_compatible_outcomes,
    require_same_scale,
    require_same_scales,
)
from trialsim.prognosis.histories.learnable import HistorySummary, require_learnable, summarise
from trialsim.prognosis.histories.outcome import ISSUED
from trialsim.prognosis.histories.outcome_reading import read_outcome_history
from trialsim.prognosis.histories.participants import column_names, participant_identifiers, read_labels
from trialsim.prognosis.histories.reading import read_history
from trialsim.prognosis.living.recalibration import FEWEST as FEWEST_TO_RECALIBRATE
from trialsim.prognosis.living.recalibration import Recalibration, add_interim, recalibrate
from trialsim.prognosis.living.refit_comparison import RefitComparison, compare_with_refit, split_off_interim
from trialsim.prognosis.living.update_value import UpdateValue, in_sample_r2, value_of_updating
from trialsim.prognosis.living.updating import NO_COVARIATE, UpdatedTwins, update_interim, update_twins
from trialsim.prognosis.models.terms import ModelTerms
from trialsim.prognosis.transport.applicability import Applicability, judge_applicability
from trialsim.prognosis.transport.calibration import TransportedCalibration, calibrate_transported
from trialsim.prognosis.transport.weights import (
    Weights,
    balance_to_table,
    generalisability,
    inverse_odds,
    kish,
)
from trialsim.prognosis.twins.fitting import fit_prognosis, history_hash
from trialsim.prognosis.twins.longitudinal import Prognosis
from trialsim.prognosis.twins.outcome import OutcomePrognosis, fit_outcome
from trialsim.prognosis.validation.gain import Gain, gain_beyond_baseline, leave_one_out_r2
from trialsim.prognosis.validation.longitudinal import (
    FOLD_SETTINGS,
    Calibration,
    CrossValidation,
    calibrate,
    cross_validate,
)
from trialsim.prognosis.validation.outcome import OutcomeValidation, validate_outcome
from trialsim.prognosis.validation.outcome_predictive_checks import (
    outcome_predictive_checks,
    prior_outcome_prognosis,
)
from trialsim.prognosis.validation.predictive_checks import (
    PredictiveChecks,
    predictive_checks,
    prior_prognosis,
)
from trialsim.prognosis.validation.subgroups import (
    calibrate_subgroups,
    covariate_subgroups,
    default_subgroups,
)
from trialsim.prognosis.what_ifs.longitudinal import ASSOCIATION, TreatmentTerm, WhatIf, what_if
from trialsim.prognosis.what_ifs.outcome import outcome_what_if

__all__ = [
    "ASSOCIATION",
    "FEWEST_TO_RECALIBRATE",
    "FOLD_SETTINGS",
    "ISSUED",
    "NO_COVARIATE",
    "Applicability",
    "Calibration",
    "CrossValidation",
    "FitSettings",
    "Gain",
    "HistorySummary",
    "ModelTerms",
    "OutcomeHistory",
    "OutcomePrognosis",
    "OutcomeSampler",
    "OutcomeValidation",
    "PredictiveChecks",
    "Prognosis",
    "Recalibration",
    "RefitComparison",
    "Sampler",
    "TransportedCalibration",
    "TreatmentTerm",
    "UpdateValue",
    "UpdatedTwins",
    "Weights",
    "WhatIf",
    "add_interim",
    "balance_to_table",
    "calibrate",
    "calibrate_subgroups",
    "calibrate_transported",
    "column_names",
    "compare_with_refit",
    "covariate_subgroups",
    "cross_validate",
    "default_subgroups",
    "fit_outcome",
    "fit_prognosis",
    "gain_beyond_baseline",
    "generalisability",
    "history_hash",
    "in_sample_r2",
    "inverse_odds",
    "judge_applicability",
    "kish",
    "leave_one_out_r2",
    "outcome_predictive_checks",
    "outcome_what_if",
    "participant_identifiers",
    "predictive_checks",
    "prior_outcome_prognosis",
    "prior_prognosis",
    "read_history",
    "read_labels",
    "read_outcome_history",
    "recalibrate",
    "require_compatible",
    "require_compatible_outcomes",
    "require_learnable",
    "require_same_scale",
    "require_same_scales",
    "split_off_interim",
    "summarise",
    "update_interim",
    "update_twins",
    "validate_outcome",
    "value_of_updating",
    "what_if",
]

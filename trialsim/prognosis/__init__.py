"""What would each have done on placebo?

- `histories`: past placebo participants, read and refused. `twins`: fitted models, and the twins that
  they predict.
- `models`, `families`, `fit`: terms, likelihoods and sampling.
- `validation`: calibration, gain beyond baseline, predictive checks. `living`: twins that learn during a
  trial.
- `transport`: whether and how twins serve another population. `what_ifs`: twins under a changed
  covariate.

A `trialsim.data.History` goes to `fit_prognosis`, which returns a `Prognosis` whose `predict` makes
`trialsim.data.Twins`; `OutcomeHistory` and `fit_outcome` do the same for a response, levels, counts or a
time to an event.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.data import OutcomeHistory
    from trialsim.prognosis import (
        families,
        fit,
        histories,
        living,
        models,
        transport,
        twins,
        validation,
        what_ifs,
    )
    from trialsim.prognosis.fit.outcome_sampler import OutcomeSampler
    from trialsim.prognosis.fit.sampler import Sampler
    from trialsim.prognosis.fit.settings import FitSettings
    from trialsim.prognosis.histories.compatibility import require_compatible
    from trialsim.prognosis.histories.learnable import HistorySummary, require_learnable, summarise
    from trialsim.prognosis.histories.outcome_reading import read_outcome_history
    from trialsim.prognosis.histories.reading import read_history
    from trialsim.prognosis.living.recalibration import recalibrate
    from trialsim.prognosis.living.refit_comparison import compare_with_refit
    from trialsim.prognosis.living.update_value import value_of_updating
    from trialsim.prognosis.living.updating import update_interim, update_twins
    from trialsim.prognosis.models.terms import ModelTerms
    from trialsim.prognosis.transport.applicability import judge_applicability
    from trialsim.prognosis.transport.weights import Weights, balance_to_table, generalisability, inverse_odds
    from trialsim.prognosis.twins.fitting import fit_prognosis, history_hash
    from trialsim.prognosis.twins.longitudinal import Prognosis
    from trialsim.prognosis.twins.outcome import OutcomePrognosis, fit_outcome
    from trialsim.prognosis.validation.gain import Gain, gain_beyond_baseline
    from trialsim.prognosis.validation.longitudinal import (
        Calibration,
        CrossValidation,
        calibrate,
        cross_validate,
    )
    from trialsim.prognosis.validation.other_models import out_of_fold
    from trialsim.prognosis.validation.outcome import validate_outcome
    from trialsim.prognosis.validation.outcome_predictive import outcome_predictive_checks
    from trialsim.prognosis.validation.predictive import predictive_checks
    from trialsim.prognosis.validation.subgroups import calibrate_subgroups
    from trialsim.prognosis.what_ifs.longitudinal import TreatmentTerm, what_if
    from trialsim.prognosis.what_ifs.outcome import outcome_what_if
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "Calibration",
    "CrossValidation",
    "FitSettings",
    "Gain",
    "HistorySummary",
    "ModelTerms",
    "OutcomeHistory",
    "OutcomePrognosis",
    "OutcomeSampler",
    "Prognosis",
    "Sampler",
    "TreatmentTerm",
    "Weights",
    "balance_to_table",
    "calibrate",
    "calibrate_subgroups",
    "compare_with_refit",
    "cross_validate",
    "families",
    "fit",
    "fit_outcome",
    "fit_prognosis",
    "gain_beyond_baseline",
    "generalisability",
    "histories",
    "history_hash",
    "inverse_odds",
    "judge_applicability",
    "living",
    "models",
    "out_of_fold",
    "outcome_predictive_checks",
    "outcome_what_if",
    "predictive_checks",
    "read_history",
    "read_outcome_history",
    "recalibrate",
    "require_compatible",
    "require_learnable",
    "summarise",
    "transport",
    "twins",
    "update_interim",
    "update_twins",
    "validate_outcome",
    "validation",
    "value_of_updating",
    "what_if",
    "what_ifs",
]

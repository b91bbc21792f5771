"""Are twins right, and what do they add beyond the baseline?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.prognosis.validation.gain import Gain, gain_beyond_baseline, leave_one_out_r2
    from trialsim.prognosis.validation.longitudinal import (
        FOLD_SETTINGS,
        Calibration,
        CrossValidation,
        calibrate,
        cross_validate,
    )
    from trialsim.prognosis.validation.other_models import out_of_fold
    from trialsim.prognosis.validation.outcome import OutcomeValidation, validate_outcome
    from trialsim.prognosis.validation.outcome_predictive import (
        outcome_predictive_checks,
        prior_outcome_prognosis,
    )
    from trialsim.prognosis.validation.predictive import PredictiveChecks, predictive_checks, prior_prognosis
    from trialsim.prognosis.validation.subgroups import (
        calibrate_subgroups,
        covariate_subgroups,
        default_subgroups,
        worst_subgroups,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "FOLD_SETTINGS",
    "Calibration",
    "CrossValidation",
    "Gain",
    "OutcomeValidation",
    "PredictiveChecks",
    "calibrate",
    "calibrate_subgroups",
    "covariate_subgroups",
    "cross_validate",
    "default_subgroups",
    "gain_beyond_baseline",
    "leave_one_out_r2",
    "out_of_fold",
    "outcome_predictive_checks",
    "predictive_checks",
    "prior_outcome_prognosis",
    "prior_prognosis",
    "validate_outcome",
    "worst_subgroups",
]

"""What would each have done on placebo: reading a history, fitted models, twins and their validation.

- `read_history`: a CSV or Parquet file of past placebo participants to a `History`.
- `summarise`, `HistorySummary`: what a history holds, without any participant's value.
- `require_learnable`: refuse a history that nothing can be learnt from.
- `fit_prognosis`: a `History` to a `Prognosis`, by MCMC behind a gate, cached by content.
- `history_hash`: the hash of everything in a history.
- `FitSettings`: how a posterior is sampled and what it must pass.
- `Sampler`: a compiled model to share between fits.
- `Prognosis`: posterior draws as plain arrays; `predict` makes `Twins`.
- `cross_validate`, `CrossValidation`: out-of-fold twins of the history's own participants.
- `FOLD_SETTINGS`: the settings of a fold's fit.
- `calibrate`, `Calibration`: whether the twins' distribution is right, visit by visit.
- `gain_beyond_baseline`, `Gain`: what the score adds to the baseline, with bootstrap intervals.
- `leave_one_out_r2`: what baseline columns predict of an outcome, each participant without itself.
"""

from trialsim.prognosis.fit.sampler import FitSettings, Sampler
from trialsim.prognosis.fitting import fit_prognosis, history_hash
from trialsim.prognosis.gain import Gain, gain_beyond_baseline, leave_one_out_r2
from trialsim.prognosis.history import read_history
from trialsim.prognosis.learnable import HistorySummary, require_learnable, summarise
from trialsim.prognosis.prognosis import Prognosis
from trialsim.prognosis.validation import (
    FOLD_SETTINGS,
    Calibration,
    CrossValidation,
    calibrate,
    cross_validate,
)

__all__ = [
    "FOLD_SETTINGS",
    "Calibration",
    "CrossValidation",
    "FitSettings",
    "Gain",
    "HistorySummary",
    "Prognosis",
    "Sampler",
    "calibrate",
    "cross_validate",
    "fit_prognosis",
    "gain_beyond_baseline",
    "history_hash",
    "leave_one_out_r2",
    "read_history",
    "require_learnable",
    "summarise",
]

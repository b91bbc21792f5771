"""Made-up placebo arms of every kind of outcome, and the twins that are learnt from them."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import expit

from trialsim.data import Covariates, Floats, History, OutcomeHistory
from trialsim.prognosis import fit_outcome, fit_prognosis
from trialsim.study.people.learning import ModelledHistory

PEOPLE, SEED = 400, 20261130
WEEKS = 52.0
NAMES = ("age", "sex", "severity")
FAMILY = {
    "response": "binary", "level": "ordinal", "count": "count", "recurrent": "count",
    "time_to_event": "piecewise",
}  # fmt: skip


@cache
def learnt_twins(kind: str) -> ModelledHistory:
    """Return the model of a made-up history of 400 participants, by a whole fit.

    The truth bends where the model is straight, so that the score is one that was learnt with an error.
    """
    rng = np.random.default_rng(SEED)
    sex = rng.integers(0, 2, PEOPLE) * 1.0
    covariates = Covariates(
        NAMES, np.column_stack([rng.normal(62, 9, PEOPLE), sex, rng.gamma(2.0, 1.0, PEOPLE)])
    )
    if kind == "score":
        visits = _visits(covariates, rng)
        return ModelledHistory("learned", visits, fit_prognosis(visits, seed=SEED))
    outcomes = _outcomes(kind, covariates, rng)
    return ModelledHistory("learned", outcomes, fit_outcome(outcomes, seed=SEED))


def _prognosis(covariates: Covariates) -> Floats:
    """Return what the covariates say of the outcome (N,): bent in age, with SD of about .9."""
    age, sex, severity = covariates.values.T
    return np.asarray(0.6 * np.abs((age - 62) / 9) + 0.3 * sex + 0.45 * (severity - 2))


def _visits(covariates: Covariates, rng: np.random.Generator) -> History:
    baseline = rng.normal(20, 5, PEOPLE)
    level = 1.5 * _prognosis(covariates) + 0.8 * rng.standard_normal(PEOPLE)
    change = level[:, None] * [0.5, 1.0] + rng.normal(0, 1.5, (PEOPLE, 2))
    outcomes = baseline[:, None] + change
    outcomes[rng.random(PEOPLE) < 0.1, 1] = np.nan
    weeks = np.array([12.0, 24.0])
    return History(
        "y", "made up", False, covariates, weeks, baseline, outcomes, np.zeros(PEOPLE, dtype=np.int64)
    )


def _outcomes(kind: str, covariates: Covariates, rng: np.random.Generator) -> OutcomeHistory:
    eta = _prognosis(covariates) - 0.9
    time = np.full(PEOPLE, WEEKS)
    if kind == "response":
        outcome = (rng.random(PEOPLE) < expit(eta)) * 1.0
    elif kind == "level":
        latent = eta + rng.logistic(size=PEOPLE)
        outcome = np.searchsorted([-0.5, 0.7, 1.8], latent) * 1.0
    elif kind in ("count", "recurrent"):
        outcome = rng.poisson(1.2 * np.exp(0.6 * eta) * rng.gamma(2.0, 0.5, PEOPLE)) * 1.0
    else:
        event = rng.exponential(60.0 * np.exp(-eta))
        time = np.minimum(event, rng.uniform(26, WEEKS, PEOPLE))
        outcome = (event <= time) * 1.0
    levels = ("none", "some", "much", "most") if kind == "level" else ()
    group = np.zeros(PEOPLE, dtype=np.int64)
    return OutcomeHistory("y", "made up", FAMILY[kind], covariates, outcome, time, group, levels)

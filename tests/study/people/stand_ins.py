"""Learnt twins without a fit: posterior draws that are made up, around known truths."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.declared_files import tables
from trialsim.data import Covariates, Floats, History, OutcomeHistory
from trialsim.prognosis import OutcomePrognosis
from trialsim.prognosis.models.columns import Columns
from trialsim.prognosis.validation.rivals import compare_rivals
from trialsim.protocol.declared import DeclaredTrial, trial_from_dict
from trialsim.protocol.declared.grid import grid_points
from trialsim.study.people.facts import facts_of
from trialsim.study.people.judgement import Judgement
from trialsim.study.people.learning import LearntTwins

UNIT = 52.0
FAMILY = {
    "response": "binary", "level": "ordinal", "count": "count", "recurrent": "count",
    "time_to_event": "piecewise",
}  # fmt: skip
OUTCOME: dict[str, dict[str, Any]] = {
    "score": {"direction": "higher_is_worse", "weeks": [12.0, 24.0]},
    "response": {"direction": "higher_is_better", "months": 6.0},
    "level": {"direction": "higher_is_better", "levels": ["none", "some", "much"], "months": 6.0},
    "count": {"months": 6.0},
    "recurrent": {"months": 6.0},
    "time_to_event": {},
}
SOUND = Judgement(1.0, 0.1, 0.95, 0.5, 0, ())


def declare(kind: str, **changes: Any) -> DeclaredTrial:
    """Return the resolved trial of a history's people; `drift` and `twins` are those of its one world."""
    drift, useless = changes.pop("drift", None), changes.pop("useless", False)
    made = tables(kind)
    made |= {
        "population": {"kind": "history", "register": changes.pop("register", 20_000)},
        "endpoints": [{"kind": kind, "name": "y", "course": {"kind": "history"}, **OUTCOME[kind]}],
        "history": {"file": "past.csv"},
        "twins": {"source": "learned", "covariates": ["age", "sex"]},
        "scenarios": [
            {"name": "this", "kind": "alternative", "why": "test",
             **({"drift": drift} if drift else {}), **({"twins": "useless"} if useless else {})}
        ],
    } | changes  # fmt: skip
    (point,) = grid_points(trial_from_dict(made))
    assert point.trial is not None, point.refusal
    return point.trial


def covariates_of(n: int, seed: int = 2) -> Covariates:
    rng = np.random.default_rng(seed)
    return Covariates(("age", "sex"), np.column_stack([rng.normal(60, 10, n), rng.integers(0, 2, n)]))


def eta_of(covariates: Covariates, intercept: float = -0.3) -> Floats:
    """Return the linear predictor of the made-up models."""
    standard = (covariates.values - covariates.values.mean(axis=0)) / covariates.values.std(axis=0)
    return np.asarray(intercept + standard @ [0.7, -0.3])


def outcome_twins(kind: str, n: int = 400, family: str | None = None, draws: int = 50) -> LearntTwins:
    """Return twins of one outcome a participant whose posterior stands at one point."""
    family = family or FAMILY[kind]
    covariates = covariates_of(n)
    params: dict[str, Floats] = {
        "tau": np.ones(draws), "beta_raw": np.tile([0.7, -0.3], (draws, 1)), "intercept": np.full(draws, -0.3)
    }  # fmt: skip
    own: dict[str, dict[str, Floats]] = {
        "binary": {},
        "ordinal": {"share": np.tile([0.5, 0.3, 0.2], (draws, 1))},
        "count": {"rate_cv": np.full(draws, 0.8)},
        "piecewise": {"delta": np.ones(draws), "step_raw": np.tile([0.5, -1.0], (draws, 1))},
        "weibull": {"log_shape": np.full(draws, np.log(1.4))},
        "cure": {"log_shape": np.full(draws, np.log(1.4)), "logit_cure": np.full(draws, -1.0)},
    }
    if family == "ordinal":
        del params["intercept"]
    levels = ("none", "some", "much") if family == "ordinal" else ()
    cuts = np.array([0.3, 0.6]) if family == "piecewise" else np.empty(0)
    model = OutcomePrognosis(
        "y", family, Columns.of(covariates), params | own[family], cuts, UNIT, levels, {"max_rhat": 1.0}, "k"
    )
    rng = np.random.default_rng(4)
    outcome = (rng.random(n) < 0.5) * 1.0 if family != "ordinal" else rng.integers(0, 3, n) * 1.0
    history = OutcomeHistory(
        "y", "past.csv", family, covariates, outcome, np.full(n, UNIT), np.zeros(n, dtype=np.int64), levels
    )
    rivals = compare_rivals(
        outcome, np.empty((n, 0)), covariates, outcome + rng.standard_normal(n), generator=rng, replicates=50
    )
    return LearntTwins("learned", history, model, facts_of(history), SOUND, rivals)


def visits(n: int = 300, seed: int = 5) -> History:
    """Return a history of a score with real dependence on covariates, at weeks 12 and 24."""
    rng = np.random.default_rng(seed)
    # Of another seed: from the same one, baseline and age would be one number.
    covariates = covariates_of(n, seed + 100)
    baseline = rng.normal(20, 5, n)
    level = 1.5 * eta_of(covariates) + 0.8 * rng.standard_normal(n)
    change = level[:, None] * [0.6, 1.2] + rng.normal(0, 1.2, (n, 2)) + [1.0, 2.0]
    outcomes = baseline[:, None] + change
    outcomes[rng.random(n) < 0.1, 1] = np.nan
    return History(
        "y", "past.csv", False, covariates, np.array([12.0, 24.0]), baseline, outcomes,
        np.zeros(n, dtype=np.int64),
    )  # fmt: skip

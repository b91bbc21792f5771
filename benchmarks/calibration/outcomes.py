"""Calibration studies of the outcome families, through the sampler that every fit uses."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.calibration.ranks import Source
from trialsim.data import Floats
from trialsim.prognosis import families
from trialsim.prognosis.families import (
    FAMILIES,
    Params,
    Responses,
    beta,
    effects,
    linear_predictor,
    ordinal,
    piecewise,
)
from trialsim.prognosis.fit.outcome_sampler import OutcomeSampler
from trialsim.prognosis.fit.settings import FitSettings
from trialsim.streams import stream

_FOLDER = Path(families.__file__).parent
_MODEL = _FOLDER.parent / "fit" / "outcome_model.py"
# What every family shares of its model; means over new studies are read of it, and no part of it.
_COMMON: Source = (
    _FOLDER / "common.py",
    (
        *("SCALE", "Params", "Responses", "Shape", "Prior", "Family"),
        *("beta", "effects", "linear_predictor"),
    ),
)
_OWN_FILES = {
    "binary": ("binary.py",),
    "ordinal": ("ordinal.py",),
    "count": ("count.py",),
    "weibull": ("events.py", "weibull.py"),
    "cure": ("events.py", "weibull.py"),
    "piecewise": ("events.py", "piecewise.py"),
}
_OWN_LIKELIHOODS = {
    "weibull": ("weibull", "_weibull_hazards"),
    "cure": ("cure", "_weibull_hazards"),
}
PARTICIPANTS, COLUMNS, STUDIES, LEVELS = 80, 3, 4, 4
CUTS = np.array([0.2, 0.5])
RANKED_DRAWS = 99
THIN = 10
# Nothing is refused: a study that left out fits would not be one.
SETTINGS = FitSettings(
    chains=2, tune=400, draws=500, accept=0.95, max_rhat=np.inf, min_ess=0.0, max_divergences=10**9, cores=1
)


def sources(family: str) -> tuple[Source, ...]:
    """Return the code that makes the model of one family, and no other's."""
    names = (
        *("as_data", "build_model", "variable", "log_likelihood", "linear_predictor"),
        *_OWN_LIKELIHOODS.get(family, (family,)),
    )
    own = ((_FOLDER / file, ()) for file in _OWN_FILES[family])
    return _COMMON, *own, (_MODEL, names)


def outcome_ranks(
    family: str, seed: int, first: int, count: int, sampler: OutcomeSampler
) -> tuple[dict[str, list[int]], list[dict[str, float]]]:
    """Return ranks by quantity, and diagnostics, of the simulations `first` to `first + count`."""
    ranks: dict[str, list[int]] = {}
    diagnostics = []
    for number in range(first, first + count):
        rng = stream(seed, f"sbc {family}", number, "outcome")
        truth, data = simulate(family, study_design(family, seed), rng)
        draws, found = sampler.sample(family, data, SETTINGS, stream(seed, f"sbc {family}", number, "fit"))
        kept = {name: one[THIN - 1 :: THIN][:RANKED_DRAWS] for name, one in draws.items()}
        of_truth, of_draws = (quantities(family, params, data) for params in (truth, kept))
        for name, value in of_truth.items():
            ranks.setdefault(name, []).append(int((of_draws[name] < value[0]).sum()))
        diagnostics.append(found)
    return ranks, diagnostics


def study_design(family: str, seed: int) -> Responses:
    """Return columns, studies and planned follow-up of a study without outcomes, the same for all fits."""
    rng = stream(seed, "sbc", 0, "history")
    return Responses(
        x=rng.standard_normal((PARTICIPANTS, COLUMNS)),
        member=np.eye(STUDIES)[np.arange(PARTICIPANTS) % STUDIES],
        outcome=np.zeros(PARTICIPANTS),
        time=rng.uniform(0.5, 1.0, PARTICIPANTS),
        cuts=CUTS if family == "piecewise" else np.empty(0),
        levels=LEVELS if family == "ordinal" else 0,
    )


def simulate(family: str, design: Responses, generator: np.random.Generator) -> tuple[Params, Responses]:
    """Return one point of the prior and outcomes that it made."""
    law = FAMILIES[family]
    truth = law.draw_prior(design.shape, generator)
    eta = linear_predictor(truth, design.x, effects(truth) @ design.member.T)
    outcome, time = law.replicate(truth, eta, design.time, design.cuts, generator)
    return truth, Responses(design.x, design.member, outcome[0], time[0], design.cuts, design.levels)


def quantities(family: str, params: Params, data: Responses) -> dict[str, Floats]:
    """Return what is ranked, by name (D,): parameters, coefficients, effects and the log likelihood."""
    vectors = {"beta": beta(params), "effect": effects(params)}
    if family == "piecewise":
        vectors["level"] = piecewise.levels(params)[:, 1:]
    if family == "ordinal":
        vectors["cutpoint"] = ordinal.cutpoints(params)
    named = {name: value for name, value in params.items() if value.ndim == 1}
    named |= {f"{name}[{k}]": one for name, value in vectors.items() for k, one in enumerate(value.T)}
    return named | {"log_likelihood": FAMILIES[family].log_likelihood(params, data)}

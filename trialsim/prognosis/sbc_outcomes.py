"""Calibration studies of the outcome families, through the sampler that every fit uses."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from trialsim.data import Floats
from trialsim.prognosis import families
from trialsim.prognosis.families import (
    Params,
    Responses,
    beta,
    draw_prior,
    draw_responses,
    effects,
    levels,
    log_likelihood,
)
from trialsim.prognosis.fit.outcome_sampler import OutcomeSampler
from trialsim.prognosis.fit.sampler import FitSettings
from trialsim.prognosis.sbc import Source
from trialsim.streams import stream

_ROOM = Path(families.__file__).parent
SOURCES: tuple[Source, ...] = (
    (_ROOM / "families.py", ()),
    (_ROOM / "fit" / "outcome_model.py", ("as_data", "build_model", "_prior", "log_likelihood")),
)
PARTICIPANTS, COLUMNS, STUDIES = 80, 3, 4
CUTS = np.array([0.2, 0.5])
RANKED_DRAWS = 99
THIN = 10
# Nothing is refused: a study that left out fits would not be one.
SETTINGS = FitSettings(
    chains=2, tune=400, draws=500, accept=0.95, max_rhat=np.inf, min_ess=0.0, max_divergences=10**9, cores=1
)


def outcome_ranks(
    family: str, seed: int, first: int, count: int, sampler: OutcomeSampler
) -> tuple[dict[str, list[int]], list[dict[str, float]]]:
    """Return ranks by quantity, and diagnostics, of the simulations `first` to `first + count`."""
    ranks: dict[str, list[int]] = {}
    diagnostics = []
    for number in range(first, first + count):
        rng = stream(seed, f"sbc {family}", number, "outcome")
        x, member, limit = study_design(seed)
        cuts = CUTS if family == "piecewise" else np.empty(0)
        truth = draw_prior(family, COLUMNS, STUDIES, len(cuts) + 1, rng)
        data = simulate(family, truth, x, member, limit, cuts, rng)
        draws, found = sampler.sample(family, data, SETTINGS, stream(seed, f"sbc {family}", number, "fit"))
        kept = {name: one[THIN - 1 :: THIN][:RANKED_DRAWS] for name, one in draws.items()}
        of_truth, of_draws = (quantities(family, params, data) for params in (truth, kept))
        for name, value in of_truth.items():
            ranks.setdefault(name, []).append(int((of_draws[name] < value[0]).sum()))
        diagnostics.append(found)
    return ranks, diagnostics


def study_design(seed: int) -> tuple[Floats, Floats, Floats]:
    """Return columns (N, K), membership of studies (N, G) and the end of follow-up (N,), all fixed."""
    rng = stream(seed, "sbc", 0, "history")
    member = np.eye(STUDIES)[np.arange(PARTICIPANTS) % STUDIES]
    return rng.standard_normal((PARTICIPANTS, COLUMNS)), member, rng.uniform(0.5, 1.0, PARTICIPANTS)


def simulate(
    family: str,
    truth: Params,
    x: Floats,
    member: Floats,
    limit: Floats,
    cuts: Floats,
    generator: np.random.Generator,
) -> Responses:
    """Return outcomes of the design at one point of the parameters; times end with follow-up."""
    eta = truth["intercept"][:, None] + beta(truth) @ x.T + effects(truth) @ member.T
    drawn = draw_responses(family, truth, eta, cuts, generator)[0]
    if family == "binary":
        return Responses(x, member, drawn, np.ones(len(x)), cuts)
    # An event at the very start has no logarithm; 1e-12 of the follow-up has.
    return Responses(x, member, (drawn <= limit) * 1.0, np.clip(drawn, 1e-12, limit), cuts)


def quantities(family: str, params: Params, data: Responses) -> dict[str, Floats]:
    """Return what is ranked, by name (D,): parameters, coefficients, effects and the log likelihood."""
    named = {name: value for name, value in params.items() if value.ndim == 1}
    named |= {f"beta[{k}]": one for k, one in enumerate(beta(params).T)}
    named |= {f"effect[{g}]": one for g, one in enumerate(effects(params).T)}
    if family == "piecewise":
        named |= {f"level[{j}]": one for j, one in enumerate(levels(params).T) if j}
    return named | {"log_likelihood": log_likelihood(family, params, data)}


RANKS = {family: partial(outcome_ranks, family) for family in families.FAMILIES}

"""Which sampler and parametrisation learn the outcome families fastest, in effective draws a second."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from typing import Any

import arviz
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure
from trialsim.prognosis.families import FAMILIES, Responses, linear_predictor
from trialsim.prognosis.histories import ISSUED

PARTICIPANTS, COVARIATES, STUDIES, SEED = 500, 6, 5, 20261121
DRAWS, TUNE, CHAINS, ACCEPT = 600, 600, 2, 0.95
TRUTH = {"tau": 0.4, "omega": 0.3, "intercept": -0.2, "log_shape": 0.3, "rate_cv": 0.8, "delta": 0.3}
# Parameters that a centred model samples times their scale, instead of dividing it out.
SCALES = {"beta_raw": "tau", "effect_raw": "omega", "step_raw": "delta"}


def responses(family: str) -> Responses:
    """Return a history from known parameters."""
    rng = np.random.default_rng(SEED)
    law = FAMILIES[family]
    cuts = np.array([0.25, 0.5, 0.75]) if family == "piecewise" else np.empty(0)
    levels = 4 if family == "ordinal" else 0
    member = np.eye(STUDIES)[np.arange(PARTICIPANTS) % STUDIES]
    x = rng.standard_normal((PARTICIPANTS, COVARIATES))
    blank = Responses(x, member, np.zeros(PARTICIPANTS), rng.uniform(0.5, 1, PARTICIPANTS), cuts, levels)
    truth = law.draw_prior(blank.shape, rng)
    for name, value in TRUTH.items():
        if name in truth:
            truth[name][:] = value
    effect = TRUTH["omega"] * rng.standard_normal(STUDIES)[np.arange(PARTICIPANTS) % STUDIES]
    outcome, lasted = law.replicate(truth, linear_predictor(truth, x, effect[None]), blank.time, cuts, rng)
    time_at_risk = np.broadcast_to(lasted, outcome.shape)[0]
    return Responses(x, member, outcome[0], time_at_risk, cuts, levels)


def build(family: str, data: Responses, centred: bool) -> Any:
    """Return the model, with coefficients and effects on their own scale if `centred`."""
    from trialsim.prognosis.fit import outcome_model as model

    pm = model.pm
    if not centred:
        return model.build_model(family, data)
    with pm.Model() as built:
        given = {name: pm.Data(name, value) for name, value in model.as_data(family, data).items()}
        free: dict[str, Any] = {}
        for prior in FAMILIES[family].priors(data.shape):
            if prior.name in SCALES:
                scale = free[SCALES[prior.name]]
                free[prior.name] = pm.Normal(prior.name, 0, scale, shape=prior.size) / scale
            else:
                free[prior.name] = model.variable(prior)
        pm.Potential("likelihood", model.log_likelihood(family, free, given))
    return built


def effective_draws_a_second(built: Any, sampler: str) -> tuple[float, int]:
    """Return the least bulk effective sample size a second of sampling, and the divergences."""
    from trialsim.prognosis.fit import outcome_model as model

    with warnings.catch_warnings(), model.pytensor.config.change_flags(cxx=""):
        warnings.simplefilter("ignore")
        if sampler == "nutpie":
            compiled = model.nutpie.compile_pymc_model(built, backend="numba")
            start = time.perf_counter()
            trace = model.nutpie.sample(
                compiled, draws=DRAWS, tune=TUNE, chains=CHAINS, cores=1, target_accept=ACCEPT, seed=1,
                progress_bar=False,
            )  # fmt: skip
            seconds = time.perf_counter() - start
        else:
            with built:
                trace = model.pm.sample(
                    draws=DRAWS, tune=TUNE, chains=CHAINS, cores=1, target_accept=ACCEPT, random_seed=1,
                    progressbar=False, compile_kwargs={"mode": "NUMBA"}, compute_convergence_checks=False,
                )  # fmt: skip
            seconds = float(trace.posterior.attrs["sampling_time"])
    least = min(float(one.min()) for one in arviz.ess(trace).data_vars.values())
    return least / seconds, int(trace.sample_stats.diverging.sum())


def outcome_fit() -> Iterator[Figure]:
    """Compare nutpie with PyMC's NUTS, and the centred with the non-centred model, for every family."""
    with threadpool_limits(1):
        for family in ISSUED:
            data = responses(family)
            chosen, diverged = effective_draws_a_second(build(family, data, centred=False), "nutpie")
            peer, _ = effective_draws_a_second(build(family, data, centred=False), "pymc")
            centred, of_centred = effective_draws_a_second(build(family, data, centred=True), "nutpie")
            yield Figure(
                f"outcome_fit {family}: nutpie, non-centred, {PARTICIPANTS} participants",
                chosen,
                "ESS/s",
                peer=f"PyMC NUTS {peer:.0f} ESS/s",
                ratio=chosen / peer,
                limit=f"{diverged} divergences; centred {centred:.0f} ESS/s, {of_centred} divergences",
            )


BENCHMARKS = {"outcome_fit": outcome_fit}

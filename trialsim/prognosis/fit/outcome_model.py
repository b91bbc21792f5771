"""The PyMC models of `trialsim.prognosis.families`; importing this module costs seconds."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np

from trialsim.prognosis.families import (
    CURE_CENTRE,
    CURE_SD,
    SCALE,
    SD_INTERCEPT,
    SD_LOG_SHAPE,
    Responses,
    parameter_names,
)

with warnings.catch_warnings():
    # As in `trialsim.prognosis.fit.model`: nothing that a user of trialsim could act on.
    warnings.simplefilter("ignore")
    logging.getLogger("pytensor.configdefaults").setLevel(logging.ERROR)
    import nutpie
    import pymc as pm
    import pytensor
    import pytensor.tensor as pt


def as_data(family: str, data: Responses) -> dict[str, np.ndarray[Any, Any]]:
    """Return the responses under the names of the model's data."""
    arrays = {"x": data.x, "event": data.event}
    if data.member.shape[1]:
        arrays["member"] = data.member
    if family in ("weibull", "cure"):
        arrays["log_time"] = np.log(data.time)
    if family == "piecewise":
        arrays |= {"exposure": data.exposure, "event_interval": data.event_interval}
    return arrays


def build_model(family: str, data: Responses) -> pm.Model:
    """Return the model with the responses as data: other participants need no new compilation."""
    studies, intervals = data.member.shape[1], len(data.cuts) + 1
    with pm.Model() as model:
        given = {name: pm.Data(name, value) for name, value in as_data(family, data).items()}
        free = {
            name: _prior(name, data.x.shape[1], studies, intervals)
            for name in parameter_names(family, intervals, studies)
        }
        pm.Potential("likelihood", log_likelihood(family, free, given))
    return model


def _prior(name: str, columns: int, studies: int, intervals: int) -> Any:
    if name in ("tau", "omega", "delta"):
        return pm.HalfNormal(name, SCALE)
    if name.endswith("_raw"):
        size = {"beta_raw": columns, "effect_raw": studies, "step_raw": intervals - 1}[name]
        return pm.Normal(name, 0.0, 1.0, shape=size)
    centre, sd = {
        "intercept": (0.0, SD_INTERCEPT),
        "log_shape": (0.0, SD_LOG_SHAPE),
        "logit_cure": (CURE_CENTRE, CURE_SD),
    }[name]
    return pm.Normal(name, centre, sd)


def log_likelihood(family: str, free: dict[str, Any], data: dict[str, Any]) -> Any:
    """Return log p(outcomes | parameters), summed over participants."""
    eta = free["intercept"] + pt.dot(data["x"], free["tau"] * free["beta_raw"])
    if "omega" in free:
        eta = eta + pt.dot(data["member"], free["omega"] * free["effect_raw"])
    event = data["event"]
    if family == "binary":
        return pt.sum(event * eta - pt.softplus(eta))
    if family == "piecewise":
        level = pt.zeros(1)
        if "delta" in free:
            level = pt.concatenate([level, pt.cumsum(free["delta"] * free["step_raw"])])
        cumulative = pt.exp(eta) * pt.dot(data["exposure"], pt.exp(level))
        return pt.sum(event * eta + pt.dot(data["event_interval"], level) - cumulative)
    shape, log_time = free["log_shape"], data["log_time"]
    cumulative = pt.exp(eta + pt.exp(shape) * log_time)
    hazard = shape + (pt.exp(shape) - 1) * log_time + eta
    if family == "weibull":
        return pt.sum(event * hazard - cumulative)
    cured = free["logit_cure"]
    survived = pt.log(pt.sigmoid(cured) + pt.sigmoid(-cured) * pt.exp(-cumulative))
    return pt.sum(event * (hazard - cumulative - pt.softplus(cured)) + (1 - event) * survived)


def compile_model(family: str, data: Responses) -> Any:
    """Compile the model by numba, never by a C compiler: no number depends on whether there is one."""
    with warnings.catch_warnings(), pytensor.config.change_flags(cxx=""):
        warnings.simplefilter("ignore")
        return nutpie.compile_pymc_model(build_model(family, data), backend="numba")


def sample(
    compiled: Any, family: str, data: Responses, *, settings: Any, seed: int
) -> tuple[dict[str, Any], int]:
    """Return draws of the parameters by name (chains, draws, ...) and the number of divergences."""
    trace = nutpie.sample(
        compiled.with_data(**as_data(family, data)),
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=settings.cores,
        target_accept=settings.accept,
        seed=seed,
        progress_bar=False,
    )
    names = parameter_names(family, len(data.cuts) + 1, data.member.shape[1])
    return {name: trace.posterior[name].to_numpy() for name in names}, int(trace.sample_stats.diverging.sum())

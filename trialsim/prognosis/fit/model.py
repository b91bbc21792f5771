"""The statement in PyMC of the model of `trialsim.prognosis.models.gram`, and what samples models with terms.

The plain model is sampled by the kernel of `trialsim.prognosis.fit.densities`, which is the same density.
Importing this module costs seconds.
"""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from trialsim.prognosis.fit.generated_source import REPEATABLE, tidied
from trialsim.prognosis.models.gram import LEVEL, SD_OF_VISIT_MEANS, SLOPE, VISIT_MEAN, GramSums

if TYPE_CHECKING:
    from trialsim.prognosis.fit.settings import FitSettings

with warnings.catch_warnings():
    # arviz announces its own next version at import, and pytensor that it found no compiler or BLAS
    # for C code that is never run here: nothing that a user of trialsim could act on.
    warnings.simplefilter("ignore")
    logging.getLogger("pytensor.configdefaults").setLevel(logging.ERROR)
    import nutpie
    import pymc as pm
    import pytensor
    import pytensor.tensor as pt

PRIOR_SCALES = {"tau_level": 0.25, "tau_slope": 0.25, "sd_level": 1.0, "sd_slope": 1.0, "sigma": 1.0}


def as_data(sums: GramSums) -> dict[str, np.ndarray[Any, Any]]:
    """Return the sums under the names of the model's data."""
    return {
        "total": sums.total,
        "by_pattern": sums.by_pattern,
        "clock_sums": sums.clock_sums,
        "participants": sums.participants,
        "kind": sums.kind.astype(float),
        "varies": sums.varies,
    }


def build_model(sums: GramSums) -> pm.Model:
    """Return the model with the sums as data, so that other sums need no new compilation.

    Outcomes are in standard deviations of the change, columns in their own. The scales of the
    coefficients are half-normal(0.25): with eight covariates the prior expects them to explain a
    quarter or less of the variance, and a small history pulls the scale, not each coefficient, to
    zero. Levels, slopes and noise are half-normal(1), and the correlation is 2 Beta(2, 2) - 1, which
    keeps off its ends.
    """
    with pm.Model() as model:
        data = {name: pm.Data(name, value) for name, value in as_data(sums).items()}
        scale = {name: pm.HalfNormal(name, sd) for name, sd in PRIOR_SCALES.items()}
        correlation = pm.Deterministic("correlation", 2 * pm.Beta("half_correlation", 2, 2) - 1)
        pm.Potential("marginal_likelihood", log_marginal_likelihood(data, scale, correlation))
    return model


def log_marginal_likelihood(data: dict[str, Any], scale: dict[str, Any], correlation: Any) -> Any:
    """Return log p(y | scales), participants' effects and coefficients integrated out."""
    gram, log_determinant = _weighted_gram(data, scale, correlation)
    kind = data["kind"]
    sd = (
        SD_OF_VISIT_MEANS * pt.eq(kind, VISIT_MEAN)
        + scale["tau_level"] * pt.eq(kind, LEVEL)
        + scale["tau_slope"] * pt.eq(kind, SLOPE)
    )
    precision = gram[1:, 1:] * sd[:, None] * sd[None, :] + pt.eye(kind.shape[0])
    # Inverse and determinant, not Cholesky: half the time to compile, and no eigenvalue is under 1.
    _, log_precision = pt.linalg.slogdet(precision)
    standardised = gram[1:, 0] * sd
    explained = pt.dot(standardised, pt.dot(pt.linalg.inv(precision), standardised))
    observations = pt.sum(data["participants"] * data["clock_sums"][:, 0])
    return -0.5 * (
        observations * np.log(2 * np.pi) + log_determinant + log_precision + gram[0, 0] - explained
    )


def _weighted_gram(data: dict[str, Any], scale: dict[str, Any], correlation: Any) -> tuple[Any, Any]:
    """Return W (1+C, 1+C) and the log determinant of all V_i; see `trialsim.prognosis.models.gram`."""
    sd0, sd1 = scale["sd_level"] * data["varies"][0], scale["sd_slope"] * data["varies"][1]
    g00, g01, g11 = sd0**2, correlation * sd0 * sd1, sd1**2
    noise = scale["sigma"] ** 2
    n, st, stt = (data["clock_sums"][:, k] for k in range(3))
    a, b = noise + g00 * n + g01 * st, g00 * st + g01 * stt
    c, d = g01 * n + g11 * st, noise + g01 * st + g11 * stt
    determinant = a * d - b * c
    weights = pt.stack([d * g00 - b * g01, 2 * (d * g01 - b * g11), a * g11 - c * g01], axis=1)
    weights = weights / determinant[:, None]
    size = data["total"].shape[0]
    patterns = data["by_pattern"].reshape((-1, size * size))
    absorbed = pt.dot(weights.reshape((1, -1)), patterns).reshape((size, size))
    log_determinant = pt.sum(data["participants"] * (n * pt.log(noise) + pt.log(determinant / noise**2)))
    return (data["total"] - absorbed) / noise, log_determinant


def compile_model(model: pm.Model) -> Any:
    """Compile a model by numba, in a way that gives the same numbers again; see `REPEATABLE`."""
    with warnings.catch_warnings(), pytensor.config.change_flags(**REPEATABLE), tidied():
        warnings.simplefilter("ignore")
        return nutpie.compile_pymc_model(model, backend="numba")


def run(compiled: Any, data: dict[str, Any], settings: FitSettings, seed: int) -> Any:
    """Return the trace of a compiled model with these data."""
    trace = nutpie.sample(
        compiled.with_data(**data),
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=settings.cores,
        target_accept=settings.accept,
        seed=seed,
        progress_bar=False,
    )
    found = trace.posterior.sizes
    if dict(found).get("draw", 0) != settings.draws or found["chain"] != settings.chains:
        # nutpie takes an interrupt for itself and returns what it has so far.
        raise KeyboardInterrupt
    return trace

"""The PyMC model of `trialsim.prognosis.models.grouped_gram`; importing this module costs seconds."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from trialsim.prognosis.fit.model import PRIOR_SCALES, run
from trialsim.prognosis.models.gram import LEVEL, SD_OF_VISIT_MEANS, SLOPE, VISIT_MEAN
from trialsim.prognosis.models.grouped_gram import (
    SD_OF_LOG_SPREAD,
    SD_OF_STUDIES,
    STUDY_LEVEL,
    STUDY_RATE,
    STUDY_SCALES,
    GroupedRows,
)

with warnings.catch_warnings():
    # As in `trialsim.prognosis.fit.model`: nothing that a user of trialsim could act on.
    warnings.simplefilter("ignore")
    import pymc as pm
    import pytensor.tensor as pt

if TYPE_CHECKING:
    from trialsim.prognosis.fit.settings import FitSettings


def as_data(rows: GroupedRows) -> dict[str, np.ndarray[Any, Any]]:
    """Return the rows under the names of the model's data."""
    return {
        "rows": rows.rows,
        "row_group": rows.row_group,
        "levels": rows.levels,
        "slopes": rows.slopes,
        "sum_group": rows.sum_group,
        "clock_sums": rows.clock_sums,
        "participants": rows.participants,
        "spread": rows.spread,
        "kind": rows.kind.astype(float),
        "varies": rows.varies,
    }


def build_model(rows: GroupedRows) -> pm.Model:
    """Return the model with the rows as data: only studies and the number of variance columns are fixed."""
    spreads = rows.spread.shape[1]
    with pm.Model() as model:
        data = {name: pm.Data(name, value) for name, value in as_data(rows).items()}
        scale = {name: pm.HalfNormal(name, sd) for name, sd in PRIOR_SCALES.items()}
        if rows.has_studies:
            scale |= {name: pm.HalfNormal(name, SD_OF_STUDIES) for name in STUDY_SCALES}
        correlation = pm.Deterministic("correlation", 2 * pm.Beta("half_correlation", 2, 2) - 1)
        logs = pt.zeros((2, spreads))
        if spreads:
            raw = pm.Normal("raw_log_spread", 0.0, 1.0, shape=(2, spreads))
            logs = pm.Deterministic("log_spread", SD_OF_LOG_SPREAD * raw)
        pm.Potential("marginal_likelihood", log_marginal_likelihood(data, scale, correlation, logs))
    return model


def log_marginal_likelihood(data: dict[str, Any], scale: dict[str, Any], correlation: Any, logs: Any) -> Any:
    """Return log p(y | scales), participants' effects and all coefficients integrated out."""
    gram, log_determinant = _weighted_gram(data, scale, correlation, logs)
    kind = data["kind"]
    sd = SD_OF_VISIT_MEANS * pt.eq(kind, VISIT_MEAN)
    of_kind = {"tau_level": LEVEL, "tau_slope": SLOPE, "omega_level": STUDY_LEVEL, "omega_rate": STUDY_RATE}
    for name, which in of_kind.items():
        if name in scale:
            sd = sd + scale[name] * pt.eq(kind, which)
    precision = gram[1:, 1:] * sd[:, None] * sd[None, :] + pt.eye(kind.shape[0])
    _, log_precision = pt.linalg.slogdet(precision)
    standardised = gram[1:, 0] * sd
    explained = pt.dot(standardised, pt.dot(pt.linalg.inv(precision), standardised))
    observations = pt.sum(data["participants"] * data["clock_sums"][:, 0])
    return -0.5 * (
        observations * np.log(2 * np.pi) + log_determinant + log_precision + gram[0, 0] - explained
    )


def _weighted_gram(
    data: dict[str, Any], scale: dict[str, Any], correlation: Any, logs: Any
) -> tuple[Any, Any]:
    """Return W (1+C, 1+C) and the log determinant of all V_i; see `models.grouped_gram`."""
    sd0, sd1 = scale["sd_level"] * data["varies"][0], scale["sd_slope"] * data["varies"][1]
    wider = pt.exp(2 * pt.dot(data["spread"], logs[0]))
    g00, g01, g11 = wider * sd0**2, wider * correlation * sd0 * sd1, wider * sd1**2
    noise = scale["sigma"] ** 2 * pt.exp(2 * pt.dot(data["spread"], logs[1]))
    n, st, stt = (data["clock_sums"][:, k] for k in range(3))
    a, b = noise + g00 * n + g01 * st, g00 * st + g01 * stt
    c, d = g01 * n + g11 * st, noise + g01 * st + g11 * stt
    determinant = a * d - b * c
    of_sums = (d * g00 - b * g01, d * g01 - b * g11, a * g11 - c * g01)
    m00, m01, m11 = ((one / (determinant * noise))[data["sum_group"]][:, None] for one in of_sums)
    levels, slopes, rows = data["levels"], data["slopes"], data["rows"]
    absorbed = pt.dot((m00 * levels + m01 * slopes).T, levels)
    absorbed = absorbed + pt.dot((m01 * levels + m11 * slopes).T, slopes)
    gram = pt.dot((rows / noise[data["row_group"]][:, None]).T, rows) - absorbed
    log_determinant = pt.sum(data["participants"] * (n * pt.log(noise) + pt.log(determinant / noise**2)))
    return gram, log_determinant


def sample(compiled: Any, rows: GroupedRows, settings: FitSettings, seed: int) -> tuple[dict[str, Any], int]:
    """Return draws of the scales by name (chains, draws) and the number of divergences."""
    trace = run(compiled, as_data(rows), settings, seed)
    names = rows.scale_names
    logs = names[len(names) - 2 * rows.spread.shape[1] :]
    found = {name: trace.posterior[name].to_numpy() for name in names if name not in logs}
    if logs:
        log_spread = trace.posterior["log_spread"].to_numpy()
        each = log_spread.reshape(*log_spread.shape[:2], len(logs))
        found |= {name: each[:, :, k] for k, name in enumerate(logs)}
    return found, int(trace.sample_stats.diverging.sum())

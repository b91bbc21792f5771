"""The statement in PyMC of the models of `trialsim.prognosis.families`; importing this module costs seconds.

They are sampled by the kernels of `trialsim.prognosis.fit.densities`, which are the same densities.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

from trialsim.prognosis.families import FAMILIES, Prior, Responses

with warnings.catch_warnings():
    # As in `trialsim.prognosis.fit.model`: nothing that a user of trialsim could act on.
    warnings.simplefilter("ignore")
    logging.getLogger("pytensor.configdefaults").setLevel(logging.ERROR)
    import pymc as pm
    import pytensor.tensor as pt

Terms = dict[str, Any]


def as_data(family: str, data: Responses) -> Terms:
    """Return the responses under the names of the model's data."""
    of_studies = {"member": data.member} if data.member.shape[1] else {}
    return {"x": data.x, **of_studies, **FAMILIES[family].arrays(data)}


def build_model(family: str, data: Responses) -> pm.Model:
    """Return the model with the responses as data: other participants need no new compilation."""
    with pm.Model() as model:
        given = {name: pm.Data(name, value) for name, value in as_data(family, data).items()}
        free = {prior.name: variable(prior) for prior in FAMILIES[family].priors(data.shape)}
        pm.Potential("likelihood", log_likelihood(family, free, given))
    return model


def variable(prior: Prior) -> Any:
    """Return a free variable with the prior of a parameter."""
    if prior.law == "dirichlet":
        return pm.Dirichlet(prior.name, [prior.values[0]] * (prior.size or 0))
    if prior.law == "half_normal":
        return pm.HalfNormal(prior.name, *prior.values, shape=prior.size)
    return pm.Normal(prior.name, *prior.values, shape=prior.size)


def log_likelihood(family: str, free: Terms, data: Terms) -> Any:
    """Return log p(outcomes | parameters), summed over participants."""
    return LIKELIHOODS[family](free, data, linear_predictor(free, data))


def linear_predictor(free: Terms, data: Terms) -> Any:
    """Return eta (N,)."""
    eta = pt.dot(data["x"], free["tau"] * free["beta_raw"])
    if "intercept" in free:
        eta = eta + free["intercept"]
    if "omega" in free:
        eta = eta + pt.dot(data["member"], free["omega"] * free["effect_raw"])
    return eta


def binary(free: Terms, data: Terms, eta: Any) -> Any:
    """Return the Bernoulli log likelihood."""
    return pt.sum(data["outcome"] * eta - pt.softplus(eta))


def ordinal(free: Terms, data: Terms, eta: Any) -> Any:
    """Return the proportional-odds log likelihood; see `trialsim.prognosis.families.ordinal`."""
    share, above, below = free["share"], data["cut_above"], data["cut_below"]
    upto, beyond = pt.cumsum(share)[:-1], pt.cumsum(share[::-1])[:-1][::-1]
    cuts = pt.log(upto) - pt.log(beyond)
    not_more = -pt.sum(pt.sum(above, axis=1) * pt.softplus(eta - pt.dot(above, cuts)))
    not_less = -pt.sum(pt.sum(below, axis=1) * pt.softplus(pt.dot(below, cuts) - eta))
    between = pt.log(-pt.expm1(cuts[:-1] - cuts[1:]))
    return not_more + not_less + pt.dot(pt.sum(above, axis=0)[1:], between)


def count(free: Terms, data: Terms, eta: Any) -> Any:
    """Return the negative binomial log likelihood."""
    y, size, log_mean = data["outcome"], free["rate_cv"] ** -2.0, eta + data["log_time"]
    each = pt.gammaln(y + size) - pt.gammaln(size) - data["log_factorial"]
    return pt.sum(each - (size + y) * pt.log1p(pt.exp(log_mean) / size) + y * (log_mean - pt.log(size)))


def weibull(free: Terms, data: Terms, eta: Any) -> Any:
    """Return the log likelihood of Weibull times, some censored."""
    log_hazard, cumulative = _weibull_hazards(free, data, eta)
    return pt.sum(data["outcome"] * log_hazard - cumulative)


def cure(free: Terms, data: Terms, eta: Any) -> Any:
    """Return the log likelihood of Weibull times of those who are not cured."""
    log_hazard, cumulative = _weibull_hazards(free, data, eta)
    event, cured = data["outcome"], free["logit_cure"]
    none = pt.log(pt.sigmoid(cured) + pt.sigmoid(-cured) * pt.exp(-cumulative))
    return pt.sum(event * (log_hazard - cumulative - pt.softplus(cured)) + (1 - event) * none)


def _weibull_hazards(free: Terms, data: Terms, eta: Any) -> tuple[Any, Any]:
    shape, log_time = free["log_shape"], data["log_time"]
    return shape + (pt.exp(shape) - 1) * log_time + eta, pt.exp(eta + pt.exp(shape) * log_time)


def piecewise(free: Terms, data: Terms, eta: Any) -> Any:
    """Return the log likelihood of times with a piecewise constant hazard, some censored."""
    level = pt.zeros(1)
    if "delta" in free:
        level = pt.concatenate([level, pt.cumsum(free["delta"] * free["step_raw"])])
    cumulative = pt.exp(eta) * pt.dot(data["exposure"], pt.exp(level))
    return pt.sum(data["outcome"] * eta + pt.dot(data["event_interval"], level) - cumulative)


LIKELIHOODS = {
    "binary": binary,
    "ordinal": ordinal,
    "count": count,
    "weibull": weibull,
    "cure": cure,
    "piecewise": piecewise,
}

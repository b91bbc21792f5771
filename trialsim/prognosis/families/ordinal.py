"""Ordered levels 0 to L-1 with proportional odds (McCullagh 1980).

    P(y <= k) = 1 / (1 + exp(eta - c_k)),   c_k = logit(share_0 + ... + share_k)
    share ~ Dirichlet(1, ..., 1)

`share` are the probabilities of the levels where eta is 0, so that their prior is proper and treats all
levels alike, and no cut point needs a scale (the induced Dirichlet prior of Betancourt 2019). There is no
intercept beside the cut points.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit

from trialsim.data import Floats
from trialsim.prognosis.families.common import Family, Params, Prior, Responses, Shape

CONCENTRATION = 1.0


class Ordinal(Family):
    """Proportional odds."""

    name = "ordinal"
    sd_intercept = None
    counts_time = False

    def own_priors(self, shape: Shape) -> tuple[Prior, ...]:
        """Return the prior of the levels' shares."""
        return (Prior("share", "dirichlet", (CONCENTRATION,), shape.levels),)

    def arrays(self, data: Responses) -> dict[str, Floats]:
        """Return 1 in the column of the cut above the participant's level, and below it (N, L-1)."""
        level = np.arange(data.levels - 1)
        return {
            "cut_above": (data.outcome[:, None] == level) * 1.0,
            "cut_below": (data.outcome[:, None] == level + 1) * 1.0,
        }

    def log_density(self, params: Params, eta: Floats, data: Responses) -> Floats:
        """Return log p(y) (D, N), from s(a) - s(b) = s(a) s(-b) (1 - exp(b - a)): no cancellation."""
        ends = _with_ends(params)
        level = data.outcome.astype(int)
        above, below = ends[:, level + 1], ends[:, level]
        inside = np.log(-np.expm1(below - above))
        return np.asarray(log_expit(above - eta) + log_expit(eta - below) + inside)

    def cumulative(self, params: Params, eta: Floats, values: Floats, times: Floats, cuts: Floats) -> Floats:
        """Return P(level <= value) (D, N)."""
        position = np.clip(np.floor(values).astype(int) + 1, 0, params["share"].shape[1])
        return np.asarray(expit(_with_ends(params)[:, position] - eta))

    def moments(self, params: Params, eta: Floats, times: Floats, cuts: Floats) -> tuple[Floats, Floats]:
        """Return E level and E level^2: sums over k of P(level > k), times 1 and times 2k + 1."""
        first, second = np.zeros((2, *eta.shape))
        for k, cut in enumerate(cutpoints(params).T):
            more = expit(eta - cut[:, None])
            first += more
            second += (2 * k + 1) * more
        first, second = (np.repeat(one[:, :, None], len(times), axis=2) for one in (first, second))
        return first, second

    def draw(
        self, params: Params, eta: Floats, times: Floats, cuts: Floats, generator: np.random.Generator
    ) -> Floats:
        """Draw one level a participant, the same at all times (D, N, V)."""
        return np.repeat(_draw_levels(params, eta, generator)[:, :, None], len(times), axis=2)

    def replicate(
        self, params: Params, eta: Floats, limit: Floats, cuts: Floats, generator: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Draw levels (D, N); follow-up is as planned."""
        return _draw_levels(params, eta, generator), np.broadcast_to(limit, eta.shape)


def cutpoints(params: Params) -> Floats:
    """Return the ordered cut points (D, L-1); sums from both ends, so that rare last levels keep digits."""
    share = params["share"]
    upto = np.cumsum(share, axis=1)[:, :-1]
    beyond = np.cumsum(share[:, ::-1], axis=1)[:, -2::-1]
    return np.asarray(np.log(upto) - np.log(beyond))


def _with_ends(params: Params) -> Floats:
    return np.pad(cutpoints(params), ((0, 0), (1, 1)), constant_values=((0, 0), (-np.inf, np.inf)))


def _draw_levels(params: Params, eta: Floats, generator: np.random.Generator) -> Floats:
    latent = eta + generator.logistic(size=eta.shape)
    return np.asarray((latent[:, :, None] > cutpoints(params)[:, None, :]).sum(axis=2), dtype=float)

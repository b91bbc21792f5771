"""What all outcome families share: responses, priors, the linear predictor and what a family must offer.

For participant i of study g, with K standardised columns:

    eta_i = intercept + x_i' beta + effect_g,   beta_k ~ N(0, tau^2),   effect_g ~ N(0, omega^2)
    tau ~ half-normal(0.5),   omega ~ half-normal(0.5)

With fewer than three studies there is no study effect. Time runs in units of the longest follow-up.
Coefficients and effects are sampled as multiples of their scales (`beta_raw`, `effect_raw`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from trialsim.data import Floats

SCALE = 0.5
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
Params = dict[str, Floats]


@dataclass(frozen=True)
class Responses:
    """Outcomes of N participants as a likelihood needs them.

    Parameters
    ----------
    x : ndarray (N, K)
        Standardised columns.
    member : ndarray (N, G)
        1 in the column of the participant's study; G = 0 without study effects.
    outcome : ndarray (N,)
        1 for a response or an event, else 0; the level of an ordinal outcome from 0; a count.
    time : ndarray (N,)
        Follow-up in units, above 0; not used for binary and ordinal outcomes.
    cuts : ndarray (J-1,)
        Inner ends of the intervals of the piecewise hazard, in units.
    levels : int
        Levels of an ordinal outcome; 0 for any other.
    """

    x: Floats
    member: Floats
    outcome: Floats
    time: Floats
    cuts: Floats
    levels: int = 0

    @property
    def shape(self) -> Shape:
        """Return the sizes that decide which parameters there are."""
        return Shape(self.x.shape[1], self.member.shape[1], len(self.cuts) + 1, self.levels)


@dataclass(frozen=True)
class Shape:
    """Numbers of columns, studies with effects, intervals of a hazard and levels of an outcome."""

    columns: int
    studies: int
    intervals: int = 1
    levels: int = 0


@dataclass(frozen=True)
class Prior:
    """The prior of one parameter, from which NumPy draws and PyMC makes a variable.

    Parameters
    ----------
    name : str
        Of the parameter.
    law : str
        ``normal`` (centre, SD), ``half_normal`` (scale) or ``dirichlet`` (concentration).
    values : tuple of float
        Of the law, in this order.
    size : int, optional
        Length of a vector; None for a number.
    """

    name: str
    law: Literal["normal", "half_normal", "dirichlet"]
    values: tuple[float, ...]
    size: int | None = None

    def draw(self, generator: np.random.Generator) -> Floats:
        """Draw the parameter once (1, ...)."""
        if self.law == "dirichlet":
            return generator.dirichlet(np.full(self.size or 0, self.values[0]), size=1)
        standard = generator.standard_normal((1,) if self.size is None else (1, self.size))
        if self.law == "half_normal":
            return np.asarray(self.values[0] * np.abs(standard))
        return np.asarray(self.values[0] + self.values[1] * standard)


class Family(ABC):
    """A law of outcomes given the linear predictor.

    Every method takes draws of the parameters: arrays (D, ...), and linear predictors (D, N).
    """

    name: ClassVar[str]
    sd_intercept: ClassVar[float | None] = 1.5
    counts_time: ClassVar[bool] = True

    @abstractmethod
    def own_priors(self, shape: Shape) -> tuple[Prior, ...]:
        """Return the priors of what the family has beside the linear predictor."""

    @abstractmethod
    def arrays(self, data: Responses) -> dict[str, Floats]:
        """Return what the likelihood in PyMC needs of the responses, by name."""

    @abstractmethod
    def log_density(self, params: Params, eta: Floats, data: Responses) -> Floats:
        """Return the log likelihood (D, N) of each participant."""

    @abstractmethod
    def cumulative(self, params: Params, eta: Floats, values: Floats, times: Floats, cuts: Floats) -> Floats:
        """Return P(outcome <= value) (D, N) for values and times (N,); of an event, P(onset <= value)."""

    @abstractmethod
    def moments(self, params: Params, eta: Floats, times: Floats, cuts: Floats) -> tuple[Floats, Floats]:
        """Return mean and second moment (D, N, V) of what is seen by each time (V,)."""

    @abstractmethod
    def draw(
        self, params: Params, eta: Floats, times: Floats, cuts: Floats, generator: np.random.Generator
    ) -> Floats:
        """Draw what is seen by each time (V,), jointly over times: (D, N, V)."""

    @abstractmethod
    def replicate(
        self, params: Params, eta: Floats, limit: Floats, cuts: Floats, generator: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Draw outcomes (D, N) of follow-up until `limit` (N,), or (D, N), and the time (D, N) it lasted."""

    def priors(self, shape: Shape) -> tuple[Prior, ...]:
        """Return the priors of all parameters that are sampled."""
        of_intercept = (
            () if self.sd_intercept is None else (Prior("intercept", "normal", (0.0, self.sd_intercept)),)
        )
        of_studies = (
            Prior("omega", "half_normal", (SCALE,)),
            Prior("effect_raw", "normal", (0.0, 1.0), shape.studies),
        )
        return (
            *of_intercept,
            Prior("tau", "half_normal", (SCALE,)),
            Prior("beta_raw", "normal", (0.0, 1.0), shape.columns),
            *(of_studies if shape.studies else ()),
            *self.own_priors(shape),
        )

    def draw_prior(self, shape: Shape, generator: np.random.Generator) -> Params:
        """Draw one point of the prior, as arrays with one draw (1, ...)."""
        return {prior.name: prior.draw(generator) for prior in self.priors(shape)}

    def log_likelihood(self, params: Params, data: Responses) -> Floats:
        """Return the log likelihood (D,) of draws of the parameters."""
        eta = linear_predictor(params, data.x, effects(params) @ data.member.T)
        return np.asarray(self.log_density(params, eta, data).sum(axis=1))


def beta(params: Params) -> Floats:
    """Return the coefficients (D, K).

    Parameters
    ----------
    params : dict of str to ndarray (D, ...)
        Draws of a family's parameters.

    Returns
    -------
    ndarray (D, K)
        τ times the standard coefficients.

    Examples
    --------
    >>> beta({"tau": np.array([2.0]), "beta_raw": np.array([[0.5, -1.0]])})
    array([[ 1., -2.]])
    """
    return params["tau"][:, None] * params["beta_raw"]


def effects(params: Params) -> Floats:
    """Return the study effects (D, G); none without studies.

    Parameters
    ----------
    params : dict of str to ndarray (D, ...)
        Draws of a family's parameters.

    Returns
    -------
    ndarray (D, G)
        On the scale of the linear predictor.

    Examples
    --------
    >>> effects({"tau": np.ones(1), "omega": np.array([0.5]), "effect_raw": np.array([[1.0, -1.0]])})
    array([[ 0.5, -0.5]])
    """
    if "omega" not in params:
        return np.zeros((len(params["tau"]), 0))
    return params["omega"][:, None] * params["effect_raw"]


def linear_predictor(params: Params, x: Floats, shift: Floats | float = 0.0) -> Floats:
    """Return eta (D, N) of columns (N, K), with a shift such as the effects of the participants' studies.

    Parameters
    ----------
    params : dict of str to ndarray (D, ...)
        Draws of a family's parameters.
    x : ndarray (N, K)
        Columns of the participants.
    shift : ndarray (D, N) or float
        Added, such as the effects of the participants' studies.

    Returns
    -------
    ndarray (D, N)
        On the scale of the link.

    Examples
    --------
    >>> params = {"tau": np.ones(1), "beta_raw": np.array([[0.5]]), "intercept": np.array([-1.0])}
    >>> linear_predictor(params, np.array([[0.0], [2.0]]))
    array([[-1.,  0.]])
    """
    eta = beta(params) @ x.T + shift
    return eta + params["intercept"][:, None] if "intercept" in params else eta


def concatenate(draws: list[Params]) -> Params:
    """Return draws of the parameters, such as single ones of a prior, as one set (D, ...).

    Parameters
    ----------
    draws : list of dict of str to ndarray (1, ...)
        Of the same names.

    Returns
    -------
    dict of str to ndarray (D, ...)
        In the order given.

    Examples
    --------
    >>> concatenate([{"tau": np.array([1.0])}, {"tau": np.array([2.0])}])
    {'tau': array([1., 2.])}
    """
    return {name: np.concatenate([one[name] for one in draws]) for name in draws[0]}


def over_new_study(params: Params, eta: Floats) -> Iterator[tuple[float, Floats]]:
    """Yield weights that sum to 1, and linear predictors (D, N), of a study never seen.

    Nine nodes of Gauss and Hermite for its effect; one, without an effect, where the model has none.
    """
    omega = params.get("omega")
    if omega is None:
        yield 1.0, eta
        return
    for node, weight in zip(_NODES, _WEIGHTS / _WEIGHTS.sum(), strict=True):
        yield weight, eta + node * omega[:, None]

"""What an interim result says about the end of a group-sequential trial."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm, t

from trialsim.design.group_sequential.crossing import Crossings, Floats, crossings, walk
from trialsim.design.group_sequential.design import GroupSequentialDesign, group_sequential_design
from trialsim.errors import DesignError, require_kind

_NORMAL_NODES, _NORMAL_WEIGHTS = np.polynomial.hermite_e.hermegauss(60)


def conditional_bounds(
    design: GroupSequentialDesign, look: int, z: float, *, information: Sequence[float] | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return information, upper and lower bounds of what is added to the trial after a look.

    Parameters
    ----------
    design : GroupSequentialDesign
        Bounds of the trial.
    look : int
        Interim look, from 1 on and before the last.
    z : float
        Statistic at the look.
    information : sequence of float, optional
        Information that will be added by each later look; as planned if left out. Bounds stay
        those that keep the type I error with the planned weights, so that more information may be
        added after seeing `z` (Cui, Hung & Wang 1999).

    Returns
    -------
    added, upper, lower : ndarray (K − look,)
        Information added since the look, and bounds on the z scale of the added data,
        (u_k √t_k − z √t)/√(t_k − t).

    Raises
    ------
    DesignError
        No such look, or the last one.

    Examples
    --------
    >>> from trialsim.design import group_sequential_design
    >>> added, upper, lower = conditional_bounds(group_sequential_design([0.5, 1.0]), 1, 1.0)
    >>> upper.round(4)
    array([1.784])
    """
    time = np.array(design.information)
    if not 1 <= look < len(time):
        raise DesignError(f"must be an interim look, from 1 to {len(time) - 1}", field="look", value=look)
    later, now = time[look:], time[look - 1]
    added = later - now
    bounds = [
        (np.array(side[look:]) * np.sqrt(later) - z * math.sqrt(now)) / np.sqrt(added)
        for side in (design.upper, design.lower)
    ]
    if information is None:
        return added, bounds[0], bounds[1]
    planned = np.asarray(information, dtype=np.float64)
    if planned.shape != added.shape or planned[0] <= 0 or np.any(np.diff(planned) <= 0):
        raise DesignError(
            "must ascend from above 0, with one number for each later look",
            field="information",
            value=list(information),
        )
    if not np.allclose(planned / planned[-1], added / added[-1], rtol=1e-9):
        raise DesignError(
            "must keep the planned spacing of the later looks",
            field="information",
            value=list(information),
            mend="multiply all planned additions by one factor",
        )
    return planned, bounds[0], bounds[1]


def conditional_power(
    design: GroupSequentialDesign,
    look: int,
    z: float,
    drift: float | None = None,
    *,
    information: Sequence[float] | None = None,
) -> Crossings:
    """Return the probabilities of stopping at each later look, given an interim result.

    Parameters
    ----------
    design, look, z, information
        As for `conditional_bounds`.
    drift : float, optional
        Drift at information 1; what the look estimates, z/√t, if left out. 0 gives the conditional
        type I error.

    Returns
    -------
    Crossings
        Arrays (K − look,); conditional power is the sum of `upper`.

    Examples
    --------
    >>> from trialsim.design import group_sequential_design
    >>> design = group_sequential_design([0.5, 1.0])
    >>> conditional_power(design, 1, 1.4).upper.sum().round(4)
    np.float64(0.5064)
    """
    require_kind("design", design, GroupSequentialDesign)
    added, upper, lower = conditional_bounds(design, look, z, information=information)
    assumed = z / math.sqrt(design.information[look - 1]) if drift is None else drift
    reach = (min(assumed, 0.0), max(assumed, 0.0))
    return crossings(walk(added, upper, lower, drifts=reach), assumed)


def predictive_power(
    design: GroupSequentialDesign, look: int, z: float, drifts: Sequence[float], weights: Sequence[float]
) -> float:
    """Return conditional power averaged over what is believed of the drift after a look.

    Parameters
    ----------
    design, look, z
        As for `conditional_power`.
    drifts, weights : sequence of float
        Prior before the trial: drifts at information 1 and their weights, not below 0.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    DesignError
        Drifts and weights that are not one prior, or a look that is not before the last.

    Notes
    -----
    The weights are multiplied by the likelihood of the look, φ(z − ϑ√t), and scaled to sum 1.

    Examples
    --------
    >>> from trialsim.design import group_sequential_design
    >>> design = group_sequential_design([0.5, 1.0])
    >>> round(predictive_power(design, 1, 1.4, [0.0, design.drift], [0.5, 0.5]), 4)
    0.5547
    """
    require_kind("design", design, GroupSequentialDesign)
    prior = np.asarray(weights, dtype=np.float64)
    if len(prior) != len(drifts) or np.any(prior < 0) or prior.sum() <= 0:
        raise DesignError(
            "must hold one weight for each drift, not below 0 and not all 0",
            field="weights",
            value=list(weights),
        )
    root = math.sqrt(design.information[look - 1])
    likelihood = -0.5 * (z - np.array(drifts) * root) ** 2
    posterior = prior * np.exp(likelihood - likelihood.max())
    power = [float(conditional_power(design, look, z, drift).upper.sum()) for drift in drifts]
    return float(np.dot(posterior / posterior.sum(), power))


def predictive_power_normal(
    design: GroupSequentialDesign, look: int, z: float, *, mean: float = 0.0, sd: float = math.inf
) -> float:
    """Return predictive power under a normal prior for the drift; a flat one if `sd` is infinite.

    Parameters
    ----------
    design, look, z
        As for `conditional_power`.
    mean, sd : float
        Prior of the drift at information 1.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    DesignError
        An SD that is not above 0, or a look that is not before the last.

    Notes
    -----
    The drift after a look at information t is normal with precision 1/sd² + t. With one later look and
    a flat prior this is Φ((z√(1/t) − u)/√((1 − t)/t)), which the quadrature meets.

    Examples
    --------
    >>> from trialsim.design import group_sequential_design
    >>> design = group_sequential_design([0.5, 1.0])
    >>> round(predictive_power_normal(design, 1, 1.4), 4)
    0.5045
    """
    if not sd > 0:
        raise DesignError("must be above 0", field="sd", value=sd)
    time = design.information[look - 1]
    prior = 0.0 if math.isinf(sd) else sd**-2
    centre = (prior * mean + z * math.sqrt(time)) / (prior + time)
    spread = 1 / math.sqrt(prior + time)
    power = [
        float(conditional_power(design, look, z, centre + spread * node).upper.sum())
        for node in _NORMAL_NODES
    ]
    return float(np.dot(_NORMAL_WEIGHTS, power) / _NORMAL_WEIGHTS.sum())


def repeated_p_value(design: GroupSequentialDesign, look: int, z: float) -> float:
    """Return the smallest type I error at which the design's rule would stop at a look with this z.

    Parameters
    ----------
    design : GroupSequentialDesign
        Its looks and efficacy rule are kept; one-sided, futility is not used.
    look : int
        Look, from 1 on.
    z : float
        Statistic at the look.

    Returns
    -------
    float
        In (0, 0.5]; 0.5 if no smaller level stops.

    Raises
    ------
    DesignError
        A look that the design does not have.

    Examples
    --------
    >>> from trialsim.design import group_sequential_design
    >>> design = group_sequential_design([0.5, 1.0])
    >>> round(repeated_p_value(design, 2, design.upper[1]), 6)
    0.025
    """
    require_kind("design", design, GroupSequentialDesign)
    if not 1 <= look <= len(design.information):
        raise DesignError(f"must be from 1 to {len(design.information)}", field="look", value=look)

    def margin(log_alpha: float) -> float:
        alpha = math.exp(log_alpha)
        tried = group_sequential_design(
            design.information,
            efficacy=design.efficacy,
            alpha=alpha,
            power=max(0.9, (1 + alpha) / 2),
            spending_time=design.spending_time,
        )
        return tried.upper[look - 1] - z

    least, most = math.log(1e-9), math.log(0.5 - 1e-9)
    if margin(most) >= 0:
        return 0.5
    if margin(least) <= 0:
        return 1e-9
    return math.exp(brentq(margin, least, most, xtol=1e-10))


def repeated_interval(
    design: GroupSequentialDesign, look: int, estimate: float, standard_error: float, df: float = math.inf
) -> tuple[float, float]:
    """Return the repeated confidence interval at a look, estimate ± bound × standard error.

    Parameters
    ----------
    design : GroupSequentialDesign
        Its upper bound at the look is used on both sides.
    look : int
        Look, from 1 on.
    estimate, standard_error : float
        Effect and its standard error at the look.
    df : float
        Degrees of freedom; the bound is then carried to the t scale by its p value.

    Returns
    -------
    low, high : float
        On the scale of the estimate.

    Examples
    --------
    >>> from trialsim.design import group_sequential_design
    >>> low, high = repeated_interval(group_sequential_design([0.5, 1.0]), 1, 0.3, 0.1)
    >>> round(low, 4), round(high, 4)
    (0.0037, 0.5963)
    """
    bound = design.upper[look - 1]
    if math.isfinite(df):
        bound = float(t.isf(norm.sf(bound), df))
    return estimate - bound * standard_error, estimate + bound * standard_error

"""A control arm that borrows, asked from plain numbers: for ``trialsim frontier`` and the explorer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trialsim.study.from_numbers.nulls import asked_null, beyond_the_margin
from trialsim.study.from_numbers.scale import needed, outcome_scale, refuse_elsewhere

if TYPE_CHECKING:
    from trialsim.design.borrowing import BorrowingMethod, ControlQuestion, TwinInformedPrior

METHODS = ("prognostic", "weighted", "bayesian", "map", "commensurate", "power", "sam", "twin")
LINEAR_ONLY = ("weighted", "bayesian")


def borrowing_question(
    scale: str,
    effect: float | None,
    sd: float | None,
    largest_drift: float,
    dropout: float,
    shared: Mapping[str, Any],
    numbers: Mapping[str, float | None],
    margin: float | None = None,
    direction: Any = None,
) -> ControlQuestion:
    """Return the question about borrowing, from numbers by the names of options of ``trialsim frontier``.

    Parameters
    ----------
    scale : str
        One of `SCALES`.
    effect, sd : float, optional
        Of a continuous outcome; an SD of 1 if not given.
    largest_drift : float
        Every drift up to it is declared, both ways.
    dropout : float
        Share of each arm that is lost.
    shared : mapping
        What every scale has: ``active``, ``history``, ``correlation``, ``power``, ``alpha``,
        ``type_one_cap``, ``replicates`` and ``seed``.
    numbers : mapping of str to float or None
        Of the other scales, see `outcome_scale`.
    margin : float, optional
        Effect under the null, told as the effect is.
    direction : {"greater", "less"}, optional
        Side of the claim.

    Returns
    -------
    ControlQuestion

    Raises
    ------
    DesignError
        A number that cannot be, or that is missing.
    """
    from trialsim.design import BorrowingQuestion
    from trialsim.design.borrowing import ScaleBorrowingQuestion

    outcome = outcome_scale(scale, numbers, None, margin is not None)
    null = asked_null({"margin": margin, "direction": direction}, outcome is None)
    drifts = _drifts(largest_drift, 0.05 if outcome is None else 0.1)
    every = {**shared, "drifts": drifts, "dropout": (dropout, dropout)}
    if outcome is None:
        away = needed("--effect", effect, scale)
        if null.given:
            away = abs(beyond_the_margin(away, null))
        return BorrowingQuestion(effect=away, sd=1.0 if sd is None else sd, **every)
    refuse_elsewhere(scale, {"--effect": effect, "--sd": sd})
    return ScaleBorrowingQuestion(outcome, **every, margin=null.margin, direction=null.direction)


def _drifts(largest: float, step: float) -> tuple[float, ...]:
    """Return every drift up to the largest, both ways, by step; the largest itself always."""
    whole = math.floor(largest / step + 1e-9)
    above = {round(step * one, 2) for one in range(1, whole + 1)} | ({largest} if largest > 0 else set())
    return tuple(sorted({0.0, *above, *(-one for one in above)}))


def method_suits(method: str, scale: str, correlation: float) -> bool:
    """Return whether a method has an answer on a scale, with a score so strong.

    Examples
    --------
    >>> method_suits("bayesian", "binary", 0.5), method_suits("map", "binary", 0.5)
    (False, True)
    """
    if scale != "continuous":
        return method not in LINEAR_ONLY
    return method != "bayesian" or correlation > 0


def twin_prior(between: float, slope: float, bias: tuple[tuple[float, float], ...]) -> TwinInformedPrior:
    """Return the prior of the twins as controls, from its between-study SD and the twins' calibration.

    Parameters
    ----------
    between, slope : float
        Between-study SD, and slope of outcome on twin in studies never seen.
    bias : tuple of pairs
        Mean error of the twins in each such study, and its standard error.
    """
    import numpy as np

    from trialsim.design.borrowing import TwinInformedPrior, vague_weight_from_calibration

    prior = TwinInformedPrior(between_sd=between, calibration_slope=slope)
    if not bias:
        return prior
    found, errors = (np.array(column) for column in zip(*bias, strict=True))
    return replace(prior, calibration_weight=vague_weight_from_calibration(found, errors))


def borrowing_methods(
    between: float, twin: TwinInformedPrior, weighted: float, unit: str
) -> dict[str, BorrowingMethod]:
    """Return every method of the frontier by its name in `METHODS`.

    Parameters
    ----------
    between : float
        Between-study SD that the MAP and self-adapting priors assume.
    twin : TwinInformedPrior
        See `twin_prior`.
    weighted : float
        Variance left by weighting with the twins' own certainty.
    unit : str
        Of drift.
    """
    from trialsim.design.borrowing import (
        Commensurate,
        ExactBayesian,
        NoBorrowing,
        PowerPrior,
        RobustMap,
        SelfAdapting,
        weighted_adjustment,
    )

    return {
        "prognostic": NoBorrowing(),
        "weighted": weighted_adjustment(weighted),
        "bayesian": ExactBayesian(),
        "map": RobustMap(between_sd=between),
        "commensurate": Commensurate(),
        "power": PowerPrior(),
        "sam": SelfAdapting(between_sd=between, unit=unit),
        "twin": twin,
    }

"""A trial whose control arm borrows from past controls, by every method that there is for its outcome."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import expit

from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.checks import positive
from trialsim.analysis.borrowing.commensurate_prior import (
    CommensuratePrior,
    commensurate_binomial,
    commensurate_exponential,
    commensurate_normal,
    pooled_exponential,
)
from trialsim.analysis.borrowing.effective_sample_size import EffectiveSampleSize
from trialsim.analysis.borrowing.frame import ControlArms, read_control_arms
from trialsim.analysis.borrowing.mixture_difference import probability_difference_above
from trialsim.analysis.borrowing.normal_mixture import NormalMixture, normal_difference_below
from trialsim.analysis.borrowing.power_prior import (
    discount_prior_binomial,
    discount_prior_normal,
    normalized_power_prior_binomial,
    normalized_power_prior_normal,
    power_prior_binomial,
    power_prior_normal,
)
from trialsim.analysis.borrowing.self_adapting_mixture import sam_binomial, sam_normal
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, number
from trialsim.data import Floats
from trialsim.errors import AnalysisError

Borrowing = Literal[
    "none", "pooled", "power", "normalized-power", "discount", "commensurate", "self-adapting"
]
_METHODS = ("none", "pooled", "power", "normalized-power", "discount", "commensurate", "self-adapting")
_OF_RATES = ("none", "pooled", "commensurate")
# A base prior of a mean so wide that nothing rests on it, in standard errors of the current controls.
_WIDE = 1e4
_PARTS = {"external": "past controls", "control": "control", "active": "active"}


@dataclass(frozen=True)
class _Asked:
    """Numbers of the methods; each reads its own."""

    power: float
    difference: float | None
    shape: float
    rate: float
    unit_sd: float | None


@dataclass(frozen=True, repr=False)
class BorrowedControlsResult(Printed):
    """Active against control arms, with and without what past controls say of the control.

    Parameters
    ----------
    frame : DataFrame
        borrowing ("none" and the method), control and control_sd, difference and difference_sd (of a rate:
        log hazard ratio), probability_above: that active exceeds control by more than the margin,
        borrowed_participants (extra controls that borrowing was worth; NaN for a mean without `unit_sd`).
    borrowing : str
    outcome : {"response", "mean", "rate"}
    margin : float
    """

    frame: pd.DataFrame
    borrowing: Borrowing
    outcome: str
    margin: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row a way to use the past controls."""
        return self.frame.copy()

    def _title(self) -> str:
        return f"Control {self.outcome} with past controls, {self.borrowing}"

    def _facts(self) -> Facts:
        return {"margin": number(self.margin)}

    def _tables(self) -> Tables:
        return {"Posterior": self.frame}


def borrowed_controls(
    data: pd.DataFrame,
    *,
    arm: str,
    control: Hashable,
    active: Hashable,
    external: Hashable,
    responders: str | None = None,
    participants: str | None = None,
    estimate: str | None = None,
    standard_error: str | None = None,
    events: str | None = None,
    exposure: str | None = None,
    borrowing: Borrowing = "commensurate",
    power: float = 0.5,
    difference: float | None = None,
    precision_shape: float = 0.001,
    precision_rate: float = 0.001,
    unit_sd: float | None = None,
    margin: float = 0.0,
) -> BorrowedControlsResult:
    """Compare an active arm with controls that borrow from past controls, and with those that do not.

    Parameters
    ----------
    data : DataFrame
        A row an arm: one of the control, one of the active arm, one or more of past controls.
    arm : str
        Column of the arm.
    control, active, external : object
        Labels in `arm`.
    responders, participants, estimate, standard_error, events, exposure : str
        Columns of one outcome, two of them, as in `past_controls`.
    borrowing : str
        ``none``, ``pooled``, ``power`` (history counts `power` of itself), ``normalized-power`` (the power
        is learnt), ``discount`` (the power follows how far both controls agree, Haddad et al. 2017),
        ``commensurate`` (the difference of both controls has a precision that is learnt) or
        ``self-adapting`` (a mixture whose weight comes from the current controls). Rates: none, pooled and
        commensurate.
    power : float
        Of ``power``, in [0, 1].
    difference : float, optional
        Of ``self-adapting``: the clinically significant difference, above 0.
    precision_shape, precision_rate : float
        Of ``commensurate``: gamma prior of the precision, (0.001, 0.001) cautious, (1, 0.001) eager.
    unit_sd : float, optional
        SD of one participant's outcome: gives what borrowing was worth for a mean; ``self-adapting`` needs
        it.
    margin : float
        On the scale of the difference; log hazard ratio of rates.

    Returns
    -------
    BorrowedControlsResult

    Raises
    ------
    AnalysisError
        An arm that is missing or there twice, columns of no outcome, a method that the outcome has not, or a
        number out of range.

    Notes
    -----
    Without borrowing a response has the prior Beta(1, 1), and a mean a flat one. See `power_prior`,
    `commensurate_prior` (Hobbs et al. 2011) and `self_adapting_mixture` (Yang et al. 2023) of
    `trialsim.analysis.borrowing`.

    Examples
    --------
    >>> data = pd.DataFrame({"arm": ["past", "placebo", "drug"], "r": [30, 15, 28], "n": [100, 50, 50]})
    >>> found = borrowed_controls(data, arm="arm", control="placebo", active="drug", external="past",
    ...                           responders="r", participants="n", borrowing="power", power=0.5)
    >>> found.to_frame()[["borrowing", "control", "difference", "borrowed_participants"]].round(3)
      borrowing  control  difference  borrowed_participants
    0      none    0.308       0.250                  0.000
    1     power    0.304       0.254                 47.842
    """
    columns = {
        "responders": responders, "participants": participants, "estimate": estimate,
        "standard_error": standard_error, "events": events, "exposure": exposure,
    }  # fmt: skip
    arms = read_control_arms(data, columns, arm)
    groups = _groups(arms, data[arm], {"external": external, "control": control, "active": active})
    if borrowing not in _METHODS or (arms.outcome == "rate" and borrowing not in _OF_RATES):
        served = _OF_RATES if arms.outcome == "rate" else _METHODS
        raise AnalysisError(
            f"is no way to borrow for a {arms.outcome}", field="borrowing", value=borrowing,
            mend=f"use one of {', '.join(served)}",
        )  # fmt: skip
    asked = _Asked(power, difference, precision_shape, precision_rate, unit_sd)
    names: list[Any] = ["none"] if borrowing == "none" else ["none", borrowing]
    read = _rates if arms.outcome == "rate" else _compared
    rows = [read(arms.outcome, groups, name, asked, margin) for name in names]
    frame = pd.DataFrame(rows)
    size = _size_of(arms.outcome, groups["control"], unit_sd)
    alone = float(frame["control_sd"][0]) ** 2
    frame["borrowed_participants"] = [
        np.nan if size is None else borrowed_ess(size, alone, float(sd) ** 2).value
        for sd in frame["control_sd"]
    ]
    return BorrowedControlsResult(frame, borrowing, arms.outcome, margin)


def _groups(
    arms: ControlArms, labels: pd.Series, wanted: dict[str, Hashable]
) -> dict[str, tuple[float, float]]:
    """Return both numbers of each arm; past controls are put together."""
    found: dict[str, tuple[float, float]] = {}
    for name, label in wanted.items():
        rows = (labels == label).to_numpy()
        if not rows.any() or (name != "external" and rows.sum() > 1):
            problem = "is no label of the arm" if not rows.any() else "has more than one row"
            raise AnalysisError(problem, field=name, value=label, mend=f"give one row of the {_PARTS[name]}")
        first, second = arms.first[rows], arms.second[rows]
        if arms.outcome == "mean":
            if not (second > 0).all():
                raise AnalysisError("must be above 0", field="standard_error", value=float(second.min()))
            weight = second**-2.0
            found[name] = float(weight @ first / weight.sum()), float(weight.sum() ** -0.5)
        else:
            found[name] = float(first.sum()), float(second.sum())
    return found


def _size_of(outcome: str, control: tuple[float, float], unit_sd: float | None) -> float | None:
    """Return the participants (of a rate: events) behind the current controls; None if nobody says."""
    of_mean = None if unit_sd is None else (unit_sd / control[1]) ** 2
    return {"response": control[1], "mean": of_mean, "rate": control[0]}[outcome]


def _compared(
    outcome: str, groups: dict[str, tuple[float, float]], name: Borrowing, asked: _Asked, margin: float
) -> dict[str, object]:
    make = _response if outcome == "response" else _mean
    control = make(groups, name, asked)
    active = make(groups | {"control": groups["active"]}, "none", asked)
    if isinstance(control, NormalMixture) and isinstance(active, NormalMixture):
        mean, sd = control.mean(), control.sd()
        above = 1.0 - normal_difference_below(active, control, margin)
    elif isinstance(control, BetaMixture) and isinstance(active, BetaMixture):
        mean, sd = control.mean(), control.sd()
        above = probability_difference_above(active, control, margin)
    else:
        share, mass = control  # type: ignore[misc]  # of the commensurate prior: a grid
        mean = float(mass @ share)
        sd = float(np.sqrt(mass @ (share - mean) ** 2))
        above = float(mass @ (1.0 - active.cdf(share + margin)))  # type: ignore[union-attr]  # a mixture
    of_active = active.mean(), active.sd()  # type: ignore[union-attr]  # a mixture
    return {
        "borrowing": name,
        "control": mean,
        "control_sd": sd,
        "difference": of_active[0] - mean,
        "difference_sd": float(np.hypot(of_active[1], sd)),
        "probability_above": float(np.clip(above, 0.0, 1.0)),
    }


def _response(
    groups: dict[str, tuple[float, float]], name: Borrowing, asked: _Asked
) -> BetaMixture | tuple[Floats, Floats]:
    """Return the posterior of the control's response probability: a mixture, or a grid with its masses."""
    (r, n), past = groups["control"], groups["external"]

    def commensurate() -> tuple[Floats, Floats]:
        logits, mass = commensurate_binomial((r, n), past, CommensuratePrior(asked.shape, asked.rate))
        return expit(logits), mass

    def self_adapting() -> Any:
        return sam_binomial(power_prior_binomial(*past, 1.0), r, n, difference=_difference(asked)).posterior

    ways: dict[str, Callable[[], Any]] = {
        "none": lambda: power_prior_binomial(*past, 0.0).posterior(r, n),
        "pooled": lambda: power_prior_binomial(*past, 1.0).posterior(r, n),
        "power": lambda: power_prior_binomial(*past, asked.power).posterior(r, n),
        "normalized-power": lambda: normalized_power_prior_binomial(past, (r, n)).posterior,
        "discount": lambda: discount_prior_binomial(past, (r, n))[1],
        "commensurate": commensurate,
        "self-adapting": self_adapting,
    }
    return ways[name]()


def _mean(groups: dict[str, tuple[float, float]], name: Borrowing, asked: _Asked) -> NormalMixture:
    """Return the posterior of the control's mean."""
    (y, se), past, unit = groups["control"], groups["external"], asked.unit_sd
    alone = NormalMixture(1.0, y, se, unit)

    def weighed(power: float) -> NormalMixture:
        return alone if power == 0 else power_prior_normal(*past, power, unit_sd=unit).posterior(y, se)

    def self_adapting() -> Any:
        informative = power_prior_normal(*past, 1.0, unit_sd=unit)
        return sam_normal(informative, y, se, difference=_difference(asked)).posterior

    prior, base = CommensuratePrior(asked.shape, asked.rate), (y, _WIDE * se)
    ways: dict[str, Callable[[], Any]] = {
        "none": lambda: alone,
        "pooled": lambda: weighed(1.0),
        "power": lambda: weighed(asked.power),
        "normalized-power": lambda: (
            normalized_power_prior_normal(past, (y, se), base=base, unit_sd=unit).posterior
        ),
        "discount": lambda: discount_prior_normal(past, (y, se), unit_sd=unit)[1],
        "commensurate": lambda: commensurate_normal((y, se), past, prior, unit_sd=unit),
        "self-adapting": self_adapting,
    }
    return ways[name]()


def _difference(asked: _Asked) -> float:
    if asked.difference is None:
        raise AnalysisError("is needed for self-adapting", field="difference", mend="give what would matter")
    return asked.difference


def _rates(
    outcome: str, groups: dict[str, tuple[float, float]], name: Borrowing, asked: _Asked, margin: float
) -> dict[str, object]:
    """Return the row of exponential hazards: of the control's log hazard, and of the log hazard ratio."""
    internal, past, treated = groups["control"], groups["external"], groups["active"]
    if name == "commensurate":
        found = commensurate_exponential(internal, past, treated, CommensuratePrior(asked.shape, asked.rate))
    else:
        found = pooled_exponential(internal, None if name == "none" else past, treated)
    (mean, sd), (ratio, ratio_sd) = found.log_control_hazard(), found.log_hazard_ratio()
    return {
        "borrowing": name,
        "control": float(mean[0]),
        "control_sd": float(sd[0]),
        "difference": float(ratio[0]),
        "difference_sd": float(ratio_sd[0]),
        "probability_above": float(1.0 - found.probability_below(margin)[0]),
    }


def posterior_ess(size: float, variance_none: float, variance: float) -> EffectiveSampleSize:
    """Return n·V_none/V: the internal size that would give the posterior variance without borrowing.

    Parameters
    ----------
    size : float
        Internal participants whose posterior it is.
    variance_none, variance : float
        Posterior variance without and with borrowing.

    Returns
    -------
    EffectiveSampleSize
        In internal participants.

    Examples
    --------
    >>> print(posterior_ess(80, 0.003, 0.002))
    effective sample size 120 (posterior: n V_none / V, internal participants included)
    """
    ratio = positive(variance_none, "variance_none") / positive(variance, "variance")
    return EffectiveSampleSize(
        positive(size, "size") * ratio, "posterior", "n V_none / V, internal participants included"
    )


def borrowed_ess(size: float, variance_none: float, variance: float) -> EffectiveSampleSize:
    """Return n(V_none/V − 1): the *extra* internal participants that borrowing was worth (EHSS).

    Parameters
    ----------
    size : float
        Internal participants, above 0.
    variance_none : float
        Posterior variance without borrowing, above 0.
    variance : float
        Posterior variance with it, above 0.

    Returns
    -------
    EffectiveSampleSize
        Below 0 where borrowing widened the posterior.

    Examples
    --------
    >>> print(borrowed_ess(80, 0.003, 0.002))
    effective sample size 40 (borrowed: n (V_none / V - 1), internal participants left out)
    """
    value = posterior_ess(size, variance_none, variance).value - size
    return EffectiveSampleSize(value, "borrowed", "n (V_none / V - 1), internal participants left out")

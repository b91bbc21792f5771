"""The control arm that borrows, asked on the binary, count and survival scales; and a check by simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialsim.data import Floats
from trialsim.design.borrowing.control_posterior import ControlPosterior, control_posterior
from trialsim.design.borrowing.control_question import check_borrowing
from trialsim.design.borrowing.frontier import ControlFrontier
from trialsim.design.borrowing.normal import NormalBorrowing
from trialsim.design.borrowing.question import (
    BorrowingCharacteristics,
    BorrowingMethod,
    NoBorrowing,
)
from trialsim.design.borrowing.worst_drift import over_drifts
from trialsim.design.sizes.claim import Claim, limits_of
from trialsim.design.sizes.direction import Direction
from trialsim.design.sizes.outcome_scale import OutcomeScale, SurvivalScale
from trialsim.design.sizes.variance import Pair
from trialsim.errors import DesignError
from trialsim.progress import Progress, counted, silent
from trialsim.streams import stream

DECLARED_LOG_DRIFTS = tuple(round(0.1 * step, 1) for step in range(-10, 11))


@dataclass(frozen=True)
class ScaleBorrowingQuestion:
    """A two-arm trial with a fixed active arm and a history, on the working scale of its outcome.

    Parameters
    ----------
    scale : OutcomeScale
        `BinaryScale`, `CountScale` or `SurvivalScale`: control level, effect and follow-up.
    active : int
        Randomised active participants, at least 2.
    history : int
        Past placebo participants, at least 10; for `SurvivalScale` past *events*.
    correlation : float
        ρ in [0, 1) of score and outcome among controls (for survival: and martingale residual).
    power, alpha, type_one_cap : float
        As in `BorrowingQuestion`.
    drifts : tuple of float
        Declared drifts, in log odds, log rate or log hazard: the trial's control level minus the
        history's. Above 0 the outcome comes more often in both arms of the trial.
    dropout : pair of float
        Share without the outcome in (control, active); for survival give `SurvivalScale.loss` instead.
    replicates, seed : int
        Of `simulated_characteristics`.
    margin : float, optional
        Effect under the null, a value of `OutcomeScale.contrast`, such as a hazard ratio of 1.3.
    direction : {"greater", "less"}, optional
        Side of the claim; that of the assumed effect, or against a margin that of no effect.

    Raises
    ------
    DesignError
        If a number is out of range.

    Notes
    -----
    Both arms are estimated on the working scale and taken as normal, with the variances that the rates at
    each drift give them; priors act on that scale, and all their settings are in its unit. Drift moves the
    variances too, so a drift and its opposite differ. With a hundred controls the type I error found so is
    right to about .01 (.02 where few respond): see `check_frontier` before relying on a cap.

    Examples
    --------
    >>> from trialsim.design import BinaryScale
    >>> question = ScaleBorrowingQuestion(BinaryScale(0.3, odds_ratio=2.2), 150, 400)
    >>> print(question.describe())
    response rates 0.3 and 0.485, odds ratio 2.2, correlation 0, history of 400
    """

    scale: OutcomeScale
    active: int
    history: int
    correlation: float = 0.0
    power: float = 0.9
    alpha: float = 0.05
    type_one_cap: float = 0.075
    drifts: tuple[float, ...] = DECLARED_LOG_DRIFTS
    dropout: Pair = (0.0, 0.0)
    replicates: int = 4000
    seed: int = 20261121
    margin: float | None = None
    direction: Direction | None = None

    def __post_init__(self) -> None:
        check_borrowing(self)
        if self.scale.contrast.startswith("risk"):
            raise DesignError(
                "is not what a history's controls are borrowed on: that is the log odds", field="contrast",
                value=self.scale.contrast, mend="tell the effect and the margin as odds ratios",
            )  # fmt: skip
        self.claim.refuse_outside(
            self.scale.effect, self.scale.contrast.replace(" ", "_"), math.exp(self.scale.effect)
        )
        if isinstance(self.scale, SurvivalScale) and max(self.dropout) > 0:
            raise DesignError(
                "is not a share on the survival scale", field="dropout", value=self.dropout,
                mend="give the loss in one unit of time to SurvivalScale",
            )  # fmt: skip
        for drift in (min(self.drifts), max(self.drifts)):
            for treated in (False, True):
                self.scale.residual_variance(self.correlation, treated, drift)

    @property
    def claim(self) -> Claim:
        """What is claimed of the effect on the working scale."""
        null = limits_of(self.margin, None)
        return Claim(tuple(self.scale.working(one) for one in null), self.direction)

    @property
    def null(self) -> float:
        """Effect on the working scale under the null."""
        return self.claim.null[0] if self.claim.null else 0.0

    @property
    def effect(self) -> float:
        """Distance of the assumed effect from the null on the working scale."""
        return self.claim.distances(self.scale.effect)[0]

    @property
    def sd(self) -> float:
        """Unit of drift: one on the working scale."""
        return 1.0

    @property
    def orientation(self) -> int:
        """1 if a drift above 0 makes an active arm look better, -1 if worse."""
        return 1 if self.scale.effect > self.null else -1

    @property
    def symmetric(self) -> bool:
        """False: drift moves the variances."""
        return False

    @property
    def drift_unit(self) -> str:
        """Unit of drift."""
        return self.scale.unit

    @property
    def residual_variance(self) -> float:
        """Variance of one control's part, left by the score, at no drift."""
        return self.scale.residual_variance(self.correlation)

    @property
    def history_variance(self) -> float:
        """Sampling variance of what the history says of the control level."""
        if isinstance(self.scale, SurvivalScale):
            return (1 - self.correlation**2) / self.history
        return self.residual_variance / self.history

    @property
    def critical(self) -> float:
        """Two-sided critical value of a z test."""
        return float(ndtri(1 - self.alpha / 2))

    def analysed_controls(self, controls: float) -> float:
        """Return the controls with an outcome."""
        return controls * (1 - self.dropout[0])

    def arm_variances(self, controls: float, drift: float = 0.0, treated: bool = True) -> Pair:
        """Return the variances (v0, v1) of both arms' estimates; v1 under the null if not `treated`."""
        v0 = self.scale.residual_variance(self.correlation, False, drift)
        # An arm at any level has the variance of controls that drifted there.
        at = (True, drift) if treated else (False, drift + self.null)
        v1 = self.scale.residual_variance(self.correlation, *at)
        return v0 / self.analysed_controls(controls), v1 / (self.active * (1 - self.dropout[1]))

    def detectable(self, controls: float) -> float:
        """Return the drift that the concurrent controls show in half of all trials."""
        return self.critical * math.sqrt(self.arm_variances(controls)[0] + self.history_variance)

    def with_drifts(self, drifts: tuple[float, ...]) -> ScaleBorrowingQuestion:
        """Return the same question over other declared drifts."""
        return replace(self, drifts=drifts)

    def describe(self) -> str:
        """Return the assumptions in the scale's own terms."""
        past = "events" if isinstance(self.scale, SurvivalScale) else ""
        against = "" if self.margin is None else f"against a margin of {self.margin:g}, "
        return (
            f"{self.scale.describe()}, {against}correlation {self.correlation:g}, "
            f"history of {self.history} {past}".rstrip()
        )


def simulated_characteristics(
    method: BorrowingMethod, question: ScaleBorrowingQuestion, controls: int, drifts: Floats
) -> BorrowingCharacteristics:
    """Return what a method does in simulated trials of real responders, counts or event times.

    Every trial draws its own history, controls and active participants, estimates each arm on the working
    scale with its own estimated variance, and forms the posterior there: a check on the normal
    approximation of `BorrowingMethod.characteristics`, which shares no numbers with it but the prior.

    Parameters
    ----------
    method : BorrowingMethod
        `NoBorrowing` without weighting, or a prior of the control mean.
    question : ScaleBorrowingQuestion
        Without a score: the trials that are simulated have none.
    controls : int
        Randomised controls, at least 2.
    drifts : ndarray (D,)
        In the unit of the working scale.

    Returns
    -------
    BorrowingCharacteristics
        At each drift, with Monte Carlo errors.

    Raises
    ------
    DesignError
        For a method or question that is not simulated.

    Examples
    --------
    >>> from trialsim.design import BinaryScale
    >>> question = ScaleBorrowingQuestion(BinaryScale(0.3, odds_ratio=2.2), 150, 400, replicates=1000)
    >>> got = simulated_characteristics(NoBorrowing(), question, 120, np.array([0.0]))
    >>> bool(abs(got.type_one_error[0] - 0.05) < 0.03), bool(got.error < 0.01)
    (True, True)
    """
    if question.correlation > 0:
        raise DesignError(
            "is not simulated here: these trials have no score", field="correlation",
            value=question.correlation, mend="check at a correlation of 0",
        )  # fmt: skip
    plain = isinstance(method, NoBorrowing) and method.variance_factor == 1
    if not plain and not isinstance(method, NormalBorrowing):
        raise DesignError("is not simulated on this scale", field="method", value=method.name)
    prior = None if not isinstance(method, NormalBorrowing) else method
    cells = [_simulated_cell(prior, question, controls, float(d)) for d in np.asarray(drifts, dtype=float)]
    level, power, bias, worth = (np.array(column) for column in zip(*cells, strict=True))
    errors = (float(np.sqrt(one * (1 - one) / question.replicates).max()) for one in (level, power))
    return BorrowingCharacteristics(np.asarray(drifts, dtype=float), level, power, bias, worth, *errors)


def check_frontier(frontier: ControlFrontier, *, progress: Progress = silent) -> pd.DataFrame:
    """Return every point of a frontier beside simulated trials, at no drift and at its worst ones.

    Parameters
    ----------
    frontier : ControlFrontier
        Of a `ScaleBorrowingQuestion` without a score.
    progress : callable, optional
        Called with (stage, points done, points in all).

    Returns
    -------
    DataFrame
        method, controls, power, simulated_power, power_error (its Monte Carlo error),
        worst_type_one_error, at_drift,
        simulated_type_one_error (at that drift) and error, its Monte Carlo error; simulated_worst and
        simulated_at_drift, the largest of those simulated: there is one at the worst integrated drift on
        either side of 0, since a normal approximation may mistake the side.

    Raises
    ------
    DesignError
        A frontier that is integrated or simulated already.

    Examples
    --------
    >>> from trialsim.design import BinaryScale, control_frontier
    >>> question = ScaleBorrowingQuestion(BinaryScale(0.3, 2.2), 150, 400, drifts=(0.0,), replicates=400)
    >>> frame = check_frontier(control_frontier(question, [NoBorrowing()]))
    >>> bool(abs(frame["simulated_power"][0] - frame["power"][0]) < 0.06)
    True
    """
    question = frontier.question
    if not isinstance(question, ScaleBorrowingQuestion):
        raise DesignError(
            "is integrated or simulated already", field="question", mend="check a frontier of another scale"
        )
    rows = []
    for point in counted(frontier.points, "simulated trials", progress):
        sides = _worst_by_side(point.prior, question, point.controls)
        drifts = [0.0, point.at_drift, *(side for side in sides if side != point.at_drift)]
        found = simulated_characteristics(point.prior, question, point.controls, np.array(drifts))
        power, level = float(found.power[0]), float(found.type_one_error[1])
        worst, at_drift = found.worst()
        rows.append(
            {
                "method": point.method,
                "controls": point.controls,
                "power": point.power,
                "simulated_power": power,
                "power_error": math.sqrt(power * (1 - power) / question.replicates),
                "worst_type_one_error": point.worst_type_one_error,
                "at_drift": point.at_drift,
                "simulated_type_one_error": level,
                "error": math.sqrt(level * (1 - level) / question.replicates),
                "simulated_worst": worst,
                "simulated_at_drift": at_drift,
            }
        )
    return pd.DataFrame(rows)


def _worst_by_side(
    method: BorrowingMethod, question: ScaleBorrowingQuestion, controls: int
) -> tuple[float, ...]:
    """Return the drifts with the largest integrated type I error, below 0 and above."""
    drifts = np.asarray(question.drifts)
    sides = [side for side in (drifts[drifts < 0], drifts[drifts > 0]) if len(side)]
    return tuple(over_drifts(method, question, controls, side).worst()[1] for side in sides)


def _simulated_cell(
    prior: NormalBorrowing | None, question: ScaleBorrowingQuestion, controls: int, drift: float
) -> tuple[float, float, float, float]:
    """Return level, power, bias and effective controls at one drift."""
    scale, replicates = question.scale, question.replicates
    rng = stream(question.seed, f"scale {drift!r}", controls, "outcome")
    analysed = max(2, round(question.analysed_controls(controls)))
    others = max(2, round(question.active * (1 - question.dropout[1])))
    control, control_variance = scale.estimates(analysed, replicates, rng, False, drift)
    null, null_variance = scale.estimates(others, replicates, rng, False, drift + question.null)
    treated, treated_variance = scale.estimates(others, replicates, rng, True, drift)
    past, _ = scale.estimates(_past_participants(question), replicates, rng)
    sign = question.orientation
    u, y0, y1 = (sign * (one - past) for one in (control, null - question.null, treated - question.null))
    posterior = _posterior(prior, question, u, control_variance[:, None])
    centre, spread = posterior.moments()
    tail = question.alpha / 2
    below = posterior.no_benefit(y0, null_variance[:, None])
    return (
        float(np.mean((below < tail) | (below > 1 - tail))),
        float(np.mean(posterior.no_benefit(y1, treated_variance[:, None]) < tail)),
        float(np.mean(y0 - centre)),
        float(question.analysed_controls(controls) * (control_variance.mean() / spread.mean() - 1)),
    )


def _past_participants(question: ScaleBorrowingQuestion) -> int:
    if isinstance(question.scale, SurvivalScale):
        return round(question.history / question.scale.event_probability())
    return question.history


def _posterior(
    prior: NormalBorrowing | None, question: ScaleBorrowingQuestion, u: Floats, own: Floats
) -> ControlPosterior:
    """Return the control mean's posterior in each trial, from its estimate (R,) and own variance (R, 1)."""
    if prior is None:
        return ControlPosterior(np.ones_like(own), u[:, None], own)
    log_weight = prior.log_weights(question, u, np.sqrt(own[:, 0]))
    return control_posterior(u, own, log_weight, prior.components(question)[1])

"""What an analysis said of each trial of a block, at the look at which that trial stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from trialsim.analysis.one_trial.deciding import deviate
from trialsim.data import Bools, Decision, Estimates, Floats
from trialsim.design import tally
from trialsim.design.operating_characteristics import Tally
from trialsim.study.designs.sequential_block import SequentialBlock
from trialsim.study.designs.sequential_characteristics import SequentialTally, tally_stopping
from trialsim.trial.interim import Stopping

OWN, OF_DESIGN, AGAINST = "own", "design", "against_null"


@dataclass(frozen=True)
class Reading:
    """One analysis of a block.

    Parameters
    ----------
    estimates : Estimates
        At the look at which each trial stopped (R,).
    statistic : ndarray (R, K)
        Larger is better for the active arm; NaN where there is none.
    stopping : Stopping
        Where and why each trial stopped.
    reached : ndarray of bool (R, K)
        Whether each look had what it waited for.
    counted : dict of str to ndarray (R, K) or (R,)
        ``size``, ``events``, ``months`` and others, at each look or when the trial stopped.
    estimated : bool
        Whether the design gives an estimate at all.
    decides : str, optional
        The test that decides every trial, where that is the design's and not the analysis's.
    """

    estimates: Estimates
    statistic: Floats
    stopping: Stopping
    reached: Bools
    counted: dict[str, np.ndarray]
    estimated: bool = True
    decides: str | None = None

    def tally(self, truth: float, alpha: float) -> Tally:
        """Return the sums of the estimates; `alpha` is one-sided, intervals have level 1 − 2 alpha."""
        one = self.estimates
        if not self.estimated:
            return Tally(replicates=len(one))
        half_width = np.asarray(stdtrit(one.df, 1 - alpha) * one.standard_error)
        return tally(one, truth, 2 * alpha, half_width)

    def stops(self) -> SequentialTally:
        """Return the sums of claims, sizes and months."""
        return tally_stopping(self.stopping, self.statistic, self.reached, **self.counted)

    def decided(self) -> dict[str, int]:
        """Return how many trials each test decided, ``none`` where there was no test."""
        if self.decides is not None:
            none = int(np.isnan(self.stopping.at(self.statistic)).sum())
            return {"none": none, self.decides: len(self.statistic) - none}
        return decision_of(self.estimates).counts()

    def columns(self, name: str) -> dict[str, np.ndarray]:
        """Return one column a number, one row a replicate."""
        one = self.estimates
        found = {
            f"{name}_estimate": one.estimate,
            f"{name}_standard_error": one.standard_error,
            f"{name}_df": one.df,
            f"{name}_p_value": p_value_of(one),
            f"{name}_status": np.asarray(one.reasons, dtype=object)[one.status],
            f"{name}_look": self.stopping.look + 1,
            f"{name}_decision": self.stopping.decision,
        }
        for key, value in self.counted.items():
            found[f"{name}_{key}"] = value if value.ndim == 1 else self.stopping.at(value)
        return found


def reading_of(block: SequentialBlock, label: str, alpha: float) -> Reading:
    """Return a block of a planned design as a reading; its interval has the level 1 − 2 alpha."""
    counted = {name: np.asarray(value) for name, value in block.counted.items()}
    reached = np.ones(block.statistic.shape, dtype=bool) if block.reached is None else block.reached
    if block.estimate is None:
        nothing = np.full(len(block.statistic), np.nan)
        none = Estimates(
            label, nothing, nothing, nothing, nothing, nothing,
            np.ones(len(nothing), dtype=np.int8), ("ok", "no_estimate"),
        )  # fmt: skip
        return Reading(
            none, block.statistic, block.stopping, reached, counted, estimated=False, decides=OF_DESIGN
        )
    value = block.estimate.value
    error = block.estimate.half_width / -ndtri(alpha)
    seen = np.isfinite(value) & np.isfinite(error) & (error > 0)
    z = np.where(seen, value / np.where(seen, error, 1.0), np.nan)
    estimates = Estimates(
        label, np.where(seen, value, np.nan), np.where(seen, error, np.nan), np.full(len(z), np.inf), z,
        np.asarray(2 * ndtr(-np.abs(z))), (~seen).astype(np.int8), ("ok", "no_estimate"),
    )  # fmt: skip
    return Reading(estimates, block.statistic, block.stopping, reached, counted, decides=OF_DESIGN)


def decision_of(estimates: Estimates) -> Decision:
    """Return the test that decides each replicate: the analysis's own, unless it names others."""
    if estimates.decision is not None:
        return estimates.decision
    with np.errstate(invalid="ignore"):
        z = np.asarray(-ndtri(estimates.p_value / 2) * np.sign(estimates.estimate))
    return Decision(z, (~np.isnan(z)).astype(np.int8), ("none", OWN))


def p_value_of(estimates: Estimates) -> Floats:
    """Return the two-sided p value of the test that decides each replicate (R,).

    Examples
    --------
    >>> one, none = np.array([1.0]), np.array([np.nan])
    >>> decision = Decision(np.array([1.96]), np.array([1], np.int8), ("none", "score"))
    >>> found = Estimates("a", none, none, none, none, none, np.array([1], np.int8), ("ok", "odd"), decision)
    >>> p_value_of(found).round(4)
    array([0.05])
    """
    if estimates.decision is None:
        return estimates.p_value
    decides = estimates.decision.p_value
    # Where the estimate's own test decides, its own digits stay: turning t into z and back rounds.
    same = np.isclose(decides, estimates.p_value, rtol=1e-9, atol=0.0)
    return np.where(same, estimates.p_value, decides)


def held_against(estimates: Estimates, limits: Sequence[float], sign: float) -> Estimates:
    """Return estimates whose claims are held against a margin, or within limits of equivalence.

    Parameters
    ----------
    estimates : Estimates
        With their standard errors.
    limits : sequence of float
        None of them, a margin, or two limits, on the scale of the estimate.
    sign : float
        1 where a larger estimate favours the active arm, else −1.

    Returns
    -------
    Estimates
        With the deviate of the distance from the margin, in the direction of benefit; of equivalence the
        smaller of both distances (two one-sided tests). Nothing stands in for a fit without an estimate.

    Examples
    --------
    >>> one = np.array([0.0])
    >>> found = Estimates("a", one, one + 0.1, one + np.inf, one, one + 1.0, np.array([0], np.int8))
    >>> held_against(found, (-0.2,), 1.0).decision.z, held_against(found, (-0.2, 0.1), -1.0).decision.z
    (array([2.]), array([-1.]))
    """
    if not limits:
        return estimates
    with np.errstate(invalid="ignore"):
        low = (estimates.estimate - limits[0]) / estimates.standard_error
        high = (limits[-1] - estimates.estimate) / estimates.standard_error
    t = np.minimum(low, high) if len(limits) == 2 else np.where(sign > 0, low, high)
    z = sign * deviate(2.0 * stdtr(estimates.df, -np.abs(t)), t)
    tested = ~np.isnan(z)
    return replace(estimates, decision=Decision(z, tested.astype(np.int8), ("none", AGAINST)))


def benefit(estimates: Estimates, sign: float) -> Floats:
    """Return the standard normal deviate of the test that decides, signed so that larger is better (R,)."""
    return sign * decision_of(estimates).z


def at_look(looks: Sequence[Estimates], look: np.ndarray) -> Estimates:
    """Return each trial's estimates at its own look."""
    if len(looks) == 1:
        return looks[0]
    reasons = tuple(dict.fromkeys(reason for one in looks for reason in one.reasons))

    def pick(columns: list[np.ndarray]) -> np.ndarray:
        return np.asarray(np.stack(columns, axis=1)[np.arange(len(look)), look])

    def number(name: str) -> np.ndarray:
        return pick([getattr(one, name) for one in looks])

    coded = [np.array([reasons.index(reason) for reason in one.reasons])[one.status] for one in looks]
    decisions = [decision_of(one) for one in looks]
    tests = tuple(dict.fromkeys(test for one in decisions for test in one.tests))
    named = [np.array([tests.index(test) for test in one.tests])[one.test] for one in decisions]
    decision = Decision(pick([one.z for one in decisions]), pick(named).astype(np.int8), tests)
    return Estimates(
        looks[0].analysis, number("estimate"), number("standard_error"), number("df"), number("statistic"),
        number("p_value"), pick(coded).astype(np.int8), reasons, decision,
    )  # fmt: skip

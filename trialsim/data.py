"""The nouns that rooms hand to each other: small frozen dataclasses over plain arrays.

Axes always come in the order replicate, participant, visit, draw: ``R, N, V, D``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy import special

from trialsim.notebook import InNotebook

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

STATUS_OK = 0


def for_kernel(values: ArrayLike, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Return values as the one kind of array that compiled kernels take: in C order, and not read-only.

    To numba an array that is marked as read-only is another type, for which a kernel is compiled anew: that
    takes up to half a minute. A broadcast, mapped or pandas array is therefore copied.

    Parameters
    ----------
    values : array_like
        Of any shape.
    dtype : data type, optional
        That of the values where it is not given.

    Returns
    -------
    ndarray
        The same values, and the same memory where nothing had to change.

    Examples
    --------
    >>> shown = np.broadcast_to(1.0, (1, 3))
    >>> shown.flags.writeable, for_kernel(shown).flags.writeable
    (False, True)
    """
    return np.require(values, dtype, ["C", "W"])


@dataclass(frozen=True)
class Covariates(InNotebook):
    """Baseline covariates of participants.

    Parameters
    ----------
    names : tuple of str
        Names of the columns, such as ``("age", "mmse")``; P of them.
    values : ndarray (N, P)
        One row a participant; binary covariates are 0 or 1; NaN where missing.
    """

    names: tuple[str, ...]
    values: Floats

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: str) -> Floats:
        """Return one covariate (N,)."""
        return self.values[:, self.names.index(name)]

    def select(self, names: Sequence[str]) -> Covariates:
        """Return the named covariates, in the order asked for."""
        return Covariates(tuple(names), self.values[:, [self.names.index(name) for name in names]])

    def take(self, rows: NDArray[np.generic]) -> Covariates:
        """Return the given participants, by position or mask."""
        return Covariates(self.names, self.values[rows])

    def to_frame(self) -> pd.DataFrame:
        """Return one row a participant."""
        return pd.DataFrame(self.values, columns=list(self.names))


@dataclass(frozen=True)
class History(InNotebook):
    """Past placebo participants that a prognosis learns from.

    Every covariate is a baseline value; outcomes are what was *measured*. Nothing latent is here.

    Parameters
    ----------
    endpoint : str
        Name of the outcome, such as ``"cdr_sb"``.
    source : str
        Where the participants come from, for the report.
    generated : bool
        True if the trial's own model made it: then what is learnt is optimistic by construction.
    covariates : Covariates
        N participants.
    weeks : ndarray (V,)
        Nominal weeks of the post-baseline visits, ascending, all above 0.
    baseline : ndarray (N,)
        Measured outcome at week 0; NaN where missing.
    outcomes : ndarray (N, V)
        Measured outcome at the later visits; NaN where missing.
    group : ndarray of int (N,)
        Study or site of each participant, from 0, for validation by group.
    """

    endpoint: str
    source: str
    generated: bool
    covariates: Covariates
    weeks: Floats
    baseline: Floats
    outcomes: Floats
    group: Ints

    def __len__(self) -> int:
        return len(self.baseline)

    def take(self, rows: NDArray[np.generic]) -> History:
        """Return the given participants, by position or mask."""
        return History(
            self.endpoint,
            self.source,
            self.generated,
            self.covariates.take(rows),
            self.weeks,
            self.baseline[rows],
            self.outcomes[rows],
            self.group[rows],
        )

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: participant, group, week, outcome and every covariate; missing left out."""
        weeks = np.concatenate([[0.0], self.weeks])
        outcomes = np.column_stack([self.baseline, self.outcomes])
        frame = self.covariates.to_frame()
        frame.insert(0, "participant", np.arange(len(self)))
        frame.insert(1, "group", self.group)
        frame = frame.loc[frame.index.repeat(len(weeks))].reset_index(drop=True)
        frame.insert(2, "week", np.tile(weeks, len(self)))
        frame.insert(3, self.endpoint, outcomes.ravel())
        return frame[frame[self.endpoint].notna()].reset_index(drop=True)


@dataclass(frozen=True)
class Twins(InNotebook):
    """Placebo twins: the posterior predictive placebo outcome of each participant at each visit.

    Parameters
    ----------
    weeks : ndarray (V,)
        Weeks of the predicted visits.
    score : ndarray (N, V)
        Prognostic score: mean of the predictive distribution.
    sd : ndarray (N, V)
        Standard deviation of the predictive distribution, above 0.
    draws : ndarray (N, V, D), optional
        Predictive draws.
    """

    weeks: Floats
    score: Floats
    sd: Floats
    draws: Floats | None = None

    def __len__(self) -> int:
        return len(self.score)

    def take(self, rows: NDArray[np.generic]) -> Twins:
        """Return the given participants, by position or mask."""
        draws = None if self.draws is None else self.draws[rows]
        return Twins(self.weeks, self.score[rows], self.sd[rows], draws)


@dataclass(frozen=True)
class Decision:
    """The test that decides each replicate, which may exist where the effect cannot be estimated.

    An analysis whose fit can fail because the data are extreme (an arm without events, separation) names
    beforehand which test stands in. So extreme data are evidence, and never "not rejected" for want of a fit.

    Parameters
    ----------
    z : ndarray (R,)
        Standard normal deviate under the null, with the sign of the estimate (a t statistic is turned into
        the deviate with its p value); NaN where no test exists.
    test : ndarray of int8 (R,)
        Position in `tests` of the one that decided.
    tests : tuple of str
        ``("none", ...)`` and then the tests in the order of the rule, such as ``"wald"``, ``"score"``.
    """

    z: Floats
    test: NDArray[np.int8]
    tests: tuple[str, ...]

    @property
    def p_value(self) -> Floats:
        """Two-sided p value (R,); NaN where no test exists."""
        return np.asarray(2.0 * special.ndtr(-np.abs(self.z)))

    def counts(self) -> dict[str, int]:
        """Return how many replicates each test decided."""
        found = np.bincount(self.test, minlength=len(self.tests))
        return {name: int(count) for name, count in zip(self.tests, found, strict=True)}


@dataclass(frozen=True)
class Estimates(InNotebook):
    """What an analysis says of each replicate, or of one real data set (R = 1).

    Parameters
    ----------
    analysis : str
        Name of the analysis.
    estimate, standard_error, df, statistic, p_value : ndarray (R,)
        Active minus control; two-sided p. NaN where the fit failed. ``df`` is infinite for a z test.
    status : ndarray of int8 (R,)
        0 where the fit succeeded, else a position in `reasons`.
    reasons : tuple of str
        Meaning of each status; ``reasons[0]`` is ``"ok"``.
    decision : Decision, optional
        The test that decides, where it can differ from `statistic`; else `statistic` decides.
    """

    analysis: str
    estimate: Floats
    standard_error: Floats
    df: Floats
    statistic: Floats
    p_value: Floats
    status: NDArray[np.int8]
    reasons: tuple[str, ...] = field(default=("ok",))
    decision: Decision | None = None

    def __len__(self) -> int:
        return len(self.estimate)

    @property
    def fitted(self) -> Bools:
        """Where the estimate and its standard error exist, penalised or not (R,)."""
        return np.isfinite(self.estimate) & np.isfinite(self.standard_error)

    def rejects(self, alpha: float) -> Bools:
        """Return whether the null is rejected two-sidedly at `alpha`, by the test that decides.

        Without a `decision` a failed fit never rejects.
        """
        if self.decision is not None:
            return np.asarray(self.decision.p_value <= alpha)
        return np.asarray((self.status == STATUS_OK) & (self.p_value <= alpha))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a replicate, with the status in words."""
        return pd.DataFrame(
            {
                "analysis": self.analysis,
                "replicate": np.arange(len(self)),
                "estimate": self.estimate,
                "standard_error": self.standard_error,
                "df": self.df,
                "statistic": self.statistic,
                "p_value": self.p_value,
                "status": np.asarray(self.reasons)[self.status],
            }
        )


@dataclass(frozen=True)
class OutcomeHistory(InNotebook):
    """Past placebo participants with a response, an ordered level, a count or a time to an event.

    Parameters
    ----------
    endpoint, source : str
        Name of the outcome, and where the participants come from.
    family : str
        ``binary``, ``ordinal``, ``count``, ``weibull``, ``cure`` or ``piecewise``.
    covariates : Covariates
        N participants; the baseline value of a score is one of them.
    outcome : ndarray (N,)
        1 for a response or an event, 0 for none or censored; the position of an ordinal outcome in
        `levels`, from 0; the number of events during follow-up.
    time : ndarray (N,)
        Weeks of follow-up, above 0; the week of assessment for a binary or an ordinal outcome.
    group : ndarray of int (N,)
        Study or site, from 0: three or more have effects of their own.
    levels : tuple of str
        Names of the levels of an ordinal outcome, from least to most; none for other families.
    generated : bool
        True if the trial's own model made it: then what is learnt is optimistic by construction.
    """

    endpoint: str
    source: str
    family: str
    covariates: Covariates
    outcome: Floats
    time: Floats
    group: Ints
    levels: tuple[str, ...] = ()
    generated: bool = False

    def __len__(self) -> int:
        return len(self.outcome)

    def take(self, rows: np.ndarray) -> OutcomeHistory:
        """Return the given participants, by position or mask."""
        return OutcomeHistory(
            self.endpoint,
            self.source,
            self.family,
            self.covariates.take(rows),
            self.outcome[rows],
            self.time[rows],
            self.group[rows],
            self.levels,
            self.generated,
        )

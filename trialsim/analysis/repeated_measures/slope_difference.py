"""Slopes: how much faster or slower an outcome changes in one arm than in another.

Every participant has an own level and an own slope (random coefficients)::

    y_ij = b0 + b1 arm + b2 t_ij + b3 arm t_ij + x_i'c + u_i0 + u_i1 t_ij + e_ij        (u_i0, u_i1) ~ N(0, G)

The effect is b3, the difference of the slopes. REML; degrees of freedom by Satterthwaite. Times may differ
between participants. Time is scaled by its spread inside, which changes nothing but digits.

Source: Laird NM, Ware JH. Random-effects models for longitudinal data. Biometrics 1982; 38: 963-974.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from trialsim.analysis.one_trial.printed import Facts, Printed, Tables
from trialsim.analysis.one_trial.tidy_frame import (
    Columns,
    as_names,
    check_level,
    check_roles,
    codes_of,
    control_first,
    is_number,
    read_numbers,
    read_outcome,
    refuse_missing,
    refuse_small_arms,
    row_name,
)
from trialsim.analysis.repeated_measures.general.families import RandomCoefficients
from trialsim.analysis.repeated_measures.general.likelihood import fit_general
from trialsim.data import Bools, Floats, Ints
from trialsim.errors import AnalysisError


@dataclass(frozen=True, repr=False)
class SlopesResult(Printed):
    """Slopes of the arms and how they differ.

    Parameters
    ----------
    outcome, time : str
        Names.
    arms : tuple
        Labels, the control first.
    participants : int
        With at least one outcome.
    observations : int
    differences, slopes : DataFrame
        Arm minus control, and each arm: a unit of outcome by a unit of time.
    random_covariance : DataFrame (2, 2)
        G: of level and slope at time 0.
    residual_variance, minus_two_log_likelihood : float
    level : float
        Of the intervals.
    """

    outcome: str
    time: str
    arms: tuple[object, ...]
    participants: int
    observations: int
    differences: pd.DataFrame
    slopes: pd.DataFrame
    random_covariance: pd.DataFrame
    residual_variance: float
    minus_two_log_likelihood: float
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return the differences of the slopes, arm minus control."""
        return self.differences.copy()

    def _title(self) -> str:
        return f"Slopes of {self.outcome} over {self.time}"

    def _facts(self) -> Facts:
        return {
            "method": "random level and slope, REML, Satterthwaite df",
            "participants": f"{self.participants} with an outcome",
            "observations": f"{self.observations}",
            "residual variance": f"{self.residual_variance:.6g}",
            "fit": f"-2 log-likelihood {self.minus_two_log_likelihood:.4f}",
        }

    def _tables(self) -> Tables:
        return {
            f"Slopes: arm minus {self.arms[0]}, {100 * self.level:g}% intervals": self.differences,
            "Slopes of the arms": self.slopes,
            "Covariance of level and slope between participants": self.random_covariance.reset_index(),
        }


def slopes(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    time: str,
    participant: str,
    covariates: Columns = (),
    control: object = None,
    level: float = 0.95,
) -> SlopesResult:
    """Compare the slopes of arms over time, every participant having an own level and slope.

    Parameters
    ----------
    data : DataFrame
        One row a participant and time. Rows with a missing outcome are dropped (missing at random).
    outcome, arm, time, participant : str
        Columns; time is a number, such as years since randomisation.
    covariates : str or sequence of str
        Baseline columns, the same in every row of a participant; text is a factor.
    control : object, optional
        The control arm; else the first level.
    level : float
        Confidence level of the intervals, in (0, 1).

    Returns
    -------
    SlopesResult

    Raises
    ------
    AnalysisError
        If a column is not what it must be, nobody has two times, or the fit does not converge.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> frame = pd.DataFrame({"id": np.repeat(np.arange(60), 4), "year": np.tile([0.0, 0.5, 1.0, 2.0], 60)})
    >>> frame["arm"] = np.where(frame["id"] % 2, "active", "placebo")
    >>> own = rng.normal(size=(60, 2)) + [50.0, -3.0]
    >>> frame["y"] = own[frame["id"], 0] + own[frame["id"], 1] * frame["year"] + rng.normal(size=240)
    >>> found = slopes(frame, outcome="y", arm="arm", time="year", participant="id", control="placebo")
    >>> found.to_frame().shape
    (1, 8)
    """
    check_level(level)
    names = as_names(covariates)
    check_roles(data, [outcome, arm, time, participant, *names])
    for name in (arm, participant):
        refuse_missing(data, name)
    kept = np.flatnonzero(~np.isnan(read_outcome(data, outcome)))
    rows = data.iloc[kept]
    labels = tuple(control_first(codes_of(rows[arm])[1], control, arm))
    who, people = pd.factorize(rows[participant].array)
    group = np.array([labels.index(label) for label in codes_of(rows[arm])[1]])[codes_of(rows[arm])[0]]
    columns, terms = _baseline(rows, names, kept)
    fixed = np.column_stack([group.astype(np.float64), *columns])
    _refuse_changing(fixed, who, len(people), [arm, *terms], kept)
    y, t = rows[outcome].to_numpy(np.float64), read_numbers(rows, time, kept)
    first = np.zeros(len(people), np.int64)
    first[who] = group
    refuse_small_arms(labels, np.bincount(first, minlength=len(labels)), arm)
    size = float(t.std())
    if size == 0.0 or np.unique(np.column_stack([who, t]), axis=0).shape[0] < len(people) + 2:
        raise AnalysisError("needs participants with two times or more", field=time)
    design = _design(t / size, group, columns, len(labels))
    x, wide, z, seen = _by_participant(who, len(people), design, y, t / size)
    centre = float(y.mean())
    fit = fit_general(x, np.where(seen, wide - centre, np.nan), RandomCoefficients(z))
    family = RandomCoefficients(z)
    scale = np.diag([1.0, 1.0 / size])
    random = scale @ family.random_covariance(fit.theta) @ scale
    arms = len(labels)
    each = np.zeros((arms, design.shape[1]))
    each[:, 1] = 1.0
    each[range(1, arms), arms + np.arange(1, arms)] = 1.0
    axis = pd.Index(["level", "slope"], name="")
    return SlopesResult(
        outcome,
        time,
        labels,
        len(people),
        len(y),
        _judged(fit.table((each[1:] - each[:1]) / size), labels[1:], level),
        _judged(fit.table(each / size), labels, level).drop(columns=["statistic", "p_value"]),
        pd.DataFrame(random, index=axis, columns=["level", "slope"]),
        float(np.exp(fit.theta[-1])),
        fit.deviance + 2.0 * arms * np.log(size),
        level,
    )


def _design(t: Floats, group: Ints, columns: Sequence[Floats], arms: int) -> Floats:
    """Return intercept, time, arms but the control, their times, and the covariates."""
    own = (group[:, None] == np.arange(1, arms)) * 1.0
    return np.column_stack([np.ones(len(t)), t, own, own * t[:, None], *columns])


def _baseline(rows: pd.DataFrame, names: Sequence[str], kept: Ints) -> tuple[list[Floats], list[str]]:
    """Return numbers about their mean, and indicators of each level of a factor but the first."""
    columns: list[Floats] = []
    terms: list[str] = []
    for name in names:
        if is_number(rows[name]):
            values = read_numbers(rows, name, kept)
            columns.append(values - values.mean())
            terms.append(name)
            continue
        refuse_missing(rows, name, kept)
        codes, levels = codes_of(rows[name])
        columns += [(codes == level) * 1.0 for level in range(1, len(levels))]
        terms += [name] * (len(levels) - 1)
    return columns, terms


def _refuse_changing(fixed: Floats, who: Ints, people: int, names: Sequence[str], kept: Ints) -> None:
    one = np.zeros((people, fixed.shape[1]))
    one[who] = fixed
    for k, name in enumerate(names):
        changed = one[who, k] != fixed[:, k]
        if changed.any():
            raise AnalysisError(
                f"must be the same in every row of a participant, but changes in {row_name(changed, kept)}",
                field=name,
                mend="give the baseline value in every row",
            )


def _by_participant(
    who: Ints, people: int, design: Floats, y: Floats, t: Floats
) -> tuple[Floats, Floats, Floats, Bools]:
    """Return design (N, V, p), outcomes (N, V), random design (N, V, 2), and which records there are."""
    order = np.lexsort((t, who))
    counts = np.bincount(who, minlength=people)
    place = np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts)
    at = who[order], place
    most = int(counts.max())
    x = np.zeros((people, most, design.shape[1]))
    wide = np.zeros((people, most))
    z = np.zeros((people, most, 2))
    seen = np.zeros((people, most), bool)
    x[at], wide[at], seen[at] = design[order], y[order], True
    z[at] = np.column_stack([np.ones(len(t)), t[order]])
    return x, wide, z, seen


def _judged(table: Floats, labels: Sequence[object], level: float) -> pd.DataFrame:
    error, df = np.sqrt(table[:, 1]), table[:, 2]
    statistic = table[:, 0] / error
    half = stdtrit(df, 0.5 + level / 2.0) * error
    return pd.DataFrame(
        {
            "arm": list(labels),
            "estimate": table[:, 0],
            "standard_error": error,
            "df": df,
            "lower": table[:, 0] - half,
            "upper": table[:, 0] + half,
            "statistic": statistic,
            "p_value": 2.0 * stdtr(df, -np.abs(statistic)),
        }
    )

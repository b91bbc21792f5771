r"""t tests by name: Welch, pooled, paired, and the two-period crossover.

A 2×2 crossover gives each participant both treatments, in one of two orders. With d a participant's first
minus second period, the effect of treatment is half the difference of the mean d of the orders, and that of
the periods half their sum; what is left over from the first period is seen in the participants' sums (Hills
and Armitage 1979, Br. J. Clin. Pharmacol. 8:7).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from trialsim.analysis.linear.block import check_choice
from trialsim.analysis.linear.design import read_design
from trialsim.analysis.linear.result import inference
from trialsim.analysis.one_trial.tidy_frame import check_level, check_roles, levels_of, read_numbers
from trialsim.data import Floats
from trialsim.errors import AnalysisError

Spread = Literal["welch", "pooled"]


def t_test(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    control: Hashable | None = None,
    active: Hashable | None = None,
    variance: Spread = "welch",
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare the means of two arms by Welch's t test, or by Student's with a pooled variance.

    Parameters
    ----------
    data, outcome, arm, control, active, level
        As in `ancova`.
    variance : {"welch", "pooled"}
        A variance for each arm, with Satterthwaite's degrees of freedom; or one for both.

    Returns
    -------
    DataFrame
        One row: comparison, estimate, standard_error, df, statistic, p_value, lower, upper.

    Raises
    ------
    AnalysisError
        If a column cannot be used, or nothing varies within the arms.

    Examples
    --------
    >>> trial = pd.DataFrame({"arm": list("pppddd"), "y": [1.0, 2, 3, 2, 4, 9]})
    >>> t_test(trial, outcome="y", arm="arm", control="p")[["estimate", "df"]].round(3).values.tolist()
    [[3.0, 2.306]]
    """
    check_level(level)
    check_choice("variance", variance, ("welch", "pooled"))
    design = read_design(data, outcome=outcome, arm=arm, control=control, active=active, two_arms=True)
    arms = [design.outcome[design.arm == a] for a in (0, 1)]
    return _compare(arms, f"{design.arms[1]} - {design.arms[0]}", outcome, variance, level)


def _compare(arms: list[Floats], name: str, outcome: str, variance: Spread, level: float) -> pd.DataFrame:
    n = np.array([len(one) for one in arms], dtype=np.float64)
    squares = np.array([one.var(ddof=1) for one in arms])
    df = float(n.sum() - 2.0)
    if variance == "pooled":
        squares = np.full(2, ((n - 1.0) * squares).sum() / df)
    pieces = squares / n
    if not pieces.sum() > 0.0:
        raise AnalysisError("no_residual_variance: does not vary within the arms", field=outcome)
    if variance == "welch":
        df = float(pieces.sum() ** 2 / (pieces**2 / (n - 1.0)).sum())
    effect = np.array([arms[1].mean() - arms[0].mean()])
    return inference((name,), effect, np.array([[pieces.sum()]]), df, level, "comparison")


def paired_t_test(data: pd.DataFrame, *, first: str, second: str, level: float = 0.95) -> pd.DataFrame:
    """Test the mean of second minus first, two columns of the same participants.

    Parameters
    ----------
    data : DataFrame
        One row a participant; rows where either is missing are left out.
    first, second : str
        Numeric columns.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        One row, as `t_test`.

    Raises
    ------
    AnalysisError
        If a column cannot be used, fewer than two pairs are complete, or all differences are the same.

    Examples
    --------
    >>> trial = pd.DataFrame({"before": [1.0, 2, 3, 4], "after": [2.0, 4, 4, 6]})
    >>> found = paired_t_test(trial, first="before", second="after")
    >>> found[["estimate", "statistic"]].round(3).values.tolist()
    [[1.5, 5.196]]
    """
    check_level(level)
    check_roles(data, [first, second])
    complete = data[data[[first, second]].notna().all(axis=1)]
    change = read_numbers(complete, second) - read_numbers(complete, first)
    if len(change) < 2:
        raise AnalysisError("too_few_participants: fewer than two complete pairs", field=second)
    variance = change.var(ddof=1) / len(change)
    if not variance > 0.0:
        raise AnalysisError("no_residual_variance: every difference is the same", field=second)
    return inference(
        (f"{second} - {first}",), np.array([change.mean()]), np.array([[variance]]), len(change) - 1.0, level,
        "comparison",
    )  # fmt: skip


def crossover(
    data: pd.DataFrame,
    *,
    outcome: str,
    participant: str,
    period: str,
    arm: str,
    control: Hashable | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Analyse a crossover of two treatments in two periods.

    Parameters
    ----------
    data : DataFrame
        One row a participant and period; participants without both outcomes are left out.
    outcome, participant, period, arm : str
        Columns: a number, who, when (two levels, in order), and the treatment of that period.
    control : optional
        Treatment that the other is compared with; the first level unless given.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        One row each for treatment, period (second minus first), and carry-over, with Student's t of the
        pooled variance between participants. Carry-over is the difference of the orders' mean sums, of who
        begins with the treatment minus who begins with the control.

    Raises
    ------
    AnalysisError
        If a column cannot be used, or an order has fewer than two complete participants.

    Examples
    --------
    >>> data = pd.DataFrame({
    ...     "id": [1, 1, 2, 2, 3, 3, 4, 4], "period": [1, 2] * 4, "drug": list("dpdppdpd"),
    ...     "y": [8.0, 5, 9, 7, 4, 6, 5, 9]})
    >>> found = crossover(data, outcome="y", participant="id", period="period", arm="drug", control="p")
    >>> found["estimate"].tolist()
    [2.75, 0.25, 2.5]
    """
    check_level(level)
    check_roles(data, [outcome, participant, period, arm])
    periods, arms = levels_of(data[period]), levels_of(data[arm])
    for name, levels in ((period, periods), (arm, arms)):
        if len(levels) != 2:
            raise AnalysisError("must have two levels", field=name, value=len(levels))
    if control is not None and control not in arms:
        raise AnalysisError("is not a level of the data", field="control", value=control)
    base = arms[0] if control is None else control
    treatment = next(one for one in arms if one != base)
    if data.duplicated([participant, period]).any():
        raise AnalysisError("has a participant twice in a period", field=participant)
    rows = data.set_index([participant, period])
    y = rows[outcome].unstack()[periods].dropna()  # noqa: PD010  # nothing is aggregated
    given = rows[arm].unstack()[periods].loc[y.index]  # noqa: PD010
    if (given[periods[0]] == given[periods[1]]).any():
        raise AnalysisError("is the same in both periods of a participant", field=arm)
    began = (given[periods[0]] == treatment).to_numpy()
    if min(began.sum(), (~began).sum()) < 2:
        raise AnalysisError("too_few_participants: each order needs two complete participants", field=arm)
    values = y.to_numpy(dtype=np.float64)
    step, whole = values[:, 0] - values[:, 1], values.sum(1)
    orders = [step[~began], step[began]]
    treated = _compare(orders, f"{treatment} - {base}", outcome, "pooled", level)
    later = _compare([orders[0], -orders[1]], "second - first period", outcome, "pooled", level)
    # Of d (order 0) and d (order 1): treatment is half the difference, periods are minus half the sum.
    later["estimate"] = -(orders[0].mean() + orders[1].mean())
    for one in (treated, later):
        one[["estimate", "standard_error"]] *= 0.5
    carried = _compare([whole[~began], whole[began]], "carry-over", outcome, "pooled", level)
    return pd.concat([_again(one, level) for one in (treated, later, carried)], ignore_index=True)


def _again(row: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return a row with statistic, p value and limits of its estimate and standard error."""
    df = float(row["df"].iloc[0])
    quantile = float(special.stdtrit(df, 0.5 + level / 2.0))
    statistic = row["estimate"] / row["standard_error"]
    return row.assign(
        statistic=statistic,
        p_value=2.0 * special.stdtr(df, -np.abs(statistic)),
        lower=row["estimate"] - quantile * row["standard_error"],
        upper=row["estimate"] + quantile * row["standard_error"],
    )

"""Tables counted again from the replicates with Python alone, by code of its own."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trialsim.study.bundles.alone.files import UnsoundError, read_plain, strict_json
from trialsim.study.bundles.alone.parquet import Columns, blocks_of
from trialsim.study.bundles.alone.sealing import block_lines

PLAN, TRIAL = "inputs/plan.json", "inputs/trial.json"
CHARACTERISTICS, LOOKS, FAILURES = (
    "results/operating_characteristics.csv", "results/looks.csv", "results/failures.csv",
)  # fmt: skip
COUNTED = (CHARACTERISTICS, LOOKS, FAILURES)
# What rounding may change, as a share of a number or of the spread of what it is a mean of.
_ROUNDING = 1e-9
_FIELDS = ("estimate", "standard_error", "df", "p_value", "status", "look", "decision")
Row = Mapping[str, str]


def counts(folder: Path) -> list[str]:
    """Return where the tables of a bundle differ from its replicates, one sentence each.

    Counted again are: blocks, replicates and their order; the share of claims and of each look; failures by
    reason; bias, mean squared error, spread, coverage, expected, least and most size, events and months; and
    the Monte Carlo error of each.

    Raises
    ------
    UnsoundError
        A file that is needed cannot be read.
    """
    plan = read_plan(folder)
    tables = {name: _table(folder, name) for name in COUNTED}
    recorded: dict[str, list[dict[str, Any]]] = {}
    for _, block in block_lines(folder):
        recorded.setdefault(block["cell"], []).append(block)
    problems = [f"{name}: is no cell of the plan" for name in recorded if name not in plan]
    for name, cell in plan.items():
        columns, said = _replicates(folder, cell, recorded.get(name, []))
        problems += said
        if not said:
            problems += _of_cell(cell, columns, tables)
    for name, rows in tables.items():
        problems += [
            f"{name}: has a row of {row['cell']!r}, which is no cell"
            for row in rows
            if row["cell"] not in plan
        ]
    return problems


def read_plan(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the cells of a bundle's plan by their names."""
    plan = strict_json(read_plain(folder / PLAN, PLAN), PLAN)
    try:
        cells = {str(cell["name"]): dict(cell) for cell in plan}
        whole = all(int(cell["replicates"]) > 0 and int(cell["block"]) > 0 for cell in plan)
    except (TypeError, KeyError, ValueError):
        raise UnsoundError(PLAN, "is no plan") from None
    if len(cells) < len(plan) or not cells or not whole:
        raise UnsoundError(PLAN, "names a cell twice, or none, or one without replicates")
    return cells


def _table(folder: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a table; none where there is no such table, as there is none of no failures."""
    if not (folder / name).exists():
        return []
    text = read_plain(folder / name, name).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _replicates(
    folder: Path, cell: dict[str, Any], recorded: Sequence[dict[str, Any]]
) -> tuple[Columns, list[str]]:
    """Return the columns of a cell, and what is wrong with its blocks."""
    name = f"results/replicates/{cell['name']}.parquet"
    columns: Columns = {}
    said: list[str] = []
    number = 0
    for digest, block in blocks_of(folder / name, name):
        size = len(next(iter(block.values())))
        if number < len(recorded):
            line = recorded[number]
            if line["index"] != number or line["replicates"] != size or line["rows"] != digest:
                said.append(f"{name}: block {number} is not the one of the record")
        for key, values in block.items():
            columns.setdefault(key, []).extend(values)
        number += 1
    planned = math.ceil(cell["replicates"] / cell["block"])
    if number != len(recorded):
        said.append(f"{name}: has {number} blocks, and {len(recorded)} are recorded")
    if number != planned and (cell["rule"] is None or number % cell["rule"]["look"] or number > planned):
        said.append(f"{name}: has {number} blocks, and {planned} were planned")
    if columns.get("replicate") != list(range(min(number * cell["block"], cell["replicates"]))):
        said.append(f"{name}: its replicates are not those that were planned, in their order")
    return columns, said


def _of_cell(cell: dict[str, Any], columns: Columns, tables: Mapping[str, list[dict[str, str]]]) -> list[str]:
    analyses = [name.removesuffix("_estimate") for name in columns if name.endswith("_estimate")]
    mine = {name: [row for row in rows if row["cell"] == cell["name"]] for name, rows in tables.items()}
    said = []
    for table in (CHARACTERISTICS, LOOKS):
        found = [row["analysis"] for row in mine[table]]
        if list(dict.fromkeys(found)) != analyses:
            said.append(f"{table}: {cell['name']}: its analyses are not {', '.join(analyses)}")
    if said:
        return said
    for analysis in analyses:
        one = _Counted(cell, analysis, columns)
        rows = {name: [row for row in mine[name] if row["analysis"] == analysis] for name in mine}
        for table, told in (
            (CHARACTERISTICS, _characteristics(one, rows[CHARACTERISTICS])),
            (LOOKS, _looks(one, rows[LOOKS])),
            (FAILURES, _failures(one, rows[FAILURES])),
        ):
            said += [f"{table}: {cell['name']}, {analysis}: {words}" for words in told]
    return said


class _Counted:
    """One analysis of a cell, counted from its replicates."""

    def __init__(self, cell: Mapping[str, Any], analysis: str, columns: Columns) -> None:
        prefix = f"{analysis}_"
        others = [
            key.removeprefix(prefix)
            for key in columns
            if key.startswith(prefix) and isinstance(columns[key][0], int | float)
        ]
        self.of = {name: columns[prefix + name] for name in (*_FIELDS, *others) if prefix + name in columns}
        self.measured = [name for name in others if name not in _FIELDS]
        self.n = len(columns["replicate"])
        truth = cell["truths"][analysis]
        self.truth, self.truth_mcse = truth["value"], truth["mcse"]
        design = cell["trial"].get("design") or {}
        self.alpha, self.kind = design.get("alpha"), cell["kind"]
        pairs = zip(self.of["estimate"], self.of["standard_error"], self.of["df"], strict=True)
        self.fitted = [one for one in pairs if math.isfinite(one[0]) and math.isfinite(one[1])]

    def share(self, name: str, value: int) -> int:
        """Return in how many replicates a field has a value."""
        return sum(one == value for one in self.of[name])


def _characteristics(one: _Counted, rows: Sequence[Row]) -> Iterator[str]:
    if len(rows) != 1:
        yield f"has {len(rows)} rows"
        return
    row = rows[0]
    n, claims = one.n, one.share("decision", 1)
    yield from _differ(row, "trials", n)
    yield from _differ(row, "rejection_rate", claims / n)
    yield from _differ(row, "rejection_rate_mcse", _share_error(claims, n))
    yield from _differ(row, "undecided", one.share("decision", 0))
    yield from _differ(row, "failed", sum(_failures_of(one).values()))
    yield from _differ(row, "failed_share", sum(_failures_of(one).values()) / n)
    for name in one.measured:
        if f"expected_{name}" in row:
            yield from _mean(row, name, [float(value) for value in one.of[name]])
    yield from _differ(row, "true_effect", math.nan if one.truth is None else one.truth)
    yield from _differ(row, "true_effect_mcse", one.truth_mcse)
    if len(one.fitted) > 1:
        yield from _estimates(one, row)
    elif row["mean_estimate"]:
        yield "has a mean of fewer than two estimates"
    measure = row["measure"]
    if measure == "power" and one.kind == "null":
        yield "calls power what is a share of claims without an effect"


def _mean(row: Row, name: str, values: Sequence[float]) -> Iterator[str]:
    n = len(values)
    mean = math.fsum(values) / n
    spread = max(math.fsum(value * value for value in values) / n - mean * mean, 0.0)
    yield from _differ(row, f"expected_{name}", mean)
    # Of equal values only rounding is left, as a share of their square.
    scale = math.sqrt(1e-13 * mean * mean / max(n - 1, 1))
    yield from _differ(row, f"expected_{name}_mcse", math.sqrt(spread / max(n - 1, 1)), scale / _ROUNDING)
    if not any(math.isnan(value) for value in values):
        yield from _differ(row, f"least_{name}", min(values))
        yield from _differ(row, f"most_{name}", max(values))


def _estimates(one: _Counted, row: Row) -> Iterator[str]:
    """Hold what the estimates are worth against the estimates."""
    n, truth = len(one.fitted), one.truth or 0.0
    off = [estimate - truth for estimate, _, _ in one.fitted]
    bias = math.fsum(off) / n
    squares = math.fsum(value**2 for value in off)
    spread = math.sqrt(max((squares - n * bias**2) / (n - 1), 0.0))
    mse, fourth = squares / n, math.fsum(value**4 for value in off) / n
    variances = [error**2 for _, error, _ in one.fitted]
    variance = math.fsum(variances) / n
    of_variance = max(math.fsum(value**2 for value in variances) / n - variance**2, 0.0)
    scale = max(spread, abs(bias))
    expected = {
        "mean_estimate": (truth + bias, scale),
        "mean_estimate_mcse": (spread / math.sqrt(n), scale),
        "empirical_se": (spread, scale),
        "empirical_se_mcse": (spread / math.sqrt(2 * (n - 1)), scale),
        "root_mean_variance": (math.sqrt(variance), 0.0),
        "root_mean_variance_mcse": (
            math.sqrt(of_variance / (n - 1)) / (2 * math.sqrt(variance)) if variance else math.nan,
            1e-2 * math.sqrt(variance),
        ),
    }  # fmt: skip
    if one.truth is not None:
        expected |= {
            "bias": (bias, scale),
            "bias_mcse": (spread / math.sqrt(n), scale),
            "mean_squared_error": (mse, mse),
            "mean_squared_error_mcse": (math.sqrt(max(fourth - mse**2, 0.0) / (n - 1)), 1e-2 * mse),
        }
    for name, (value, about) in expected.items():
        yield from _differ(row, name, value, about)
    if one.truth is not None and one.alpha is not None:
        yield from _coverage(one, row, one.truth, one.alpha)


def _coverage(one: _Counted, row: Row, truth: float, alpha: float) -> Iterator[str]:
    """Hold the coverage against the intervals; a few that end at the true effect may fall on either side."""
    inside = near = 0
    for estimate, error, df in one.fitted:
        tail = t_tail(abs(estimate - truth) / error, df) if error else 0.0
        inside += tail >= alpha
        near += abs(tail - alpha) < 1e-8
    n, told = len(one.fitted), _number(row["coverage"])
    if not abs(told * n - inside) <= near + 1e-6:
        yield f"coverage is {row['coverage']}, and the intervals give {inside / n!r}"
    yield from _differ(row, "coverage_mcse", _share_error(round(told * n), n))


def _looks(one: _Counted, rows: Sequence[Row]) -> Iterator[str]:
    cumulative = 0
    for place, row in enumerate(rows, 1):
        stopped = [look for look, told in zip(one.of["look"], one.of["decision"], strict=True) if told == 1]
        futile = [look for look, told in zip(one.of["look"], one.of["decision"], strict=True) if told == -1]
        efficacy, futility = stopped.count(place), futile.count(place)
        cumulative += efficacy
        yield from _differ(row, "look", place)
        for name, count in (("efficacy", efficacy), ("futility", futility)):
            yield from _differ(row, name, count / one.n)
            yield from _differ(row, f"{name}_mcse", _share_error(count, one.n))
        yield from _differ(row, "cumulative_efficacy", cumulative / one.n)
    if cumulative != one.share("decision", 1):
        yield "lacks a look"


def _failures_of(one: _Counted) -> dict[str, int]:
    """Return fits without an estimate by reason; a design that gives no estimate has no failures."""
    found: dict[str, int] = {}
    fields = (one.of["estimate"], one.of["standard_error"], one.of["status"])
    for estimate, error, status in zip(*fields, strict=True):
        if not (math.isfinite(estimate) and math.isfinite(error)):
            found[status] = found.get(status, 0) + 1
    return {} if found == {"no_estimate": one.n} else found


def _failures(one: _Counted, rows: Sequence[Row]) -> Iterator[str]:
    told = {row["reason"]: row for row in rows}
    counted = _failures_of(one)
    for reason in sorted({*told, *counted}):
        number = counted.get(reason, 0)
        if reason not in told or reason not in counted:
            listed = told.get(reason, {}).get("count", 0)
            yield f"{number} fits failed with {reason!r}, and the table has {listed}"
            continue
        yield from _differ(told[reason], "count", number)
        yield from _differ(told[reason], "share", number / one.n)


def _number(text: str) -> float:
    return float(text) if text else math.nan


def _differ(row: Row, name: str, value: float, scale: float = 0.0) -> Iterator[str]:
    """Say that a table has another number than the replicates, beyond rounding."""
    if name not in row:
        yield f"{name} is not in the table"
        return
    told = _number(row[name])
    if math.isnan(told) and math.isnan(value):
        return
    if not abs(told - value) <= _ROUNDING * max(abs(value), scale):
        yield f"{name} is {row[name] or 'missing'}, and the replicates give {value!r}"


def _share_error(count: int, n: int) -> float:
    """Return the standard error of a share, with half a success added at the edges."""
    share = min(max(count, 0.5), n - 0.5) / n
    return math.sqrt(share * (1 - share) / n)


def t_tail(value: float, df: float) -> float:
    """Return P(T > value) of Student's t, value at least 0; of the normal law where df is infinite.

    By the continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8 and 26.7.1).

    Examples
    --------
    >>> round(t_tail(2.228138852, 10), 9), round(t_tail(1.959963985, math.inf), 9)
    (0.025, 0.025)
    """
    if math.isinf(df):
        return 0.5 * math.erfc(value / math.sqrt(2))
    x = df / (df + value * value)
    return 0.5 * _beta(x, df / 2, 0.5)


def _beta(x: float, a: float, b: float) -> float:
    if x in (0.0, 1.0):
        return x
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x > (a + 1) / (a + b + 2):
        return 1 - front * _fraction(1 - x, b, a) / b
    return front * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function, by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d or tiny)
    found = d
    for k in range(1, 500):
        for term in (
            k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k)),
            -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1)),
        ):
            d = 1 / ((1 + term * d) or tiny)
            c = (1 + term / c) or tiny
            found *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return found

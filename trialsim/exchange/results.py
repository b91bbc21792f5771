"""What a run found, as an Analysis Results Standard (ARS 1.0) reporting event."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from trialsim.study.bundles import open_bundle
from trialsim.study.bundles.tables import read_frame

# What is computed from a cell's trials: name, label, and the column of its Monte Carlo standard error.
OPERATIONS = {
    "rejection_rate": "Share of trials that claim efficacy",
    "bias": "Mean estimate minus the true effect",
    "mean_squared_error": "Mean squared error of the estimate",
    "coverage": "Share of intervals that hold the true effect",
    "empirical_se": "Standard deviation of the estimates",
    "expected_size": "Mean number of participants",
    "expected_months": "Mean duration in months",
    "failed_share": "Share of trials whose fit failed",
}
_METHOD = "MTH.SIMULATION"
_GROUPING = "GRP.CELL"
_SET = "AS.ALL_TRIALS"


def analysis_results(folder: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the operating characteristics of a run as a reporting event, and as a long table.

    Parameters
    ----------
    folder : Path
        The bundle.

    Returns
    -------
    dict
        ``ReportingEvent`` after the Analysis Results Standard 1.0: analysis set, grouping, method with its
        operations, and one analysis a row of the protocol with its results. Plain JSON types.
    DataFrame
        Analysis results data (ARD): one row a result, with the ids of analysis, method, operation, analysis
        set and group, its value and its Monte Carlo standard error.

    Raises
    ------
    BundleError
        The folder is no bundle.

    Source: CDISC, Analysis Results Standard 1.0 (2024).

    Examples
    --------
    >>> event, table = analysis_results(Path("reports/example"))
    >>> event["analyses"][0]["results"][0]["operationId"]
    'OP.REJECTION_RATE'
    >>> table["groupId"].iloc[0], float(table["rawValue"].iloc[0])
    ('CELL.ALTERNATIVE', 0.856)
    """
    study = open_bundle(folder)
    found = read_frame(folder / "results", "operating_characteristics")
    rows = [
        _result(row, operation) for _, row in found.iterrows() for operation in OPERATIONS if operation in row
    ]
    table = pd.DataFrame([row for row in rows if row is not None])
    return _event(study.trial.name, study.trial.title, found, table), table


def _id(kind: str, name: str) -> str:
    return f"{kind}.{name.upper()}"


def _result(row: pd.Series, operation: str) -> dict[str, Any] | None:
    value = row[operation]
    if value is None or not math.isfinite(value):
        return None
    error = row.get(f"{operation}_mcse", math.nan)
    return {
        "analysisId": _id("AN", row["analysis"]),
        "methodId": _METHOD,
        "operationId": _id("OP", operation),
        "analysisSetId": _SET,
        "groupingId": _GROUPING,
        "groupId": _id("CELL", row["cell"]),
        "rawValue": float(value),
        "monteCarloStandardError": float(error) if error is not None and math.isfinite(error) else None,
        "trials": int(row["trials"]),
    }


def _event(name: str, title: str, found: pd.DataFrame, table: pd.DataFrame) -> dict[str, Any]:
    analyses = list(dict.fromkeys(found["analysis"]))
    cells = list(dict.fromkeys(found["cell"]))
    of = {name: table[table["analysisId"] == name] for name in (_id("AN", one) for one in analyses)}
    return {
        "id": _id("RE", name),
        "version": "1",
        "name": f"Synthetic: {title}",
        "analysisSets": [
            {
                "id": _SET, "name": "All simulated trials",
                "label": "Trials whose fit failed count as no claim",
                "level": 1, "order": 1,
            }
        ],
        "analysisGroupings": [
            {
                "id": _GROUPING, "name": "Scenario and grid point", "dataDriven": False,
                "groups": [
                    {"id": _id("CELL", cell), "name": cell, "level": 1, "order": place + 1}
                    for place, cell in enumerate(cells)
                ],
            }
        ],
        "methods": [
            {
                "id": _METHOD, "name": "Monte Carlo simulation",
                "operations": [
                    {"id": _id("OP", operation), "name": operation, "label": label, "order": place + 1}
                    for place, (operation, label) in enumerate(OPERATIONS.items())
                ],
            }
        ],
        "analyses": [
            {
                "id": _id("AN", analysis), "name": analysis, "version": "1",
                "reason": {"controlledTerm": "SPECIFIED IN PROTOCOL"},
                "purpose": {"controlledTerm": "EXPLORATORY OUTCOME MEASURE"},
                "methodId": _METHOD, "analysisSetId": _SET,
                "orderedGroupings": [{"order": 1, "groupingId": _GROUPING, "resultsByGroup": True}],
                "results": [_in_event(row) for row in of[_id("AN", analysis)].to_dict("records")],
            }
            for analysis in analyses
        ],
    }  # fmt: skip


def _in_event(row: dict[Any, Any]) -> dict[str, Any]:
    error = row["monteCarloStandardError"]
    shown = f"{row['rawValue']:.4g}" + ("" if error is None or error != error else f" ({error:.2g})")
    return {
        "operationId": row["operationId"],
        "resultGroups": [{"groupingId": row["groupingId"], "groupId": row["groupId"]}],
        "rawValue": repr(row["rawValue"]),
        "formattedValue": shown,
    }

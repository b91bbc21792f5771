"""Tidy tables of a declared trial: operating characteristics, looks, estimands, arms, and refused cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from trialsim.design import OperatingCharacteristics
from trialsim.design.operating_characteristics import Tally
from trialsim.notebook import InNotebook
from trialsim.protocol.declared import DeclaredTrial
from trialsim.registry import Truth
from trialsim.study.declared.cells import DeclaredCell, DeclaredPlan
from trialsim.study.declared.claims import claimed, effective_arms, measure_of_arms
from trialsim.study.declared.claims import measure_of as measure_of_analysis
from trialsim.study.declared.dose_choice import dose_of_arm, of_doses
from trialsim.study.declared.engine import ESTIMAND, testing_of
from trialsim.study.declared.look_bounds import bounds_rows, size_rows
from trialsim.study.declared.several.tables import OF_FAMILY, family_rows, hypothesis_rows, measure_of
from trialsim.study.declared.several.testing import Testing
from trialsim.study.declared.sums import DeclaredSums
from trialsim.study.designs.sequential_characteristics import SequentialCharacteristics, SequentialTally

_OF_BIAS = ("bias", "bias_mcse", "mean_squared_error", "mean_squared_error_mcse", "coverage", "coverage_mcse")
OfDesign = Callable[[DeclaredTrial, SequentialCharacteristics], list[dict[str, Any]]]
OfFamily = Callable[[Testing, Mapping[str, SequentialTally]], list[dict[str, Any]]]
_OF_ESTIMATE = ("empirical_se", "empirical_se_mcse", "root_mean_variance", "root_mean_variance_mcse")


@dataclass(frozen=True)
class DeclaredResult(InNotebook):
    """What a declared trial does.

    Parameters
    ----------
    operating_characteristics : DataFrame
        One row a cell and analysis: claims, and in ``measure`` what their share is; ``failed_share`` of fits
        without an estimate, ``undecided_share`` of trials without any test, and whether the rate is
        ``usable`` for all that; bias, MSE and coverage of the fits that succeeded; expected, least and most
        size, events and months. Every estimate has its Monte Carlo error in the column ``..._mcse``.
    decided_by : DataFrame
        One row a cell, analysis and test: trials that it decided.
    looks : DataFrame
        One row a cell, analysis and look: probabilities of stopping.
    ledger : DataFrame
        One row a cell, estimand and analysis; empty without intercurrent events.
    bounds : DataFrame
        One row a cell and look of group-sequential designs: see `trialsim.study.declared.look_bounds`.
    expected_sizes : DataFrame
        One row a cell and assumed effect of group-sequential designs.
    arms : DataFrame
        One row a cell, analysis and arm of trials in stages or with several active arms: how often it is
        claimed, its size; with a declared harm also benefit, harm and utility in truth, and how often it is
        chosen.
    failures : DataFrame
        One row a cell, analysis and reason: fits without an estimate, each once.
    refused : DataFrame
        One row a cell that was not run, with the reason.
    reconciliation : str
        The count of cells as a sentence.
    sizes, savings : DataFrame
        As in `trialsim.study.sizing`; empty where no size was asked for.
    twins, rivals, reproduction : DataFrame
        As in `trialsim.study.people.asked`; empty where no twins were learnt or given.
    beside : dict of str to DataFrame
        Further tables by name, such as those of `trialsim.study.control_arm`.
    evidence : DataFrame
        As in `trialsim.study.people.modelled.evidence`; empty where people are only their law, or a history.
    family, hypotheses : DataFrame
        As in `trialsim.study.declared.several.tables`, one row a cell, and one a cell, hypothesis and look;
        empty where hypotheses are not tested together.
    """

    operating_characteristics: pd.DataFrame
    decided_by: pd.DataFrame
    looks: pd.DataFrame
    bounds: pd.DataFrame
    expected_sizes: pd.DataFrame
    ledger: pd.DataFrame
    arms: pd.DataFrame
    failures: pd.DataFrame
    refused: pd.DataFrame
    reconciliation: str
    sizes: pd.DataFrame = field(default_factory=pd.DataFrame)
    savings: pd.DataFrame = field(default_factory=pd.DataFrame)
    twins: pd.DataFrame = field(default_factory=pd.DataFrame)
    rivals: pd.DataFrame = field(default_factory=pd.DataFrame)
    reproduction: pd.DataFrame = field(default_factory=pd.DataFrame)
    beside: dict[str, pd.DataFrame] = field(default_factory=dict)
    evidence: pd.DataFrame = field(default_factory=pd.DataFrame)
    family: pd.DataFrame = field(default_factory=pd.DataFrame)
    hypotheses: pd.DataFrame = field(default_factory=pd.DataFrame)

    def with_tables(self, tables: Mapping[str, pd.DataFrame]) -> DeclaredResult:
        """Return the result with further tables."""
        return replace(self, beside=dict(tables))

    def with_sizes(self, sizes: pd.DataFrame, savings: pd.DataFrame) -> DeclaredResult:
        """Return the result with the tables of a search for sizes."""
        return replace(self, sizes=sizes, savings=savings)

    def with_twins(self, tables: Mapping[str, pd.DataFrame]) -> DeclaredResult:
        """Return the result with what the twins rest on: ``twins``, ``rivals`` and ``reproduction``."""
        return replace(
            self, twins=tables["twins"], rivals=tables["rivals"],
            reproduction=tables.get("reproduction", pd.DataFrame()),
        )  # fmt: skip

    def with_evidence(self, evidence: pd.DataFrame) -> DeclaredResult:
        """Return the result with what the numbers of its card and its disease model rest on."""
        return replace(self, evidence=evidence)

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the tables that are not empty, by name."""
        names = (
            "sizes", "savings", "twins", "rivals", "reproduction", "evidence", "family", "hypotheses",
            "operating_characteristics",
            "decided_by", "looks", "bounds", "expected_sizes", "ledger", "arms", "failures", "refused",
        )  # fmt: skip
        own = {name: getattr(self, name) for name in names if len(getattr(self, name))}
        return own | self.beside


def declared_result(plan: DeclaredPlan, sums: Sequence[DeclaredSums]) -> DeclaredResult:
    """Return the tables of a plan's cells.

    Parameters
    ----------
    plan : DeclaredPlan
        The plan.
    sums : sequence of DeclaredSums
        One for each cell that ran, in the plan's order.

    Returns
    -------
    DeclaredResult

    Raises
    ------
    ValueError
        Not one sum a cell.
    """
    pairs = list(zip(plan.cells, sums, strict=True))
    refused = [_point(one.name, one.scenario, one.settings) | {"reason": one.refusal} for one in plan.refused]
    return DeclaredResult(
        pd.DataFrame([row for cell, one in pairs for row in _characteristics(cell, one)]),
        pd.DataFrame([row for cell, one in pairs for row in _decided_by(cell, one)]),
        pd.DataFrame([row for cell, one in pairs for row in _looks(cell, one)]),
        pd.DataFrame([row for cell, one in pairs for row in _of_design(cell, one, bounds_rows)]),
        pd.DataFrame([row for cell, one in pairs for row in _of_design(cell, one, size_rows)]),
        pd.DataFrame([row for cell, one in pairs for row in _ledger(cell, one)]),
        pd.DataFrame([row for cell, one in pairs for row in _arms(cell, one)]),
        pd.DataFrame([row for cell, one in pairs for row in _failures(cell, one)]),
        pd.DataFrame(refused),
        plan.in_words,
        family=pd.DataFrame([row for cell, one in pairs for row in _several(cell, one, family_rows)]),
        hypotheses=pd.DataFrame([row for cell, one in pairs for row in _several(cell, one, hypothesis_rows)]),
    )


def _several(cell: DeclaredCell, sums: DeclaredSums, rows_of: OfFamily) -> list[dict[str, Any]]:
    testing, point = testing_of(cell.trial), _point(cell.name, cell.scenario, cell.settings)
    return [] if testing is None else [point | row for row in rows_of(testing, sums.stopping)]


def _point(name: str, scenario: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {"cell": name, "scenario": scenario, **settings}


def _first(cell: DeclaredCell, analysis: str) -> dict[str, Any]:
    return _point(cell.name, cell.scenario, cell.settings) | {"analysis": analysis}


def _characteristics(cell: DeclaredCell, sums: DeclaredSums) -> list[dict[str, Any]]:
    rows = []
    for name, stops in sums.stopping.items():
        row = SequentialCharacteristics(cell.scenario, stops).to_row()
        row.pop("scenario")
        rate = {
            "measure": _measure(cell, name, cell.truths[name]),
            **{key: row.pop(key) for key in ("rejection_rate", "rejection_rate_mcse")},
            **{key: row.pop(key) for key in ("undecided_share", "usable")},
            **_several_arms(cell, name, stops),
        }
        # The shares of these have names of their own.
        of_arms = ("true_claim", "every_claim", *(key for key in stops.sums if of_doses(key)))
        for key in OF_FAMILY if cell.trial.several else of_arms:
            for one in ("expected_{}", "expected_{}_mcse", "least_{}", "most_{}"):
                row.pop(one.format(key), None)
        quality = _quality(cell, name, sums.tallies[name], cell.truths[name])
        rows.append(_first(cell, name) | {"trials": row.pop("trials")} | rate | quality | row)
    return rows


def _measure(cell: DeclaredCell, analysis: str, truth: Truth) -> str:
    testing = testing_of(cell.trial)
    if testing is not None:
        return measure_of(testing, analysis)
    effective = effective_arms(cell.trial, analysis, cell.truths, cell.kind == "null")
    if effective is not None:
        return measure_of_arms(effective)
    return measure_of_analysis(cell.trial, analysis, truth, cell.kind == "null")


def _several_arms(cell: DeclaredCell, analysis: str, stops: SequentialTally) -> dict[str, float]:
    """Return the claims of several arms: any and all that are effective, and any that is not."""
    effective = effective_arms(cell.trial, analysis, cell.truths, cell.kind == "null")
    if effective is None or not claimed(stops.sums):
        return {}
    counts = SequentialCharacteristics(cell.scenario, stops)
    found: dict[str, float] = {}
    for name, key, told in (
        ("disjunctive_power", "true_claim", effective.any()),
        ("conjunctive_power", "every_claim", effective.any()),
        ("family_wise_error", "false_claim", not effective.all()),
    ):
        share = counts.share(key) if told else (math.nan, math.nan)
        found |= dict(zip((name, f"{name}_mcse"), share, strict=True))
    return found


def _quality(cell: DeclaredCell, name: str, one: Tally, truth: Truth) -> dict[str, Any]:
    """Return what the estimate is worth; without a true value only its mean and its spread."""
    found: dict[str, Any] = {
        "true_effect": math.nan if truth.value is None else truth.value,
        "true_effect_mcse": truth.mcse,
        "true_effect_note": truth.note,
        "failed": sum(one.failures.values()),
        "failed_share": sum(one.failures.values()) / one.replicates,
    }
    if one.fitted < 2:
        return found | dict.fromkeys(("mean_estimate", *_OF_BIAS, *_OF_ESTIMATE), math.nan)
    row = OperatingCharacteristics(cell.scenario, name, truth.value or 0.0, one).to_row()
    found |= {"mean_estimate": (truth.value or 0.0) + float(str(row["bias"]))}
    found |= {"mean_estimate_mcse": row["bias_mcse"]}
    for key in _OF_BIAS:
        found[key] = math.nan if truth.value is None else row[key]
    return found | {key: row[key] for key in _OF_ESTIMATE}


def _looks(cell: DeclaredCell, sums: DeclaredSums) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, stops in sums.stopping.items():
        frame = SequentialCharacteristics(cell.scenario, stops).looks().reset_index()
        rows += [_first(cell, name) | {str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
    return rows


def _of_design(cell: DeclaredCell, sums: DeclaredSums, rows_of: OfDesign) -> list[dict[str, Any]]:
    if cell.trial.several:
        return []
    stops = next(iter(sums.stopping.values()))
    point = _point(cell.name, cell.scenario, cell.settings)
    return [point | row for row in rows_of(cell.trial, SequentialCharacteristics(cell.scenario, stops))]


def _ledger(cell: DeclaredCell, sums: DeclaredSums) -> list[dict[str, Any]]:
    rows = []
    for estimand, by_analysis in sums.ledger.items():
        truth = cell.truths[f"{ESTIMAND}{estimand}"]
        for name, one in by_analysis.items():
            stops = sums.stopping[name]
            claims = SequentialCharacteristics(cell.scenario, stops)
            quality = _quality(cell, name, one, truth)
            quality["bias_mcse_with_truth"] = math.hypot(float(quality["bias_mcse"]), truth.mcse)
            rate = {
                "rejection_rate": claims.rejection_rate, "rejection_rate_mcse": claims.rejection_rate_mcse,
            }  # fmt: skip
            rows.append(_first(cell, name) | {"estimand": estimand} | rate | quality)
    return rows


def _arms(cell: DeclaredCell, sums: DeclaredSums) -> list[dict[str, Any]]:
    rows = []
    for analysis, stops in sums.stopping.items():
        if not (sums.arms or claimed(stops.sums)):
            continue
        for position, name in enumerate(cell.trial.arm_names):
            row = _first(cell, analysis) | {"arm": name} | _claim_of_arm(cell, stops, position)
            counts = SequentialCharacteristics(cell.scenario, stops)
            row |= dose_of_arm(cell.trial, analysis, cell.truths, counts, position)
            rows.append(row | (_size_of_arm(sums, name) if name in sums.arms else {}))
    return rows


def _claim_of_arm(cell: DeclaredCell, stops: SequentialTally, position: int) -> dict[str, float]:
    """Return how often an arm is claimed; NaN for the control."""
    if not claimed(stops.sums):
        return {}
    share = (math.nan, math.nan)
    if position:
        share = SequentialCharacteristics(cell.scenario, stops).share(f"claim_{position}")
    return dict(zip(("claim", "claim_mcse"), share, strict=True))


def _size_of_arm(sums: DeclaredSums, name: str) -> dict[str, float]:
    n, rest = sums.trials, max(sums.trials - 1, 1)
    mean, squares, still_open, bias, deviations = (value / n for value in sums.arms[name])
    return {
        "participants": mean,
        "participants_mcse": math.sqrt(max(squares - mean**2, 0.0) / rest),
        "open_at_end": still_open,
        "open_at_end_mcse": math.sqrt(still_open * (1 - still_open) / rest),
        "bias_of_mean": bias,
        "bias_of_mean_mcse": math.sqrt(max(deviations - bias**2, 0.0) / rest),
    }


def _decided_by(cell: DeclaredCell, sums: DeclaredSums) -> list[dict[str, Any]]:
    return [
        _first(cell, name) | {"test": test, "count": count, "share": count / sums.trials}
        for name, tests in sums.decided.items()
        for test, count in tests.items()
        if count
    ]


def _failures(cell: DeclaredCell, sums: DeclaredSums) -> list[dict[str, Any]]:
    """Return fits without an estimate by reason; looks that fell short stand with the looks."""
    return [
        _first(cell, name) | {"reason": reason, "count": count, "share": count / one.replicates}
        for name, one in sums.tallies.items()
        for reason, count in sorted(one.failures.items())
    ]

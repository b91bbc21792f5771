"""What a study leaves on disk: inputs, the fitted posterior, tables, and every replicate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from trialsim.data import History
from trialsim.design import Size
from trialsim.prognosis import Calibration, Gain
from trialsim.study.bundles.bundle import write_json, write_table
from trialsim.study.running.stopping import StoppingRule
from trialsim.study.running.work import BlockResult
from trialsim.study.sized.result import StudyResult, content_hashes


class ReplicateRecorder:
    """Writes the rows of each block to its cell's Parquet file as they come, one row group a block.

    Parameters
    ----------
    folder : Path
        Folder of the files, made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cell = ""
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> ReplicateRecorder:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __call__(self, block: BlockResult[Any]) -> None:
        """Write one block; blocks of a cell come one after the other."""
        table = block.table
        if block.cell != self._cell:
            self.close()
            self._cell = block.cell
            self._writer = pq.ParquetWriter(self._folder / f"{block.cell}.parquet", table.schema)
        assert self._writer is not None
        self._writer.write_table(table)

    def close(self) -> None:
        """Finish the file that is open."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_inputs(result: StudyResult, history: History | None, folder: Path) -> None:
    """Write what the run was given: protocol, card, posterior draws, and the history if it was generated.

    A real history is never copied: the manifest holds its hash.

    Parameters
    ----------
    result : StudyResult
        What the main job found.
    history : History or None
        What was learnt from; written if it was generated.
    folder : Path
        ``inputs`` of the bundle.
    """
    write_json(result.protocol.to_dict(), folder / "protocol.json")
    write_json(result.card.model_dump(mode="json"), folder / "card.json")
    if history is not None and history.generated:
        write_table(history.to_frame(), folder, "history_generated")
    result.prognosis.save(folder / "posterior.npz")
    write_json([one.cell.to_dict() for one in result.cells], folder / "plan.json")


def write_results(result: StudyResult, folder: Path) -> None:
    """Write every table as Parquet and CSV, and the answer as JSON.

    Parameters
    ----------
    result : StudyResult
        What the main job found.
    folder : Path
        ``results`` of the bundle.
    """
    write_table(result.plan.to_frame(), folder, "savings")
    write_table(sizes_frame(result), folder, "sizes")
    write_table(result.characteristics_frame(), folder, "operating_characteristics")
    write_table(result.conduct_frame(), folder, "conduct")
    write_table(result.register_frame(), folder, "registers")
    write_table(calibration_frame(result.calibration), folder, "twin_calibration")
    write_table(gain_frame(result.gain), folder, "gain_beyond_baseline")
    write_json(answer(result), folder / "answer.json")


def sizes_frame(result: StudyResult) -> pd.DataFrame:
    """Return each design's size, the formula's power there, and the power that simulation finds.

    `power_planned` is at the moments that the design was sized for; `power_formula_at_register` at those
    of the world that was simulated. The discounted design is sized for a weaker score than that world's.

    Parameters
    ----------
    result : StudyResult
        What the main job found.

    Returns
    -------
    DataFrame
        A row for each design.
    """
    rows = []
    for result_cell in result.cells:
        cell = result_cell.cell
        if cell.scenario.kind != "alternative":
            continue
        analysis = cell.sized_for if cell.sized_for in result.plan.sizes else "prognostic"
        size = _planned(result, cell.sized_for)
        simulated = result_cell.characteristics[analysis]
        rows.append(
            {
                "design": cell.sized_for,
                "analysis": analysis,
                "total": size.total,
                "controls": size.controls,
                "active": size.active,
                "power_planned": size.power,
                "power_formula_at_register": result.formula_power[cell.sized_for],
                "power_simulated": simulated.rejection_rate,
                "power_simulated_mcse": simulated.rejection_rate_mcse,
                "months_to_full_enrolment": result_cell.conduct.mean_months,
                "months_mcse": result_cell.conduct.mean_months_mcse,
            }
        )
    return pd.DataFrame(rows)


def _planned(result: StudyResult, sized_for: str) -> Size:
    if sized_for == "discounted":
        return result.plan.saving("discounted").prognostic
    if sized_for == "active_fixed":
        size = result.plan.saving("undiscounted").active_fixed
        assert size is not None
        return size
    return result.plan.sizes[sized_for]


def calibration_frame(calibration: Calibration) -> pd.DataFrame:
    """Return the calibration of the twins, one row a visit.

    Parameters
    ----------
    calibration : Calibration
        Of out-of-fold twins.

    Returns
    -------
    DataFrame
        Biases, slopes and coverages with their errors.
    """
    columns: dict[str, object] = {"week": calibration.weeks, "observed": calibration.observed}
    for name in ("bias", "intercept", "slope"):
        columns |= {name: getattr(calibration, name), f"{name}_se": getattr(calibration, f"{name}_se")}
    for row, level in enumerate(calibration.levels):
        percent = f"coverage_{100 * level:.0f}"
        columns[percent] = calibration.coverage[row]
        columns[f"{percent}_low"] = calibration.coverage_low[row]
        columns[f"{percent}_high"] = calibration.coverage_high[row]
    return pd.DataFrame(columns | {"pit_p": calibration.pit_p})


def gain_frame(gain: Gain) -> pd.DataFrame:
    """Return the gain beyond the baseline value, one row a measure, with its intervals.

    Parameters
    ----------
    gain : Gain
        Of the score beyond the baseline.

    Returns
    -------
    DataFrame
        Estimates with 90 % and 95 % intervals.
    """
    none = (float("nan"), float("nan"))
    rows = {
        "partial correlation given the baseline": (
            gain.partial_correlation,
            gain.partial_correlation_90,
            gain.partial_correlation_95,
        ),
        "gain: share of participants saved; negative where the score misleads": (
            gain.gain,
            gain.gain_90,
            gain.gain_95,
        ),
        "R2 of the outcome added to the baseline": (gain.incremental_r2, none, none),
        "R2 of the outcome by the baseline alone": (gain.baseline_r2, none, none),
        "R2 of the outcome by the baseline alone, leave-one-out": (gain.baseline_r2_loo, none, none),
    }
    return pd.DataFrame(
        {
            "measure": name,
            "value": value,
            "low_90": within_90[0],
            "high_90": within_90[1],
            "low_95": within_95[0],
            "high_95": within_95[1],
            "participants": gain.participants,
        }
        for name, (value, within_90, within_95) in rows.items()
    )


def answer(result: StudyResult) -> dict[str, Any]:
    """Return the answer as plain JSON types: what the first screen says.

    Parameters
    ----------
    result : StudyResult
        What the main job found.

    Returns
    -------
    dict
        With whether a saving is supported, why, and the numbers of the first screen.
    """
    worst = max(result.type_one_errors(), key=lambda one: one.rejection_rate)
    rule = result.cells[0].cell.rule
    stopped = {} if rule is None else {"stopping": _stopping(result, rule)}
    return stopped | {
        "supported": result.plan.supported,
        "reason": result.plan.reason,
        "generated_history": result.history.summary.generated,
        "sizes": {name: asdict(size) | {"total": size.total} for name, size in result.plan.sizes.items()},
        "savings": {
            saving.figure: {
                "participants_saved": saving.participants_saved,
                "share_saved": saving.share_saved,
                "controls_saved_active_fixed": saving.controls_saved if saving.active_fixed else None,
                "share_of_controls_saved": saving.share_of_controls_saved if saving.active_fixed else None,
            }
            for saving in result.plan.savings
        },
        "largest_type_one_error": {
            "scenario": worst.scenario,
            "analysis": worst.analysis,
            "rate": worst.rejection_rate,
            "mcse": worst.rejection_rate_mcse,
        },
    }


def _stopping(result: StudyResult, rule: StoppingRule) -> dict[str, Any]:
    """Return the rule that was fixed beforehand, and the replicates that it asked for."""
    return {
        "rule": rule.in_words(),
        "replicates": {one.cell.name: one.conduct.trials for one in result.cells},
    }


def run_facts(result: StudyResult) -> Mapping[str, Any]:
    """Return what the manifest says of a run's inputs.

    Parameters
    ----------
    result : StudyResult
        What the main job found.

    Returns
    -------
    mapping
        Plain JSON types.
    """
    return {
        "protocol": result.protocol.name,
        "title": result.protocol.title,
        "seed": result.protocol.seed,
        "inputs": input_hashes(result),
        "history_source": result.history.summary.source,
        "history_generated": result.history.summary.generated,
    }


def input_hashes(result: StudyResult) -> dict[str, str]:
    """Return the content hashes of everything that determines the numbers.

    Parameters
    ----------
    result : StudyResult
        What the main job found.

    Returns
    -------
    dict of str to str
        SHA-256 of protocol, card, history and posterior.
    """
    return content_hashes(result.protocol, result.card, result.history, result.prognosis)

"""The bundle of a declared trial: what it was given, what it found, and how it is computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from trialsim.protocol.declared import DeclaredTrial, trial_from_dict
from trialsim.study.bundles.alone.counting import PLAN
from trialsim.study.bundles.alone.counting import TRIAL as TRIAL_FILE
from trialsim.study.bundles.bundle import write_json
from trialsim.study.bundles.bundled import Bundled, manifest_of, read_part, read_plan, replicates_of
from trialsim.study.bundles.people import people_found, people_hashes, registers_in
from trialsim.study.bundles.replay import ROW_FIELDS
from trialsim.study.bundles.tables import write_table
from trialsim.study.declared import DeclaredCell, DeclaredPlan, DeclaredResult, DeclaredWork
from trialsim.study.description.describe import TrialDescription
from trialsim.study.people.learning import LearntTwins
from trialsim.study.people.registers import Registers

TRIAL = "trial"
_OK = "ok"
# A test without an estimate, such as a joint rank, has not failed.
_FITTED = (_OK, "no_estimate")


@dataclass(frozen=True)
class BundledTrial(Bundled):
    """What a bundle of a declared trial holds.

    Parameters
    ----------
    trial : DeclaredTrial
        Its declaration.
    history : Path, optional
        File of the history that its people come from: no bundle holds it.
    """

    trial: DeclaredTrial
    history: Path | None = None

    @property
    def alpha(self) -> float:
        """Two-sided level of the p values in the rows."""
        return 2 * self.cells[0].trial.design.alpha

    @cached_property
    def registers(self) -> Registers:
        """Whom the trials of its cells recruit from."""
        return registers_in(self.folder, self.trial, self.manifest["inputs"], self.history)

    def work(self, cells: Sequence[DeclaredCell]) -> DeclaredWork:
        """Return the work of the trial."""
        return declared_work(self.trial, self.registers)

    def changed_inputs(self) -> list[str]:
        """Return which inputs are not the ones that the manifest was sealed with."""
        listed = self.manifest["inputs"]
        found = {TRIAL: self.trial.content_hash()}
        found |= people_found(self.folder, listed, self.registers.learnt)
        return [name for name, digest in found.items() if listed.get(name) != digest]


def declared_work(trial: DeclaredTrial, registers: Registers) -> DeclaredWork:
    """Return the work of a declared trial whose cells recruit from registers.

    Parameters
    ----------
    trial : DeclaredTrial
        As declared.
    registers : Registers
        Whom cells recruit from.

    Returns
    -------
    DeclaredWork
        What its blocks share.
    """
    return DeclaredWork(trial.seed, len(getattr(trial.outcome, "weeks", ())) or 1, registers)


def open_bundled_trial(folder: Path, history: Path | None = None) -> BundledTrial:
    """Read the inputs of a bundle of a declared trial, and where its history is, if it has one."""
    trial = trial_from_dict(read_part(folder, TRIAL_FILE))
    plan = read_plan(folder, DeclaredCell.from_dict)
    return BundledTrial(folder, manifest_of(folder), plan, trial, history)


def trial_facts(
    trial: DeclaredTrial, learnt: LearntTwins | None = None, folder: Path = Path()
) -> dict[str, Any]:
    """Return what the manifest says of a declared trial.

    Parameters
    ----------
    trial : DeclaredTrial
        As declared.
    learnt : LearntTwins, optional
        Its twins.
    folder : Path
        Of the protocol: the path of a card is relative to it.

    Returns
    -------
    dict
        Plain JSON types.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> trial_facts(read_trial("protocols/survival_delayed_effect.toml"))["protocol"]
    'survival_delayed_effect'
    """
    return {
        "kind": TRIAL,
        "protocol": trial.name,
        "title": trial.title,
        "seed": trial.seed,
        "inputs": {TRIAL: trial.content_hash()} | people_hashes(trial, learnt, folder),
    }


def write_inputs(trial: DeclaredTrial, plan: DeclaredPlan, folder: Path) -> None:
    """Write declaration and plan, before any outcome is simulated.

    Keys keep their order: tables have their columns, and the report its rows, in the order of the protocol.

    Parameters
    ----------
    trial, plan : DeclaredTrial, DeclaredPlan
        As declared, and what of it runs.
    folder : Path
        The bundle.
    """
    write_json(trial.to_dict(), folder / TRIAL_FILE, in_order=True)
    write_json([cell.to_dict() for cell in plan.cells], folder / PLAN, in_order=True)


def write_tables(result: DeclaredResult, folder: Path) -> None:
    """Write every table as Parquet and CSV.

    Parameters
    ----------
    result : DeclaredResult
        Of the study.
    folder : Path
        The bundle.
    """
    for name, frame in result.frames().items():
        write_table(frame, folder / "results", name)


def write_beside(described: TrialDescription, examples: pd.DataFrame, folder: Path) -> None:
    """Write what the simulated trials look like, and the example trials, as Parquet and CSV.

    Parameters
    ----------
    described : TrialDescription
        Of the plan.
    examples : DataFrame
        As `plan_examples`.
    folder : Path
        The bundle.
    """
    for name, frame in described.frames().items():
        write_table(frame, folder / "description", name)
    write_table(examples, folder / "examples", "trials")


def plan_examples(plan: DeclaredPlan, folder: Path) -> pd.DataFrame:
    """Return the example trials of every cell and analysis.

    Parameters
    ----------
    plan : DeclaredPlan
        The plan that ran.
    folder : Path
        The bundle, whose ``results/replicates`` are complete.

    Returns
    -------
    DataFrame
        As `trial_examples`, with the ``cell`` first.
    """
    parts = []
    for cell in plan.cells:
        rows = replicates_of(folder, cell.name).read().to_pandas()
        for analysis in analyses_of(rows):
            part = trial_examples(rows, analysis)
            part.insert(0, "cell", cell.name)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def analyses_of(rows: pd.DataFrame) -> list[str]:
    """Return the analyses that the rows of a cell hold, in their order."""
    return [name.removesuffix("_estimate") for name in rows.columns if name.endswith("_estimate")]


Rule = Callable[[pd.DataFrame], pd.Index]


def _middle_claim(rows: pd.DataFrame) -> pd.Index:
    claims = rows[rows["decision"] == 1].sort_values("estimate", kind="stable").index
    return claims[(len(claims) - 1) // 2 :][:1]


def _near_miss(rows: pd.DataFrame) -> pd.Index:
    missed = rows[(rows["decision"] != 1) & (rows["status"] == _OK)]
    return missed.sort_values("p_value", kind="stable").index[:1]


def _percentile(share: float) -> Rule:
    """Return the rule that picks the trial whose estimate is at a percentile of all that have one."""

    def rule(rows: pd.DataFrame) -> pd.Index:
        fitted = rows[(rows["status"] == _OK) & rows["estimate"].notna()]
        ordered = fitted.sort_values("estimate", kind="stable").index
        return ordered[round((len(ordered) - 1) * share) :][:1] if len(ordered) else ordered

    return rule


def _largest(name: str) -> Rule:
    return lambda rows: (-rows[name]).sort_values(kind="stable").index[:1] if name in rows else rows.index[:0]


RULES: dict[str, tuple[Rule, str]] = {
    "5th percentile": (_percentile(0.05), "estimate at the 5th percentile of all trials"),
    "50th percentile": (_percentile(0.5), "estimate at the 50th percentile of all trials"),
    "95th percentile": (_percentile(0.95), "estimate at the 95th percentile of all trials"),
    "median claim": (_middle_claim, "median estimate of the trials that claim efficacy"),
    "near miss": (_near_miss, "smallest p value of the trials that claim nothing"),
    "futility": (lambda rows: rows.index[rows["decision"] == -1][:1], "first trial stopped for futility"),
    "largest trial": (_largest("size"), "most participants when it stopped"),
    "longest trial": (_largest("months"), "most months until it stopped"),
    "failed fit": (
        lambda rows: rows.index[~rows["status"].isin(_FITTED)][:1],
        "first trial whose analysis failed",
    ),
}


def trial_examples(rows: pd.DataFrame, analysis: str) -> pd.DataFrame:
    """Pick example trials of one cell and analysis by rules that were fixed beforehand.

    Parameters
    ----------
    rows : DataFrame
        One row a replicate, as a bundle records them.
    analysis : str
        Prefix of its columns.

    Returns
    -------
    DataFrame
        One row a rule that some trial meets; ties go to the first replicate.
    """
    names = {name: field for field in ROW_FIELDS if (name := f"{analysis}_{field}") in rows}
    mine = rows[["replicate", *names]].rename(columns=names)
    parts = []
    for name, (rule, why) in RULES.items():
        part = mine.loc[rule(mine)]
        part.insert(0, "rule", name)
        part.insert(1, "why", why)
        part.insert(2, "analysis", analysis)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)

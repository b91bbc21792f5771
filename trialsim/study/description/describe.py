"""All that describes the trials of a plan, as tidy tables."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from trialsim.study.declared.cells import DeclaredCell, DeclaredPlan, RegisterOf, nobody
from trialsim.study.description.course import outcome_course
from trialsim.study.description.participants import baseline_table, enrolment_course, participant_flow
from trialsim.study.description.sample import sample_trials
from trialsim.study.description.twin_fans import twin_fans


@dataclass(frozen=True)
class TrialDescription:
    """What the simulated trials of one cell look like.

    Parameters
    ----------
    cell : str
        The cell that is described: the first whose treatment works, else the first.
    trials : int
        How many trials were simulated for it.
    flow, enrolment, course : DataFrame
        As in `trialsim.study.description.participants` and `trialsim.study.description.course`; empty where
        participants are drawn stage by stage.
    baseline, twins : DataFrame
        Table 1 and twins of its register; empty where people are only their law.
    """

    cell: str
    trials: int = 0
    flow: pd.DataFrame = field(default_factory=pd.DataFrame)
    enrolment: pd.DataFrame = field(default_factory=pd.DataFrame)
    course: pd.DataFrame = field(default_factory=pd.DataFrame)
    baseline: pd.DataFrame = field(default_factory=pd.DataFrame)
    twins: pd.DataFrame = field(default_factory=pd.DataFrame)

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the tables that are not empty, by name."""
        names = ("flow", "enrolment", "course", "baseline", "twins")
        return {name: getattr(self, name) for name in names if len(getattr(self, name))}


def describe_trials(plan: DeclaredPlan, register_of: RegisterOf = nobody) -> TrialDescription:
    """Simulate a few trials of a plan and describe them: who takes part, who leaves, how the outcome runs.

    Parameters
    ----------
    plan : DeclaredPlan
        At least one cell that runs.
    register_of : callable
        From a resolved trial to the register that it recruits from, or None.

    Returns
    -------
    TrialDescription
        The same for the same plan: its chance has a stream of its own.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> from trialsim.study.declared import plan_trial
    >>> described = describe_trials(plan_trial(read_trial("protocols/survival_delayed_effect.toml")))
    >>> sorted(described.frames())
    ['course', 'enrolment', 'flow']
    """
    cell = described_cell(plan)
    register = register_of(cell.trial)
    sample = sample_trials(cell, register)
    found = TrialDescription(cell.name)
    if sample is not None:
        found = TrialDescription(
            cell.name, len(sample), participant_flow(sample), enrolment_course(sample), outcome_course(sample)
        )
    if register is None:
        return found
    return TrialDescription(
        found.cell, found.trials, found.flow, found.enrolment, found.course, baseline_table(register),
        twin_fans(cell.trial, register),
    )  # fmt: skip


def described_cell(plan: DeclaredPlan) -> DeclaredCell:
    """Return the first cell whose treatment works; the first of all where none does."""
    return next((cell for cell in plan.cells if cell.kind == "alternative"), plan.cells[0])

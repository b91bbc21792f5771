"""Refusal of the one trial of a data frame whose linear fit failed."""

from __future__ import annotations

from collections.abc import Sequence

from trialsim.analysis.linear.kernel import COLLINEAR_COVARIATE
from trialsim.analysis.one_trial.deciding import UNDECIDED
from trialsim.analysis.one_trial.normal_estimates import raise_for
from trialsim.analysis.one_trial.tidy_frame import collinear
from trialsim.data import Estimates


def refuse_failed(
    status: int, dependent: int, names: Sequence[str], reasons: tuple[str, ...], field: str
) -> None:
    """Raise if the only fit of a data frame failed, naming the column where it depends on those before it."""
    if status == COLLINEAR_COVARIATE:
        raise collinear(names[dependent])
    raise_for(status, reasons, field)


def refuse_undecided(found: Estimates, dependent: int, names: Sequence[str], field: str) -> None:
    """Raise if the only trial of a data frame has neither estimate nor test, or a column is collinear."""
    code, decision = int(found.status[0]), found.decision
    if code == COLLINEAR_COVARIATE or decision is None or decision.tests[decision.test[0]] in UNDECIDED:
        refuse_failed(code, dependent, names, found.reasons, field)

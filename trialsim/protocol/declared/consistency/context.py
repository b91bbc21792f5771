"""Whether what is stated of a trial's context belongs to a trial that has it."""

from __future__ import annotations

from trialsim.protocol.declared.consistency.parts import Parts
from trialsim.protocol.reading import refuse


def check_context(trial: Parts) -> None:
    """Refuse criteria of what the trial does not have, and statements that nothing would show.

    Raises
    ------
    PydanticCustomError
        As `trialsim.protocol.reading.refuse` makes it.
    """
    stated = trial.context
    if stated is None:
        return
    scenarios = [world.name for world in trial.scenarios]
    for number, one in enumerate(stated.criteria):
        field = f"context.criteria[{number}]"
        if one.scenario is not None and one.scenario not in scenarios:
            raise refuse("is no scenario", one.scenario, field=f"{field}.scenario",
                         mend=f"use {', '.join(scenarios)}, or leave it out for all of them")  # fmt: skip
        learnt = trial.twins is not None and trial.twins.source != "assumed"
        if one.measure == "calibration_slope" and not learnt:
            raise refuse("is of twins that a history gives", one.measure, field=f"{field}.measure",
                         mend="use another measure, or learn or give the twins")  # fmt: skip
    if stated.external_controls is not None and trial.borrowing is None:
        raise refuse("are stated, and the trial borrows none", field="context.external_controls",
                     mend="add [borrowing], or leave the table out")  # fmt: skip

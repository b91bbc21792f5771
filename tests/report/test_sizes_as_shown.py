"""Sizes as the report shows them: an interval that holds its size, and no zero with a sign."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from trialsim.report.sizes import size_tables
from trialsim.study.sizing.tables import size_table


def test_an_interval_holds_the_size_that_is_rounded_up_to_whole_blocks() -> None:
    found = SimpleNamespace(
        size=20, lower=17.2, upper=19.1, exact=18.2, power=0.93, power_mcse=0.01, searched_at=20, trials=1000
    )
    varied = SimpleNamespace(arms=lambda size: (size / 2, size / 2))
    row = SimpleNamespace(analysis=SimpleNamespace(label="mmrm"), scored=False, why="declared")
    formula = SimpleNamespace(size=16.9, name="mixed model in large samples")
    key = ("as declared", "mmrm")
    (line,) = size_table(varied, [row], {key: found}, {key: formula}).to_dict("records")  # type: ignore[arg-type]
    assert line["participants_lower_95"] <= line["participants"] <= line["participants_upper_95"]


def test_a_saving_of_nothing_has_no_sign() -> None:
    savings = pd.DataFrame(
        {
            "analysis": ["mmrm"], "score": ["as declared"], "beyond": ["ancova"], "best": [True],
            "participants_saved": [-0.2], "participants_saved_mcse": [0.7], "controls_saved": [-0.1],
            "share_saved": [-0.01], "share_saved_lower_90": [-0.1], "months_saved": [-0.04],
        }
    )  # fmt: skip
    nothing = pd.DataFrame()
    result = SimpleNamespace(
        sizes=nothing, savings=savings, twins=nothing, rivals=nothing, reproduction=nothing
    )
    table = size_tables(result)["savings"]  # type: ignore[arg-type]
    shown = dict(zip(table.columns, table.rows[0], strict=True))
    assert (shown["controls saved"], shown["months saved"]) == ("0", "0.0")
    savings["months_saved"] = np.nan
    assert dict(zip(table.columns, size_tables(result)["savings"].rows[0], strict=True))["months saved"] == ""  # type: ignore[arg-type]

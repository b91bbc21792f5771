"""Closed-form REML against exact values for simulated trials with 4 and 10 visits (reference/mmrm.json)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis.repeated_measures.closed_form.block import fit_monotone, monotone_block

HERE = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["n200_V4", "n200_V10"])
def test_exact_reml_of_simulated_trials(name):
    entries = json.loads((HERE / "data" / "mmrm.json").read_text())["entries"]
    expected = next(entry for entry in entries if entry["id"] == f"mmrm_sim_{name}_us")["expected"]
    rows = pd.read_csv(HERE.parent / "data" / "mmrm_sim" / f"{name}.csv")
    outcomes = rows.pivot_table(index="id", columns="visit", values="y").to_numpy()
    people = rows.drop_duplicates("id").sort_values("id")
    design = np.column_stack([np.ones(len(people)), people["arm"], people["bl"]])

    fit = fit_monotone(outcomes, design)
    assert fit.reached.tolist() == expected["retention"]
    assert fit.minus_two_log_likelihood == pytest.approx(expected["exact"]["m2RLL"], rel=1e-9)
    np.testing.assert_allclose(fit.sigma, expected["exact"]["Sigma"], rtol=1e-9)
    for visit, values in expected["exact"]["arm_effect_by_visit"].items():
        exact = [values["est"], values["se"], values["df_satterthwaite"]]
        np.testing.assert_allclose(fit.contrast([0, 1, 0], int(visit) - 1), exact, rtol=1e-9)
        found = monotone_block(outcomes[None], design, visit=int(visit) - 1)
        np.testing.assert_allclose(
            [found.estimate[0], found.standard_error[0], found.df[0]], exact, rtol=1e-9
        )

    printed = expected["mmrm_last_visit"]["satterthwaite"]
    estimate, standard_error, df = fit.contrast([0, 1, 0])
    assert estimate == pytest.approx(printed["est"], rel=5e-5)
    assert standard_error == pytest.approx(printed["se"], rel=1e-4)
    assert df == pytest.approx(printed["df"], rel=3e-4)

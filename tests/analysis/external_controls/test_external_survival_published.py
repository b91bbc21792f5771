"""Weighted hazard ratios and weights against printed ones: Roche MAIC 0.3.0 and zEpid's randomised trial."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis.external_controls import weigh
from trialsim.analysis.external_controls.survival_kernel import EventTimes, log_hazard_ratio
from trialsim.tilting import solve_tilt

# Of the vignette: its weights are exp(b'x) about the comparator's means, not scaled.
MEAN_WEIGHT = 0.37638049735


def test_roche_maic_hazard_ratios_and_their_robust_intervals(shared) -> None:
    people = pd.read_csv(shared("data/maic_roche/adsl.csv"), dtype={"USUBJID": str})
    times = pd.read_csv(shared("data/maic_roche/adtte.csv"), dtype={"USUBJID": str})
    outside = pd.read_csv(shared("data/maic_roche/psuedo_IPD.csv"))
    target = pd.read_csv(shared("data/maic_roche/aggregate_data.csv")).iloc[0]
    both = people.merge(times, on="USUBJID")
    age = both["AGE"].to_numpy(float)
    gaps = np.column_stack(
        [
            age - target["age.mean"],
            age**2 - target["age.mean"] ** 2 - target["age.sd"] ** 2,
            (both["SEX"] == "Male") - target["prop.male"],
            both["SMOKE"] - target["prop.smoke"],
            both["ECOG0"] - target["prop.ecog0"],
        ]
    ).astype(float)
    tilt = solve_tilt(gaps)
    assert tilt is not None
    raw = np.exp(gaps @ tilt)
    assert raw.mean() == pytest.approx(MEAN_WEIGHT, rel=1e-6)
    treated = np.repeat([1.0, 0.0], [len(both), len(outside)])
    event = np.concatenate([1.0 - both["CNSR"], outside["Event"]])
    everybody = EventTimes.of(treated, event, np.concatenate([both["AVAL"], outside["Time"]]))
    w = np.concatenate([raw, np.ones(len(outside))])
    found = log_hazard_ratio(everybody, w)
    plain = log_hazard_ratio(everybody, np.ones(len(w)))
    assert found is not None
    assert plain is not None
    assert np.exp(plain[0]) == pytest.approx(0.374898096076, rel=1e-6)
    error = np.sqrt(np.square(w * found[1]).sum())
    limits = np.exp(found[0] + np.array([0.0, -1.0, 1.0]) * 1.959963984540054 * error)
    assert limits == pytest.approx([0.286475187626, 0.207204945061, 0.396071788254], rel=1e-6)


def test_zepid_effects_transported_by_the_odds_of_not_being_in_the_trial(shared) -> None:
    people = pd.read_csv(shared("data/zepid_rct/generalize_rct.csv"))
    x = np.column_stack([people["L"], people["W"] ** 2]).astype(float)
    studied = (people["S"] == 1).to_numpy()
    found = weigh((~studied).astype(float), x, "att", ["L", "W2"])
    trial, w = people[studied], found.weights[studied]
    assert w.sum() ** 2 / np.square(w).sum() == pytest.approx(234.9, abs=0.1)
    one, none = ((trial["A"] == arm).to_numpy() for arm in (1, 0))
    risks = [np.average(trial["Y"][arm], weights=w[arm]) for arm in (one, none)]
    assert risks[0] - risks[1] == pytest.approx(0.0348962042968, abs=1e-6)
    assert risks[0] / risks[1] == pytest.approx(1.09713946467, abs=1e-5)

"""The International Stroke Trial, fitted by country without pooling, as if nobody could share a row."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm

from tests.analysis.federated.test_federated import fitted
from trialsim.analysis.federated import ask
from trialsim.analysis.federated.messages import SMALLEST_CELL


def test_ist_by_country_equals_the_pooled_fit(shared: Callable[[str], Path]) -> None:
    raw = pd.read_csv(shared("data/ist/ist.csv.gz"))
    data = pd.DataFrame(
        {
            "site": raw["country"],
            "age": raw["age"],
            "male": raw["male"],
            "dead": (raw["outcome_6_months"] == "dead").astype(float).where(raw["outcome_6_months"].notna()),
        }
    ).dropna()
    cells = data.groupby("site")[["dead", "male"]].value_counts()
    fewest, filled = cells.groupby("site").min(), cells.groupby("site").size()
    kept = [site for site in fewest.index if filled[site] == 4 and fewest[site] >= SMALLEST_CELL]
    data = data[data["site"].isin(kept)]
    assert len(kept) > 15
    began = time.monotonic()
    found = fitted(ask("logistic", "dead", ["age", "male"], kept), data)
    assert time.monotonic() - began < 60
    x = data[["age", "male"]].assign(**{site: (data["site"] == site).astype(float) for site in kept[1:]})
    pooled = sm.GLM(data["dead"], sm.add_constant(x), family=sm.families.Binomial()).fit(tol=1e-13)
    np.testing.assert_allclose(found.frame["estimate"], pooled.params, rtol=1e-8, atol=1e-9)

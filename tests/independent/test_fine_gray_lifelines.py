"""Fine and Gray's coefficient against a weighted time-varying Cox regression of lifelines."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxTimeVaryingFitter, KaplanMeierFitter

from trialsim.analysis.competing_risks import fine_gray_block


def test_coefficient_is_that_of_the_expanded_rows():
    rng = np.random.default_rng(9)
    n = 90
    arm, x = np.resize([0, 1], n), rng.normal(size=n)
    time = rng.exponential(8, n) + 0.1
    event = rng.choice([0, 1, 2], n, p=[0.3, 0.4, 0.3])
    curve = KaplanMeierFitter().fit(time, event == 0)

    def G(t):
        return curve.survival_function_at_times(t - 1e-9).iloc[0]

    rows = []
    causes = np.sort(time[event == 1])
    for i in range(n):
        rows.append((i, 0.0, time[i], int(event[i] == 1), 1.0))
        start = time[i]
        if event[i] == 2:
            for t in causes[causes > time[i]]:
                rows.append((i, start, t, 0, G(t) / G(time[i])))
                start = t
    data = pd.DataFrame(rows, columns=["id", "start", "stop", "event", "weight"])
    data = data.assign(arm=arm[data["id"]], x=x[data["id"]])
    peer = CoxTimeVaryingFitter().fit(
        data, id_col="id", start_col="start", stop_col="stop", event_col="event", weights_col="weight",
        fit_options={"precision": 1e-10},
    )  # fmt: skip
    ours = fine_gray_block(time[None], event[None], arm[None], x[None, :, None])
    assert ours.estimate[0] == pytest.approx(peer.params_["arm"], rel=1e-6)

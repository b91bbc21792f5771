"""Published analyses of Freireich's 6-MP trial (Blood 1963;21:699) and of exact rank tests."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from trialsim.analysis import cox, kaplan_meier, log_rank
from trialsim.analysis.survival import weibull
from trialsim.study.qualification.oracle import Oracle

KLEINBAUM = "Kleinbaum and Klein 2012, chapter 7"
KLEIN = "Klein and Moeschberger 2003, table 4.1"
# Weeks in remission, with a minus where it went on.
_TREATED = (6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35)
_PLACEBO = (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)
_COIN = pd.DataFrame(
    {
        "t": [3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 2, 4, 6, 8],
        "e": [1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0],
        "arm": list("ccacacaaaacccc"),
    }
)


def _remissions() -> pd.DataFrame:
    weeks = np.array([*_TREATED, *_PLACEBO])
    arm = np.repeat([0, 1], [len(_TREATED), len(_PLACEBO)])
    return pd.DataFrame({"t": np.abs(weeks), "status": (weeks > 0).astype(int), "Rx": arm})


def _cox(ties: Literal["efron", "breslow", "exact"]) -> list[float]:
    fit = cox(_remissions(), time="t", event="status", arm="Rx", ties=ties, variance="model")
    return [float(fit.coefficients[0]), float(fit.standard_errors[0]), float(fit.log_likelihood[1])]


def _weibull() -> list[float]:
    fit = weibull(_remissions(), time="t", event="status", arm="Rx", control=1)
    return [
        float(fit.shape),
        float(fit.hazard_ratios().estimate.iloc[0]),
        float(fit.time_ratios().estimate.iloc[0]),
    ]


def _curve() -> list[float]:
    data = _remissions()
    found = kaplan_meier(data[data.Rx == 0], time="t", event="status").at([6, 7, 10, 13, 16, 22, 23])
    return [float(one) for one in found.survival]


ORACLES = (
    Oracle(
        "survival/cox_breslow", lambda: _cox("breslow"), (1.5092, 0.4096, -86.380), 6e-4, "R survival, coxph"
    ),
    Oracle("survival/cox_efron", lambda: _cox("efron"), (1.5721, 0.4124, -85.008), 6e-4, "R survival, coxph"),
    Oracle("survival/cox_exact", lambda: _cox("exact"), (1.6282, 0.4331, -74.543), 6e-4, "R survival, coxph"),
    Oracle("survival/weibull", _weibull, (1.366, -1.731, 2.248), 6e-4, KLEINBAUM),
    Oracle("survival/kaplan_meier", _curve, (0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448), 6e-4, KLEIN),
    Oracle(
        "survival/exact_log_rank",
        lambda: [log_rank(_COIN, time="t", event="e", arm="arm", control="c").p_value],
        (0.00333000333,),
        5e-12,
        "R package coin 1.4-2",
    ),
)

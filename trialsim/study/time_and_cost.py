"""What the plan's savings mean in months of enrolment and in money."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialsim.data import Floats
from trialsim.design import Prices, savings
from trialsim.protocol import Protocol
from trialsim.streams import stream
from trialsim.study.result import StudyResult
from trialsim.trial import enrol

STREAM = "time and cost"
_REPLICATES = 2000
_FEWEST_REPLICATES = 20
_NUMBERS = 4_000_000
# `savings` reads the interval of a correlation off its draws, by quantiles; these are the interval itself.
_DRAWS_AN_END = 20


@dataclass(frozen=True)
class EnrolmentTimes:
    """Months to enrol so many participants, the same simulated futures for every number.

    Parameters
    ----------
    month : ndarray (R, N)
        Month of entry of each participant.
    """

    month: Floats

    @classmethod
    def of(cls, protocol: Protocol, most: int) -> EnrolmentTimes:
        """Simulate the protocol's enrolment of up to `most` participants."""
        replicates = int(np.clip(_NUMBERS // most, _FEWEST_REPLICATES, _REPLICATES))
        generator = stream(protocol.seed, STREAM, 0, "enrolment")
        return cls(enrol(replicates, most, protocol.enrolment, generator))

    def mean(self, participants: int) -> float:
        """Return the mean month of full enrolment."""
        return float(self.month[:, participants - 1].mean())

    def saved_error(self, before: int, after: int) -> float:
        """Return the Monte Carlo standard error of the months saved between two sizes."""
        saved = self.month[:, before - 1] - self.month[:, after - 1]
        return float(saved.std(ddof=1) / np.sqrt(len(saved)))


def time_and_cost(result: StudyResult) -> pd.DataFrame:
    """Return participants, controls, months and money saved beyond baseline ANCOVA.

    Parameters
    ----------
    result : StudyResult
        Its plan, enrolment model and, if the protocol has them, prices.

    Returns
    -------
    DataFrame
        One row a figure (undiscounted, discounted, worst plausible), way to save (fixed allocation,
        active arm fixed) and gain: ``value``, ``lower`` and ``upper`` at the ends of the 95 % interval of the
        partial correlation (NaN for the worst plausible figure, which is a bound itself), ``error``: Monte
        Carlo standard error of the value, 0 where it is a formula. NaN where a way is infeasible; rows
        of cost only where the protocol has prices.

    Notes
    -----
    Months are the mean time from the first site's activation to full enrolment in the protocol's model,
    over the same simulated futures for all sizes, so that differences are those of size. Money is
    participants, months of the trial and of all its sites, and people screened, each at its price.
    """
    plan, protocol = result.plan, result.protocol
    prices = _prices(result)
    times = EnrolmentTimes.of(protocol, max(saving.ancova.total for saving in plan.savings))
    frame = savings(
        plan,
        np.repeat(result.gain.partial_correlation_95, _DRAWS_AN_END),
        times.mean,
        prices or Prices(0.0, 0.0),
        sd_inflation=protocol.sizing.sd_inflation,
    ).to_frame()
    bound = frame["figure"] == "worst_plausible"
    frame.loc[bound, ["lower", "upper"]] = np.nan
    frame["error"] = [_error(result, times, prices, row) for _, row in frame.iterrows()]
    kept = frame if prices is not None else frame[frame["gain"] != "cost"]
    return kept.reset_index(drop=True)


def _error(result: StudyResult, times: EnrolmentTimes, prices: Prices | None, row: pd.Series) -> float:
    saving = result.plan.saving(row["figure"])
    after = saving.prognostic if row["way"] == "fixed allocation" else saving.active_fixed
    if after is None or row["gain"] in ("participants", "controls"):
        return 0.0
    months = times.saved_error(saving.ancova.total, min(after.total, saving.ancova.total))
    return months if row["gain"] == "months" else months * (prices.month if prices else 0.0)


def _prices(result: StudyResult) -> Prices | None:
    """Return the protocol's prices by randomised participant and month of enrolment."""
    costs = result.protocol.costs
    if costs is None:
        return None
    eligible = 1 - result.fact(result.protocol.alternative.name).screen_failure_rate
    screening = costs.screening / eligible
    return Prices(
        control=costs.control + screening,
        active=costs.active + screening,
        month=costs.month + costs.site_month * result.protocol.enrolment.sites,
    )

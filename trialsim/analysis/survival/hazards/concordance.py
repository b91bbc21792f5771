r"""Harrell's concordance: how often who has the higher risk has the event earlier.

Two participants can be compared if the earlier time is an event (or the times are tied and one of them only
is an event, which then comes first). With c_i the share of concordant pairs, ties of risk counting one half:

.. math:: C = \frac{\sum_{i<j} c_{ij}}{\sum_{i<j} 1}, \qquad
          Var\,C = \sum_i \Big( \frac{\sum_j c_{ij} - C\, n_i}{\sum_{i<j} 1} \Big)^2

over comparable pairs, n_i being those of participant i: the infinitesimal jackknife of R's survival. Harrell
et al. (1982), JAMA 247:2543. Pairs are compared within strata.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numba import njit

from trialsim.analysis.one_trial.printed import Facts, Printed, Tables, half_width
from trialsim.analysis.one_trial.tidy_frame import Columns, check_level
from trialsim.analysis.survival.block import Labels
from trialsim.analysis.survival.frame import read_frame
from trialsim.data import Floats, Ints
from trialsim.errors import AnalysisError


@njit(cache=True)
def count_pairs(time: Floats, event: Labels, stratum: Ints, risk: Floats, sums: Floats) -> None:
    """Fill, for each participant (N, 4): concordant, discordant and tied pairs, and all of them."""
    for i in range(time.size):
        for j in range(time.size):
            first = event[i] == 1 and (time[i] < time[j] or (time[i] == time[j] and event[j] != 1))
            if i == j or not first or stratum[i] != stratum[j]:
                continue
            kind = 0 if risk[i] > risk[j] else 1 if risk[i] < risk[j] else 2
            for k in (i, j):
                sums[k, kind] += 1.0
                sums[k, 3] += 1.0


@dataclass(frozen=True, repr=False)
class Concordance(Printed):
    """Harrell's concordance of one risk with one outcome.

    Parameters
    ----------
    estimate, standard_error : float
        C, and its standard error by the infinitesimal jackknife.
    concordant, discordant, tied : int
        Pairs that can be compared, by what their risks say.
    level : float
        Of the interval.
    """

    estimate: float
    standard_error: float
    concordant: int
    discordant: int
    tied: int
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return the estimate with its limits in one row."""
        width = half_width(self.level) * self.standard_error
        return pd.DataFrame(
            {
                "concordance": [self.estimate],
                "standard_error": self.standard_error,
                "lower": max(self.estimate - width, 0.0),
                "upper": min(self.estimate + width, 1.0),
            }
        )

    def _title(self) -> str:
        return "Concordance (Harrell)"

    def _facts(self) -> Facts:
        return {"pairs": f"{self.concordant} concordant, {self.discordant} discordant, {self.tied} tied"}

    def _tables(self) -> Tables:
        return {f"{self.level:.0%} interval": self.to_frame()}


def concordance(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    risk: str,
    strata: Columns | None = None,
    level: float = 0.95,
) -> Concordance:
    """Return how often the participant with the higher risk has the event earlier.

    Parameters
    ----------
    data, time, event, strata, level
        As in `log_rank`.
    risk : str
        Column: higher values should mean an earlier event, such as a linear predictor of Cox's model.

    Returns
    -------
    Concordance
        1 for a perfect ranking, 0.5 for none.

    Raises
    ------
    AnalysisError
        If the data cannot be read, or no pair can be compared.

    Examples
    --------
    >>> data = pd.DataFrame({"t": [1, 2, 3, 4], "e": 1, "x": [4, 3, 1, 2]})
    >>> print(concordance(data, time="t", event="e", risk="x"))
    Concordance (Harrell)
      pairs  5 concordant, 1 discordant, 0 tied
    <BLANKLINE>
    95% interval
      concordance standard_error  lower  upper
           0.8333         0.1667 0.5067 1.0000
    """
    frame = read_frame(data, time=time, event=event, arm=None, strata=strata, covariates=[risk])
    block = frame.block
    if block.covariates.shape[2] != 1:
        raise AnalysisError("must hold numbers", field="risk", value=risk)
    sums = np.zeros((block.time.shape[1], 4))
    count_pairs(block.time[0], block.event[0], block.stratum[0], block.covariates[0, :, 0].copy(), sums)
    pairs = sums.sum(axis=0) / 2.0
    if pairs[3] == 0.0:
        raise AnalysisError("no two participants can be compared", field=event)
    share = (pairs[0] + 0.5 * pairs[2]) / pairs[3]
    moved = (sums[:, 0] + 0.5 * sums[:, 2] - share * sums[:, 3]) / pairs[3]
    concordant, discordant, tied, _ = (round(float(count)) for count in pairs)
    error = float(np.sqrt((moved**2).sum()))
    return Concordance(float(share), error, concordant, discordant, tied, check_level(level))

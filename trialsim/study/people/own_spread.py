"""The history's own SD at each visit: one factor a visit on what the model leaves."""

from __future__ import annotations

import numpy as np

from trialsim.data import Floats, History
from trialsim.errors import HistoryError
from trialsim.prognosis import Prognosis
from trialsim.streams import stream

STREAM = "spread"
# Beyond these the model does not describe the history, and no factor would mend it.
FARTHEST = 2.0
_DRAWS = 100_000


def own_spread(model: Prognosis, history: History, seed: int) -> Floats:
    """Return factors (V,) on deviations from the score, with which changes have the history's own SD.

    A model with a level and a slope for each participant, and one noise, spreads a little more at one visit
    and less at another than the history did, and sizes go with the square. For the participants observed at a
    visit, with S the SD of their change and m their predicted changes,
    ``k² = (S² − Var m) / Var(drawn − m)``. It is the same in every world, whatever its drift.

    Parameters
    ----------
    model : Prognosis
        Fitted to the history.
    history : History
        Eligible participants with a baseline, at the V visits.
    seed : int
        Of the draws that the model's own variance is taken from, at least 100,000 of them.

    Raises
    ------
    HistoryError
        A factor is under 1/2 or above 2.
    """
    score = model.predict(history.covariates, history.baseline, history.weeks).score
    times = -(-_DRAWS // len(history))
    who = np.tile(np.arange(len(history)), times)
    drawn = model.draw_each(
        history.covariates.take(who), history.baseline[who], history.weeks, stream(seed, STREAM, 0, "outcome")
    )
    left = (drawn - score[who]).reshape(times, len(history), -1)
    factors = np.empty(len(history.weeks))
    for visit, week in enumerate(history.weeks):
        seen = np.isfinite(history.outcomes[:, visit])
        spread = float((left[:, seen, visit] ** 2).mean())
        change = (history.outcomes[:, visit] - history.baseline)[seen]
        told = float((score[:, visit] - history.baseline)[seen].var(ddof=1))
        ratio = (float(change.var(ddof=1)) - told) / spread
        if not 1 / FARTHEST**2 <= ratio <= FARTHEST**2:
            raise HistoryError(
                f"the model spreads changes at week {week:g} by {np.sqrt(spread):.3g} "
                f"around its predictions, and the history has an SD of {change.std(ddof=1):.3g} there",
                field="endpoints.course",
                mend="check the outcome for codes and mixed scales, or set twins.visit_scales = true",
            )
        factors[visit] = np.sqrt(ratio)
    return factors

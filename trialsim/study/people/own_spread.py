"""The history's own SD at each visit, given to what a model draws: sizes go with its square."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trialsim.data import Floats, History
from trialsim.errors import HistoryError
from trialsim.prognosis import Prognosis
from trialsim.streams import stream

STREAM = "spread"
# Beyond these the model does not describe the history, and no factor would mend it.
FARTHEST = 2.0
_DRAWS = 100_000


def spread_factors(model: Prognosis, history: History, seed: int) -> Floats:
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


@dataclass(frozen=True)
class OwnMoments:
    """How a disease model's changes from baseline get the history's SD and correlation with the baseline.

    With c the change at a visit, x the baseline, b the model's slope of c on x and r the rest, everybody in
    every arm is moved by ``(b' − b)(x − x̄) + (k − 1) r``. With S the SD of the history's change, ρ its
    correlation with the baseline and s the SD of x among the model's people, ``b' = ρ S / s`` and
    ``k² = S² (1 − ρ²) / Var r``. The mean of nobody's arm moves, and no difference between arms.

    Parameters
    ----------
    slope, target : ndarray (V,)
        The model's b, and the history's b', at each visit.
    factor : ndarray (V,)
        k at each visit.
    """

    slope: Floats
    target: Floats
    factor: Floats

    @classmethod
    def of(cls, control: Floats, history: History) -> OwnMoments:
        """Compare the model's people with the participants that the history observed at each visit.

        Parameters
        ----------
        control : ndarray (M, 1 + V)
            Baseline and visits of the model's people on placebo, where nothing drifts.
        history : History
            Real participants at the same V visits.

        Raises
        ------
        HistoryError
            A factor is under 1/2 or above 2: the model and the history are of different people.
        """
        slope, change = _on_baseline(control)
        left = (change - change.mean(axis=0) - slope * _centred(control[:, 0])[:, None]).std(axis=0, ddof=1)
        own, rho = _moments(history)
        factor = own * np.sqrt(1 - rho**2) / left
        for week, k, sd in zip(history.weeks, factor, own, strict=True):
            if not 1 / FARTHEST <= k <= FARTHEST:
                raise HistoryError(
                    f"beyond the baseline the disease model spreads changes at week {week:g} "
                    f"{1 / k:.3g} times as far as the history, whose changes have an SD of {sd:.3g}",
                    field="endpoints.course.model",
                    mend="check the outcome for codes and mixed scales, or take the history itself as the "
                    'people: population.kind = "history"',
                )
        return cls(slope, rho * own / control[:, 0].std(ddof=1), factor)

    def moved(self, control: Floats) -> Floats:
        """Return by how much everybody is moved at each visit (M, V), from outcomes on placebo (M, 1 + V)."""
        change, centred = control[:, 1:] - control[:, :1], _centred(control[:, 0])[:, None]
        rest = change - change.mean(axis=0) - self.slope * centred
        return np.asarray((self.target - self.slope) * centred + (self.factor - 1) * rest)


def _centred(values: Floats) -> Floats:
    return np.asarray(values - values.mean())


def _on_baseline(control: Floats) -> tuple[Floats, Floats]:
    """Return the slope of each visit's change on the baseline (V,), and the changes (M, V)."""
    change, centred = control[:, 1:] - control[:, :1], _centred(control[:, 0])
    return np.asarray(centred @ change / (centred @ centred)), change


def _moments(history: History) -> tuple[Floats, Floats]:
    """Return SD of the change and its correlation with the baseline, of those observed at each visit (V,)."""
    rows = []
    for visit in range(len(history.weeks)):
        seen = np.isfinite(history.outcomes[:, visit])
        baseline = history.baseline[seen]
        change = history.outcomes[seen, visit] - baseline
        rows.append((change.std(ddof=1), np.corrcoef(baseline, change)[0, 1]))
    own, rho = np.array(rows).T
    return own, rho

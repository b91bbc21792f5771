"""The living twin: a participant's twin, given the visits that have been observed since.

Given one posterior draw the outcomes of a participant are jointly normal, so conditioning is closed form:

    E(y_later | y_seen) = m_l + V_ls V_ss^-1 (y_seen - m_s),    Var = V_ll - V_ls V_ss^-1 V_sl

The draws themselves are weighed by N(y_seen; m_s, V_ss), the density of what was seen: the result is the
posterior predictive distribution of a history to which this participant has been added, without a refit.

**Post-baseline data are no covariate for a randomised comparison.** Treatment acts on them: adjusting for
an updated twin removes a part of the effect itself. Updated twins serve forecasts, monitoring and planning;
the score of an analysis is the twin at baseline (`Prognosis.predict`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from trialsim.data import Bools, Covariates, Floats, History, Ints, Twins
from trialsim.errors import HistoryError
from trialsim.notebook import InNotebook
from trialsim.prognosis.histories.compatibility import require_compatible
from trialsim.prognosis.models.regression import Regression
from trialsim.prognosis.models.spread import Spread
from trialsim.prognosis.twins.longitudinal import Prognosis, require_same_length

NO_COVARIATE = (
    "Post-baseline data are no covariate for a randomised comparison: treatment acts on them. Use updated "
    "twins for forecasts and monitoring; adjust an analysis for the twin at baseline."
)
_CHUNK_NUMBERS = 4_000_000


@dataclass(frozen=True)
class UpdatedTwins(InNotebook):
    """Twins that know some visits of their participants.

    Parameters
    ----------
    twins : Twins
        Of the weeks that were asked for.
    effective_draws : ndarray (N,)
        Kish size of the weights of the posterior draws; small where the participant is unlike the history.
    """

    twins: Twins
    effective_draws: Floats


def update_twins(
    prognosis: Prognosis,
    covariates: Covariates,
    baseline: Floats,
    seen_weeks: Sequence[float] | Floats,
    seen: Floats,
    weeks: Sequence[float] | Floats,
    generator: np.random.Generator | None = None,
    draws: int = 0,
    *,
    learnt: bool = False,
) -> UpdatedTwins:
    """Condition the twins of participants on the visits observed so far.

    Post-baseline data are no covariate for a randomised comparison; see the module.

    Parameters
    ----------
    prognosis : Prognosis
        Fitted to a history. With study effects each participant is taken as the only one known of a new
        study: what they tell of its effect is used for themselves alone.
    covariates, baseline
        As in `Prognosis.predict`, N participants.
    seen_weeks : sequence of float (O,)
        Weeks of the observed visits, within the history's range.
    seen : ndarray (N, O)
        Outcomes in points; NaN where a participant was not seen.
    weeks : sequence of float (W,)
        Weeks to predict, none of which is in `seen_weeks`.
    generator : Generator, optional
        Of the component ``twins``; needed for draws.
    draws : int
        Predictive draws of each participant, joint over weeks.
    learnt : bool
        Whether the prognosis was fitted to these visits already, so that its draws are not weighed by them.

    Returns
    -------
    UpdatedTwins

    Raises
    ------
    HistoryError
        A week to predict was observed already, an outcome is infinite, or as in `Prognosis.predict`.
    ValueError
        Draws are asked for without a generator.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, History
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> history = History("score", "example", True, people, np.array([12.0, 24.0]), rng.normal(20, 3, 60),
    ...                   rng.normal(22, 4, (60, 2)), np.zeros(60, dtype=int))
    >>> from trialsim.prognosis.validation.predictive import prior_prognosis
    >>> prognosis = prior_prognosis(history, generator=rng, draws=50)
    >>> updated = update_twins(prognosis, people, history.baseline, [12.0], history.outcomes[:, :1], [24.0])
    >>> updated.twins.score.shape
    (60, 1)
    """
    seen_weeks, weeks = np.asarray(seen_weeks, dtype=float), np.asarray(weeks, dtype=float)
    seen, baseline = np.asarray(seen, dtype=float), np.asarray(baseline, dtype=float)
    _check(seen_weeks, seen, weeks, len(baseline))
    if draws and generator is None:
        raise ValueError("predictive draws need a generator: trialsim.streams.stream(..., 'twins')")
    joint = _Joint.of(prognosis, covariates, baseline, np.concatenate([seen_weeks, weeks]))
    score, sd = np.empty((2, len(baseline), len(weeks)))
    effective = np.empty(len(baseline))
    drawn = np.empty((len(baseline), len(weeks), draws))
    alike, which = np.unique(np.column_stack([np.isfinite(seen), joint.z]), axis=0, return_inverse=True)
    with threadpool_limits(1, user_api="blas"):
        for number, pattern in enumerate(alike[:, : len(seen_weeks)] > 0):
            rows = np.flatnonzero(which.ravel() == number)
            conditional = _Conditional.of(joint, pattern, len(weeks), alike[number, len(seen_weeks) :])
            size = max(1, _CHUNK_NUMBERS // (len(joint.spread.noise) * joint.rows.shape[1]))
            for part in np.array_split(rows, -(-len(rows) // size)):
                mean, weight = conditional.means(joint, part, seen[part])
                if learnt:
                    weight = np.full_like(weight, 1 / weight.shape[1])
                score[part] = np.einsum("nwd,nd->nw", mean, weight)
                spread = np.einsum("nwd,nd->nw", (mean - score[part, :, None]) ** 2, weight)
                sd[part] = np.sqrt(spread + weight @ np.einsum("dww->dw", conditional.covariance))
                effective[part] = 1 / (weight**2).sum(axis=1)
                if generator is not None and draws:
                    drawn[part] = conditional.draw(mean, weight, draws, generator)
    return UpdatedTwins(Twins(weeks, score, sd, drawn if draws else None), effective)


def update_interim(prognosis: Prognosis, history: History, interim: History) -> pd.DataFrame:
    """Return the updated twins of a running trial, one row a participant and week still ahead.

    Parameters
    ----------
    prognosis : Prognosis
        Fitted to `history`.
    history, interim : History
        What was learnt from, and the trial's participants so far, with a baseline each.

    Returns
    -------
    DataFrame
        participant (position in `interim`, from 0), week, score, sd, effective_draws. Ahead of a participant
        are the history's weeks after the last one that they were seen at, so that those who entered early
        and those who entered late may stand in one file. Who has no baseline has no twin and no row; visits
        at weeks that the history does not have are not used.

    Raises
    ------
    HistoryError
        The two may not meet (`require_compatible`), or share no week.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, History
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> history = History("score", "example", True, people, np.array([12.0, 24.0]), rng.normal(20, 3, 60),
    ...                   rng.normal(22, 4, (60, 2)), np.zeros(60, dtype=int))
    >>> from trialsim.prognosis.validation.predictive import prior_prognosis
    >>> prognosis = prior_prognosis(history, generator=rng, draws=50)
    >>> seen = History("score", "example", True, people, history.weeks[:1], history.baseline + 1.0,
    ...                history.outcomes[:, :1] + 1.0, history.group)
    >>> update_interim(prognosis, history, seen)["week"].unique()
    array([24.])
    """
    require_compatible(history, interim)
    if not np.isin(interim.weeks, history.weeks).any():
        raise HistoryError(
            "the interim data have no week of the history", field="weeks", mend="give the history's visits"
        )
    seen = np.full((len(interim), len(history.weeks)), np.nan)
    seen[:, np.isin(history.weeks, interim.weeks)] = interim.outcomes[
        :, np.isin(interim.weeks, history.weeks)
    ]
    visits = (np.isfinite(seen) * np.arange(1, len(history.weeks) + 1)).max(axis=1)
    frames = []
    for reached in range(len(history.weeks)):
        people = np.flatnonzero((visits == reached) & np.isfinite(interim.baseline))
        weeks = history.weeks[reached:]
        updated = update_twins(
            prognosis,
            interim.covariates.take(people),
            interim.baseline[people],
            history.weeks[:reached],
            seen[people, :reached],
            weeks,
        )
        frames.append(
            pd.DataFrame(
                {
                    "participant": np.repeat(people, len(weeks)),
                    "week": np.tile(weeks, len(people)),
                    "score": updated.twins.score.ravel(),
                    "sd": updated.twins.sd.ravel(),
                    "effective_draws": np.repeat(updated.effective_draws, len(weeks)),
                }
            )
        )
    return pd.concat(frames).sort_values(["participant", "week"], ignore_index=True)


def _check(seen_weeks: Floats, seen: Floats, weeks: Floats, participants: int) -> None:
    if seen.shape != (participants, len(seen_weeks)):
        raise HistoryError(
            f"observed outcomes are {seen.shape}, not {participants} participants by {len(seen_weeks)} weeks",
            field="seen",
            mend="give one row a participant and one column a week, NaN where not seen",
        )
    if np.isinf(seen).any():
        raise HistoryError("an observed outcome is infinite", field="seen", mend="correct the file")
    if both := sorted(set(seen_weeks) & set(weeks)):
        raise HistoryError(
            f"week {', '.join(f'{week:g}' for week in both)} was observed, there is nothing to predict",
            field="weeks",
            mend="ask for other weeks",
        )


@dataclass(frozen=True)
class _Joint:
    """Rows of the regression (N, O+W, C), coefficients (C, D) in points, spread and its columns (N, L)."""

    rows: Floats
    theta: Floats
    baseline: Floats
    spread: Spread
    z: Floats

    @classmethod
    def of(cls, prognosis: Prognosis, covariates: Covariates, baseline: Floats, weeks: Floats) -> _Joint:
        require_same_length(len(covariates), baseline=baseline)
        s = prognosis.standardisation
        x = s.matrix(covariates, baseline)
        rows = Regression.at(s, weeks).rows(x)
        theta = prognosis.coefficients.T * s.unit
        return cls(rows, theta, baseline, prognosis.spread(weeks), prognosis.spread_columns(x))


@dataclass(frozen=True)
class _Conditional:
    """What one pattern of observed visits makes of the later ones of participants alike in spread, by draw.

    Parameters
    ----------
    seen, later : ndarray of int
        Positions among all visits.
    factor : ndarray (D, S, S)
        Lower Cholesky factor of the covariance of what is seen.
    gain : ndarray (D, W, S)
        V_ls V_ss^-1.
    covariance : ndarray (D, W, W)
        Of the later visits given what is seen.
    """

    seen: Ints
    later: Ints
    factor: Floats
    gain: Floats
    covariance: Floats

    @classmethod
    def of(cls, joint: _Joint, pattern: Bools, later: int, z: Floats) -> _Conditional:
        seen = np.flatnonzero(pattern)
        ahead = len(pattern) + np.arange(later)
        v = joint.spread.covariance(z)
        of_seen, cross = v[:, seen[:, None], seen], v[:, ahead[:, None], seen]
        solved = np.linalg.solve(of_seen, cross.transpose(0, 2, 1))
        gain = np.asarray(solved.transpose(0, 2, 1), dtype=np.float64)
        covariance: Floats = v[:, ahead[:, None], ahead] - gain @ cross.transpose(0, 2, 1)
        factor = np.asarray(np.linalg.cholesky(of_seen), dtype=np.float64)
        return cls(seen, ahead, factor, gain, covariance)

    def means(self, joint: _Joint, part: Ints, seen: Floats) -> tuple[Floats, Floats]:
        """Return means (n, W, D) and weights of the draws (n, D) of participants with this pattern."""
        mean = joint.baseline[part, None, None] + joint.rows[part] @ joint.theta
        missed = seen[:, self.seen, None] - mean[:, self.seen]
        whitened = np.linalg.solve(self.factor, missed.transpose(2, 1, 0))
        log_weight = -0.5 * (whitened**2).sum(axis=1)
        log_weight -= np.log(np.einsum("dss->ds", self.factor)).sum(axis=1)[:, None]
        weight = np.exp(log_weight - log_weight.max(axis=0)).T
        later = mean[:, self.later] + np.einsum("dws,nsd->nwd", self.gain, missed)
        return later, weight / weight.sum(axis=1, keepdims=True)

    def draw(self, mean: Floats, weight: Floats, draws: int, generator: np.random.Generator) -> Floats:
        """Return predictive draws (n, W, draws): posterior draws by systematic resampling, then noise."""
        factor = np.linalg.cholesky(self.covariance)
        result = np.empty((len(mean), mean.shape[1], draws))
        for i in range(len(mean)):
            at = (np.arange(draws) + generator.random()) / draws
            chosen = np.searchsorted(np.cumsum(weight[i]), at).clip(max=len(weight[i]) - 1)
            noise = generator.standard_normal((draws, mean.shape[1], 1))
            result[i] = mean[i][:, chosen] + (factor[chosen] @ noise)[:, :, 0].T
        return result

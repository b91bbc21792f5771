"""How good twins of one outcome a participant are on studies, sites or participants never seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta, chi2

from trialsim.data import Floats, Ints, OutcomeHistory
from trialsim.errors import FitError, HistoryError
from trialsim.notebook import InNotebook
from trialsim.prognosis.families import FAMILIES, EventFamily
from trialsim.prognosis.fit.outcome_sampler import OutcomeSampler
from trialsim.prognosis.fit.settings import FitSettings
from trialsim.prognosis.histories.outcome import informative, require_outcomes
from trialsim.prognosis.models.outcome_terms import require_outcome_terms
from trialsim.prognosis.models.terms import ModelTerms
from trialsim.prognosis.twins.outcome import OutcomePrognosis, fit_outcome
from trialsim.prognosis.validation.gain import FEWEST_REPLICATES, Gain, gain_beyond_baseline
from trialsim.prognosis.validation.outcome_measures import derived_outcome, measure
from trialsim.prognosis.validation.subgroups import withheld
from trialsim.progress import Progress, counted, silent
from trialsim.streams import stream

FOLD_SETTINGS = FitSettings(
    tune=500, draws=500, accept=0.95, max_rhat=1.03, min_ess=100.0, max_divergences=10
)
LEVELS = (0.5, 0.8, 0.95)
_BINS = 10


@dataclass(frozen=True)
class OutcomeValidation(InNotebook):
    """Out-of-fold predictions of N participants.

    Parameters
    ----------
    family : str
        Of the outcome.
    fold : ndarray of int (N,)
        Fold of each.
    outcome, time : ndarray (N,)
        As observed, time in weeks.
    score : ndarray (N,)
        Expectation at the participant's own end of follow-up: probability of the response or of an event,
        position of the level, count.
    risk : ndarray (N,)
        What ranks participants: the same, of events and counts at one week that is common to all.
    pit_low, pit_high : ndarray (N,)
        Probabilities between which the outcome lies in its predictive distribution.
    exceedance : ndarray (N, L-1)
        Of an ordinal outcome, the probability of more than each level but the last.
    fits : tuple of int (F,)
        How many fits each fold took, see `trialsim.prognosis.fit.tries`; not known of some participants.
    """

    family: str
    fold: Ints
    outcome: Floats
    time: Floats
    score: Floats
    risk: Floats
    pit_low: Floats
    pit_high: Floats
    exceedance: Floats
    fits: tuple[int, ...] = ()

    def take(self, which: np.ndarray) -> OutcomeValidation:
        """Return some of the participants."""
        return OutcomeValidation(
            self.family,
            *(value[which] for name, value in vars(self).items() if name not in ("family", "fits")),
        )

    def judge(self, which: np.ndarray | None = None) -> dict[str, float]:
        """Return the measures of some participants (all if not given).

        All families: ``participants``; ``intercept`` and ``slope`` (0 and 1 where calibrated) with
        ``slope_se``; ``discrimination``, the share of pairs of known order that the twins order rightly;
        ``coverage_50``, ``_80`` and ``_95``, see `coverage`. Then

        - binary, events and counts: ``events``, ``expected`` and ``observed_to_expected`` with its 95 %
          interval: of responses Clopper and Pearson's, which is wide where probabilities differ; of events
          the exact Poisson one; of counts by the sandwich. For a time to an event the expectation
          is the cumulative hazard at the end of follow-up.
        - ordinal: ``mean_level`` and ``expected_level``.
        - count: ``deviance_explained``, 1 - D(twins) / D(one rate for all) of Poisson deviances; Spearman's
          ``rank_correlation`` of predicted and observed rates.

        Lines are regressions of the outcome on the prediction: logistic for a response; pooled over
        "more than level k" for levels; Poisson on log rate or log cumulative hazard for counts and events
        (Crowson, Atkinson and Therneau 2016).
        """
        some = self if which is None else self.take(np.asarray(which))
        of_family = measure(some.family, some.outcome, some.time, some.score, some.risk, some.exceedance)
        inside = {f"coverage_{level * 100:.0f}": some._covered(level).mean() for level in LEVELS}
        return {"participants": float(len(some.outcome)), **of_family, **inside}

    def coverage(self, which: np.ndarray | None = None) -> pd.DataFrame:
        """Return the coverage of central predictive intervals of 50, 80 and 95 %.

        An outcome counts by the share of its `pit_low` to `pit_high` inside the interval: the
        expectation of randomised transforms, which need no random number (Czado, Gneiting and Held 2009). Of
        a censored time that is what its twin expects of the rest, so that the heavier the censoring, the
        nearer coverage is to its level by itself.

        Returns
        -------
        DataFrame
            ``level``, ``coverage`` and its 95 % Clopper-Pearson interval ``low_95``, ``high_95``, wider
            than needed where outcomes count in part.
        """
        some = self if which is None else self.take(np.asarray(which))
        n = len(some.outcome)
        inside = np.array([some._covered(level).sum() for level in LEVELS])
        return pd.DataFrame(
            {
                "level": LEVELS,
                "coverage": inside / n,
                "low_95": np.where(inside > 0, beta.ppf(0.025, inside.clip(min=1e-9), n - inside + 1), 0.0),
                "high_95": np.where(
                    inside < n, beta.ppf(0.975, inside + 1, (n - inside).clip(min=1e-9)), 1.0
                ),
            }
        )

    def _covered(self, level: float) -> Floats:
        """Return how much (N,) of each outcome's probability interval lies in the central one."""
        ends = ((1 - level) / 2, (1 + level) / 2)
        width = self.pit_high - self.pit_low
        within = np.clip(self.pit_high, *ends) - np.clip(self.pit_low, *ends)
        point = (self.pit_low >= ends[0]) & (self.pit_low <= ends[1])
        return np.where(width > 0, within / np.where(width > 0, width, 1.0), point * 1.0)

    def pit(self, generator: np.random.Generator) -> Floats:
        """Return randomised probability integral transforms (N,), uniform where the twins are right.

        Parameters
        ----------
        generator : Generator
            Of the component ``twins``.
        """
        return self.pit_low + generator.random(len(self.pit_low)) * (self.pit_high - self.pit_low)

    def pit_p(self, generator: np.random.Generator) -> float:
        """Return the p value of the chi-square test that randomised transforms fill tenths alike."""
        counts = np.histogram(self.pit(generator), bins=_BINS, range=(0.0, 1.0))[0]
        flat = len(self.pit_low) / _BINS
        return float(chi2.sf(((counts - flat) ** 2 / flat).sum(), _BINS - 1))

    def gain(
        self,
        history: OutcomeHistory,
        baseline: str,
        *,
        generator: np.random.Generator,
        replicates: int = FEWEST_REPLICATES,
    ) -> Gain:
        """Return what the twins add to one baseline covariate that an analysis would adjust for anyway.

        The outcome is the one that a covariate-adjusted comparison regresses: the response or position
        itself; for counts observed minus expected by one rate; for a time to an event the martingale
        residual of the Nelson-Aalen estimate, as in the adjusted log-rank test (Ye, Shao and Yi 2024).

        Parameters
        ----------
        history : OutcomeHistory
            The one that was validated.
        baseline : str
            A covariate of it, such as the outcome's own value at baseline.
        generator, replicates
            As in `gain_beyond_baseline`.

        Raises
        ------
        HistoryError
            The covariate is not in the history, or the history is another one.
        """
        if baseline not in history.covariates.names:
            raise HistoryError(
                "is no covariate of the history",
                field="baseline",
                value=baseline,
                mend=f"name one of {', '.join(history.covariates.names)}",
            )
        if not np.array_equal(history.outcome, self.outcome):
            raise HistoryError(
                "has other outcomes than those that were validated", field="history", mend="give that history"
            )
        derived, score = derived_outcome(self.family, self.outcome, self.time, self.risk)
        return gain_beyond_baseline(
            derived, history.covariates.column(baseline), score, generator=generator, replicates=replicates
        )

    def by_subgroup(self, subgroups: dict[str, np.ndarray]) -> pd.DataFrame:
        """Return `judge` of each subgroup.

        Not shown (`withheld`) are subgroups with fewer than 11 participants of either kind of response, of an
        event or without, outside the commonest level, or with an event to count.
        """
        rows = []
        for name, labels in subgroups.items():
            levels = np.unique(labels)
            parts = [np.asarray(labels) == label for label in levels]
            cells = [self._smallest_cell(which) for which in parts]
            for label, which, small in zip(levels, parts, withheld(cells), strict=True):
                row: dict[str, object] = {"grouping": name, "subgroup": str(label), "shown": not small}
                rows.append(row | ({} if small else self.judge(which)))
        return pd.DataFrame(rows)

    def _smallest_cell(self, which: np.ndarray) -> int:
        seen, _ = informative(self.family, self.outcome[which])
        if isinstance(FAMILIES[self.family], EventFamily):
            return min(seen, int(which.sum()) - seen)
        return seen


def validate_outcome(
    history: OutcomeHistory,
    settings: FitSettings = FOLD_SETTINGS,
    *,
    seed: int,
    folds: int = 10,
    by_group: bool = False,
    terms: ModelTerms | None = None,
    sampler: OutcomeSampler | None = None,
    progress: Progress = silent,
) -> OutcomeValidation:
    """Predict every participant by a fit to the others; arguments as in `cross_validate`.

    The whole history must carry the terms. Knots and means are each fold's own; where its quantiles are no
    longer different, the curve is flat in that fold.

    Parameters
    ----------
    history : OutcomeHistory
        Past placebo participants.
    settings : FitSettings
        Of a fold's fit.
    seed : int
        Of folds and fits.
    folds : int
        At least 2.
    by_group : bool
        Whether a study is a fold.
    terms : ModelTerms, optional
        Of the model.
    sampler : OutcomeSampler, optional
        Another sampler than the usual one.
    progress : callable
        Called with stage, folds done and folds in all.

    Returns
    -------
    OutcomeValidation
        Out-of-fold predictions beside what was observed.

    Raises
    ------
    HistoryError
        Nothing can be learnt, the history cannot carry the terms, or there is nothing to part.
    FitError
        The fit of a fold did not pass its gate.
    """
    terms = terms or ModelTerms()
    fold = _part(history, folds, by_group, seed)
    require_outcomes(history)
    require_outcome_terms(history, terms)
    folds = int(fold.max()) + 1
    # Nothing was learnt beyond a fold's longest follow-up; risks of all folds must be of one week.
    reached = min(float(history.time[fold != k].max()) for k in range(folds))
    week = min(float(np.median(history.time)), reached)
    predictions: list[dict[str, Floats]] = []
    sampler = sampler or OutcomeSampler()
    fits: list[int] = []
    for k in counted(range(folds), "cross-validate", progress):
        try:
            fitted = fit_outcome(
                history.take(np.flatnonzero(fold != k)),
                seed=seed,
                settings=settings,
                terms=terms,
                sampler=sampler,
                block=k + 1,
            )
        except FitError as fault:
            raise FitError(f"fold {k + 1} of {folds}: {fault}") from fault
        except HistoryError as refusal:
            refusal.problem = f"without fold {k + 1} of {folds}: {refusal.problem}"
            raise
        fits.append(int(fitted.diagnostics.get("fits", 1.0)))
        predictions.append(_predict(fitted, history.take(np.flatnonzero(fold == k)), week))
    back = np.argsort(np.argsort(fold, kind="stable"), kind="stable")
    joined = {name: np.concatenate([one[name] for one in predictions])[back] for name in predictions[0]}
    return OutcomeValidation(history.family, fold, history.outcome, history.time, **joined, fits=tuple(fits))


def _part(history: OutcomeHistory, folds: int, by_group: bool, seed: int) -> Ints:
    """Return the fold (N,) of each participant."""
    units = history.group if by_group else np.arange(len(history))
    labels, unit = np.unique(units, return_inverse=True)
    folds = min(folds, len(labels))
    if folds < 2:
        raise HistoryError(
            "there are fewer than two folds to part", field="folds", mend="give more groups or folds"
        )
    of_unit = np.empty(len(labels), dtype=np.int64)
    of_unit[stream(seed, "outcome", 0, "folds").permutation(len(labels))] = np.arange(len(labels)) % folds
    return of_unit[unit.ravel()]


def _predict(fitted: OutcomePrognosis, them: OutcomeHistory, week: float) -> dict[str, Floats]:
    """Return what `OutcomeValidation` keeps of those held out, by name."""
    low, high = fitted.pit_interval(them)
    found = {"pit_low": low, "pit_high": high, "exceedance": np.zeros((len(them), 0))}
    if not fitted.law.counts_time:
        score = fitted.predict(them.covariates, [fitted.unit]).score[:, 0]
        if them.family == "ordinal":
            p = fitted.probabilities(them.covariates, fitted.unit)
            found["exceedance"] = 1 - np.cumsum(p, axis=1)[:, :-1]
        return found | {"score": score, "risk": score}
    weeks, where = np.unique(np.minimum(them.time, fitted.unit), return_inverse=True)
    score = fitted.predict(them.covariates, weeks).score[np.arange(len(them)), where.ravel()]
    if them.family == "count":
        # Expected counts are proportional to follow-up, also beyond what the fold has seen.
        score = score * them.time / np.minimum(them.time, fitted.unit)
    return found | {"score": score, "risk": fitted.predict(them.covariates, [week]).score[:, 0]}

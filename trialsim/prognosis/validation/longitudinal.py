"""How good the twins are on participants that the model has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import beta, chi2

from trialsim.data import Floats, History, Ints
from trialsim.errors import FitError, HistoryError
from trialsim.notebook import InNotebook
from trialsim.prognosis.fit.densities import REVISION
from trialsim.prognosis.fit.sampler import Sampler
from trialsim.prognosis.fit.settings import FitSettings
from trialsim.prognosis.histories.learnable import learnable_rows, require_learnable
from trialsim.prognosis.models.terms import ModelTerms, require_terms
from trialsim.prognosis.twins.fitting import fit_block, history_hash
from trialsim.prognosis.twins.longitudinal import FORMAT_TAG as MODEL_TAG
from trialsim.prognosis.twins.store import Arrays, address, digest, recall, write
from trialsim.progress import Progress, silent
from trialsim.streams import stream

FORMAT_TAG = "trialsim.validation/3"
# Only the mean and spread of a fold's predictions are used. With 100 effective draws their Monte Carlo
# error is a tenth of the posterior's standard deviation, which is itself small beside one participant's.
FOLD_SETTINGS = FitSettings(tune=500, draws=500, max_rhat=1.03, min_ess=100.0, max_divergences=10)
LEVELS = (0.5, 0.8, 0.95)
_BINS = 10
_FEWEST_AT_A_VISIT = 3


@dataclass(frozen=True)
class CrossValidation(InNotebook):
    """Out-of-fold twins of N participants: each predicted by a fit that has not seen them.

    Parameters
    ----------
    weeks : ndarray (V,)
        Visits of the history.
    rows : ndarray of int (N,)
        Positions in the history of those with a baseline and a later outcome.
    fold : ndarray of int (N,)
        Fold of each, from 0.
    baseline : ndarray (N,)
        Measured baseline.
    outcomes, score, sd, pit : ndarray (N, V)
        Measured outcome and its twin's mean, standard deviation and probability integral transform;
        outcome and transform are NaN where missing.
    max_rhat, min_ess : ndarray (F,)
        Convergence of each fold's fit.
    fits : ndarray (F,)
        How many fits each fold took until one passed its gate.
    """

    weeks: Floats
    rows: Ints
    fold: Ints
    baseline: Floats
    outcomes: Floats
    score: Floats
    sd: Floats
    pit: Floats
    max_rhat: Floats
    min_ess: Floats
    fits: Floats

    def __len__(self) -> int:
        return len(self.rows)


def cross_validate(
    history: History,
    settings: FitSettings = FOLD_SETTINGS,
    *,
    seed: int,
    folds: int = 10,
    by_group: bool = False,
    terms: ModelTerms | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
    sampler: Sampler | None = None,
) -> CrossValidation:
    """Predict every participant of a history by a fit to the others.

    Each fold is a real refit by MCMC: standardisation, imputation of covariates and posterior come
    from the other folds alone. Only the compiled model is shared.

    Parameters
    ----------
    history : History
        Past placebo participants.
    settings : FitSettings
        Of each fold's fit; shorter than a full one and with a lighter gate by default.
    seed : int
        Master seed; streams are named ``folds`` and ``fit``.
    folds : int
        Number of folds, at least 2; with fewer groups than that, each group is a fold.
    by_group : bool
        Keep the participants of a study or site together, so that a fold is a place never seen.
    terms : ModelTerms, optional
        As in `fit_prognosis`; knots and means are learnt in each fold anew.
    cache, progress, sampler
        As in `fit_prognosis`; the file is ``validation-<hash>.npz``.

    Returns
    -------
    CrossValidation

    Raises
    ------
    HistoryError
        Nothing can be learnt, or there is one group only.
    FitError
        The fit of a fold did not pass its gate; the message names the fold.
    """
    terms = terms or ModelTerms()
    require_learnable(history)
    require_terms(history, terms)
    facts = {"format": FORMAT_TAG, "model": MODEL_TAG, "densities": REVISION, "seed": seed}
    facts |= {"history": history_hash(history)}
    key = digest(
        {}, {**facts, "folds": folds, "by_group": by_group, **settings.identity(), **terms.identity()}
    )
    path = None if cache is None else address(cache, "validation", key)
    rows = learnable_rows(history)
    known = history.take(rows)
    # What was measured is the history's, and is never kept beside the predictions.
    measured: Arrays = {"baseline": known.baseline, "outcomes": known.outcomes}
    if path is not None and (found := recall(path, key)) is not None:
        return CrossValidation(**found[0], **measured)
    fold = assign_folds(known, folds, by_group, stream(seed, "", 0, "folds"))
    arrays = _predict_folds(known, fold, settings, seed, progress or silent, sampler or Sampler(), terms)
    arrays |= {"weeks": known.weeks, "rows": rows, "fold": fold}
    if path is not None:
        write(path, arrays, {"format": FORMAT_TAG, "key": key})
    return CrossValidation(**arrays, **measured)


def assign_folds(history: History, folds: int, by_group: bool, generator: np.random.Generator) -> Ints:
    """Return the fold (N,) of each participant, in sizes as equal as they can be.

    Raises
    ------
    HistoryError
        There are fewer than two folds, participants or groups to part.
    """
    units = history.group if by_group else np.arange(len(history))
    labels, unit, sizes = np.unique(units, return_inverse=True, return_counts=True)
    folds = min(folds, len(labels))
    if folds < 2:
        raise HistoryError(
            f"cannot be parted by {'group' if by_group else 'participant'}: {len(labels)} and {folds} folds",
            field="folds",
            mend="ask for two folds or more, or part by participant",
        )
    of_unit = np.empty(len(labels), dtype=np.int64)
    filled = np.zeros(folds, dtype=np.int64)
    shuffled = generator.permutation(len(labels))
    for label in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        of_unit[label] = np.argmin(filled)
        filled[of_unit[label]] += sizes[label]
    return of_unit[unit.ravel()]


def _predict_folds(
    history: History,
    fold: Ints,
    settings: FitSettings,
    seed: int,
    progress: Progress,
    sampler: Sampler,
    terms: ModelTerms,
) -> Arrays:
    count = int(fold.max()) + 1
    shape = (len(history), len(history.weeks))
    arrays: Arrays = {name: np.full(shape, np.nan) for name in ("score", "sd", "pit")}
    diagnostics = []
    for k in range(count):
        progress("cross-validate", k, count)
        held_out = np.flatnonzero(fold == k)
        try:
            fitted = fit_block(
                history.take(np.flatnonzero(fold != k)), seed, k + 1, settings, silent, sampler, "", terms
            )
        except FitError as fault:
            raise FitError(f"fold {k + 1} of {count}: {fault}") from fault
        them = history.take(held_out)
        twins = fitted.predict(them.covariates, them.baseline, history.weeks)
        arrays["score"][held_out], arrays["sd"][held_out] = twins.score, twins.sd
        arrays["pit"][held_out] = fitted.pit(them.covariates, them.baseline, history.weeks, them.outcomes)
        diagnostics.append(fitted.diagnostics)
    progress("cross-validate", count, count)
    arrays["max_rhat"] = np.array([each["max_rhat"] for each in diagnostics])
    arrays["min_ess"] = np.array([min(each["min_bulk_ess"], each["min_tail_ess"]) for each in diagnostics])
    arrays["fits"] = np.array([each.get("fits", 1.0) for each in diagnostics])
    return arrays


@dataclass(frozen=True)
class Calibration(InNotebook):
    """Whether the twins' distribution is right on unseen participants, visit by visit.

    Parameters
    ----------
    weeks : ndarray (V,)
        Visits.
    observed : ndarray of int (V,)
        Participants observed.
    bias, bias_se : ndarray (V,)
        Mean of outcome minus score, and its standard error.
    intercept, intercept_se, slope, slope_se : ndarray (V,)
        Regression of the observed on the predicted *change* from baseline; 0 and 1 where calibrated.
        The change, because in the score itself the known baseline hides everything else. A slope is
        uncertain where the predicted changes hardly differ: read its standard error.
    levels : ndarray (L,)
        .5, .8 and .95.
    coverage, coverage_low, coverage_high : ndarray (L, V)
        Share of outcomes inside the central predictive interval, and its exact 95 % binomial
        (Clopper-Pearson) interval.
    pit_counts : ndarray of int (V, 10)
        Histogram of the probability integral transform over tenths.
    pit_p : ndarray (V,)
        p value of the chi-square test that the histogram is flat.
    """

    weeks: Floats
    observed: Ints
    bias: Floats
    bias_se: Floats
    intercept: Floats
    intercept_se: Floats
    slope: Floats
    slope_se: Floats
    levels: Floats
    coverage: Floats
    coverage_low: Floats
    coverage_high: Floats
    pit_counts: Ints
    pit_p: Floats


def calibrate(cv: CrossValidation) -> Calibration:
    """Return the calibration of out-of-fold twins.

    Parameters
    ----------
    cv : CrossValidation
        Out-of-fold twins.

    Returns
    -------
    Calibration
        Bias, slope, spread, coverage and their errors, by visit.

    Raises
    ------
    HistoryError
        Fewer than three participants were observed at a visit.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> score = rng.normal(0.0, 1.0, (90, 1))
    >>> truth, none = score + rng.normal(0.0, 1.0, (90, 1)), np.zeros(90, dtype=int)
    >>> cv = CrossValidation(
    ...     weeks=np.array([24.0]), rows=np.arange(90), fold=none, baseline=np.zeros(90), outcomes=truth,
    ...     score=score, sd=np.ones((90, 1)), pit=rng.uniform(size=(90, 1)), max_rhat=np.ones(1),
    ...     min_ess=np.full(1, 400.0), fits=np.ones(1),
    ... )
    >>> found = calibrate(cv)
    >>> found.observed, bool(abs(found.slope[0] - 1.0) < 0.5)
    (array([90]), True)
    """
    seen = np.isfinite(cv.outcomes)
    observed = seen.sum(axis=0)
    if observed.min() < _FEWEST_AT_A_VISIT:
        raise HistoryError(
            f"too few participants to judge calibration at week {cv.weeks[observed.argmin()]:g}",
            value=int(observed.min()),
            mend="leave the visit out",
        )
    visits: list[dict[str, Any]] = [
        _calibrate_visit(cv, visit, seen[:, visit]) for visit in range(len(cv.weeks))
    ]
    named = {name: np.array([visit[name] for visit in visits]) for name in visits[0]}
    for name in ("coverage", "coverage_low", "coverage_high"):
        named[name] = named[name].T
    return Calibration(weeks=cv.weeks, observed=observed, levels=np.array(LEVELS), **named)


def _calibrate_visit(cv: CrossValidation, visit: int, seen: Any) -> dict[str, Any]:
    """Return the calibration at one visit, by the names of `Calibration`."""
    baseline, outcome, score = cv.baseline[seen], cv.outcomes[seen, visit], cv.score[seen, visit]
    pit, n = cv.pit[seen, visit], int(seen.sum())
    inside = np.array([(np.abs(pit - 0.5) <= level / 2).sum() for level in LEVELS])
    counts = np.histogram(pit, bins=_BINS, range=(0.0, 1.0))[0]
    flat = n / _BINS
    coefficients, errors = _line(score - baseline, outcome - baseline)
    return {
        "bias": (outcome - score).mean(),
        "bias_se": (outcome - score).std(ddof=1) / np.sqrt(n),
        "intercept": coefficients[0],
        "intercept_se": errors[0],
        "slope": coefficients[1],
        "slope_se": errors[1],
        "coverage": inside / n,
        "coverage_low": np.where(inside > 0, beta.ppf(0.025, inside.clip(min=1), n - inside + 1), 0.0),
        "coverage_high": np.where(inside < n, beta.ppf(0.975, inside + 1, (n - inside).clip(min=1)), 1.0),
        "pit_counts": counts,
        "pit_p": chi2.sf(((counts - flat) ** 2 / flat).sum(), _BINS - 1),
    }


def _line(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return intercept and slope of y on x by least squares, and their standard errors."""
    design = np.column_stack([np.ones_like(x), x])
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    coefficients = inverse @ design.T @ y
    residual = y - design @ coefficients
    return coefficients, np.sqrt(np.diag(inverse) * (residual @ residual) / (len(y) - 2))

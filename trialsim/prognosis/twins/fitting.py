"""From a history to a fitted prognosis, or to the one that was fitted before."""

from __future__ import annotations

from pathlib import Path

from threadpoolctl import threadpool_limits

from trialsim.data import History
from trialsim.prognosis.fit.densities import REVISION
from trialsim.prognosis.fit.sampler import Sampler
from trialsim.prognosis.fit.settings import FitSettings
from trialsim.prognosis.histories.learnable import learnable_rows, require_learnable, summarise
from trialsim.prognosis.models.design_matrix import standardise
from trialsim.prognosis.models.gram import gram_sums
from trialsim.prognosis.models.grouped_gram import grouped_rows, study_names
from trialsim.prognosis.models.terms import ModelTerms, require_terms
from trialsim.prognosis.twins.longitudinal import FORMAT_TAG, Prognosis, coefficient_names
from trialsim.prognosis.twins.store import address, digest, recall
from trialsim.progress import Progress, silent
from trialsim.streams import stream


def history_hash(history: History) -> str:
    """Return the hash of everything in a history.

    Parameters
    ----------
    history : History
        Past placebo participants.

    Returns
    -------
    str
        A SHA-256, of 64 characters.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, History
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> history = History("score", "example", True, people, np.array([12.0, 24.0]), rng.normal(20, 3, 60),
    ...                   rng.normal(22, 4, (60, 2)), np.zeros(60, dtype=int))
    >>> len(history_hash(history)), history_hash(history) == history_hash(history.take(np.arange(60)))
    (64, True)
    """
    arrays = {
        "values": history.covariates.values,
        "weeks": history.weeks,
        "baseline": history.baseline,
        "outcomes": history.outcomes,
        "group": history.group,
    }
    meta = {
        "endpoint": history.endpoint,
        "source": history.source,
        "generated": history.generated,
        "names": list(history.covariates.names),
    }
    return digest(arrays, meta)


def fit_prognosis(
    history: History,
    *,
    seed: int,
    settings: FitSettings | None = None,
    terms: ModelTerms | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
    sampler: Sampler | None = None,
) -> Prognosis:
    """Fit the Bayesian longitudinal model to a history.

    Parameters
    ----------
    history : History
        Past placebo participants.
    seed : int
        Master seed; the stream is named ``fit``.
    settings : FitSettings, optional
        How to sample and what the fit must pass.
    terms : ModelTerms, optional
        Splines, interactions, study effects, covariates of the variance; none by default.
    cache : Path, optional
        Folder of fitted results: ``posterior-<hash>.npz``, addressed by model format, history,
        settings, seed and terms. A corrupt file is replaced, with a `TrialsimWarning`.
    progress : callable, optional
        Called with (stage, steps done, steps in all) as the work goes on.
    sampler : Sampler, optional
        Compiled models to share with other fits.

    Returns
    -------
    Prognosis

    Raises
    ------
    HistoryError
        Nothing can be learnt from the history, or it cannot carry the terms.
    FitError
        The fit did not pass its gate.
    """
    settings, terms = settings or FitSettings(), terms or ModelTerms()
    require_learnable(history)
    require_terms(history, terms)
    facts = {"format": FORMAT_TAG, "densities": REVISION, "history": history_hash(history), "seed": seed}
    key = digest({}, {**facts, **settings.identity(), **terms.identity()})
    path = None if cache is None else address(cache, "posterior", key)
    if path is not None and (found := recall(path, key)) is not None:
        return Prognosis.from_parts(*found, path)
    prognosis = fit_block(history, seed, 0, settings, progress or silent, sampler or Sampler(), key, terms)
    if path is not None:
        prognosis.save(path)
    return prognosis


def fit_block(
    history: History,
    seed: int,
    block: int,
    settings: FitSettings,
    progress: Progress,
    sampler: Sampler,
    key: str,
    terms: ModelTerms,
) -> Prognosis:
    """Fit without a cache; `block` 0 is the whole history, 1 to F are the folds of a cross-validation."""
    # Chains run side by side; BLAS threads on top of them would wait for each other and change bits.
    with threadpool_limits(1, user_api="blas"):
        learnt = history.take(learnable_rows(history))
        standardisation = standardise(learnt, terms)
        levelled = standardisation.levelled(learnt)
        sums = (
            gram_sums(levelled, standardisation)
            if terms.of_one_group
            else grouped_rows(levelled, standardisation, terms)
        )
        if not sampler.has_compiled(sums):
            progress("compile model", 0, 1)
            sampler.compile(sums)
            progress("compile model", 1, 1)
        progress("sample posterior", 0, 1)
        names = coefficient_names(standardisation)
        of_studies = study_names(learnt, terms)
        posterior = sampler.sample(sums, (*names, *of_studies), settings, stream(seed, "", block, "fit"))
        progress("sample posterior", 1, 1)
    return Prognosis(
        standardisation,
        posterior.scales,
        # Study effects are those of the past: twins are of a new study.
        posterior.coefficients[:, : len(names)],
        sums.varies,
        posterior.diagnostics,
        summarise(history),
        key,
        terms,
    )

"""What the twin of a response, level, count or event would be under another covariate or a treatment term.

What `trialsim.prognosis.what_ifs.longitudinal` says holds here too: a covariate's contrast is an association
in the history, and a treatment term is an assumption from outside of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from trialsim.data import Covariates, Floats, Twins
from trialsim.errors import HistoryError
from trialsim.prognosis.families import linear_predictor
from trialsim.prognosis.families.common import over_new_study
from trialsim.prognosis.twins.outcome import OutcomePrognosis
from trialsim.prognosis.what_ifs.longitudinal import TreatmentTerm, WhatIf, far_share, require_changes

_CHUNK_NUMBERS = 4_000_000


def outcome_what_if(
    prognosis: OutcomePrognosis,
    covariates: Covariates,
    weeks: Sequence[float] | Floats,
    *,
    set_to: Mapping[str, float] | None = None,
    add: Mapping[str, float] | None = None,
    treatment: TreatmentTerm | None = None,
    generator: np.random.Generator,
) -> WhatIf:
    """Return the twins under a change, beside the twins as they are.

    Parameters
    ----------
    prognosis : OutcomePrognosis
        Fitted to a history.
    covariates, weeks
        As in `OutcomePrognosis.predict`.
    set_to, add : mapping of str to float
        New values, and amounts to add, by covariate; its curve and products follow. A missing value stays
        missing under `add`.
    treatment : TreatmentTerm, optional
        Its effect is the log of an odds ratio (of a response, or of more than each level), of a rate ratio or
        of a hazard ratio; it acts from week 0 on.
    generator : Generator
        Of the component ``twins``: the order of the treatment's effects among the posterior draws.

    Returns
    -------
    WhatIf
        Differences are of scores: probabilities, positions of levels or expected counts, in the same new
        study before and after.

    Raises
    ------
    HistoryError
        Nothing is changed, a covariate is unknown or named twice, a value is not finite, a treatment's
        effect grows over weeks, or as in `OutcomePrognosis.predict`.

    Examples
    --------
    >>> import numpy as np
    >>> from trialsim.data import Covariates, OutcomeHistory
    >>> rng = np.random.default_rng(1)
    >>> people = Covariates(("age",), rng.normal(70.0, 8.0, (60, 1)))
    >>> answer, none = rng.integers(0, 2, 60).astype(float), np.zeros(60, dtype=int)
    >>> history = OutcomeHistory("response", "example", "binary", people, answer, np.full(60, 24.0), none)
    >>> from trialsim.prognosis.validation.outcome_predictive import prior_outcome_prognosis
    >>> prior = prior_outcome_prognosis(history, generator=rng, draws=50)
    >>> found = outcome_what_if(prior, people, [24.0], add={"age": 5.0}, generator=rng)
    >>> found.difference.shape
    (60, 1)
    """
    changes, shifts = dict(set_to or {}), dict(add or {})
    require_changes(prognosis.names, changes, shifts, treatment)
    if treatment is not None and treatment.full_by_week > 0:
        raise HistoryError(
            "acts on the odds, rate or hazard from week 0 on",
            field=f"treatment {treatment.name}",
            value=treatment.full_by_week,
            mend="leave out the week from which it acts in full",
        )
    x, times = prognosis.columns.matrix(covariates), prognosis.times(weeks)
    then = covariates.select(prognosis.names).values.copy()
    for name in (*changes, *shifts):
        column = then[:, prognosis.names.index(name)]
        column[:] = changes[name] if name in changes else column + shifts[name]
    other_x = prognosis.columns.matrix(Covariates(prognosis.names, then))
    term = np.zeros(len(prognosis.params["tau"]))
    if treatment is not None:
        term = treatment.dose * treatment.effects(len(term), generator)
    with threadpool_limits(1, user_api="blas"):
        before, after, difference, difference_sd, average = _contrast(prognosis, x, other_x, times, term)
    low, high = np.quantile(average, [0.05, 0.95], axis=0)
    c = prognosis.columns
    outside = {
        name: far_share(then[:, k], c.mean[k], c.sd[k])
        for name, k in ((name, prognosis.names.index(name)) for name in (*changes, *shifts))
    }
    asked = np.asarray(weeks, dtype=float)
    return WhatIf(
        Twins(asked, *before),
        Twins(asked, *after),
        difference,
        difference_sd,
        average.mean(axis=0),
        low,
        high,
        outside,
    )


Moments = tuple[Floats, Floats]


def _contrast(
    prognosis: OutcomePrognosis, x: Floats, other_x: Floats, times: Floats, term: Floats
) -> tuple[Moments, Moments, Floats, Floats, Floats]:
    """Return score and SD (N, V) before and after, difference and its SD (N, V), mean difference (D, V)."""
    draws, shape = len(term), (len(x), len(times))
    of_twins = np.empty((2, 2, *shape))
    difference, difference_sd = np.empty(shape), np.empty(shape)
    total = np.zeros((draws, len(times)))
    size = max(1, _CHUNK_NUMBERS // (draws * len(times)))
    for start in range(0, len(x), size):
        part = slice(start, start + size)
        now, now_second = _moments(prognosis, x[part], times, np.zeros(draws))
        new, new_second = _moments(prognosis, other_x[part], times, term)
        for k, (first, second) in enumerate(((now, now_second), (new, new_second))):
            score = first.mean(axis=0)
            variance = np.maximum(second.mean(axis=0) - score**2, np.finfo(float).tiny)
            of_twins[k, :, part] = score, np.sqrt(variance)
        by_draw = new - now
        difference[part], difference_sd[part] = by_draw.mean(axis=0), by_draw.std(axis=0)
        total += by_draw.sum(axis=1)
    before, after = ((twins[0], twins[1]) for twins in of_twins)
    return before, after, difference, difference_sd, total / len(x)


def _moments(prognosis: OutcomePrognosis, x: Floats, times: Floats, term: Floats) -> Moments:
    """Return mean and second moment (D, n, V) of the outcome in a new study, by draw."""
    eta = linear_predictor(prognosis.params, x, term[:, None])
    first, second = np.zeros((2, *eta.shape, len(times)))
    for weight, shifted in over_new_study(prognosis.params, eta):
        one, square = prognosis.law.moments(prognosis.params, shifted, times, prognosis.cuts)
        first += weight * one
        second += weight * square
    return first, second

"""Which test decides where the effect cannot be estimated: a rule that is fixed beforehand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trialsim.analysis.one_trial.normal_estimates import raise_for
from trialsim.data import STATUS_OK, Decision, Estimates, Floats

NO_TEST, OWN, STANDS_IN = 0, 1, 2


def wald_or_score(estimates: Estimates, score: Floats) -> Estimates:
    """Return estimates that Wald's test decides where the fit succeeded, and the score test elsewhere.

    Parameters
    ----------
    estimates : Estimates
        With normal statistics; NaN where the fit failed.
    score : ndarray (R,)
        Score statistic z of no effect, with the sign of the effect; NaN where there is none.

    Examples
    --------
    >>> nothing = np.array([np.nan])
    >>> failed = Estimates("Cox", *[nothing] * 5, np.array([1]), ("ok", "infinite_coefficient"))
    >>> decided = wald_or_score(failed, np.array([-3.0]))
    >>> decided.rejects(0.05), decided.decision.counts()
    (array([ True]), {'none': 0, 'wald': 0, 'score': 1})
    """
    ok = estimates.status == STATUS_OK
    z = np.where(ok, estimates.statistic, score)
    test = np.where(np.isnan(z), NO_TEST, np.where(ok, OWN, STANDS_IN)).astype(np.int8)
    return replace(estimates, decision=Decision(z, test, ("none", "wald", "score")))


def raise_unless_decided(estimates: Estimates, field: str) -> None:
    """Raise if no test of the only replicate of a data frame exists, naming its status."""
    assert estimates.decision is not None
    if np.isnan(estimates.decision.z[0]):
        raise_for(estimates.status[0], estimates.reasons, field)


def always(estimates: Estimates, z: Floats, test: str) -> Estimates:
    """Return estimates that one test decides, whether or not the estimate exists; z is NaN without a test."""
    decided = (~np.isnan(z)).astype(np.int8)
    return replace(estimates, decision=Decision(z, decided, ("none", test)))

"""Which test decides where the effect cannot be estimated: a rule that is fixed beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pandas as pd
from scipy import special

from trialsim.analysis.one_trial.normal_estimates import raise_for
from trialsim.analysis.one_trial.printed import number, p_text
from trialsim.data import STATUS_OK, Decision, Estimates, Floats

E = TypeVar("E", bound=Estimates)

NO_TEST, OWN, STANDS_IN = 0, 1, 2
NONE, NO_DIFFERENCE = "none", "no_difference"
NOTHING = ("constant_outcome", "no_events")
UNDECIDED = (NONE, NO_DIFFERENCE)


@dataclass(frozen=True)
class StandsIn:
    """The test that decides one trial whose effect cannot be estimated.

    Parameters
    ----------
    status : str
        Why there is no estimate.
    test : str
        Name of the test.
    z, p_value : float
        Normal deviate with the sign of the effect, and two-sided p value.
    """

    status: str
    test: str
    z: float
    p_value: float

    @property
    def note(self) -> str:
        """What a printed result says of it."""
        return (
            f"{self.status}: the effect cannot be estimated; the {self.test.replace('_', ' ')} test decides, "
            f"z {number(self.z)}, p {p_text(self.p_value)}"
        )

    def on(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a table of the effect with this statistic and p value."""
        return frame.assign(statistic=self.z, p_value=self.p_value)


def stands_in(found: Estimates) -> StandsIn | None:
    """Return the test that stands in for the fit of the only trial; None if it succeeded or none exists.

    Examples
    --------
    >>> nothing = np.array([np.nan])
    >>> failed = Estimates("Cox", *[nothing] * 5, np.array([1]), ("ok", "infinite_coefficient"))
    >>> print(stands_in(wald_or_score(failed, np.array([-3.0]))).note)
    infinite_coefficient: the effect cannot be estimated; the score test decides, z -3, p 0.0027
    """
    decision, code = found.decision, int(found.status[0])
    if decision is None or found.fitted[0]:
        return None
    test = decision.tests[decision.test[0]]
    if test in UNDECIDED:
        return None
    return StandsIn(found.reasons[code], test, float(decision.z[0]), float(decision.p_value[0]))


def wald_or_score(estimates: Estimates, score: Floats) -> Estimates:
    """Return estimates that Wald's test decides where the fit succeeded, and the score test elsewhere.

    Parameters
    ----------
    estimates : Estimates
        With normal statistics, or t statistics where `df` is finite; NaN where the fit failed.
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
    z = np.where(ok, np.where(np.isfinite(estimates.df), own(estimates), estimates.statistic), score)
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


def deviate(p_value: Floats, statistic: Floats) -> Floats:
    """Return the normal deviate of a two-sided p value with the sign of a statistic."""
    return np.asarray(-special.ndtri(p_value / 2.0) * np.sign(statistic))


def own(found: Estimates) -> Floats:
    """Return the normal deviate of the analysis's own test (R,); NaN where the fit failed."""
    return deviate(found.p_value, found.statistic)


def decide(found: E, rule: Mapping[str, Floats]) -> E:
    """Return estimates with the test that decides each replicate: the first of a rule that exists.

    Where the outcome of everybody is the same, nothing speaks against the null: any exact test has p = 1.

    Parameters
    ----------
    found : Estimates
        NaN where the fit failed.
    rule : dict of str to ndarray (R,)
        Normal deviates of the tests by name, in their order; NaN where there is none.

    Returns
    -------
    Estimates
        With a decision, whose tests are none, those of the rule, and no_difference.

    Examples
    --------
    >>> nan, codes = np.full(2, np.nan), np.array([1, 2], np.int8)
    >>> failed = Estimates("a", nan, nan, nan, nan, nan, codes, ("ok", "separated", "odd"))
    >>> found = decide(failed, {"wald": own(failed), "score": np.array([-3.0, np.nan])}).decision
    >>> found.z, [found.tests[k] for k in found.test]
    (array([-3., nan]), ['score', 'none'])
    """
    z = np.full(len(found), np.nan)
    z[np.isin(np.asarray(found.reasons)[found.status], NOTHING)] = 0.0
    test = np.where(np.isnan(z), 0, len(rule) + 1)
    for place, other in enumerate(rule.values(), start=1):
        decides = np.isnan(z) & ~np.isnan(other)
        z, test = np.where(decides, other, z), np.where(decides, place, test)
    return replace(found, decision=Decision(z, test.astype(np.int8), (NONE, *rule, NO_DIFFERENCE)))

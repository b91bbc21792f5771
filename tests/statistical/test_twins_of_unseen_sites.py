"""Twins of real sites never seen: placebo arms of two public trials, each site held out once.

Sites are small and differ, so that coverage is known to a few points only; its standard error is taken
by site. Early changes vary less than late ones in both trials, so that visits have scales of their own.
"""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.prognosis import ModelTerms, cross_validate


def coverage(cv, site):
    """Return the share of outcomes inside central 90 % intervals, and its standard error by site."""
    seen = np.isfinite(cv.pit)
    inside = (np.abs(cv.pit - 0.5) <= 0.45)[seen]
    of_row = np.broadcast_to(site[cv.rows][:, None], cv.pit.shape)[seen]
    sites = np.unique(of_row)
    apart = np.array([(inside[of_row == one] - inside.mean()).sum() for one in sites])
    return inside.mean(), np.sqrt((apart**2).sum() * len(sites) / (len(sites) - 1)) / len(inside)


@pytest.mark.slow
@pytest.mark.parametrize(("trial", "people", "sites"), [("pilot", 86, 11), ("antidepressant", 88, 17)])
def test_ninety_percent_intervals_cover_on_unseen_sites(request, sampler, trial, people, sites):
    history = request.getfixturevalue(trial)
    assert (len(history), np.unique(history.group).size) == (people, sites)
    terms = ModelTerms(studies=True, visit_scales=True)
    cv = cross_validate(history, seed=1, folds=50, by_group=True, terms=terms, sampler=sampler)
    assert cv.fold.max() + 1 == sites
    share, error = coverage(cv, history.group)
    assert 0.87 <= share <= 0.93
    assert error < 0.06

"""Twins of whole studies that the model has not seen, when studies differ from each other.

Eight studies whose mean changes differ by about a sixth of the SD of a change. The model has no effect of a
study; participants' own variance takes the studies' in, which is why its intervals still cover.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trialsim.prognosis import FitSettings, calibrate_subgroups, cross_validate

FOLDS = FitSettings(tune=300, draws=250, max_rhat=1.05, min_ess=50.0, max_divergences=10)
STUDIES, EACH = 8, 100
BETWEEN = 0.25


def several_studies(simulate_history, seed):
    history = simulate_history(participants=STUDIES * EACH, dropout=0.05, groups=1, seed=seed)
    rng = np.random.default_rng(seed + 1000)
    group = np.repeat(np.arange(STUDIES), EACH)
    clock = np.linspace(-1, 1, len(history.weeks))
    shift = BETWEEN * (rng.standard_normal((STUDIES, 1)) + 0.5 * rng.standard_normal((STUDIES, 1)) * clock)
    return replace(history, outcomes=history.outcomes + shift[group], group=group)


@pytest.mark.parametrize(
    ("seeds", "folds"), [((31,), 4), pytest.param((31, 32, 33), 8, marks=pytest.mark.slow)]
)
def test_ninety_percent_intervals_cover_on_unseen_studies(simulate_history, sampler, seeds, folds):
    covered, by_study = [], []
    for seed in seeds:
        history = several_studies(simulate_history, seed)
        cv = cross_validate(history, FOLDS, seed=seed, folds=folds, by_group=True, sampler=sampler)
        studies = history.group[cv.rows]
        assert all(np.unique(cv.fold[studies == study]).size == 1 for study in range(STUDIES))
        inside = np.abs(cv.pit - 0.5) <= 0.45
        covered.append(inside[np.isfinite(cv.pit)])
        table = calibrate_subgroups(cv, {"study": history.group.astype(str)})
        by_study.extend(table["coverage_90"])
    assert 0.87 <= np.concatenate(covered).mean() <= 0.93
    assert len(by_study) == STUDIES * len(seeds)
    # One study of a hundred: binomial error .03, and its own shift takes a few points more.
    assert min(by_study) > 0.75

"""What visits add to twins on the placebo arm of the CDISC pilot: disease_models notes, section 4.

R2 of the week-24 change: about 0 at baseline, .37 with week 8, .46 with weeks 8 and 16; leave-one-out .33
and .40 on the changes alone.
"""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.prognosis import value_of_updating


@pytest.fixture(scope="module")
def value(pilot, sampler):
    return value_of_updating(pilot, seed=20261121, folds=5, sampler=sampler)


def test_regressions_on_observed_visits_reach_the_published_r2(value):
    assert value.seen == ((), (8.0,), (8.0, 16.0))
    np.testing.assert_array_equal(value.participants, [65, 65, 61])
    np.testing.assert_allclose(value.regression_r2, [0.005, 0.37, 0.46], atol=0.001)
    np.testing.assert_allclose(value.visits_r2_loo[1:], [0.33, 0.40], atol=0.005)
    assert value.regression_r2_loo[0] < 0


def test_twins_that_have_not_seen_the_participant_come_near(value):
    """Nothing is fitted to the visits: the update alone carries the model's R2 from nothing to this."""
    assert value.twin_r2[0] < 0.05
    assert value.twin_r2[1] == pytest.approx(value.visits_r2_loo[1], abs=0.06)
    assert value.twin_r2[2] == pytest.approx(value.visits_r2_loo[2], abs=0.06)
    assert (np.diff(value.twin_sd) < 0).all()

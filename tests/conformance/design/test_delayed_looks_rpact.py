"""Critical values after the pipeline against the unit-test numbers of rpact for delayed responses."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.design import BetaSpending, OBrienFlemingSpending, group_sequential_design
from trialsim.design.group_sequential import delayed_design

# rpact, test-f_design_group_sequential: asOF and bsOF, alpha 0.05, power 0.9, looks 0.4, 0.65, 1, delayed
# information 0.1 and 0.2, binding futility.
UPPER, LOWER = (2.8874465, 2.1853011, 1.6575593), (-0.46043472, 0.64445014, 1.6575593)
DECISION, REVERSAL = (1.3388855, 1.5378695, 1.6575593), (1.7563249e-06, 0.0014674026)
POWER = (0.15998522, 0.59313184, 0.9)


def test_bounds_decisions_reversals_and_power_of_rpact() -> None:
    plan = group_sequential_design(
        [0.4, 0.65, 1.0],
        efficacy=OBrienFlemingSpending(),
        futility=BetaSpending(OBrienFlemingSpending(), binding=True),
        alpha=0.05,
        power=0.9,
    )
    np.testing.assert_allclose(plan.upper, UPPER, atol=1e-6)
    np.testing.assert_allclose(plan.lower, LOWER, atol=1e-6)
    # What rpact prints as power does not count the pipeline.
    np.testing.assert_allclose(np.cumsum(plan.under_alternative.upper), POWER, atol=1e-6)
    found = delayed_design([0.4, 0.65, 1.0], [0.5, 0.85, 1.0], UPPER, LOWER)
    np.testing.assert_allclose(found.decision, DECISION, atol=1e-6)
    np.testing.assert_allclose(found.reversal, REVERSAL, rtol=1e-6)


def test_type_one_error_is_that_of_the_bounds() -> None:
    found = delayed_design([0.4, 0.65, 1.0], [0.5, 0.85, 1.0], UPPER, LOWER)
    assert found.claims(0.0).sum() == pytest.approx(0.05, abs=1e-7)

"""Borrowing all of a history that agrees is worth all of it, and never less than nothing."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.design import BorrowingQuestion
from trialsim.design.borrowing import ExactBayesian


@pytest.mark.parametrize("controls", [20, 100, 300])
def test_full_weight_is_worth_the_history_at_any_number_of_controls(controls: int) -> None:
    question = BorrowingQuestion(0.4, 100, 100, correlation=0.5, replicates=1000)
    found = ExactBayesian(mean_weight=0.999).characteristics(question, controls, np.zeros(1))
    assert found.effective_controls[0] == pytest.approx(question.history, rel=0.1)

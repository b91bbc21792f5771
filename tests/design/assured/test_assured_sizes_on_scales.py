"""Customary and worst plausible sizes on a working scale, against what their discounts must do."""

from __future__ import annotations

import pytest

from trialsim.design import AssuranceQuestion, BinaryScale, CountScale
from trialsim.design.assured.scale import assured_sizes_on_scale, draws_on_scale
from trialsim.errors import DesignError
from trialsim.streams import stream

SCALES = {"binary": BinaryScale(0.3, 2.0), "count": CountScale(0.8, 0.7, dispersion=0.5)}


@pytest.mark.parametrize("kind", SCALES)
def test_an_sd_that_is_inflated_costs_its_square_and_the_worst_level_is_the_dearer_end(kind: str) -> None:
    draws = draws_on_scale(SCALES[kind], 200, level_sd=0.2, generator=stream(1, "", 0, "analysis"))
    sizes = assured_sizes_on_scale(draws, AssuranceQuestion(sd_inflation=1.1))
    plain = sizes.total("undiscounted")
    # Without a score the discount of the correlation does nothing.
    assert sizes.total("discounted") == pytest.approx(1.21 * plain)
    assert sizes.total("worst plausible") > 1.05 * plain


@pytest.mark.parametrize(("kind", "correlation"), [("binary", 0.95), ("count", 0.4)])
def test_a_history_that_leaves_the_impossible_is_named(kind: str, correlation: float) -> None:
    draws = draws_on_scale(SCALES[kind], 20, correlation=correlation, generator=stream(1, "", 0, "analysis"))
    with pytest.raises(DesignError, match="left so uncertain by the history"):
        assured_sizes_on_scale(draws, AssuranceQuestion())

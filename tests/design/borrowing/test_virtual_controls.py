"""Placebo twins as controls: the gate, the discount, and what they are worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trialsim.design.borrowing import (
    CalibrationEvidence,
    CalibrationLimits,
    calibration_failures,
    virtual_controls,
)
from trialsim.errors import DesignError
from trialsim.streams import stream

GOOD = CalibrationEvidence(1.0, 0.05, 0.0, 0.03, 0.4, 400, 0.8, 0.1)


def twins(draws: int = 4000, participants: int = 100) -> np.ndarray:
    rng = stream(6, "virtual", 0, "twins")
    return 1.0 + 0.05 * rng.standard_normal((draws, 1)) + 0.8 * rng.standard_normal((draws, participants))


def test_variance_of_the_mean_is_the_sum_of_its_sources() -> None:
    got = virtual_controls(twins(), replace(GOOD, slope=0.9, bias=0.02), score_shift=0.5)
    assert got.parts["model"] == pytest.approx(0.05**2 + 0.8**2 / 100, rel=0.1)
    assert got.parts["bias"] == pytest.approx(0.02**2 + 0.03**2)
    assert got.parts["study"] == pytest.approx(0.01)
    assert got.parts["slope"] == pytest.approx(0.0025)
    assert got.variance == pytest.approx(sum(got.parts.values()))
    assert got.effective_controls == pytest.approx(0.64 / got.variance)
    assert got.to_frame()["share"].sum() == pytest.approx(1)
    assert got.plot().data


def test_more_twins_cannot_buy_off_doubt_between_studies() -> None:
    many = virtual_controls(twins(1000, 2000), GOOD)
    assert many.effective_controls < 0.64 / 0.01


def test_concurrent_controls_that_agree_borrow_and_those_that_conflict_do_not() -> None:
    got = virtual_controls(twins(), GOOD)
    agree, conflict = (got.borrowed_controls(y, 50, 0.2) for y in (got.mean, got.mean + 1.0))
    assert agree > 15
    assert conflict < 1
    # With no vague part the normal posterior's precision adds up exactly.
    assert got.borrowed_controls(got.mean, 50, 0.0) == pytest.approx(got.effective_controls, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"slope": 0.7}, "more than 0.2 off 1"),
        ({"slope": 0.85, "slope_error": 0.3}, "lower 95 % bound"),
        ({"bias": 0.3}, "bias of up to"),
        ({"pit_p_value": 0.001}, "not uniform"),
        ({"participants": 20}, "fewer than 50"),
    ],
)
def test_the_gate_shuts_with_its_reason(change: dict, reason: str) -> None:
    evidence = replace(GOOD, **change)
    (only,) = calibration_failures(evidence, CalibrationLimits())
    assert reason in only
    with pytest.raises(DesignError, match="may not stand in for controls") as refused:
        virtual_controls(twins(200), evidence)
    assert "randomisation" in str(refused.value)


def test_all_reasons_are_given_at_once() -> None:
    assert (
        len(calibration_failures(replace(GOOD, slope=0.2, bias=1.0, participants=3), CalibrationLimits()))
        == 4
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: replace(GOOD, slope=float("nan")),
        lambda: replace(GOOD, slope_error=0.0),
        lambda: replace(GOOD, pit_p_value=1.2),
        lambda: replace(GOOD, residual_sd=0.0),
        lambda: virtual_controls(np.zeros((10, 5)), GOOD),
        lambda: virtual_controls(np.full((200, 5), np.nan), GOOD),
        lambda: virtual_controls(twins(200), GOOD).borrowed_controls(0.0, 0, 0.2),
    ],
)
def test_impossible_twins_are_refused(call) -> None:
    with pytest.raises(DesignError):
        call()

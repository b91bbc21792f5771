"""What moves the answer, and power over size: against size formulas, and where they say nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from tests.small_trial import run_small_trial
from trialsim.design import means_size
from trialsim.design.sizes import MeansQuestion
from trialsim.report import again
from trialsim.report.trial_page import one_level
from trialsim.report.what_moves import (
    Line,
    line_of,
    movers_of_power,
    movers_of_size,
    moving_figures,
    reference_size,
)
from trialsim.study import open_bundle

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"


@pytest.fixture(scope="module")
def example():
    study = open_bundle(EXAMPLE)
    plan = again.plan_of(study)
    result, _ = again.result_of(study, plan)
    assert result is not None
    return study.trial, again._with_tables(study, result)[0], one_level(plan)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_changed_effect_needs_the_size_of_the_formula(factor: float) -> None:
    def total(effect: float) -> float:
        return means_size(MeansQuestion(effect)).total

    line = Line(0.9, 0.025)
    assert line.scaled(total(0.2), factor**-2) == pytest.approx(total(0.2 * factor), rel=0.005)


def test_power_over_size_is_the_normal_power_and_goes_through_the_answer() -> None:
    line, sizes = Line(0.9, 0.025), np.array([40.0, 170.0, 400.0])
    found = 4 * ((ndtri(0.975) + ndtri(0.9)) / 0.5) ** 2
    assert line.power_at(sizes, found) == pytest.approx(ndtr(0.5 * np.sqrt(sizes) / 2 - ndtri(0.975)))
    assert line.power_at(found, found) == pytest.approx(0.9)


def test_controls_alone_have_information_that_is_bounded() -> None:
    line = Line(0.9, 0.025, active=200)
    more = line.scaled(300.0, 1.2)
    assert line.information(more) == pytest.approx(1.2 * line.information(300.0))
    assert line.scaled(300.0, 4.0) == float("inf")


def test_the_movers_of_the_example(example) -> None:
    trial, result, alpha = example
    line = line_of(trial, alpha)
    assert line is not None
    movers = movers_of_size(trial, result, line)
    by_name = {one.name: one for one in movers}
    found = float(reference_size(result.sizes)["participants"])
    widths = [one.high - one.low for one in movers]
    assert widths == sorted(widths, reverse=True)
    assert all(one.low <= found <= one.high for one in movers)
    effect = by_name["Effect 10 % larger or smaller"]
    assert (effect.low, effect.high) == pytest.approx((found / 1.21, found / 0.81))
    chance = by_name["Chance of the simulation, 95 %"]
    assert chance.low == reference_size(result.sizes)["participants_lower_95"]
    assert by_name["Another analysis"].high == result.sizes["participants"].max()
    assert not any("null" in name for name in by_name)
    useless = by_name["Scenario: useless twin"]
    assert useless.low == found < useless.high


def test_figures_have_their_numbers_and_no_size_gives_no_curve(example, tmp_path: Path) -> None:
    trial, result, alpha = example
    figures = moving_figures(trial, result, alpha)
    assert set(figures) == {"power", "tornado"}
    assert "444 participants" in figures["tornado"].words
    assert moving_figures(trial, result, None) == {}
    bundle = run_small_trial(tmp_path)
    study = open_bundle(bundle)
    plan = again.plan_of(study)
    small, _ = again.result_of(study, plan)
    assert small is not None
    assert set(moving_figures(study.trial, small, 0.025)) <= {"tornado"}
    frame = small.operating_characteristics
    certain = replace(small, operating_characteristics=frame.assign(rejection_rate=1.0))
    assert movers_of_power(study.trial, certain, 0.025) == []
    middling = frame.assign(rejection_rate=np.where(frame["measure"] == "power", 0.8, 0.025))
    movers = movers_of_power(study.trial, replace(small, operating_characteristics=middling), 0.025)
    (effect,) = [one for one in movers if one.name.startswith("Effect")]
    drift = ndtri(0.975) + ndtri(0.8)
    assert (effect.low, effect.high) == pytest.approx(
        (ndtr(0.9 * drift - ndtri(0.975)), ndtr(1.1 * drift - ndtri(0.975)))
    )

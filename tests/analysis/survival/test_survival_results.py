"""Results print, tabulate and draw what they hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from scipy import stats

from trialsim.analysis import (
    adjusted_log_rank,
    cox,
    cumulative_incidence,
    gray_test,
    kaplan_meier,
    log_rank,
    lwyy,
    max_combo,
    milestone_survival,
    restricted_mean_survival,
)
from trialsim.analysis.survival import restricted_mean_survival_block
from trialsim.analysis.survival.step_curve import estimate_curve
from trialsim.errors import AnalysisError


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    generator = np.random.default_rng(3)
    n = 60
    return pd.DataFrame(
        {
            "person": np.arange(n),
            "start": 0.0,
            "month": np.ceil(generator.exponential(8, n)),
            "event": (np.arange(n) % 3 > 0).astype(int),
            "cause": np.arange(n) % 3,
            "arm": np.where(np.arange(n) % 2 == 0, "placebo", "verum"),
            "age": generator.normal(size=n),
        }
    )


COLUMNS = {"time": "month", "event": "event", "arm": "arm"}
CAUSES = {"time": "month", "event": "cause", "arm": "arm", "cause": 1}


def test_every_result_prints_its_contrast_and_tabulates(data: pd.DataFrame) -> None:
    results = [
        log_rank(data, **COLUMNS),
        max_combo(data, **COLUMNS),
        milestone_survival(data, **COLUMNS, at=5),
        restricted_mean_survival(data, **COLUMNS, tau=5),
        adjusted_log_rank(data, **COLUMNS, covariates="age"),
        gray_test(data, **CAUSES),
        lwyy(data, participant="person", start="start", stop="month", event="event", arm="arm"),
    ]
    for result in results:
        assert "verum minus placebo" in str(result)
        assert len(result.to_frame()) > 0
        assert "<table" in result._repr_html_()
        assert 0 < result.p_value < 1


def test_a_corrected_restricted_mean_without_censoring_is_welchs_t_test(data: pd.DataFrame) -> None:
    whole = data.assign(event=1)
    found = restricted_mean_survival(whole, **COLUMNS, tau=5, variance="corrected")
    active, control = (np.minimum(whole.month[whole.arm == arm], 5) for arm in ("verum", "placebo"))
    welch = stats.ttest_ind(active, control, equal_var=False)
    np.testing.assert_allclose([found.statistic, found.p_value], [welch.statistic, welch.pvalue], rtol=1e-9)
    difference = found.to_frame().iloc[2]
    interval = welch.confidence_interval()
    np.testing.assert_allclose([difference.lower, difference.upper], [interval.low, interval.high], rtol=1e-9)
    assert f"Student's t with {welch.df:.1f} df" in str(found)
    block = restricted_mean_survival_block(
        whole.month.to_numpy()[None], np.ones((1, len(whole))), (whole.arm == "verum").to_numpy()[None] * 1,
        5.0, "corrected", entry=np.zeros((1, len(whole))),
    )  # fmt: skip
    np.testing.assert_allclose(block.p_value, welch.pvalue, rtol=1e-9)


def test_a_hazard_ratio_is_the_exponential_of_the_estimate_with_its_interval(data: pd.DataFrame) -> None:
    result = cox(data, **COLUMNS, covariates="age")
    row = result.to_frame().iloc[0]
    assert row.term == "arm[verum]"
    assert row.hazard_ratio == np.exp(result.estimates.estimate[0])
    width = 1.959963984540054 * result.standard_errors[0]
    np.testing.assert_allclose(np.log([row.lower, row.upper]), row.estimate + np.array([-width, width]))
    assert f"{row.hazard_ratio:.4f}" in str(result)


def test_kaplan_meier_draws_both_arms_with_numbers_at_risk(data: pd.DataFrame) -> None:
    result = kaplan_meier(data, **COLUMNS)
    figure = result.plot()
    assert isinstance(figure, go.Figure)
    texts = {trace.name or trace.y[0]: trace for trace in figure.data if trace.mode == "text"}
    assert texts["placebo"].text[0] == "30"
    assert set(result.to_frame().arm) == {"placebo", "verum"}
    assert "not reached" in str(kaplan_meier(data.assign(event=data.event * (data.month < 3)), **COLUMNS))


def test_kaplan_meier_beyond_follow_up_is_unknown_unless_it_reached_zero() -> None:
    data = pd.DataFrame({"month": [1, 2, 3, 4], "event": [1, 1, 1, 0], "arm": list("aabb")})
    late = kaplan_meier(data, **COLUMNS).at([9])
    assert late.survival[0] == 0.0
    assert np.isnan(late.survival[1])
    with pytest.raises(AnalysisError, match="is not an arm"):
        kaplan_meier(data, **COLUMNS).at([1], arm="z")


def test_a_quantile_on_a_flat_stretch_is_its_middle() -> None:
    curve = estimate_curve(np.array([1.0, 2, 3, 4]), np.ones(4, int))
    assert curve.quantile(0.5)[0] == 2.5
    assert curve.quantile(0.6)[0] == 3.0


def test_cumulative_incidence_draws_and_compares(data: pd.DataFrame) -> None:
    result = cumulative_incidence(data, **CAUSES)
    assert len(result.plot().data) == 6
    at = result.at([5])
    np.testing.assert_allclose(result.difference(5).estimate[0], at.incidence[1] - at.incidence[0])
    assert (result.to_frame().lower <= result.to_frame().incidence).all()
    assert "Cumulative incidence" in str(result)

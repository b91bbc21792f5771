from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trialsim.errors import HistoryError
from trialsim.prognosis import FitSettings, fit_prognosis
from trialsim.prognosis.models.terms import ModelTerms
from trialsim.prognosis.validation.predictive import predictive_checks, prior_prognosis

SHORT = FitSettings(tune=300, draws=250, max_rhat=1.1, min_ess=50.0, max_divergences=20)


@pytest.fixture(scope="module")
def history(simulate_history):
    return simulate_history(participants=200, dropout=0.08)


@pytest.fixture(scope="module")
def fitted(history, sampler):
    return fit_prognosis(history, seed=1, settings=SHORT, sampler=sampler)


@pytest.fixture(scope="module")
def checks(history, fitted):
    return predictive_checks(history, fitted, generator=np.random.default_rng(1), limits=(5.0, 35.0))


def test_the_observed_statistics_are_those_of_the_history(history, checks):
    table = checks.to_frame().set_index("statistic")
    change = history.to_frame().pivot(index="participant", columns="week", values="score")
    change = change.sub(change[0.0], axis=0)
    assert table.loc["mean change, week 36", "observed"] == pytest.approx(change[36.0].mean())
    assert table.loc["SD of change, week 52", "observed"] == pytest.approx(change[52.0].std())
    assert table.loc["correlation, week 24 and week 36", "observed"] == pytest.approx(
        change[24.0].corr(change[36.0])
    )
    last = history.outcomes[:, -1]
    last = last[np.isfinite(last)]
    assert table.loc["share beyond the scale, week 52", "observed"] == np.mean((last < 5) | (last > 35))
    assert len(table) == 4 + 4 + 3 + 4


def test_a_right_model_makes_such_histories(checks):
    table = checks.to_frame(level=0.99)
    assert checks.kind == "posterior"
    assert ((table["low"] <= table["observed"]) & (table["observed"] <= table["high"])).all()
    assert table["p"].between(0.005, 0.995).all()


def test_a_wrong_model_does_not(history, fitted):
    """Outcomes of another correlation over time, another mean and another spread are each found."""
    rng = np.random.default_rng(2)
    seen = np.where(np.isfinite(history.outcomes), 0.0, np.nan)
    change = history.outcomes - history.baseline[:, None]
    noise = rng.standard_normal(change.shape) * np.nanstd(change, axis=0) + np.nanmean(change, axis=0) + seen
    for outcomes, name in (
        (history.baseline[:, None] + noise, "correlation, week 24 and week 36"),
        (history.outcomes + 1.0, "mean change, week 52"),
        (history.baseline[:, None] + 2 * change, "SD of change, week 52"),
    ):
        other = predictive_checks(
            replace(history, outcomes=outcomes), fitted, generator=np.random.default_rng(1)
        )
        table = other.to_frame().set_index("statistic")
        assert min(table.loc[name, "p"], 1 - table.loc[name, "p"]) < 0.01


def test_the_prior_makes_wider_histories_than_the_posterior(history, checks):
    prior = prior_prognosis(history, generator=np.random.default_rng(3))
    wide = predictive_checks(history, prior, generator=np.random.default_rng(1), limits=(5.0, 35.0))
    assert wide.kind == "prior"
    table, its = wide.to_frame(), checks.to_frame()
    assert (table["low"] <= table["observed"]).all()
    assert (table["observed"] <= table["high"]).all()
    change = table["statistic"].str.contains("change")
    assert (table["high"] - table["low"] > 3 * (its["high"] - its["low"]))[change].all()


def test_studies_of_a_replicate_differ_from_each_other(simulate_history):
    history = simulate_history(participants=240, dropout=0.0, groups=4)
    terms = ModelTerms(studies=True)
    with_studies = prior_prognosis(history, generator=np.random.default_rng(3), terms=terms)
    scales = with_studies.scales.copy()
    scales[:, 6:8] = 5.0
    far = replace(with_studies, scales=scales, coefficients=0 * with_studies.coefficients)
    found = predictive_checks(history, far, generator=np.random.default_rng(1), draws=400)
    mean = found.replicated[found.statistics.index("mean change, week 52")]
    sizes = np.bincount(history.group) / len(history)
    # An offset and a rate, each of SD 5 units and of its own in each study; people add little.
    expected = far.standardisation.unit * np.sqrt(2 * 5.0**2 * (sizes**2).sum())
    assert mean.std() == pytest.approx(expected, rel=4.5 / np.sqrt(2 * 400))


def test_p_and_interval_are_those_of_arviz(checks):
    import arviz

    data = checks.to_inference_data()
    assert set(data.groups()) == {"posterior_predictive", "observed_data"}
    draws = data.posterior_predictive["statistic"]
    name = "mean change, week 36"
    table = checks.to_frame(level=0.9).set_index("statistic").loc[name]
    assert float((draws.sel(name=name) > data.observed_data["statistic"].sel(name=name)).mean()) == table["p"]
    summary = arviz.summary(data.posterior_predictive, stat_focus="median", round_to="none", kind="stats")
    row = summary.loc[f"statistic[{name}]"]
    assert row["median"] == pytest.approx(table["predicted"])


def test_the_figure_shows_what_the_table_says(checks):
    figure = checks.figure()
    table = checks.to_frame()
    intervals, observed = figure.data
    assert list(observed.y) == list(table["statistic"])
    assert "posterior predictive, 90%" in intervals.name
    outside = (observed.x > intervals.error_x.array) | (observed.x < -intervals.error_x.arrayminus)
    np.testing.assert_array_equal(
        outside, (table["observed"] > table["high"]) | (table["observed"] < table["low"])
    )


def test_too_few_draws_and_no_range_are_refused(history, fitted):
    rng = np.random.default_rng(1)
    with pytest.raises(HistoryError, match="need 50 draws or more"):
        predictive_checks(history, fitted, generator=rng, draws=49)
    with pytest.raises(HistoryError, match="limits: are no range"):
        predictive_checks(history, fitted, generator=rng, limits=(1.0, 1.0))

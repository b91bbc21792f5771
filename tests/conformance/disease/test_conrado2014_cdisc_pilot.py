"""The published ADAS-Cog model against the CDISC pilot's placebo arm, nothing tuned."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trialsim.data import Covariates
from trialsim.disease import disease_model
from trialsim.population import draw_covariates, read_card

CARD = Path(__file__).parents[3] / "cohorts" / "alzheimers_mild_moderate.toml"
WEEKS = np.array([0.0, 24.0])


def measured(covariates: Covariates, generator: np.random.Generator, weeks: np.ndarray) -> np.ndarray:
    model = disease_model("conrado2014_adas_cog")
    course = model.draw_course(covariates, generator)
    return model.measure(
        model.natural_history(course, weeks), model.placebo_response(course, weeks), generator
    )


def test_24_week_change_is_that_of_the_cdisc_pilot_2_15_sd_5_99_correlation_90():
    generator = np.random.default_rng(1)
    scores = measured(draw_covariates(read_card(CARD), 100_000, generator), generator, WEEKS)
    change = scores[:, 1] - scores[:, 0]
    assert 1.5 < change.mean() < 2.7
    assert 5.0 < change.std() < 6.5
    assert 0.85 < np.corrcoef(scores.T)[0, 1] < 0.93


def test_measured_baseline_is_that_of_the_cdisc_pilot_23_73_sd_12_40():
    generator = np.random.default_rng(2)
    n = 200_000
    covariates = draw_covariates(read_card(CARD), n, generator)
    baseline = measured(covariates, generator, np.array([0.0]))[:, 0]
    assert abs(baseline.mean() - 23.73) < 5 * 12.4 / np.sqrt(n) + 0.005
    assert abs(baseline.std() - 12.40) < 0.1
    assert abs(np.corrcoef(baseline, covariates.column("mmse"))[0, 1] + 0.825) < 0.01


def test_changes_are_those_that_disease_models_notes_2_1_computed_for_all_on_co_medication():
    """Week 8 0.6 (4.8), 24 2.0 (5.5), 52 4.6 (7.9), 78 7.1 (10.6), 104 9.6 (13.0); corr(y0, y24) .88."""
    g = np.random.default_rng(3)
    n = 200_000
    female, alleles = g.random(n) < 0.57, g.choice(3, n, p=[0.42, 0.44, 0.14])
    typical = 22.2 * np.where(female, 1, 0.953) * (1 + 0.0372 * (alleles - 0.72))
    columns = (
        typical * np.exp(np.sqrt(0.156) * g.standard_normal(n)),
        g.normal(75, 8, n),
        female,
        alleles,
        np.ones(n),
    )
    covariates = Covariates(
        ("adas_cog", "age", "female", "apoe4_count", "comedication"), np.column_stack(columns).astype(float)
    )
    sane = (covariates.column("adas_cog") < 69.9) & (np.abs(covariates.column("age") - 75) < 33)
    weeks = np.array([0.0, 8.0, 24.0, 52.0, 78.0, 104.0])
    scores = measured(covariates.take(sane), g, weeks)
    change = scores[:, 1:] - scores[:, :1]
    assert np.abs(change.mean(0) - [0.6, 2.0, 4.6, 7.1, 9.6]).max() < 0.3
    assert np.abs(change.std(0) / [4.8, 5.5, 7.9, 10.6, 13.0] - 1).max() < 0.04
    assert abs(np.corrcoef(scores[:, 0], scores[:, 2])[0, 1] - 0.88) < 0.01

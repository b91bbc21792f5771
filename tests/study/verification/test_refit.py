"""V5: an honest posterior is found again; one of another history, or one that was moved, is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.small_trial import run_small_trial
from trialsim.data import History
from trialsim.prognosis import FitSettings, Prognosis, Sampler, fit_prognosis
from trialsim.study.bundles import open_bundle
from trialsim.study.verification.refitted import _correlations_differ, differences, parameters, refit, unfit

SETTINGS = FitSettings(tune=500, draws=500, max_rhat=1.03, min_ess=100.0, max_divergences=10)


@pytest.fixture(scope="module")
def fit(sampler: Sampler) -> Callable[[History, int], Prognosis]:
    return lambda history, seed: fit_prognosis(history, seed=seed, settings=SETTINGS, sampler=sampler)


def test_a_fit_by_other_chance_agrees_and_a_moved_one_does_not(fit, simulate_history) -> None:
    history = simulate_history(participants=150, seed=4)
    sealed, again = fit(history, 1), fit(history, 2)
    assert not np.array_equal(sealed.scales, again.scales)
    assert differences(sealed, again) == []
    number = len(parameters(sealed))
    for k in range(sealed.coefficients.shape[1]):
        moved = sealed.coefficients.copy()
        moved[:, k] += 0.5 * moved[:, k].std()
        found = differences(replace(sealed, coefficients=moved), again)
        assert len(found) == 1
        assert f"coefficient[{k}]" in found[0]
    wider = replace(sealed, scales=sealed.scales.mean(0) + 1.5 * (sealed.scales - sealed.scales.mean(0)))
    assert all("the SD of scale" in said for said in differences(wider, again))
    assert 0 < len(differences(wider, again)) < number
    # Right margins, wrong together: the values of one parameter in the order of another's.
    tied = sealed.coefficients.copy()
    tied[:, 0] = np.sort(tied[:, 0])[tied[:, 1].argsort().argsort()]
    found = differences(replace(sealed, coefficients=tied), again)
    assert all("rank correlation" in said and "coefficient[0]" in said for said in found)
    assert any("coefficient[0] and coefficient[1]" in said for said in found)


def test_rank_correlations_of_two_samples_of_one_law_differ_by_chance_alone() -> None:
    """Of 200 pairs of samples, as many differ as the limit says: hardly one; 0.5 against 0.8 is seen."""
    rng, wrong = np.random.default_rng(3), 0
    law = np.array([[1.0, 0.5, 0.3], [0.5, 1.0, 0.4], [0.3, 0.4, 1.0]])
    names = ("a", "b", "c")

    def draws(correlation: np.ndarray) -> dict[str, np.ndarray]:
        found = np.exp(rng.multivariate_normal(np.zeros(3), correlation, 600))
        return dict(zip(names, found.T, strict=True))

    for _ in range(200):
        wrong += bool(_correlations_differ(draws(law), draws(law), (600, 600)))
    assert wrong <= 1
    other = law.copy()
    other[0, 1] = other[1, 0] = 0.8
    assert "of a and b" in _correlations_differ(draws(law), draws(other), (600, 600))[0]


def test_draws_that_are_no_numbers_and_sizes_that_hide_a_move_are_found(fit, simulate_history) -> None:
    history = simulate_history(participants=150, seed=4)
    sealed, again = fit(history, 1), fit(history, 2)
    broken = sealed.coefficients.copy()
    broken[0, 0] = np.nan
    assert "coefficient[0] is nan" in differences(replace(sealed, coefficients=broken), again)[0]
    assert unfit(sealed, SETTINGS) == ()
    for name, value in (("min_bulk_ess", 1e-6), ("min_tail_ess", np.nan), ("max_rhat", 1.2)):
        found = unfit(replace(sealed, diagnostics={**sealed.diagnostics, name: value}), SETTINGS)
        assert len(found) == 1
        assert name in found[0]
    hidden = replace(sealed, diagnostics={**sealed.diagnostics, "min_bulk_ess": 1e-6})
    run = SimpleNamespace(registers=SimpleNamespace(learnt=SimpleNamespace(model=hidden)))
    assert any("min_bulk_ess is 1e-06" in said for said in refit(run, "nonce").problems)


def test_a_posterior_of_another_history_is_found(fit, simulate_history) -> None:
    here, elsewhere = simulate_history(participants=150, seed=4), simulate_history(participants=150, seed=5)
    assert differences(fit(elsewhere, 1), fit(here, 2))
    fewer = simulate_history(participants=150, level=(0.6, 0.0), slope=(0.5, 0.0), seed=4)
    assert "other parameters" in differences(fit(fewer, 1), fit(here, 2))[0]


def test_a_run_without_a_posterior_has_nothing_to_fit(tmp_path_factory: pytest.TempPathFactory) -> None:
    found = refit(open_bundle(Path(run_small_trial(tmp_path_factory.getbasetemp()))), "nonce")
    assert not found.problems
    assert not found.checked
    assert "no posterior" in found.not_checked[0]

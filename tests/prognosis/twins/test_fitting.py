from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.prognosis.stand_ins import NoSampler
from trialsim.data import Covariates
from trialsim.errors import FitError, HistoryError, TrialsimWarning
from trialsim.prognosis import FitSettings, fit_prognosis
from trialsim.prognosis.models.gram import SCALES

SHORT = FitSettings(tune=300, draws=250, max_rhat=1.1, min_ess=50.0, max_divergences=20)


@pytest.fixture(scope="module")
def history(simulate_history):
    return simulate_history(participants=120)


def test_importing_the_room_costs_no_sampler():
    code = (
        "import sys, trialsim.prognosis\n"
        "print([name for name in ('pymc', 'nutpie', 'arviz', 'pytensor') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_fit_follows_its_seed_and_not_the_cores(history, sampler):
    one, two, other = (
        fit_prognosis(history, seed=seed, settings=replace(SHORT, cores=cores), sampler=sampler)
        for seed, cores in ((1, 1), (1, 2), (2, 2))
    )
    assert one.content_hash == two.content_hash
    assert one.content_hash != other.content_hash
    assert one.key != other.key


def test_a_fit_is_kept_and_found_again(history, sampler, tmp_path):
    stages = []
    fitted = fit_prognosis(
        history,
        seed=3,
        settings=SHORT,
        cache=tmp_path,
        sampler=sampler,
        progress=lambda *step: stages.append(step),
    )
    assert stages[-2:] == [("sample posterior", 0, 1), ("sample posterior", 1, 1)]
    again = fit_prognosis(history, seed=3, settings=SHORT, cache=tmp_path, sampler=NoSampler())
    assert again.content_hash == fitted.content_hash
    assert [file.name for file in tmp_path.iterdir()] == [f"posterior-{fitted.key[:16]}.npz"]


def test_a_fit_without_further_terms_keeps_its_address(history, sampler, tmp_path):
    """What was kept before there were terms is still found; only a new format may change this."""
    fitted = fit_prognosis(history, seed=1, settings=SHORT, cache=tmp_path, sampler=sampler)
    assert fitted.key[:16] == "d60598d95716086b"


def test_a_corrupt_cache_is_found_and_replaced(history, sampler, tmp_path):
    fitted = fit_prognosis(history, seed=3, settings=SHORT, cache=tmp_path, sampler=sampler)
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    with pytest.warns(TrialsimWarning, match="fitting again"):
        again = fit_prognosis(history, seed=3, settings=SHORT, cache=tmp_path, sampler=sampler)
    assert again.content_hash == fitted.content_hash
    assert (
        fit_prognosis(history, seed=3, settings=SHORT, cache=tmp_path, sampler=NoSampler()).key == fitted.key
    )


def test_any_change_of_history_settings_or_seed_is_another_fit(history, sampler, tmp_path):
    outcomes = history.outcomes.copy()
    outcomes[0, 0] += 1e-9
    for changed, seed, settings in (
        (replace(history, outcomes=outcomes), 3, SHORT),
        (history, 4, SHORT),
        (history, 3, replace(SHORT, accept=0.8)),
    ):
        fit_prognosis(history, seed=3, settings=SHORT, cache=tmp_path, sampler=sampler)
        with pytest.raises(AssertionError, match="sampler was asked"):
            fit_prognosis(changed, seed=seed, settings=settings, cache=tmp_path, sampler=NoSampler())


def test_a_fit_that_has_not_converged_issues_no_twin(history, sampler, tmp_path):
    with pytest.raises(
        FitError, match=r"no twin is issued: bulk effective sample size of \w+ is \d+, under 100000"
    ):
        fit_prognosis(history, seed=1, settings=replace(SHORT, min_ess=1e5), sampler=sampler, cache=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("visits", [1, 2])
def test_few_visits_leave_out_effects_that_they_cannot_tell(simulate_history, sampler, visits):
    history = simulate_history(participants=120, weeks=(12.0, 52.0)[-visits:], sds=(0.6, 0.0, 0.8))
    fitted = fit_prognosis(history, seed=1, settings=SHORT, sampler=sampler)
    np.testing.assert_array_equal(fitted.varies, [float(visits > 1), 0.0])
    twins = fitted.predict(history.covariates, history.baseline, [52.0])
    # Noise and participants' level together are 1 point; coefficients of 120 participants add little.
    assert twins.sd.mean() == pytest.approx(1.0, abs=4.5 * 1 / np.sqrt(2 * 100) + 0.05)


def test_doubling_the_unit_doubles_the_twins_bit_by_bit(history, sampler):
    doubled = replace(history, baseline=2 * history.baseline, outcomes=2 * history.outcomes)
    fits = [fit_prognosis(h, seed=1, settings=SHORT, sampler=sampler) for h in (history, doubled)]
    twins = [
        fit.predict(h.covariates, h.baseline, h.weeks)
        for fit, h in zip(fits, (history, doubled), strict=True)
    ]
    np.testing.assert_array_equal(2 * twins[0].score, twins[1].score)
    np.testing.assert_array_equal(2 * twins[0].sd, twins[1].sd)


def test_without_covariates_the_baseline_is_left(history, sampler):
    bare = replace(history, covariates=Covariates((), np.empty((len(history), 0))))
    fitted = fit_prognosis(bare, seed=1, settings=SHORT, sampler=sampler)
    assert fitted.standardisation.labels == ("baseline", "baseline_squared")
    assert fitted.scales.shape[1] == len(SCALES)


def test_a_generated_history_must_be_learnable_too(history):
    with pytest.raises(HistoryError, match="too small to learn from"):
        fit_prognosis(history.take(np.arange(20)), seed=1, sampler=NoSampler())

"""A fit that misses the gate is made again by one rule, in both samplers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trialsim.data import History
from trialsim.errors import FitError
from trialsim.prognosis import FitSettings, Sampler
from trialsim.prognosis.fit.tries import first_passing, tries_of
from trialsim.prognosis.models.design_matrix import standardise
from trialsim.prognosis.models.gram import gram_sums
from trialsim.prognosis.twins.longitudinal import coefficient_names


class Diverging(Sampler):
    """Chains of white noise, with so many divergences in each fit."""

    def __init__(self, *divergences: int) -> None:
        super().__init__()
        self.divergences, self.asked = list(divergences), []

    def compile(self, sums):
        pass

    def _chains(self, sums, settings, seed):
        self.asked.append((settings.accept, settings.tune, settings.draws, seed))
        rng = np.random.default_rng(seed)
        names = ("tau_level", "tau_slope", "sd_level", "sd_slope", "correlation", "sigma")
        draws = {name: 0.5 + 0.01 * rng.standard_normal((settings.chains, settings.draws)) for name in names}
        return draws, self.divergences[len(self.asked) - 1]


def sample(sampler: Sampler, history: History):
    standardisation = standardise(history)
    sums = gram_sums(standardisation.levelled(history), standardisation)
    settings = FitSettings(accept=0.9, tune=100, draws=200, min_ess=100.0, max_rhat=1.05)
    return sampler.sample(sums, coefficient_names(standardisation), settings, np.random.default_rng(3))


def test_a_gaussian_fit_is_made_again_longer_and_with_smaller_steps(simulate_history):
    history = simulate_history(dropout=0.0)
    passing = Diverging(3, 1, 0)
    found = sample(passing, history)
    assert [asked[:3] for asked in passing.asked] == [(0.9, 100, 200), (0.99, 200, 400), (0.998, 200, 400)]
    assert len({asked[3] for asked in passing.asked}) == 3, "new chains each time"
    assert (found.diagnostics["fits"], found.diagnostics["accept"]) == (3.0, 0.998)
    with pytest.raises(FitError, match="5 iterations diverged"):
        sample(Diverging(3, 4, 5), history)


def test_a_fit_that_passes_at_once_is_what_it_was(simulate_history):
    history = simulate_history(dropout=0.0)
    found = sample(Diverging(0), history)
    assert "fits" not in found.diagnostics
    later = sample(Diverging(1, 0), history)
    assert not np.array_equal(found.scales, later.scales[: len(found.scales)])


def test_the_rule_is_fixed_beforehand():
    settings = FitSettings(accept=0.995)
    assert [one.accept for one in tries_of(settings)] == [0.995, 0.995, 0.998]
    assert tries_of(settings)[0] is settings
    asked = []

    def never(now: FitSettings) -> None:
        asked.append(now)
        raise FitError("no")

    with pytest.raises(FitError):
        first_passing(never, settings)
    assert asked == list(tries_of(settings))
    assert replace(settings, cores=1).identity() == settings.identity()

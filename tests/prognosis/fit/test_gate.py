from __future__ import annotations

import math

import numpy as np
import pytest

from trialsim.errors import FitError, InputError
from trialsim.prognosis import FitSettings
from trialsim.prognosis.families import Responses
from trialsim.prognosis.fit.outcome_sampler import CENTRED_FROM, OutcomeSampler
from trialsim.prognosis.fit.sampler import check_gate

GOOD = (1.001, 900.0, 800.0)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ((1.02, 900.0, 800.0), r"R-hat of tau_slope is 1\.020, above 1\.01"),
        ((math.nan, 900.0, 800.0), r"R-hat of tau_slope is nan"),
        ((1.0, 399.0, 800.0), "bulk effective sample size of tau_slope is 399, under 400"),
        ((1.0, 900.0, 120.0), "tail effective sample size of tau_slope is 120, under 400"),
        ((1.0, math.nan, 900.0), "bulk effective sample size of tau_slope is nan"),
    ],
)
def test_the_gate_names_the_parameter_and_the_mend(bad, message):
    with pytest.raises(FitError, match=f"no twin is issued: {message}.* Mend: sample longer"):
        check_gate({"sigma": GOOD, "tau_slope": bad}, 0, FitSettings())


def test_the_gate_refuses_divergences():
    with pytest.raises(
        FitError, match=r"1 iterations diverged, more than 0\. Mend: raise the acceptance rate"
    ):
        check_gate({"sigma": GOOD}, 1, FitSettings())


def test_the_gate_opens_and_says_how_well():
    found = check_gate({"sigma": GOOD, "tau_slope": (1.01, 400.0, 400.0)}, 0, FitSettings())
    assert (found["max_rhat"], found["min_bulk_ess"], found["min_tail_ess"]) == (1.01, 400.0, 400.0)


def test_cores_are_no_part_of_what_a_fit_is():
    for wrong in (
        {"tune": -5},
        {"draws": 0},
        {"chains": 0},
        {"accept": 1.0},
        {"max_rhat": np.nan},
        {"cores": 0},
    ):
        with pytest.raises(InputError, match=f"FitSettings.{next(iter(wrong))}"):
            FitSettings(**wrong)
    assert FitSettings(cores=1).identity() == FitSettings(cores=4).identity()
    assert FitSettings(draws=10).identity() != FitSettings().identity()


FEW = Responses(np.zeros((3, 1)), np.zeros((3, 0)), np.ones(3), np.ones(3), np.empty(0))


class Diverging(OutcomeSampler):
    """Chains of white noise, with so many divergences in each fit."""

    def __init__(self, *divergences):
        super().__init__()
        self.divergences, self.asked, self.centred = list(divergences), [], []

    def _chains(self, family, data, settings, seed, *, centred):
        self.centred.append(centred)
        self.asked.append((settings.accept, settings.tune, settings.draws, seed))
        noise = np.random.default_rng(seed).standard_normal((settings.chains, settings.draws))
        return {"tau": noise}, self.divergences[len(self.asked) - 1]


def test_a_fit_is_made_again_with_smaller_steps_and_longer_chains_before_a_twin_is_refused():
    rng, settings = np.random.default_rng(3), FitSettings(accept=0.95, tune=500, draws=1000)
    passing = Diverging(2, 0)
    draws, found = passing.sample("binary", FEW, settings, rng)
    assert [asked[:3] for asked in passing.asked] == [(0.95, 500, 1000), (0.99, 1000, 2000)]
    assert (found["accept"], found["fits"], found["divergences"]) == (0.99, 2.0, 0.0)
    # New chains, not the old ones with divergences left out.
    assert passing.asked[0][-1] != passing.asked[1][-1]
    assert draws["tau"].shape == (settings.chains * 2000,)
    never = Diverging(2, 1, 3)
    with pytest.raises(FitError, match=r"3 iterations diverged.* above 0\.998"):
        never.sample("binary", FEW, settings, rng)
    steep = Diverging(0)
    assert steep.sample("binary", FEW, FitSettings(accept=0.999), rng)[1]["accept"] == 0.999


def test_chains_that_mix_slowly_are_sampled_for_longer():
    # White noise has about as many effective draws as there are draws.
    found = Diverging(0, 0).sample(
        "binary", FEW, FitSettings(draws=500, min_ess=2600.0), np.random.default_rng(3)
    )[1]
    assert (found["fits"], found["draws_per_chain"]) == (2.0, 1000.0)


def test_a_large_history_is_tried_in_its_coefficients_first():
    many = Responses(*(np.repeat(part, CENTRED_FROM, axis=0) for part in (FEW.x, FEW.member)),
                     np.ones(3 * CENTRED_FROM), np.ones(3 * CENTRED_FROM), np.empty(0))  # fmt: skip
    for data, wanted in ((FEW, [False, False]), (many, [True, False])):
        sampler = Diverging(2, 0)
        sampler.sample("binary", data, FitSettings(), np.random.default_rng(3))
        assert sampler.centred == wanted

from __future__ import annotations

import math

import pytest

from trialsim.errors import FitError
from trialsim.prognosis import FitSettings
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
    assert FitSettings(cores=1).identity() == FitSettings(cores=4).identity()
    assert FitSettings(draws=10).identity() != FitSettings().identity()

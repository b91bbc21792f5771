"""Past controls from a table: what is told of the next arm, and what borrowing does to a trial."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

import trialsim as ts
from trialsim.analysis.borrowing import CommensuratePrior, commensurate_binomial, map_prior_binomial
from trialsim.analysis.borrowing.heterogeneity_priors import HalfT
from trialsim.errors import AnalysisError

# Responders and participants of eight past control arms (Ankylosing spondylitis, Neuenschwander et al. 2010).
PAST = pd.DataFrame({"r": [23, 12, 19, 9, 39, 6, 9, 10], "n": [107, 44, 51, 39, 139, 20, 78, 35]})
RATE = {"responders": "r", "participants": "n"}
TRIAL = pd.DataFrame(
    {"arm": ["past", "past", "placebo", "drug"], "r": [18, 12, 15, 28], "n": [60, 40, 50, 50],
     "y": [1.0, 2.0, 1.2, 0.2], "se": [0.2, 0.4, 0.3, 0.3], "d": [200, 126, 39, 75],
     "t": [2000.0, 1575.7, 1136.2, 2502.1]}
)  # fmt: skip
ARMS = {"arm": "arm", "control": "placebo", "active": "drug", "external": "past"}


def borrowed(**options: object) -> pd.DataFrame:
    return ts.analyse(TRIAL, method="borrowed-controls", **ARMS, **options).to_frame()


def test_past_controls_are_the_map_prior_of_their_columns() -> None:
    found = ts.analyse(PAST, method="past-controls", **RATE, robust=0.2)
    exact = map_prior_binomial(PAST["r"], PAST["n"], heterogeneity_scale=1.0)
    frame = found.to_frame().set_index("parameter")
    assert frame.loc["new control arm", "mean"] == pytest.approx(exact.prior.mean(), rel=1e-12)
    assert frame.loc["with the vague part", "mean"] == pytest.approx(exact.robust(0.2).mean(), rel=1e-12)
    assert found.worth["size"][0] < exact.effective_sample_sizes()["size"][0]
    assert "8 past trials" in str(found)


def test_another_prior_of_the_heterogeneity_is_the_one_that_is_named() -> None:
    past = pd.DataFrame({"y": [1.0, 2.0, 1.4], "se": [0.3, 0.2, 0.4]})
    options = {"estimate": "y", "standard_error": "se", "prior_mean": 0.0, "prior_sd": 10.0, "scale": 0.5}
    heavy = ts.analyse(past, method="past-controls", **options, heterogeneity="half-t", shape=1.0)
    light = ts.analyse(past, method="past-controls", **options)
    exact = ts.analysis.borrowing.map_prior_normal(
        past["y"], past["se"], mean_prior=(0.0, 10.0), heterogeneity=HalfT(0.5, 1.0)
    )
    tau = heavy.to_frame()["mean"][0]
    assert tau == pytest.approx(exact.heterogeneity.mean(), rel=1e-12)
    assert tau > light.to_frame()["mean"][0]


def test_response_without_borrowing_pooled_and_by_power_are_beta_laws() -> None:
    for borrowing, weight in (("none", 0.0), ("pooled", 1.0), ("power", 0.3)):
        frame = borrowed(**RATE, borrowing=borrowing, power=0.3)
        control = stats.beta(1 + 30 * weight + 15, 1 + 70 * weight + 35)
        row = frame.iloc[-1]
        assert row["control"] == pytest.approx(control.mean(), rel=1e-12)
        assert row["control_sd"] == pytest.approx(control.std(), rel=1e-12)
        assert row["difference"] == pytest.approx(29 / 52 - control.mean(), rel=1e-12)
        draws = np.random.default_rng(1)
        above = stats.beta(29, 23).rvs(200_000, random_state=draws) > control.rvs(200_000, random_state=draws)
        assert row["probability_above"] == pytest.approx(above.mean(), abs=4 * above.std() / 447)


def test_means_are_pooled_by_their_precision() -> None:
    columns = {"estimate": "y", "standard_error": "se"}
    frame = borrowed(**columns, borrowing="pooled", unit_sd=3.0)
    weight = np.array([0.2, 0.4, 0.3]) ** -2.0
    mean, sd = weight @ [1.0, 2.0, 1.2] / weight.sum(), weight.sum() ** -0.5
    assert frame["control"][1] == pytest.approx(mean, rel=1e-12)
    assert frame["control_sd"].tolist() == pytest.approx([0.3, sd], rel=1e-12)
    assert frame["probability_above"][1] == pytest.approx(
        stats.norm.sf(0, 0.2 - mean, np.hypot(sd, 0.3)), rel=1e-9
    )
    # Past controls of precision 1/0.2^2 + 1/0.4^2 are worth 9 times that many participants.
    assert frame["borrowed_participants"][1] == pytest.approx(9 * weight[:2].sum(), rel=1e-9)


def test_agreement_is_borrowed_from_and_conflict_is_not() -> None:
    clash = TRIAL.assign(r=[54, 36, 15, 28])
    for borrowing in ("normalized-power", "commensurate", "self-adapting"):
        options = {**ARMS, **RATE, "borrowing": borrowing, "difference": 0.15, "precision_shape": 1.0}
        agree, conflict = (
            ts.analyse(data, method="borrowed-controls", **options).to_frame() for data in (TRIAL, clash)
        )
        assert agree["borrowed_participants"][1] > max(5.0, conflict["borrowed_participants"][1])
        assert abs(conflict["control"][1] - conflict["control"][0]) < 0.1


def test_a_commensurate_response_is_compared_on_its_whole_grid() -> None:
    frame = borrowed(**RATE, borrowing="commensurate", margin=0.1)
    logits, mass = commensurate_binomial((15, 50), (30, 100), CommensuratePrior())
    above = float(mass @ stats.beta(29, 23).sf(expit(logits) + 0.1))
    assert frame["probability_above"][1] == pytest.approx(above, rel=1e-9)


def test_psborrow2_hazards_with_a_commensurate_prior() -> None:
    frame = borrowed(events="d", exposure="t", borrowing="commensurate")
    assert frame["difference"].round(4).tolist() == [-0.1293, -0.1566]
    assert frame["difference_sd"][1] == pytest.approx(0.1986, abs=5e-5)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"responders": "r"}, "columns"),
        ({**RATE, "estimate": "y"}, "columns"),
        ({**RATE, "active": "dose"}, "active"),
        ({**RATE, "control": "past", "external": "placebo"}, "control"),
        ({**RATE, "borrowing": "magic"}, "borrowing"),
        ({"events": "d", "exposure": "t", "borrowing": "power"}, "borrowing"),
        ({**RATE, "borrowing": "self-adapting"}, "difference"),
        ({**RATE, "borrowing": "power", "power": 1.5}, "power"),
    ],
)
def test_what_cannot_be_borrowed_is_refused(options: dict[str, object], field: str) -> None:
    with pytest.raises(AnalysisError) as refused:
        ts.analysis.borrowing.borrowed_controls(TRIAL, **(ARMS | options))
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"estimate": "r", "standard_error": "n"}, "prior_mean"),
        ({**RATE, "prior_mean": 1.0}, "prior_mean"),
        ({**RATE, "heterogeneity": "half-t"}, "shape"),
        ({**RATE, "shape": 2.0}, "shape"),
        ({**RATE, "robust": 1.0}, "robust"),
    ],
)
def test_past_controls_that_cannot_be_read_are_refused(options: dict[str, object], field: str) -> None:
    with pytest.raises(AnalysisError) as refused:
        ts.analysis.borrowing.past_controls(PAST, **options)
    assert refused.value.field == field

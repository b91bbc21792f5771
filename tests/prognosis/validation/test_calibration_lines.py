"""Calibration lines against a likelihood climbed without derivatives, and where there is no line."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize
from scipy.special import expit

from trialsim.prognosis.validation.calibration_lines import calibration_line


def slow_line(x, y, link, offset, cluster):
    """Return intercept, slope and the sandwich's standard error from the likelihood's numeric curvature."""

    def mean(line):
        eta = line[0] + line[1] * x + offset
        return expit(eta) if link == "logit" else np.exp(eta)

    def minus(line):
        m = mean(line)
        return -np.sum(y * np.log(m) + ((1 - y) * np.log1p(-m) if link == "logit" else -m))

    line = optimize.minimize(minus, [0.0, 1.0], method="Nelder-Mead",
                             options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000}).x  # fmt: skip
    design, m = np.column_stack([np.ones_like(x), x]), mean(line)
    bread = np.linalg.inv(design.T @ np.diag(m * (1 - m) if link == "logit" else m) @ design)
    scores = design * (y - m)[:, None]
    summed = np.array([scores[cluster == one].sum(axis=0) for one in np.unique(cluster)])
    return line[0], line[1], np.sqrt((bread @ summed.T @ summed @ bread)[1, 1])


@pytest.mark.parametrize("link", ["logit", "log"])
@pytest.mark.parametrize("clustered", [False, True])
def test_line_and_sandwich_equal_their_slow_twin(link: str, clustered: bool) -> None:
    rng = np.random.default_rng(5)
    x, offset = rng.normal(size=150), rng.normal(0, 0.3, 150)
    eta = -0.2 + 0.8 * x + offset
    y = (
        (rng.random(150) < expit(eta)).astype(float)
        if link == "logit"
        else rng.poisson(np.exp(eta)).astype(float)
    )
    who = np.repeat(np.arange(50), 3) if clustered else np.arange(150)
    line = calibration_line(x, y, link, offset, who.astype(float) if clustered else None)
    slow = slow_line(x, y, link, offset, who)
    assert (line.intercept, line.slope, line.slope_se) == pytest.approx(slow, rel=1e-5, abs=1e-6)


def test_responses_that_are_told_apart_or_of_one_kind_have_no_line() -> None:
    x = np.linspace(-2, 2, 40)
    for y, link in (((x > 0).astype(float), "logit"), (np.ones(40), "logit"), (np.zeros(40), "log")):
        line = calibration_line(x, y, link)
        assert np.isnan([line.intercept, line.slope, line.slope_se]).all()

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from trialsim.disease.neurology.activation import ActivationIntegral

G = ActivationIntegral(30)


@pytest.mark.parametrize("x", [0.3, 0.59, 0.61, 0.95, 1.0, 1.05, 1.59, 1.61, 2.4])
def test_the_integral_equals_adaptive_quadrature(x):
    slow, _ = integrate.quad(
        lambda u: u**30 / (1 + u**30), 0, x, epsabs=1e-14, epsrel=1e-13, points=[min(1.0, x / 2)]
    )
    assert G(np.array([x]))[0] == pytest.approx(slow, abs=1e-12)


def test_the_inverse_undoes_the_integral_over_its_whole_range():
    y = np.geomspace(1e-6, 5.0, 400)
    x = G.inverse(y)
    assert G(x) == pytest.approx(y, rel=1e-10)
    assert (np.diff(x) > 0).all()


def test_table_and_series_join_without_a_step():
    for join in (0.6, 1.6):
        below, above = G(np.array([np.nextafter(join, 0), np.nextafter(join, 9)]))
        assert above == pytest.approx(below, abs=1e-13)


def test_too_gentle_an_activation_is_refused():
    with pytest.raises(ValueError, match="at least 30"):
        ActivationIntegral(5)

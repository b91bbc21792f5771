"""The kernels that are sampled are the models that PyMC states, and their gradients are right."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.prognosis.families import FAMILIES, Responses
from trialsim.prognosis.fit.densities import gaussian_kernel
from trialsim.prognosis.fit.densities.of_outcomes import _in_coefficients, density_of, draw_parameters
from trialsim.prognosis.fit.densities.unconstrained import constrained
from trialsim.prognosis.fit.settings import FitSettings
from trialsim.prognosis.histories.learnable import learnable_rows
from trialsim.prognosis.models.design_matrix import standardise
from trialsim.prognosis.models.gram import SCALES, gram_sums

LEVELS = 4


def made_up(family, n=30, studies=3):
    rng = np.random.default_rng(1)
    member = np.eye(studies)[np.arange(n) % studies] if studies else np.zeros((n, 0))
    outcome = {"ordinal": np.arange(n) % LEVELS, "count": np.arange(n) % 7}.get(family, np.arange(n) % 3 > 0)
    return Responses(
        rng.standard_normal((n, 2)), member, outcome * 1.0, rng.uniform(0.01, 1.0, n),
        np.array([0.2, 0.5]) if family == "piecewise" else np.empty(0), LEVELS if family == "ordinal" else 0,
    )  # fmt: skip


def by_pymc(model, positions, names):
    """Return PyMC's log densities with Jacobians at unbounded vectors, without compiling anything.

    PyMC holds some constants in single precision: only differences between points are exact.
    """
    import pytensor

    values = [model.rvs_to_values[model[name]] for name in names]
    plain = pytensor.compile.mode.Mode(linker="py", optimizer=None)
    density = pytensor.function(values, model.logp(), mode=plain, on_unused_input="ignore")
    sizes = [1 if not value.type.ndim else value.type.shape[0] for value in values]
    ends = np.cumsum(sizes)
    assert ends[-1] == positions.shape[1]
    return np.array(
        [
            density(*(p[end - size : end] if value.type.ndim else p[end - 1]
                      for value, size, end in zip(values, sizes, ends, strict=True)))
            for p in positions
        ]
    )  # fmt: skip


def assert_same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-10)


def numerical_gradient(density, position, data, step=1e-5):
    found = np.empty(len(position))
    for k in range(len(position)):
        ends = []
        for side in (-2, -1, 1, 2):
            moved = position.copy()
            moved[k] += side * step
            ends.append(density(moved, *data)[0])
        found[k] = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * step)
    return found


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("studies", [0, 3])
def test_a_familys_kernel_is_the_model_in_pymc(family, studies):
    from trialsim.prognosis.fit import outcome_model

    data = made_up(family, studies=studies)
    kernel, given, size = density_of(family, data)
    model = outcome_model.build_model(family, data)
    names = [prior.name for prior in FAMILIES[family].priors(data.shape)]
    positions = np.random.default_rng(5).normal(0, 0.7, (4, size))
    assert_same([kernel(position, *given)[0] for position in positions], by_pymc(model, positions, names))
    for position in positions:
        _, gradient = kernel(position, *given)
        numeric = numerical_gradient(kernel, position, given)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_come_back_with_numpys_likelihood(family):
    """The likelihood at two points differs as the kernel's density less the prior does."""
    data = made_up(family)
    kernel, given, size = density_of(family, data)
    priors = FAMILIES[family].priors(data.shape)
    position = np.random.default_rng(4).normal(0, 0.5, size)
    params = {name: value[0] for name, value in constrained(priors, position[None, None]).items()}
    none = Responses(data.x[:0], data.member[:0], data.outcome[:0], data.time[:0], data.cuts, data.levels)
    empty, of_none, _ = density_of(family, none)
    difference = kernel(position, *given)[0] - empty(position, *of_none)[0]
    assert difference == pytest.approx(FAMILIES[family].log_likelihood(params, data)[0], rel=1e-10)


@pytest.mark.parametrize(("visits", "dropout"), [(1, 0.0), (2, 0.2), (4, 0.3)])
def test_the_gaussian_kernel_is_the_model_in_pymc(simulate_history, visits, dropout):
    from trialsim.prognosis.fit import model as pymc_model

    history = simulate_history(
        participants=40, weeks=(12.0, 24.0, 36.0, 52.0)[:visits], dropout=dropout, seed=3
    )
    history = history.take(learnable_rows(history))
    sums = gram_sums(history, standardise(history))
    given = gaussian_kernel.data_of(sums)
    model = pymc_model.build_model(sums)
    names = ["half_correlation" if name == "correlation" else name for name in SCALES]
    positions = np.random.default_rng(6).normal(-0.5, 0.8, (5, len(SCALES)))
    found = [gaussian_kernel.log_posterior(position, *given)[0] for position in positions]
    assert_same(found, by_pymc(model, positions, names))
    for position in positions:
        _, gradient = gaussian_kernel.log_posterior(position, *given)
        numeric = numerical_gradient(gaussian_kernel.log_posterior, position, given)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-6)


def test_scales_come_back_from_unbounded_numbers():
    draws = np.log(np.array([[[0.2, 0.3, 0.5, 0.7, 3.0, 0.9]]]))
    found = gaussian_kernel.as_scales(draws)[0, 0]
    np.testing.assert_allclose(found, [0.2, 0.3, 0.5, 0.7, 0.5, 0.9], rtol=1e-12)


def test_an_inverse_and_its_determinant():
    rng = np.random.default_rng(2)
    root = rng.standard_normal((7, 7))
    matrix = root @ root.T + np.eye(7)
    inverse, log_determinant = gaussian_kernel.inverse_of(matrix)
    np.testing.assert_allclose(inverse, np.linalg.inv(matrix), rtol=1e-10, atol=1e-12)
    assert log_determinant == pytest.approx(np.linalg.slogdet(matrix)[1], rel=1e-12)


@pytest.mark.parametrize("family", ["binary", "ordinal", "piecewise"])
def test_in_coefficients_it_is_the_same_law(family):
    data = made_up(family)
    tau = 0 if FAMILIES[family].sd_intercept is None else 1
    kernel, given, size = density_of(family, data)
    moved = _in_coefficients(kernel, tau, 2)
    position = np.random.default_rng(5).normal(0, 0.4, size)
    raw = position.copy()
    raw[tau + 1 : tau + 3] /= np.exp(position[tau])
    value, gradient = moved(position, *given)
    assert value == pytest.approx(kernel(raw, *given)[0] - 2 * position[tau], rel=1e-12)
    found = numerical_gradient(moved, position, given)
    np.testing.assert_allclose(gradient, found, rtol=1e-6, atol=1e-7)
    settings = FitSettings(chains=4, tune=600, draws=2000)
    draws = [draw_parameters(family, data, settings, 7, centred=centred)[0] for centred in (False, True)]
    for name in ("tau", "beta_raw"):
        means, sds = zip(*((one[name].mean((0, 1)), one[name].std((0, 1))) for one in draws), strict=True)
        np.testing.assert_allclose(means[0], means[1], atol=0.08 * np.max(sds[0]))
        np.testing.assert_allclose(sds[0], sds[1], rtol=0.1)

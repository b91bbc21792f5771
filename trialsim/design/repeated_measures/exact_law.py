"""The exact law of the MMRM statistic without patient data: power curves from one set of draws.

It holds for normal outcomes with one covariance in both arms and dropout *completely at random* (MCAR), for
the visit-saturated unstructured REML fit of `trialsim.analysis.repeated_measures.closed_form.block`. Where
dropout depends on outcomes (MAR, MNAR) or errors are not normal it does not hold: simulate participants and
use `monotone_block`.

Everything is equivariant under ``y -> A y`` with A lower triangular, so draws are made for Sigma = 1. With
n_j participants at visit j, ``a_j = 1/n_0j + 1/n_1j`` and u_j standard normal::

    b^(1) ~ N(0, a_1 1)              b^(j) = b^(j-1) + sqrt(a_j - a_{j-1}) u_j        (contrasts of means)
    S^(V) ~ Wishart(n_V - 2)         S^(j) = S^(j+1) + u_{j+1} u_{j+1}' + Wishart(n_j - n_{j+1} - 1)

The closed form on (S, b) gives estimates c and their covariance M M'. If a is the row of the Cholesky factor
of Sigma for a visit, the estimate there is ``a'c + effect`` and its standard error ``|M'a|``. b^(1) enters
through ``N(0, a_1 Sigma_mm)`` alone, so it is integrated out (Rao-Blackwell), and both signs of the rest are
equally likely, so they are averaged. k random normal covariates are k outcomes before visit 1 without an
effect; Sigma is then the covariance given the covariates.

`trialsim.design.repeated_measures.large_sample` has the large-sample formula that this law tends to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialsim.analysis.imputation.shift_law import critical_value, two_sided
from trialsim.analysis.repeated_measures.closed_form.block import REASONS
from trialsim.analysis.repeated_measures.closed_form.checked import position_of
from trialsim.analysis.repeated_measures.closed_form.kernel import OK
from trialsim.data import Estimates, Floats, Ints
from trialsim.design.repeated_measures import exact_law_kernel as kernel
from trialsim.design.repeated_measures.exact_law_kernel import NullDraws
from trialsim.errors import AnalysisError
from trialsim.notebook import InNotebook

if TYPE_CHECKING:
    import plotly.graph_objects as go

_DF_NODES = 256
_PILOT = 300


@dataclass(frozen=True)
class PowerCurve:
    """Power at several effects.

    Parameters
    ----------
    effects, power, monte_carlo_error : ndarray (E,)
        Effects (active minus control), probability of a two-sided rejection, its standard error.
    failed : float
        Share of draws without a fit; they count as no rejection.
    """

    effects: Floats
    power: Floats
    monte_carlo_error: Floats
    failed: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row an effect."""
        return pd.DataFrame(
            {"effect": self.effects, "power": self.power, "monte_carlo_error": self.monte_carlo_error}
        )


@dataclass(frozen=True)
class NullLibrary:
    """Draws of the law for one design; see the module for what it assumes.

    Parameters
    ----------
    participants : tuple of (int, int)
        Randomised to control and active.
    retention : ndarray (2, V)
        Expected share of each arm that is observed at each visit.
    covariates : int
        Random normal baseline covariates in the model.
    draws : NullDraws
    """

    participants: tuple[int, int]
    retention: Floats
    covariates: int
    draws: NullDraws

    def __len__(self) -> int:
        return len(self.draws.status)

    def power(
        self, effects: ArrayLike, sigma: ArrayLike, *, visit: int = -1, alpha: float = 0.05
    ) -> PowerCurve:
        """Return the power of the test with Satterthwaite df at several effects.

        Parameters
        ----------
        effects : array_like (E,)
            True difference at the visit, active minus control.
        sigma : array_like (V, V)
            Covariance of the outcomes given the covariates.
        visit : int
            Position of the visit; -1 is the last.
        alpha : float
            Two-sided level.

        Returns
        -------
        PowerCurve
        """
        effects = np.atleast_1d(np.asarray(effects, dtype=np.float64))
        rest, error, df, scale = self._law(sigma, visit)
        bound = _critical_values(alpha, df) * error
        given = np.empty((len(effects), len(self)))
        kernel.rejection(effects, scale, rest, bound, self.draws.status, given)
        control = self._control(sigma, visit)
        centred = control - control.mean()
        slopes = given @ centred / max(float(centred @ centred), np.finfo(np.float64).tiny)
        adjusted = given - slopes[:, None] * control
        error_of_mean = adjusted.std(axis=1, ddof=2) / np.sqrt(len(self))
        failed = float((self.draws.status != OK).mean())
        return PowerCurve(effects, adjusted.mean(axis=1), error_of_mean, failed)

    def estimates(
        self, effect: float, sigma: ArrayLike, generator: np.random.Generator, *, visit: int = -1
    ) -> Estimates:
        """Return one analysed trial a draw, with the part that `power` integrates out drawn as well."""
        rest, error, df, scale = self._law(sigma, visit)
        estimate = effect + rest + scale * generator.standard_normal(len(self))
        statistic = estimate / error
        return Estimates(
            "MMRM (REML, unstructured, null library, Satterthwaite)",
            estimate,
            error,
            df,
            statistic,
            two_sided(statistic, df),
            self.draws.status.astype(np.int8),
            REASONS,
        )

    def _control(self, sigma: ArrayLike, visit: int) -> Floats:
        """Return a control variate (D,) with expectation 0: relative error of the residual variance.

        Among those who reach the visit the residual sum of squares is ``sigma_mm chi2(n_m - q)``, and nothing
        moves the standard error more.
        """
        root = cholesky_of(sigma, self.retention.shape[1])
        position = position_of(visit, len(root), "visit")
        factors = self.draws.factors[:, position, : position + 1, : position + 1]
        weights = root[position, : position + 1]
        square = ((weights @ factors) ** 2).sum(axis=1) / (weights @ weights)
        fitted = self.draws.status == OK
        return np.asarray(square / np.where(fitted, self.draws.freedom[:, position], 1.0) - fitted)

    def _law(self, sigma: ArrayLike, visit: int) -> tuple[Floats, Floats, Floats, Floats]:
        """Return rest, standard error, df and the scale of what is integrated out (D,); NaN where failed."""
        visits = self.retention.shape[1]
        root = cholesky_of(sigma, visits)
        position = position_of(visit, visits, "visit")
        rest, error, df = (np.full(len(self), np.nan) for _ in range(3))
        kernel.read_direction(np.ascontiguousarray(root[position]), self.draws, rest, error, df)
        return rest, error, df, np.sqrt(self.draws.integrated) * float(np.linalg.norm(root[position]))


def null_library(
    participants: tuple[int, int],
    retention: ArrayLike,
    generator: np.random.Generator,
    *,
    draws: int = 10_000,
    covariates: int = 0,
    random_dropout: bool = True,
) -> NullLibrary:
    """Draw the law of the MMRM statistic under MCAR dropout and normal errors.

    Parameters
    ----------
    participants : tuple of (int, int)
        Randomised to control and active.
    retention : array_like (V,) or (2, V)
        Share observed at each visit, in (0, 1], never rising; one row an arm if the arms differ.
    generator : Generator
    draws : int
        D, at least 2.
    covariates : int
        Random normal baseline covariates in the model, by visit.
    random_dropout : bool
        Draw how many stay (binomial) if True, else take the rounded expectation.

    Returns
    -------
    NullLibrary

    Raises
    ------
    AnalysisError
        If a size, share or count is impossible.

    Examples
    --------
    >>> library = null_library((87, 87), [1.0, 0.9, 0.8, 0.7], np.random.default_rng(1))
    >>> exchangeable = 0.25 + 0.75 * np.eye(4)
    >>> float(library.power(0.5, exchangeable).power.round(2)[0])   # 0.8 by the large-sample formula
    0.79
    """
    shares = checked_retention(retention)
    if draws < 2 or covariates < 0 or min(participants) < 1:
        raise AnalysisError(
            "draws must be at least 2, covariates at least 0 and each arm at least 1",
            value=(draws, covariates, participants),
        )
    visits = shares.shape[1]
    made = NullDraws(
        np.zeros((draws, visits)),
        np.zeros((draws, visits, visits)),
        np.zeros((draws, visits)),
        np.zeros((draws, visits)),
        np.zeros((draws, visits)),
        np.zeros((draws, visits, visits, visits)),
        np.ones(draws),
        np.zeros(draws, np.int64),
    )
    sizes: Ints = np.array(participants, dtype=np.int64)
    kernel.draw_library(sizes, shares, random_dropout, covariates, generator, made)
    return NullLibrary((int(sizes[0]), int(sizes[1])), shares, covariates, made)


@dataclass(frozen=True)
class PowerSurface(InNotebook):
    """Power over effects and retentions.

    Parameters
    ----------
    effects : ndarray (E,)
    retentions : ndarray (K, 2, V)
    power, monte_carlo_error : ndarray (E, K)
    """

    effects: Floats
    retentions: Floats
    power: Floats
    monte_carlo_error: Floats

    def to_frame(self) -> pd.DataFrame:
        """Return one row an effect and retention (the share at the last visit, both arms averaged)."""
        last = self.retentions[:, :, -1].mean(axis=1)
        return pd.DataFrame(
            {
                "effect": np.repeat(self.effects, len(last)),
                "retention": np.tile(last, len(self.effects)),
                "power": self.power.ravel(),
                "monte_carlo_error": self.monte_carlo_error.ravel(),
            }
        )

    def plot(self) -> go.Figure:
        """Return a plotly contour figure of the power."""
        import plotly.graph_objects as graph

        last = self.retentions[:, :, -1].mean(axis=1)
        figure = graph.Figure(
            graph.Contour(
                x=last, y=self.effects, z=self.power, contours={"start": 0.1, "end": 0.95, "size": 0.05}
            )
        )
        return figure.update_layout(
            title="Power of the MMRM", xaxis_title="retention at the last visit", yaxis_title="effect"
        )


def power_surface(
    effects: ArrayLike,
    retentions: Sequence[ArrayLike] | Floats,
    participants: tuple[int, int],
    sigma: ArrayLike,
    generator: np.random.Generator,
    *,
    tolerance: float = 0.003,
    covariates: int = 0,
    random_dropout: bool = True,
    visit: int = -1,
    alpha: float = 0.05,
) -> PowerSurface:
    """Return the power of the MMRM over effects and retentions, under MCAR dropout and normal errors.

    Every retention is drawn from the same stream (common random numbers), so the surface is smooth.

    Parameters
    ----------
    effects : array_like (E,)
        True difference at the visit, active minus control.
    retentions : sequence of array_like (V,) or (2, V)
        K retentions; see `null_library`.
    participants, generator, covariates, random_dropout
        As in `null_library`.
    tolerance : float
        Largest Monte Carlo standard error; each retention is drawn until none of its effects exceeds it.
    sigma, visit, alpha
        As in `NullLibrary.power`.

    Returns
    -------
    PowerSurface

    Raises
    ------
    AnalysisError
        A tolerance that is not above 0.

    Examples
    --------
    >>> surface = power_surface([0.0, 0.5], [[1.0, 0.9], [1.0, 0.7]], (60, 60), np.eye(2) * 0.5 + 0.5,
    ...                         np.random.default_rng(1))
    >>> surface.power.round(2).tolist()[0]
    [0.05, 0.05]
    """
    if not tolerance > 0.0:
        raise AnalysisError("must be above 0", field="tolerance", value=tolerance)
    effects = np.atleast_1d(np.asarray(effects, dtype=np.float64))
    key = generator.integers(0, 2**63, size=2).astype(np.uint64)
    shares = [checked_retention(retention) for retention in retentions]
    curves = []
    for share in shares:
        draws, worst = _PILOT, np.inf
        while worst > tolerance:
            same = np.random.Generator(np.random.Philox(key=key))
            library = null_library(
                participants,
                share,
                same,
                draws=draws,
                covariates=covariates,
                random_dropout=random_dropout,
            )
            curve = library.power(effects, sigma, visit=visit, alpha=alpha)
            worst = float(curve.monte_carlo_error.max())
            draws = int(np.ceil(1.2 * draws * (worst / tolerance) ** 2))
        curves.append(curve)
    return PowerSurface(
        effects,
        np.array(shares),
        np.column_stack([curve.power for curve in curves]),
        np.column_stack([curve.monte_carlo_error for curve in curves]),
    )


def checked_retention(retention: ArrayLike) -> Floats:
    """Return retention as (2, V), checked."""
    shares = np.asarray(retention, dtype=np.float64)
    shares = np.ascontiguousarray(np.broadcast_to(shares, (2, shares.shape[-1]))) if shares.ndim else shares
    if shares.ndim != 2 or not shares.size:
        raise AnalysisError("must hold one share a visit", field="retention", value=shares.shape)
    if not ((shares > 0.0).all() and (shares <= 1.0).all() and (np.diff(shares) <= 0.0).all()):
        raise AnalysisError(
            "must be in (0, 1] and never rise",
            field="retention",
            value=shares.tolist(),
            mend="give shares observed",
        )
    return shares


def cholesky_of(sigma: ArrayLike, visits: int) -> Floats:
    """Return the lower Cholesky factor of a covariance (V, V), checked."""
    matrix = np.asarray(sigma, dtype=np.float64)
    if matrix.shape != (visits, visits) or not np.allclose(matrix, matrix.T):
        raise AnalysisError(
            f"must be a symmetric {visits} x {visits} matrix", field="sigma", value=matrix.shape
        )
    try:
        return np.asarray(np.linalg.cholesky(matrix))
    except np.linalg.LinAlgError as error:
        raise AnalysisError("is not positive definite", field="sigma") from error


def _critical_values(alpha: float, df: Floats) -> Floats:
    """Return critical values by interpolation in 1/df, in which they are smooth; NaN stays NaN."""
    if not 0.0 < alpha < 1.0:
        raise AnalysisError("must be between 0 and 1", field="alpha", value=alpha)
    known = df[np.isfinite(df)]
    if len(known) <= _DF_NODES:
        return critical_value(1.0 - alpha, df)
    nodes = np.linspace(1.0 / known.max(), 1.0 / known.min(), _DF_NODES)
    return np.interp(1.0 / df, nodes, critical_value(1.0 - alpha, 1.0 / nodes))

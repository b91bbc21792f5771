"""The model that one trial is read with, and which weights of its coefficients answer which question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from trialsim.analysis.repeated_measures.covariance_structures import Structure, parameter_count
from trialsim.analysis.repeated_measures.design import Design
from trialsim.analysis.repeated_measures.general.families import Family
from trialsim.analysis.repeated_measures.general.likelihood import GeneralFit, fit_general, padded_inverses
from trialsim.analysis.repeated_measures.general.sandwich import empirical_table
from trialsim.analysis.repeated_measures.methods import Method
from trialsim.analysis.repeated_measures.newton import OK
from trialsim.analysis.repeated_measures.one_trial import analyse
from trialsim.analysis.repeated_measures.reading import CovariateColumn, RepeatedMeasures
from trialsim.data import Floats, for_kernel


@dataclass(frozen=True)
class ModelTerms:
    """The design of one trial, and where its covariates went.

    Parameters
    ----------
    design : Design
    values : ndarray (N, q)
        z.
    arms : dict
        Term of each arm but the control, by its position.
    places : dict
        Terms of each covariate; of a factor, one for each level, None for the level without a column.
    scales : dict
        Centre at each visit (V,) and scale of each number.
    """

    design: Design
    values: Floats
    arms: dict[int, int]
    places: dict[str, tuple[int | None, ...]]
    scales: dict[str, tuple[Floats, float]]


@dataclass(frozen=True)
class FittedModel:
    """A trial and the model that it is read with."""

    outcome: str
    trial: RepeatedMeasures
    terms: ModelTerms
    covariance: str
    structure: Structure
    method: Method
    shift: Floats
    tolerance: float
    errors: str = "model"
    family: Family | None = None
    common: int | None = None
    group_labels: tuple[object, ...] = ()

    @property
    def effect_visits(self) -> list[int]:
        """Visits at which the arms can differ: all but the one with a common mean."""
        return [visit for visit in range(self.terms.design.visits) if visit != self.common]

    @property
    def parameters(self) -> int:
        """Number of covariance parameters."""
        if self.family is None:
            return int(parameter_count(self.structure))
        return len(self.family.start(1.0))

    def dense(self) -> tuple[Floats, Floats]:
        """Return the design of each participant and visit (N, V, p), and the centred outcomes (N, V)."""
        design, z = self.terms.design, self.terms.values
        x = np.zeros((len(z), design.visits, design.columns))
        for row, visit in zip(*np.nonzero(design.cell >= 0), strict=True):
            x[:, visit, design.cell[row, visit]] += z[:, row]
        return x, self.trial.outcome - self.shift

    @cached_property
    def general_fit(self) -> GeneralFit:
        """The fit of a covariance that differs between participants."""
        assert self.family is not None
        return fit_general(*self.dense(), self.family, restricted=self.method.restricted)

    def judge(self, contrasts: Floats) -> Judged:
        """Fit the model and judge contrasts (C, p) of its coefficients."""
        if self.family is None:
            status, table, coefficients, variance, sigma, deviance = analyse(*self.inputs(), contrasts)
            if status != OK or self.errors == "model":
                return Judged(status, table, variance, sigma, deviance)
            weights = padded_inverses(sigma[None], ~np.isnan(self.trial.outcome))
        else:
            fit = self.general_fit
            variance, sigma, deviance = fit.variance, fit.covariances, fit.deviance
            coefficients, weights = fit.coefficients, fit.weights
            table = np.full((len(contrasts), 5), np.nan)
            table[:, :3] = fit.table(contrasts)
        if self.errors != "model":
            table[:, :3], variance = empirical_table(
                *self.dense(), weights, coefficients, variance, contrasts, self.errors
            )
        return Judged(OK, table, variance, sigma, deviance)

    def inputs(self) -> tuple[Any, ...]:
        """Return the arguments of `analyse` but the contrasts."""
        design = self.terms.design
        return (
            for_kernel(self.terms.values),
            for_kernel(self.trial.outcome - self.shift),
            for_kernel(design.cell),
            design.columns,
            self.structure,
            self.method.restricted,
            self.method.adjusted,
            self.method.curved,
            self.tolerance,
        )

    def effect_weights(self) -> Floats:
        """Return the weights of arm minus control: arms but the control, visits within them."""
        design = self.terms.design
        weights = [
            design.contrast(visit, {self.terms.arms[arm]: 1.0})
            for arm in range(1, len(self.trial.arms))
            for visit in self.effect_visits
        ]
        return np.array(weights)

    def ls_mean_weights(self) -> Floats:
        """Return the weights of the LS means: arms, visits within them; numbers at their centre."""
        design = self.terms.design
        values = {0: 1.0}
        for places in self.terms.places.values():
            if len(places) > 1:
                values |= {term: 1.0 / len(places) for term in places if term is not None}
        weights = []
        for arm in range(len(self.trial.arms)):
            own = {self.terms.arms[arm]: 1.0} if arm else {}
            weights += [design.contrast(visit, values | own) for visit in range(design.visits)]
        return np.array(weights)

    def by_visit(self, covariate: str) -> bool:
        """Return whether a covariate has a coefficient at each visit."""
        term = next((place for place in self.terms.places[covariate] if place is not None), None)
        return term is not None and self.terms.design.terms[term].by_visit

    def log_scale(self) -> float:
        """Return Σ log(scale) over the columns, which the restricted likelihood depends on."""
        design = self.terms.design
        total = 0.0
        for name, (_, scale) in self.terms.scales.items():
            term = self.terms.places[name][0]
            assert term is not None
            total += np.log(scale) * (design.visits if design.terms[term].by_visit else 1)
        return total


class Judged(NamedTuple):
    """A status, contrasts as of `contrast_table` (C, 5), the variance of the coefficients, Σ and deviance."""

    status: int
    table: Floats
    variance: Floats
    sigma: Floats
    deviance: float


class Coefficient(NamedTuple):
    """A coefficient in reference coding.

    Parameters
    ----------
    name : str
    weights : ndarray (p,)
        Of the coefficients of the design.
    shift : float
        What the centring of the outcome took off.
    between : bool
        Whether it varies between participants only.
    """

    name: str
    weights: Floats
    shift: float
    between: bool


def reference_coding(model: FittedModel) -> list[Coefficient]:
    """Return the coefficients relative to the first visit, the control and the first level of factors."""
    design, trial = model.terms.design, model.trial
    visits = range(1, design.visits)
    means = [design.contrast(visit, _reference_values(model, visit)) for visit in range(design.visits)]
    main = list(_effects(model))
    rows = [Coefficient("(Intercept)", means[0], float(model.shift[0]), False)]
    rows += [
        Coefficient(name, design.contrast(0, values), 0.0, not matched) for name, values, _, matched in main
    ]
    rows += [
        Coefficient(
            f"visit[{trial.visits[k]}]",
            means[k] - means[0],
            float(model.shift[k] - model.shift[0]),
            False,
        )
        for k in visits
    ]
    rows += [
        Coefficient(
            f"{name}:visit[{trial.visits[k]}]",
            design.contrast(k, values) - design.contrast(0, values),
            0.0,
            False,
        )
        for name, values, by_visit, _ in main
        if by_visit
        for k in visits
    ]
    return [row for row in rows if row.weights.any()]


def _reference_values(model: FittedModel, visit: int) -> dict[int, float]:
    """Return the values of terms for a control at zero numbers and first levels."""
    values = {0: 1.0}
    for column in model.trial.covariates:
        term = model.terms.places[column.name][0]
        if term is None:
            continue
        if column.levels:
            values[term] = 1.0
        else:
            centre, scale = model.terms.scales[column.name]
            values[term] = -centre[visit] / scale
    return values


def _effects(model: FittedModel) -> Iterator[tuple[str, dict[int, float], bool, bool]]:
    """Yield name, values of terms, by visit and matched, of covariates, then of arms."""
    terms = model.terms
    for column in model.trial.covariates:
        flag = model.by_visit(column.name)
        if column.levels:
            for level in range(1, len(column.levels)):
                yield (
                    f"{column.name}[{column.levels[level]}]",
                    _against_first(model, column, level),
                    flag,
                    False,
                )
        else:
            term, (_, scale) = terms.places[column.name][0], terms.scales[column.name]
            assert term is not None
            yield column.name, {term: 1.0 / scale}, flag, column.matched
    for arm in range(1, len(model.trial.arms)):
        yield f"arm[{model.trial.arms[arm]}]", {terms.arms[arm]: 1.0}, True, False


def _against_first(model: FittedModel, column: CovariateColumn, level: int) -> dict[int, float]:
    """Return the values of terms that compare a level of a factor with its first."""
    places = model.terms.places[column.name]
    return {term: value for term, value in ((places[0], -1.0), (places[level], 1.0)) if term is not None}

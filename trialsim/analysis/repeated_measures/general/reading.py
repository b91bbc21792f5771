"""Which covariance of its participants a trial is to have: in space, or by group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trialsim.analysis.repeated_measures.covariance_structures import SPATIAL, Structure
from trialsim.analysis.repeated_measures.general.families import ByGroup, Family, Spatial
from trialsim.analysis.repeated_measures.reading import CovariateColumn, RepeatedMeasures
from trialsim.data import Floats
from trialsim.errors import AnalysisError


def position_of_visit(visits: Sequence[object], label: object, field: str) -> int | None:
    """Return the position of the visit at which all arms share a mean, None for none."""
    if label is None:
        return None
    if label not in visits:
        known = ", ".join(map(str, visits))
        raise AnalysisError(
            "is not a visit in the data", field=field, value=label, mend=f"use one of {known}"
        )
    if len(visits) < 2:
        raise AnalysisError("a common mean needs a later visit", field=field, value=label)
    return list(visits).index(label)


def family_of(
    trial: RepeatedMeasures,
    covariance: str,
    structure: Structure,
    coordinates: Sequence[str],
    covariance_by: str | None,
    columns: Sequence[CovariateColumn],
    visit: str,
    arm: str,
) -> tuple[Family | None, tuple[object, ...]]:
    """Return the family of covariances, None if all participants share one, and labels of its groups.

    Parameters
    ----------
    columns : sequence of CovariateColumn
        What was read for coordinates and groups, other than visits and arms.
    visit, arm : str
        Names of these columns.
    """
    found = {column.name: column for column in columns}
    if covariance in SPATIAL:
        if covariance_by is not None:
            raise AnalysisError(
                "a covariance in space is one for all", field="covariance_by", mend="use another structure"
            )
        names = list(coordinates) or [visit]
        places = [
            _place(trial, visit) if name == visit else _coordinate(trial, found[name]) for name in names
        ]
        where = np.stack(places, axis=-1)
        squares = ((where[:, :, None] - where[:, None]) ** 2).sum(axis=-1)
        off = ~np.eye(squares.shape[1], dtype=bool)
        if not (squares[:, off] > 0.0).all():
            raise AnalysisError("two visits of a participant are at one place", field=names[0])
        return Spatial(np.sqrt(squares) if covariance == "sp_exp" else squares), ()
    if coordinates:
        raise AnalysisError(
            f"are for {' and '.join(SPATIAL)} only", field="coordinates", value=list(coordinates)
        )
    if covariance_by is None:
        return None, ()
    if covariance_by == arm:
        return ByGroup(structure, trial.arm), trial.arms
    column = found[covariance_by]
    if not column.levels:
        raise AnalysisError(
            "must be a factor", field=covariance_by, mend="make it text or a category, or leave it out"
        )
    return ByGroup(structure, column.values.astype(np.int64)), column.levels


def _place(trial: RepeatedMeasures, visit: str) -> Floats:
    """Return the visits as numbers, for every participant (N, V)."""
    if not all(isinstance(label, (int, float, np.integer, np.floating)) for label in trial.visits):
        raise AnalysisError(
            "visits are no numbers", field=visit, mend="name the columns of their time in `coordinates`"
        )
    return np.tile(np.array(trial.visits, np.float64), (len(trial.arm), 1))


def _coordinate(trial: RepeatedMeasures, column: CovariateColumn) -> Floats:
    """Return a coordinate (N, V), that of a place far off where the outcome is missing."""
    if column.levels:
        raise AnalysisError("must hold numbers", field=column.name)
    values = np.broadcast_to(column.values.reshape(len(trial.arm), -1), trial.outcome.shape)
    spare = 1e3 + np.arange(trial.outcome.shape[1])
    return np.asarray(np.where(np.isnan(trial.outcome), spare, values))

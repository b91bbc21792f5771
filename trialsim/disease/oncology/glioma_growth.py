"""How far a glioma has grown: Fisher's equation on a sphere, with radiotherapy by fractions."""

from __future__ import annotations

import numpy as np
from numba import njit

from trialsim.data import Floats
from trialsim.disease.evidence import Parameter, Table

ROCKNE = "Rockne et al. 2009, J Math Biol 58:561, and PDEControlGym after it"
SPREAD = Table((0.2, 0.2, 0.04, 0.04), "mm2 a day, by group", "published", ROCKNE)
GROWTH = Table((0.1, 0.02, 0.1, 0.02), "a day, by group", "published", ROCKNE)
SENSITIVITY = Table((0.09, 0.03, 0.09, 0.03), "a Gy, by group", "published", ROCKNE)
ALPHA_BETA = Parameter(10.0, "Gy", "published", ROCKNE)
T1_EDGE = Parameter(0.80, "of the densest", "published", ROCKNE)
T2_EDGE = Parameter(0.16, "of the densest", "published", ROCKNE)
MARGIN = Parameter(25.0, "mm", "published", f"Around the T2 edge: {ROCKNE}")
BOOST_MARGIN = Parameter(5.0, "mm", "recalled", "Around the T1 edge, NRG-BN001")
FRACTIONS = Parameter(30.0, "fractions", "published", "EORTC 26981: 60 Gy in 30 fractions on weekdays")
FRACTION = Parameter(2.0, "Gy", "published", "EORTC 26981: 60 Gy in 30 fractions on weekdays")

CELL, SUBSTEPS, FARTHEST = 0.75, 4, 150.0
# Grown from a blob until it is seen; whoever grows slowest is at the edge after ten years.
_MOST_DAYS = 20_000
_T1, _T2, _AB, _MARGIN, _NEAR = map(float, (T1_EDGE, T2_EDGE, ALPHA_BETA, MARGIN, BOOST_MARGIN))
_FRACTIONS, _FRACTION = int(FRACTIONS), float(FRACTION)


def biologically_effective_dose(
    dose: float | Floats, fractions: float, alpha_beta: float = ALPHA_BETA
) -> Floats:
    """Return D (1 + d / (α/β)) in Gy, of the shape of the dose.

    Examples
    --------
    >>> float(biologically_effective_dose(60.0, 30)), float(biologically_effective_dose(75.0, 30))
    (72.0, 93.75)
    """
    return np.asarray(dose * (1 + np.asarray(dose) / fractions / alpha_beta))


@njit(cache=True)
def edge(cells: Floats, level: float) -> float:
    """Return the farthest radius in mm at which a density is reached, linear between cells; 0 if nowhere."""
    for i in range(len(cells) - 2, -1, -1):
        if cells[i] >= level:
            inside = min(max((cells[i] - level) / (cells[i] - cells[i + 1] + 1e-300), 0.0), 1.0)
            return (i + 0.5 + inside) * CELL
    return 0.0


@njit(cache=True)
def grow(cells: Floats, spread: float, growth: float, room: Floats) -> None:
    """Grow a day: c' = D (c'' + 2 c'/r) + ρ c (1 − c), in four explicit steps of volumes between spheres."""
    n, step = len(cells), 1.0 / SUBSTEPS
    for _ in range(SUBSTEPS):
        for i in range(n):
            low, high = float(i), float(i + 1)
            inward = 0.0 if i == 0 else low * low * (cells[i] - cells[i - 1])
            outward = 0.0 if i == n - 1 else high * high * (cells[i + 1] - cells[i])
            flow = 3 * (outward - inward) / (high**3 - low**3) / (CELL * CELL)
            room[i] = cells[i] + step * (spread * flow + growth * cells[i] * (1 - cells[i]))
        cells[:] = room


@njit(cache=True)
def radii(
    spread: float, growth: float, sensitivity: float, start: float, dose: float, boost: float, marks: Floats
) -> tuple[Floats, Floats]:
    """Return the radii (V,) of the T1 and T2 edges in mm on days after radiotherapy begins.

    Parameters
    ----------
    spread, growth, sensitivity : float
        D mm² a day, ρ a day, α a Gy.
    start : float
        Radius of the T2 edge at which it begins, mm: a travelling wave by then, grown from a blob.
    dose : float
        By what 2 Gy a fraction are multiplied, within 25 mm of the T2 edge. 0 is no radiotherapy.
    boost : float
        Gy more in all, within 5 mm of the T1 edge.
    marks : ndarray (V,)
        Days, ascending.
    """
    n = int(FARTHEST / CELL)
    cells, room = np.zeros(n), np.zeros(n)
    for i in range(n):
        cells[i] = 0.9 * np.exp(-(((i + 0.5) * CELL / 2.0) ** 2))
    for _ in range(_MOST_DAYS):
        if edge(cells, _T2) >= start:
            break
        grow(cells, spread, growth, room)
    field, near = edge(cells, _T2) + _MARGIN, edge(cells, _T1) + _NEAR
    if edge(cells, _T1) == 0:
        near = 0.0
    seen = np.zeros((2, len(marks)))
    given, mark = 0, 0
    for day in range(int(marks[-1]) + 1 if len(marks) else 0):
        while mark < len(marks) and marks[mark] <= day:
            seen[0, mark], seen[1, mark] = edge(cells, _T1), edge(cells, _T2)
            mark += 1
        if day % 7 < 5 and given < _FRACTIONS:
            given += 1
            for i in range(n):
                radius = (i + 0.5) * CELL
                gray = dose * _FRACTION if radius <= field else 0.0
                if radius <= near:
                    gray += boost / _FRACTIONS
                killed = 1 - np.exp(-sensitivity * gray * (1 + gray / _AB))
                cells[i] -= killed * cells[i] * (1 - cells[i])
        grow(cells, spread, growth, room)
    return seen[0], seen[1]

"""Results in a notebook: a table of numbers, a rich display, and labelled arrays, for every result alike."""

from __future__ import annotations

import dataclasses
import inspect
import re
from html import escape
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import xarray as xr

AXES = {
    "R": "replicate",
    "N": "participant",
    "V": "visit",
    "D": "draw",
    "P": "covariate",
    "A": "arm",
    "K": "look",
    "M": "analysis",
}
_ROWS = 20
_AXIS = r"[A-Z][A-Z0-9]*"
_SHAPE = re.compile(rf"^(?P<names>[\w, ]+) : [^\n(]*\((?P<axes>{_AXIS}(?:, ?{_AXIS})*),?\)", re.MULTILINE)


class InNotebook:
    """What every result has: `to_frame`, `to_xarray`, and how a notebook shows it.

    A class may have a `to_frame` of its own. The axes of arrays are those that its docstring gives, such as
    ``outcomes : ndarray (R, N, V)``.

    Examples
    --------
    >>> from trialsim.data import Covariates
    >>> people = Covariates(("age",), np.array([[61.0], [70.0]]))
    >>> people.to_xarray()["values"].dims
    ('participant', 'covariate')
    >>> people._repr_html_().startswith("<h4>Covariates</h4>")
    True
    """

    __slots__ = ()

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers as a tidy table.

        Returns
        -------
        DataFrame
            One row an entry, where there are arrays of one axis (the longest ones, with the single values
            beside them); else one row. Arrays of more axes are those of `to_xarray`.
        """
        values = _values(self)
        arrays = {
            name: np.asarray(value)
            for name, value in values.items()
            if np.ndim(value) == 1 and _is_array(value)
        }
        rows = max((len(value) for value in arrays.values()), default=1)
        columns: dict[str, Any] = {name: value for name, value in values.items() if np.ndim(value) == 0}
        columns |= {name: value for name, value in arrays.items() if len(value) == rows}
        kept = {name: columns[name] for name in values if name in columns}
        return pd.DataFrame(kept, index=range(rows))

    def to_xarray(self) -> xr.Dataset:
        """Return the arrays with named axes.

        Returns
        -------
        Dataset
            A variable for each array of numbers; its axes are ``replicate``, ``participant``, ``visit``,
            ``draw`` and so on, by the docstring of the class. Others are called after their array.
        """
        import xarray as xr

        axes = axes_of(type(self))
        found = {}
        for name, value in _values(self).items():
            array = np.asarray(value) if _is_array(value) else None
            if array is None or array.dtype.kind not in "biuf":
                continue
            names = axes.get(name, ())
            if len(names) != array.ndim:
                names = tuple(f"{name}_{axis}" for axis in range(array.ndim))
            found[name] = (names, array)
        sizes: dict[str, int] = {}
        for name, (names, array) in found.items():
            for position, (axis, size) in enumerate(zip(names, array.shape, strict=True)):
                if sizes.setdefault(axis, size) != size:
                    # Visits with and without the baseline, for instance, are two axes.
                    names = (*names[:position], f"{name}_{axis}", *names[position + 1 :])
            found[name] = (names, array)
        return xr.Dataset(found)

    def _repr_html_(self) -> str:
        frames = getattr(self, "frames", None)
        tables = {"": self.to_frame()} if frames is None else frames()
        shown = "".join(
            (f"<h5>{escape(words(name))}</h5>" if name else "") + shown_table(table)
            for name, table in tables.items()
            if len(table.columns)
        )
        if "__str__" in _own(type(self)):
            shown = f"<pre>{escape(str(self))}</pre>"
        return f"<h4>{escape(words(type(self).__name__))}</h4>{shown}"


def shown_table(table: pd.DataFrame) -> str:
    """Return a table as HTML, its numbers to four digits; of a long one the first and last rows."""
    return table.to_html(index=False, max_rows=_ROWS, float_format="{:.4g}".format, na_rep="–", border=0)


def words(name: str) -> str:
    """Return a name in words.

    Examples
    --------
    >>> words("ControlArmPlan"), words("operating_characteristics")
    ('Control arm plan', 'Operating characteristics')
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ")
    return spaced[:1].upper() + spaced[1:].lower()


def axes_of(result: type) -> dict[str, tuple[str, ...]]:
    """Return the axes of each array of a class, as its docstring gives them."""
    found: dict[str, tuple[str, ...]] = {}
    for one in _SHAPE.finditer(inspect.cleandoc(result.__doc__ or "")):
        named = tuple(AXES.get(axis.strip(), axis.strip().lower()) for axis in one["axes"].split(","))
        found |= {name.strip(): named for name in one["names"].split(",")}
    return found


def _values(result: Any) -> dict[str, Any]:
    """Return the single values and the arrays of a result, with those of small results inside it."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(result) if dataclasses.is_dataclass(result) else ():
        value = getattr(result, field.name)
        if value is None or isinstance(value, str | bool | Number | np.generic) or _is_array(value):
            found[field.name] = value
    return found


def _is_array(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return bool(value) and all(isinstance(one, str | Number) for one in value)
    return isinstance(value, np.ndarray)


def _own(result: type) -> set[str]:
    """Return what a class or a base of ours defines itself."""
    return {name for base in result.__mro__ if base not in (object, InNotebook) for name in vars(base)}

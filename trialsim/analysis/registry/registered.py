"""All estimators by name: those of trialsim, those of other packages, and those registered by hand.

Another package offers an estimator by an entry point, without a line of its code being changed here::

    [project.entry-points."trialsim.estimators"]
    median_difference = "my_package.medians:MEDIAN_DIFFERENCE"

where ``MEDIAN_DIFFERENCE`` is an `Estimator` of that name.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points

from trialsim.analysis.registry.catalogue import CATALOGUE
from trialsim.analysis.registry.interface import Estimator
from trialsim.errors import AnalysisError

ENTRY_POINTS = "trialsim.estimators"
_OWN = {one.name: one for one in CATALOGUE}
_BY_HAND: dict[str, Estimator] = {}


def register(one: Estimator) -> Estimator:
    """Add an estimator for this session.

    Parameters
    ----------
    one : Estimator
        Its name must be free; the same estimator may be registered again.

    Returns
    -------
    Estimator
        What was given.

    Raises
    ------
    AnalysisError
        Another estimator has this name.

    Examples
    --------
    >>> register(estimator("ancova")).name
    'ancova'
    """
    taken = _OWN.get(one.name) or _BY_HAND.get(one.name)
    if (taken is not None and taken != one) or (taken is None and one.name in _points()):
        raise AnalysisError(
            "is the name of another estimator", field="name", value=one.name, mend="choose another name"
        )
    if taken is None:
        _BY_HAND[one.name] = one
    return one


def estimator(method: str) -> Estimator:
    """Return the estimator of a name; hyphens stand for underscores.

    Parameters
    ----------
    method : str
        Such as ``"mmrm"`` or ``"g-computation"``.

    Returns
    -------
    Estimator

    Raises
    ------
    AnalysisError
        No estimator has this name: the known ones are listed, and none answers in its place. Or a package
        offers one that cannot be used.

    Examples
    --------
    >>> estimator("g-computation").name
    'g_computation'
    >>> estimator("coxx")
    Traceback (most recent call last):
        ...
    trialsim.errors.AnalysisError: method: is not known. Got 'coxx'. Mend: did you mean cox? Known are ...
    """
    name = method.replace("-", "_")
    found = _OWN.get(name) or _BY_HAND.get(name)
    if found is not None:
        return found
    points = _points()
    if name in points:
        return _loaded(points[name])
    known = sorted({*_OWN, *_BY_HAND, *points})
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}? Known are " if near else "use one of "
    raise AnalysisError("is not known", field="method", value=method, mend=hint + ", ".join(known))


def estimators() -> tuple[Estimator, ...]:
    """Return all estimators, those of trialsim first.

    Returns
    -------
    tuple of Estimator

    Raises
    ------
    AnalysisError
        A package offers one that cannot be used.

    Examples
    --------
    >>> [one.name for one in estimators()][:3]
    ['unadjusted', 'ancova', 'prognostic_adjustment']
    """
    others = [_loaded(point) for point in _points().values()]
    return (*_OWN.values(), *_BY_HAND.values(), *others)


def _points() -> dict[str, EntryPoint]:
    """Return entry points of other packages by name; a name that is taken twice is refused."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=ENTRY_POINTS):
        if point.name in _OWN or (point.name in found and found[point.name].value != point.value):
            raise AnalysisError(
                "is the name of two estimators", field=f"entry point {ENTRY_POINTS}", value=point.name,
                mend=f"rename the one of {point.value}, or remove its package",
            )  # fmt: skip
        found[point.name] = point
    return found


def _loaded(point: EntryPoint) -> Estimator:
    where = f"entry point {ENTRY_POINTS}: {point.name}"
    try:
        found = point.load()
    except (ImportError, AttributeError) as fault:
        raise AnalysisError(
            f"cannot be imported ({fault})", field=where, value=point.value, mend="mend or remove its package"
        ) from None
    if not isinstance(found, Estimator):
        raise AnalysisError("is no Estimator", field=where, value=point.value, mend="make it one")
    if found.name != point.name:
        raise AnalysisError(
            "names itself otherwise", field=where, value=found.name, mend="give both the same name"
        )
    return found

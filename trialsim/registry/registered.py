"""All estimators by name: those of trialsim, those of other packages, and those registered by hand.

Another package offers an estimator by an entry point, without a line of its code being changed here::

    [project.entry-points."trialsim.estimators"]
    median_difference = "my_package.medians:MEDIAN_DIFFERENCE"

where ``MEDIAN_DIFFERENCE`` is an `Estimator` of that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from importlib.metadata import EntryPoint

from trialsim.errors import AnalysisError
from trialsim.offered import load_offered, offered, require_same_name, where
from trialsim.registry.block_reader import Reader
from trialsim.registry.catalogue import CATALOGUE
from trialsim.registry.interface import Estimator
from trialsim.registry.simulated import SIMULATED

ENTRY_POINTS = "trialsim.estimators"
_OWN = {one.name: one for one in CATALOGUE}
_READERS = {(name, one.endpoint): one for name, one in SIMULATED}
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
    of_frames = (one.name for one in (*_OWN.values(), *_BY_HAND.values()) if one.reads_frames)
    known = sorted({*of_frames, *points})
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}? Known are " if near else "use one of "
    raise AnalysisError("is not known", field="method", value=method, mend=hint + ", ".join(known))


def estimators() -> tuple[Estimator, ...]:
    """Return all estimators that read a data frame, those of trialsim first.

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
    return tuple(one for one in (*_OWN.values(), *_others()) if one.reads_frames)


def reader(name: str, endpoint: str) -> Reader | None:
    """Return how an estimator reads simulated trials of one kind of endpoint; None where it does not.

    Parameters
    ----------
    name : str
        Of the estimator, as a protocol writes it.
    endpoint : str
        Kind of the endpoint.

    Returns
    -------
    Reader or None

    Examples
    --------
    >>> reader("rmst", "time_to_event").settings[0].name
    'tau'
    >>> reader("rmst", "score") is None
    True
    """
    found = _READERS.get((name, endpoint))
    if found is not None or name in _OWN:
        return found
    return next((one for one in readers(name) if one.endpoint == endpoint), None)


def readers(name: str) -> tuple[Reader, ...]:
    """Return how an estimator reads simulated trials, one reader an endpoint; none of an unknown name.

    Parameters
    ----------
    name : str
        Of the estimator.

    Returns
    -------
    tuple of Reader

    Examples
    --------
    >>> [one.endpoint for one in readers("negative_binomial")]
    ['count', 'recurrent']
    """
    found = _OWN.get(name) or _BY_HAND.get(name)
    if found is None and name in (points := _points()):
        found = _loaded(points[name])
    return () if found is None else found.readers


def served(endpoint: str, design: str | None = None) -> tuple[str, ...]:
    """Return the names of the estimators that read simulated trials of one kind of endpoint.

    Parameters
    ----------
    endpoint : str
        Kind of the endpoint.
    design : str, optional
        Leaves out those that this kind of design cannot use.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> served("recurrent"), served("time_to_event", "sample_size_reestimation")
    (('lwyy', 'negative_binomial'), ('log_rank', 'stratified_log_rank'))
    """
    own = [pair for pair in SIMULATED if pair[1].endpoint == endpoint]
    others = [(one.name, r) for one in _others() for r in one.readers if r.endpoint == endpoint]
    return tuple(
        name for name, one in (*own, *others) if design is None or not one.designs or design in one.designs
    )


def simulated_names() -> tuple[str, ...]:
    """Return the names of all estimators that read simulated trials, those of trialsim first.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> simulated_names()[:2]
    ('unadjusted', 'ancova')
    """
    others = (one.name for one in _others() if one.readers)
    return tuple(dict.fromkeys((*(name for name, _ in SIMULATED), *others)))


def _others() -> Iterator[Estimator]:
    """Yield those that were registered by hand, then those of other packages."""
    yield from _BY_HAND.values()
    yield from (_loaded(point) for point in _points().values())


def _points() -> dict[str, EntryPoint]:
    return offered(ENTRY_POINTS, _OWN, "estimators", AnalysisError)


def _loaded(point: EntryPoint) -> Estimator:
    found = load_offered(point, AnalysisError)
    if not isinstance(found, Estimator):
        raise AnalysisError("is no Estimator", field=where(point), value=point.value, mend="make it one")
    require_same_name(point, found.name, AnalysisError)
    return found

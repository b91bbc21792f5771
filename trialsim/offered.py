"""What other packages offer by entry points: found by name, loaded when asked for, refused when unusable."""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points

from trialsim.errors import InputError


def offered(group: str, own: Collection[str], noun: str, error: type[InputError]) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name.

    Parameters
    ----------
    group : str
        Such as ``trialsim.models``.
    own : collection of str
        Names that are taken already.
    noun : str
        What the group holds, in the plural, for the refusal.
    error : type of InputError
        What is raised.

    Raises
    ------
    InputError
        A name is taken twice: neither of the two may answer for the other.

    Examples
    --------
    >>> offered("trialsim.nothing", (), "things", InputError)
    {}
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        if point.name in own or (point.name in found and found[point.name].value != point.value):
            raise error(
                f"is the name of two {noun}", field=f"entry point {group}", value=point.name,
                mend=f"rename the one of {point.value}, or remove its package",
            )  # fmt: skip
        found[point.name] = point
    return found


def load_offered(point: EntryPoint, error: type[InputError]) -> object:
    """Return what an entry point offers.

    Raises
    ------
    InputError
        It cannot be imported.
    """
    try:
        return point.load()
    except (ImportError, AttributeError) as fault:
        raise error(
            f"cannot be imported ({fault})", field=where(point), value=point.value,
            mend="mend or remove its package",
        ) from None  # fmt: skip


def require_same_name(point: EntryPoint, name: str, error: type[InputError]) -> None:
    """Raise an error unless what is offered calls itself as its entry point does."""
    if name != point.name:
        raise error("names itself otherwise", field=where(point), value=name, mend="give both the same name")


def where(point: EntryPoint) -> str:
    """Return the place of an entry point, for refusals."""
    return f"entry point {point.group}: {point.name}"

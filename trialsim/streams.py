"""Where chance comes from: random streams that are keyed by names, never by order."""

from __future__ import annotations

import hashlib

import numpy as np

FORMAT_TAG = "trialsim.streams/1"

COMPONENTS = (
    "history",
    "register",
    "disease",
    "recruitment",
    "enrolment",
    "randomisation",
    "outcome",
    "dropout",
    "twins",
    "folds",
    "bootstrap",
    "fit",
    "imputation",
    "analysis",
)


def stream_key(seed: int, scenario: str, block: int, component: str) -> int:
    """Return the 128-bit Philox key of a named stream.

    The key is the BLAKE2b digest of (format tag, master seed, scenario, block, component), each
    preceded by its length, so that no two different names can meet.

    Parameters
    ----------
    seed : int
        Master seed of the run, at least 0.
    scenario : str
        Scenario that the numbers belong to; ``""`` for what all scenarios share.
    block : int
        Index of the block of replicates, at least 0.
    component : str
        One of `COMPONENTS`.

    Returns
    -------
    int
        In [0, 2**128).

    Raises
    ------
    ValueError
        If the component is not a known one, or a number is negative.

    Examples
    --------
    >>> stream_key(1, "null", 0, "outcome") == stream_key(1, "null", 1, "outcome")
    False
    """
    if component not in COMPONENTS:
        raise ValueError(f"unknown stream component {component!r}; use one of {', '.join(COMPONENTS)}")
    if seed < 0 or block < 0:
        raise ValueError(f"seed and block must be at least 0, got {seed} and {block}")
    digest = hashlib.blake2b(digest_size=16)
    for name in (FORMAT_TAG, str(seed), scenario, str(block), component):
        encoded = name.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return int.from_bytes(digest.digest(), "little")


def stream(seed: int, scenario: str, block: int, component: str) -> np.random.Generator:
    """Return the random generator of a named stream; see `stream_key` for the names.

    Neither the number of workers, the order of work, a resumed run nor an added scenario changes
    the numbers of a stream, and one component can be changed without touching the others.

    Examples
    --------
    >>> a = stream(20261121, "null", 3, "outcome").standard_normal(2)
    >>> b = stream(20261121, "null", 3, "outcome").standard_normal(2)
    >>> bool((a == b).all())
    True
    """
    return np.random.Generator(np.random.Philox(key=stream_key(seed, scenario, block, component)))

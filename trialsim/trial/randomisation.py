"""Who gets what: random allocation with fixed arm sizes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def allocate(replicates: int, controls: int, active: int, generator: np.random.Generator) -> NDArray[np.int8]:
    """Randomise every trial to fixed arm sizes; every sequence of arms is equally likely.

    Parameters
    ----------
    replicates : int
        R.
    controls, active : int
        Participants in each arm; N = controls + active.
    generator : numpy.random.Generator
        Stream ``randomisation``.

    Returns
    -------
    ndarray of int8 (R, N)
        0 for control, 1 for active, in order of enrolment.

    Examples
    --------
    >>> arm = allocate(2, 3, 6, np.random.default_rng(1))
    >>> arm.sum(axis=1)
    array([6, 6])
    """
    sequence = np.repeat(np.array([0, 1], dtype=np.int8), [controls, active])
    return generator.permuted(np.broadcast_to(sequence, (replicates, controls + active)), axis=1)

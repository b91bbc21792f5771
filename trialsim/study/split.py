"""How replicates are split into blocks."""

from __future__ import annotations


def split_replicates(replicates: int, block: int) -> tuple[int, ...]:
    """Return the replicates of each block, in order; the last one takes the rest.

    Examples
    --------
    >>> split_replicates(600, 250)
    (250, 250, 100)
    """
    full, rest = divmod(replicates, block)
    return (block,) * full + ((rest,) if rest else ())

"""Answers as plain JSON: no NaN, no infinity, no NumPy."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def plain(value: Any) -> Any:
    """Return a value as JSON types; what is no finite number is null.

    Examples
    --------
    >>> import numpy as np
    >>> plain({"a": np.float64("nan"), "b": (np.int64(2), float("inf"))})
    {'a': None, 'b': [2, None]}
    """
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table as one object a row, as ``--json`` of the commands writes it."""
    found: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", double_precision=15))
    return found

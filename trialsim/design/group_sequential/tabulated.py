"""The bounds of a design as a table, and the size that it is expected to need."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from trialsim.design.group_sequential.design import GroupSequentialDesign
from trialsim.errors import DesignError

ASSUMED = (("H0", 0.0), ("half", 0.5), ("H1", 1.0))
"""Effects under which sizes are expected, as shares of the one at which the design has its power."""


def bounds_table(
    design: GroupSequentialDesign,
    *,
    effect: float | None = None,
    hazard_ratio: float | None = None,
    size: float | None = None,
) -> pd.DataFrame:
    """Return one row a look: its bounds, what they spend, and what they mean as an effect.

    Parameters
    ----------
    design : GroupSequentialDesign
        The bounds.
    effect, hazard_ratio : float, optional
        At which the design has its power; one of them shows the effect at each efficacy bound,
        z/√t over the drift as a share of it (of its logarithm).
    size : float, optional
        Participants or events of a trial with one look.

    Returns
    -------
    DataFrame
        ``look``, ``information``, ``z``, ``nominal_p``, ``alpha_spent`` so far, ``futility_z`` (NaN without),
        ``effect_at_z`` or ``hazard_ratio_at_z``, and ``size``.

    Raises
    ------
    DesignError
        Both an effect and a hazard ratio.

    Examples
    --------
    >>> from trialsim.design import group_sequential_design
    >>> bounds_table(group_sequential_design([0.5, 1.0]), effect=2.0)[["z", "effect_at_z"]].round(4)
            z  effect_at_z
    0  2.9626       2.5806
    1  1.9686       1.2125
    """
    if effect is not None and hazard_ratio is not None:
        raise DesignError("does not go with --effect", field="--hazard-ratio", value=hazard_ratio)
    frame = design.to_frame().reset_index()
    table = frame[["look", "information", "upper_z", "nominal_p", "alpha_spent"]].rename(
        columns={"upper_z": "z"}
    )
    table["futility_z"] = frame["lower_z"].where(np.isfinite(frame["lower_z"]))
    share = table["z"] / np.sqrt(table["information"]) / design.drift
    if hazard_ratio is not None:
        table["hazard_ratio_at_z"] = np.exp(share * math.log(hazard_ratio))
    if effect is not None:
        table["effect_at_z"] = share * effect
    if size is not None:
        table["size"] = size * design.inflation * table["information"]
    return table


def expected_sizes(design: GroupSequentialDesign, size: float | None = None) -> pd.DataFrame:
    """Return expected sizes without effect, with half of it, and with all.

    Parameters
    ----------
    design : GroupSequentialDesign
        The bounds.
    size : float, optional
        Participants or events of a trial with one look.

    Returns
    -------
    DataFrame
        ``effect``, ``power``, ``information`` as a share of the maximum, ``of_one_look``, and ``size``.

    Examples
    --------
    >>> from trialsim.design import group_sequential_design
    >>> expected_sizes(group_sequential_design([0.5, 1.0]))["of_one_look"].round(4).tolist()
    [1.0027, 0.986, 0.8767]
    """
    rows = []
    for name, share in ASSUMED:
        drift = share * design.drift
        row = {
            "effect": name,
            "power": design.power_at(drift),
            "information": design.expected_information(drift),
            "of_one_look": design.average_sample_number(drift),
        }
        if size is not None:
            row["size"] = size * design.average_sample_number(drift)
        rows.append(row)
    return pd.DataFrame(rows)

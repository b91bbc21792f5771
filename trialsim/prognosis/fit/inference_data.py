"""Predictive checks as arviz knows them; importing this module costs seconds."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from trialsim.data import Floats

with warnings.catch_warnings():
    # As in `trialsim.prognosis.fit.model`: nothing that a user of trialsim could act on.
    warnings.simplefilter("ignore")
    import arviz


def of_checks(kind: str, statistics: tuple[str, ...], observed: Floats, replicated: Floats) -> Any:
    """Return an ``arviz.InferenceData`` with one variable, ``statistic``, of S entries and one chain.

    Parameters
    ----------
    kind : str
        ``prior`` or ``posterior``: the group is ``prior_predictive`` or ``posterior_predictive``.
    statistics : tuple of str (S,)
        Names, the coordinate ``name``.
    observed : ndarray (S,)
        Of the history.
    replicated : ndarray (S, D)
        Of the model's histories.
    """
    return arviz.from_dict(
        **{f"{kind}_predictive": {"statistic": np.asarray(replicated).T[None]}},
        observed_data={"statistic": np.asarray(observed)},
        coords={"name": list(statistics)},
        dims={"statistic": ["name"]},
    )

"""What a folder of data sets holds: labels, types, keys and origins, as a define file says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trialsim.exchange.adam.dataset import Dataset
from trialsim.exchange.adam.dataset_json import SYSTEM
from trialsim.version import __version__


def definition(datasets: Sequence[Dataset], study: str, run: dict[str, str]) -> dict[str, Any]:
    """Return the metadata of data sets, after the content of Define-XML.

    Parameters
    ----------
    datasets : sequence of Dataset
        In their order.
    study : str
        Identifier of the simulated study.
    run : dict
        Where it comes from, such as the root of the bundle.

    Returns
    -------
    dict
        Plain JSON types: the study, and one entry a data set with one a variable.

    Examples
    --------
    >>> import pandas as pd
    >>> from trialsim.exchange.adam.dataset import Variable
    >>> age = Variable("AGE", "Age", "double", "Of the cohort card")
    >>> made = Dataset("ADSL", "People (synthetic)", (age,), (), pd.DataFrame({"AGE": [41.5]}))
    >>> definition([made], "SIM-X", {"root": "ab"})["datasets"][0]["variables"][0]["origin"]
    'Of the cohort card'
    """
    return {
        "study": study,
        "synthetic": "Every participant is simulated; nobody in these files is real.",
        "standard": "ADaM-like: names, keys and flags after ADaM. No claim of conformance.",
        "source": {"system": SYSTEM, "version": __version__} | run,
        "datasets": [
            {
                "name": one.name,
                "label": one.label,
                "records": len(one.frame),
                "keys": list(one.keys),
                "variables": [
                    {"name": v.name, "label": v.label, "type": v.kind, "origin": v.origin}
                    for v in one.variables
                ],
            }
            for one in datasets
        ],
    }

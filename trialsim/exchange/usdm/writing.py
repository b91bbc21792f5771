"""From a protocol to USDM 4: onto the study that it came from, or as a study of its own."""

from __future__ import annotations

import copy
import json
from typing import Any

from trialsim.exchange.usdm.coding import SYNTHETIC, FreeIds, coded
from trialsim.exchange.usdm.own_study import own_study
from trialsim.exchange.usdm.reading import UsdmStudy
from trialsim.protocol.declared import DeclaredTrial
from trialsim.version import __version__

# What USDM has no field for stands in extension attributes of the design under this name.
EXTENSION = "urn:trialsim:protocol"


def to_usdm(trial: DeclaredTrial, onto: UsdmStudy | None = None) -> dict[str, Any]:
    """Return a trial as a USDM 4 study.

    Parameters
    ----------
    trial : DeclaredTrial
        The protocol.
    onto : UsdmStudy, optional
        The study that it was drafted from: everything in it stays as it is, but where the arms' data come
        from and the design's extension attributes. Otherwise a study of its own is made, with what USDM
        requires.

    Returns
    -------
    dict
        Plain JSON types. Each arm's ``dataOriginType`` is *Synthetic Data* (C176263): its data are simulated.
        What USDM has no field for (level, power, effects, …) are extension attributes of the design.

    Source: CDISC/TransCelerate, Unified Study Definitions Model 4.0 (2025).

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> made = to_usdm(read_trial("protocols/cdisc_pilot.toml"))
    >>> [arm["dataOriginType"]["code"] for arm in made["study"]["versions"][0]["studyDesigns"][0]["arms"]]
    ['C176263', 'C176263']
    """
    content = own_study(trial, FreeIds()) if onto is None else copy.deepcopy(onto.content)
    ids = FreeIds(content)
    design = content["study"]["versions"][0]["studyDesigns"][0]
    for arm in design["arms"]:
        arm["dataOriginType"] = coded(ids, *SYNTHETIC)
        arm["dataOriginDescription"] = f"Simulated by trialsim {__version__}: nobody is real"
    others = [
        one
        for one in design.get("extensionAttributes") or []
        if not str(one.get("url")).startswith(EXTENSION)
    ]
    design["extensionAttributes"] = others + [
        {
            "id": ids("ExtensionAttribute"), "url": f"{EXTENSION}:{name}", "valueString": json.dumps(value),
            "extensionAttributes": [], "instanceType": "ExtensionAttribute",
        }
        for name, value in _without_field(trial).items()
    ]  # fmt: skip
    return content


def _without_field(trial: DeclaredTrial) -> dict[str, Any]:
    """Return what of a trial USDM has no field for."""
    said = trial.to_dict()
    values = {
        "alpha": trial.design.alpha,
        "power": None if trial.sizing is None else trial.sizing.power,
        "allocation": {arm.name: arm.allocation for arm in trial.arms},
    } | {
        name: said[name] for name in ("effects", "enrolment", "randomisation", "discontinuation", "analyses")
    }
    return {name: value for name, value in values.items() if value not in (None, [], {})}

"""Trials of several hypotheses for tests: the shipped protocol as tables, changed a little."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from pathlib import Path

from trialsim.protocol.declared import trial_from_dict
from trialsim.study.declared.engine import engine_of

FILE = Path("protocols/pfs_os_response.toml")
TABLES = tomllib.loads(FILE.read_text(encoding="utf-8"))


def tables(**changes):
    """Return the tables of the shipped protocol with top-level ones replaced; None takes one away."""
    made = deepcopy(TABLES) | deepcopy(changes)
    return {name: table for name, table in made.items() if table is not None}


def only(*names, **changes):
    """Return the tables of only some of the endpoints, tested one after another."""
    made = tables(**changes)
    for field in ("endpoints", "hypotheses"):
        made[field] = [one for one in made[field] if one["name"] in names]
    for field in ("effects", "analyses"):
        made[field] = [one for one in made[field] if one["endpoint"] in names]
    made["dependence"] = [
        one
        for one in made["dependence"]
        if {*one.get("between", ()), one.get("first"), one.get("death")} - {None} <= {*names}
    ]
    for position, one in enumerate(made["hypotheses"]):
        one["weight"], one["passes"] = float(position == 0), {}
        if position + 1 < len(names):
            one["passes"] = {made["hypotheses"][position + 1]["name"]: 1.0}
    return made


def trial_of(made):
    """Return the trial of tables."""
    return trial_from_dict(made)


def engine(made):
    """Return the engine of the trial of tables."""
    return engine_of(trial_from_dict(made))

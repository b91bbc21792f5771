"""Small declared trials of every kind, as tables, for the tests of the format and of its blocks."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from trialsim.protocol.declared import DeclaredTrial, trial_from_dict

ARMS = [{"name": "control", "role": "control"}, {"name": "active", "role": "active"}]
STRATA = [
    {"name": "sex", "levels": ["f", "m"], "shares": [0.4, 0.6], "outcome": [0.0, 0.5], "source": "test"},
    {"name": "region", "levels": ["n", "s"], "shares": [0.7, 0.3], "source": "test"},
]
PLANNED = {"kind": "planned", "rates": [10.0], "durations": [6.0], "source": "test"}
SITES = {
    "kind": "sites",
    "source": "test",
    "countries": [
        {
            "name": "one", "sites": 5, "last_activation_month": 3.0, "rate_per_site_month": 4.0,
            "rate_shape": 2.0, "cap_per_site": 40,
        }
    ],
}  # fmt: skip

OUTCOMES: dict[str, dict[str, Any]] = {
    "score": {
        "direction": "higher_is_better", "weeks": [12.0, 24.0], "mean": [0.0, 0.0, 0.0],
        "sd": [1.0, 1.0, 1.0], "correlation": 0.5,
    },
    "response": {"direction": "higher_is_better", "probability": 0.3, "months": 2.0},
    "level": {"direction": "higher_is_better", "shares": [0.5, 0.3, 0.2], "months": 1.0},
    "count": {"rate": 0.2, "dispersion": 0.5, "months": 12.0},
    "recurrent": {"rate": 0.2, "dispersion": 0.5, "months": 12.0},
    "time_to_event": {"law": {"kind": "median", "median": 12.0}},
    "joint": {
        "direction": "higher_is_worse", "months": [6.0, 12.0], "follow_up": 12.0, "level": 0.0,
        "slope": 0.1, "random_sd": [1.0, 0.1], "residual_sd": 0.5, "hazard": 0.02, "association": 0.5,
    },
}  # fmt: skip
EFFECTS: dict[str, dict[str, Any]] = {
    "score": {"kind": "shift", "value": 0.5},
    "response": {"kind": "odds_ratio", "value": 2.0},
    "level": {"kind": "odds_ratio", "value": 2.0},
    "count": {"kind": "rate_ratio", "value": 0.6},
    "recurrent": {"kind": "rate_ratio", "value": 0.6},
    "time_to_event": {"kind": "hazard_ratio", "value": 0.6},
    "joint": {"kind": "joint_effect", "per_month": -0.1},
}
READ_BY = {
    "score": "mmrm",
    "response": "risk_difference",
    "level": "mean_score",
    "count": "negative_binomial",
    "recurrent": "lwyy",
    "time_to_event": "log_rank",
    "joint": "joint_rank",
}


def tables(kind: str, **changes: Any) -> dict[str, Any]:
    """Return a small fixed trial with an outcome of a kind, with whole tables changed or taken away."""
    made: dict[str, Any] = {
        "format": "trialsim.protocol/2",
        "name": "small",
        "title": "Small",
        "question": "Does it run?",
        "seed": 5,
        "participants": 60,
        "arms": ARMS,
        "endpoints": [{"kind": kind, "source": "test", **OUTCOMES[kind]}],
        "effects": [{"arm": "active", "source": "test", **EFFECTS[kind]}],
        "enrolment": PLANNED,
        "randomisation": {"kind": "permuted_blocks", "block_sizes": [4]},
        "design": {"kind": "fixed", **({"events": 40} if kind == "time_to_event" else {})},
        "analyses": [{"kind": READ_BY[kind]}],
        "simulation": {"replicates": 100, "block": 50, "truth": 2000},
        "scenarios": [
            {"name": "works", "kind": "alternative", "why": "test"},
            {"name": "null", "kind": "null", "why": "test"},
        ],
    }
    if "outcome" in changes:
        changes["endpoints"] = [changes.pop("outcome")]
    made |= changes
    return deepcopy({key: value for key, value in made.items() if value is not None})


def staged(kind: str, design: dict[str, Any], arms: int = 2, **changes: Any) -> dict[str, Any]:
    """Return a small trial in stages with two or three arms."""
    names = ["control", "active", "other"][:arms]
    made = tables(kind, participants=None, randomisation=None, analyses=None, design=design, **changes)
    made["arms"] = [{"name": name, "role": "active" if i else "control"} for i, name in enumerate(names)]
    made["effects"] = [{"arm": name, "source": "test", **EFFECTS[kind]} for name in names[1:]]
    return made


def declared(kind: str, **changes: Any) -> DeclaredTrial:
    """Return the trial of `tables`."""
    return trial_from_dict(tables(kind, **changes))


def write_protocol(path: Path, made: dict[str, Any]) -> Path:
    """Write tables as a TOML file, those that are None left out, and return its path."""
    path.write_text("\n".join(f"{key} = {_toml(one)}" for key, one in made.items() if one is not None))
    return path


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value)

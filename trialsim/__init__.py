"""Virtual clinical trials with placebo twins: from a protocol and a history to a sized control arm.

The main job's steps, each usable alone; every room offers more, such as ``trialsim.analysis``:

- `read_protocol`, `read_card`, `disease_model`: what is asked, of whom, and what happens to them.
- `generate_history`, `load_history`: past placebo participants.
- `fit_prognosis`, `learn`: placebo twins, and what they add beyond the baseline.
- `build_registers`, `plan_from`, `plan_cells`: worlds, sizes, and what is to be simulated.
- `Job`, `simulate`: simulation at those sizes.
- `run_study`, `write_report`: all of it at once, and the page that shows it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_ROOMS = {
    "read_protocol": "protocol",
    "cohort_path": "protocol",
    "read_card": "population",
    "draw_covariates": "population",
    "disease_model": "disease",
    "fit_prognosis": "prognosis",
    "size_for_power": "design",
    "generate_history": "study",
    "load_history": "study",
    "learn": "study",
    "build_registers": "study",
    "plan_from": "study",
    "plan_cells": "study",
    "Job": "study",
    "simulate": "study",
    "run_study": "study",
    "write_report": "report",
}

__all__ = sorted(_ROOMS)


def __getattr__(name: str) -> Any:
    """Return a public name from its room, imported on first use."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'trialsim' has no attribute {name!r}")
    return getattr(import_module(f"trialsim.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return __all__

"""People of a cohort card, with what a disease model gives them: for tests against published numbers."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import numpy as np

from trialsim.data import Covariates
from trialsim.disease import Realised, disease_model
from trialsim.population import draw_covariates, read_card
from trialsim.streams import stream

ROOT = Path(__file__).parents[3]


@cache
def people_of(card: str, n: int = 60_000) -> Covariates:
    return draw_covariates(read_card(ROOT / "cohorts" / f"{card}.toml"), n, np.random.default_rng(11))


def realised(
    model: str, people: Covariates, endpoint: str, months: float, options: dict[str, float] | None = None,
    **dials: float,
) -> Realised:  # fmt: skip
    weeks = np.array([months * 365.25 / 84])
    made = disease_model(model, **(options or {}))
    return made.draw(people, endpoint, dials, weeks, partial(stream, 5, "conformance", 0))


def numbers(found: Realised) -> np.ndarray:
    """Events of everybody (M,)."""
    return np.isfinite(found.outcomes).sum(axis=1)

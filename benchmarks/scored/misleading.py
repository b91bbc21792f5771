"""Trials without an effect whose scores mislead: type I error of every way to use a score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from trialsim.analysis.linear import fit_linear
from trialsim.analysis.predictions import aipw_block
from trialsim.data import Estimates, Floats
from trialsim.streams import stream

SIZES, RATIOS, BLOCK = (60, 200), (1, 2), 1000
SCORES: dict[str, Callable[[Floats, Floats, np.random.Generator], Floats]] = {
    "right": lambda x, y, rng: x[..., 0],
    "turned round": lambda x, y, rng: -x[..., 0],
    "drifted": lambda x, y, rng: 5.0 + 3.0 * x[..., 0],
    "useless": lambda x, y, rng: rng.normal(size=y.shape),
    "in thousands": lambda x, y, rng: 1000.0 * x[..., 0],
    "without moments": lambda x, y, rng: x[..., 0] + 0.1 * rng.standard_cauchy(y.shape),
    "coarse": lambda x, y, rng: np.round(x[..., 0] / 2.0),
    # A score that has seen the outcome is the same leak in both arms.
    "seen the outcome": lambda x, y, rng: y + 0.2 * rng.normal(size=y.shape),
}
OUTCOMES: dict[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "normal": lambda x, rng: x[..., 0] + 0.5 * x[..., 1] + rng.normal(size=x.shape[:2]),
    "uneven": lambda x, rng: x[..., 0] + np.exp(0.5 * x[..., 1]) * rng.normal(size=x.shape[:2]),
    "binary": lambda x, rng: (x[..., 0] + rng.logistic(size=x.shape[:2]) > 0.0).astype(np.float64),
}
ANALYSES: dict[str, Callable[[Floats, np.ndarray, Floats, Floats], Estimates]] = {
    "prediction-powered": lambda y, arm, x, score: aipw_block(y, arm, None, score),
    "hybrid AIPW": lambda y, arm, x, score: aipw_block(y, arm, x[..., 1:], score),
    "AIPW, score calibrated": lambda y, arm, x, score: aipw_block(
        y, arm, np.concatenate([x[..., 1:], score], axis=-1)
    ),
    "ANCOVA": lambda y, arm, x, score: fit_linear(y, arm, np.concatenate([x[..., 1:], score], axis=-1)),
}


@dataclass(frozen=True)
class MisledCell:
    """One cell: outcome, score, participants and how many are on active for each control."""

    outcome: str
    score: str
    size: int
    ratio: int


def misled_cells() -> Iterator[MisledCell]:
    """Yield all cells."""
    for outcome in OUTCOMES:
        for score in SCORES:
            for size in SIZES:
                for ratio in RATIOS:
                    yield MisledCell(outcome, score, size, ratio)


def claims(cell: MisledCell, replicates: int, seed: int = 1) -> dict[str, float]:
    """Return the share of trials that claim an effect at a two-sided level of .05, by analysis."""
    found = dict.fromkeys(ANALYSES, 0.0)
    for block in range(replicates // BLOCK):
        rng = stream(seed, f"{cell.outcome}, {cell.score}, {cell.size}, {cell.ratio}", block, "analysis")
        one = (np.arange(cell.size) % (1 + cell.ratio) > 0).astype(np.int8)
        arm = rng.permuted(np.tile(one, (BLOCK, 1)), axis=1)
        x = rng.normal(size=(BLOCK, cell.size, 2))
        y = OUTCOMES[cell.outcome](x, rng)
        score = SCORES[cell.score](x, y, rng)[..., None]
        for name, read in ANALYSES.items():
            found[name] += float(read(y, arm, x, score).rejects(0.05).sum())
    return {name: count / replicates for name, count in found.items()}

"""Assumed twins of people whose outcomes are drawn already: a score that tells as much as is declared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from trialsim.data import Floats
from trialsim.errors import ProtocolError
from trialsim.protocol.declared import DeclaredTrial
from trialsim.study.people.strength import Strength, concordance, partial_correlation, score_of_strength


def score_told(trial: DeclaredTrial, control: Floats, chance: Callable[[str], np.random.Generator]) -> Floats:
    """Return scores (M, 1) of the declared strength for outcomes on placebo (M, K).

    The score is ρ g + √(1 − ρ²) e, where g are the normal scores of the outcome (of what the baseline leaves
    of the last visit, for a score) and e is noise; equal outcomes are put in order by chance.

    Raises
    ------
    ProtocolError
        No score can be so strong.
    """
    assert trial.twins is not None
    generator = chance("twins")
    latent, strength = _latent(trial.outcome.kind, control, generator.random(len(control)))
    (name, wanted), *_ = trial.twins.strengths.items()
    noise = generator.standard_normal(len(control))
    return score_of_strength(latent, noise, strength, wanted, f"twins.{name}")[0][:, None]


def _latent(kind: str, control: Floats, order: Floats) -> tuple[Floats, Strength]:
    """Return g (M,), ascending in the outcome, and how scores are judged."""
    single = control[:, 0]
    match kind:
        case "score":
            last = control[:, -1]
            slope = np.polyfit(single, last, 1)[0]
            return _normal(last - slope * single, order), partial_correlation(last, single)
        case "time_to_event":
            return _normal(-single, order), concordance(-single)
        case "recurrent":
            counts = np.isfinite(control).sum(axis=1).astype(np.float64)
            return _normal(counts, order), partial_correlation(counts)
        case "count":
            return _normal(single, order), partial_correlation(single)
        case "response" | "level":
            return _normal(single, order), concordance(single)
        case _:
            raise ProtocolError("are not served with this outcome", field="twins", value=kind)


def _normal(values: Floats, order: Floats) -> Floats:
    """Return normal scores of ranks (M,), ties in the given order."""
    ranks = np.empty(len(values))
    ranks[np.lexsort((order, rankdata(values)))] = np.arange(len(values)) + 0.5
    return np.asarray(ndtri(ranks / len(values)))

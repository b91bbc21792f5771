"""The calibration studies that there are, one for each model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.calibration import gaussian as sbc_gaussian
from benchmarks.calibration import outcomes as sbc_outcomes
from benchmarks.calibration import terms as sbc_terms
from benchmarks.calibration.ranks import Source
from trialsim.prognosis.families import FAMILIES
from trialsim.prognosis.fit.outcome_sampler import OutcomeSampler
from trialsim.prognosis.fit.sampler import Sampler

Ranks = tuple[dict[str, list[int]], list[dict[str, float]]]


@dataclass(frozen=True)
class Study:
    """How a model is calibrated.

    Parameters
    ----------
    sources : tuple of Path
        Code that makes the model.
    sampler : callable
        Returns what compiles and samples it.
    ranks : callable
        From seed, first simulation, count and sampler to ranks by quantity and diagnostics.
    draws : int
        Posterior draws among which a truth is ranked.
    settings : dict
        What the record says of the size of the study.
    """

    sources: tuple[Source, ...]
    sampler: Callable[[], Any]
    ranks: Callable[[int, int, int, Any], Ranks]
    draws: int
    settings: dict[str, Any]


STUDIES: dict[str, Study] = (
    {
        "gaussian": Study(
            sources=sbc_gaussian.SOURCES,
            sampler=Sampler,
            ranks=sbc_gaussian.gaussian_ranks,
            draws=sbc_gaussian.RANKED_DRAWS,
            settings={
                "participants": sbc_gaussian.PARTICIPANTS,
                "visits": len(sbc_gaussian.WEEKS),
                "thin": sbc_gaussian.THIN,
                "chains": sbc_gaussian.SETTINGS.chains,
                "draws": sbc_gaussian.SETTINGS.draws,
            },
        ),
    }
    | {
        family: Study(
            sources=sbc_outcomes.sources(family),
            sampler=OutcomeSampler,
            ranks=partial(sbc_outcomes.outcome_ranks, family),
            draws=sbc_outcomes.RANKED_DRAWS,
            settings={
                "participants": sbc_outcomes.PARTICIPANTS,
                "columns": sbc_outcomes.COLUMNS,
                "studies": sbc_outcomes.STUDIES,
                "thin": sbc_outcomes.THIN,
                "chains": sbc_outcomes.SETTINGS.chains,
                "draws": sbc_outcomes.SETTINGS.draws,
            },
        )
        for family in FAMILIES
    }
    | {
        model: Study(
            sources=sbc_terms.SOURCES[model],
            sampler=Sampler,
            ranks=ranks,
            draws=sbc_gaussian.RANKED_DRAWS,
            settings={
                "participants": sbc_gaussian.PARTICIPANTS,
                "studies": sbc_terms.STUDIES,
                "visits": len(sbc_gaussian.WEEKS),
                "thin": sbc_gaussian.THIN,
                "chains": sbc_gaussian.SETTINGS.chains,
                "draws": sbc_gaussian.SETTINGS.draws,
            },
        )
        for model, ranks in sbc_terms.RANKS.items()
    }
)

"""Heterogeneity dial and assurance from plain numbers: what the history leaves uncertain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trialsim.errors import DesignError

if TYPE_CHECKING:
    from trialsim.design import AssuranceQuestion
    from trialsim.design.assured import AssuredSizes
    from trialsim.design.control_arm import ScaleSizing
    from trialsim.design.sizes import DialSizes


def dial_on_means(
    sd: tuple[float, float], explained: tuple[float, ...], given: Mapping[str, Any]
) -> DialSizes:
    """Return the sizes if the score meant less under treatment, for a difference of means."""
    from trialsim.design.sizes import PredictionMoments, dial_sizes

    score = PredictionMoments.from_correlation(
        sd, (explained[0] ** 0.5, explained[1] ** 0.5), given["agreement"]
    )
    return dial_sizes(
        score, given["effect"], allocation=given["allocation"], power=given["power"], alpha=given["alpha"]
    )


def assured_means(sd: tuple[float, float], explained: float, given: Mapping[str, Any]) -> AssuredSizes:
    """Return the sizes that hold their power over what the history leaves uncertain, of means."""
    from trialsim.design import assured_sizes
    from trialsim.design.assured import draws_from_history
    from trialsim.streams import stream

    agreement = 1.0 if given["agreement"] is None else given["agreement"]
    draws = draws_from_history(
        explained**0.5,
        sd[0],
        _history(given),
        effect=given["effect"],
        generator=stream(given["seed"], "assurance", 0, "analysis"),
        effect_sd=given["effect_sd"],
        sd_ratio=sd[1] / sd[0],
        agreement=(agreement, agreement),
    )
    return assured_sizes(draws, _asked(given, 1 if given["effect"] > 0 else -1))


def assured_on_scale(question: ScaleSizing, explained: float, given: Mapping[str, Any]) -> AssuredSizes:
    """Return the same on a working scale, against the margin of the question if it has one."""
    from trialsim.design.assured import assured_sizes_on_scale, draws_on_scale
    from trialsim.streams import stream

    draws = draws_on_scale(
        question.scale,
        _history(given),
        generator=stream(given["seed"], "assurance", 0, "analysis"),
        correlation=explained**0.5,
        effect_sd=given["effect_sd"],
    )
    margin = question.claim.null[0] if question.claim.null else 0.0
    return assured_sizes_on_scale(draws, _asked(given, 1, margin))


def _asked(given: Mapping[str, Any], direction: int, margin: float = 0.0) -> AssuranceQuestion:
    from trialsim.design import AssuranceQuestion

    return AssuranceQuestion(
        assurance=given["assurance"],
        power=given["power"],
        alpha=given["alpha"],
        allocation=given["allocation"],
        margin=margin,
        direction=direction,
        correlation_discount=given["correlation_discount"],
        sd_inflation=given["sd_inflation"],
    )


def _history(given: Mapping[str, Any]) -> int:
    if given["history_pairs"] is None:
        raise DesignError(
            "is needed for --assurance", field="--history-pairs", mend="give the size of the history"
        )
    return int(given["history_pairs"])

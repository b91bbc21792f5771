"""The normal deviate behind each outcome, and outcomes drawn at given deviates, one entry a kind of endpoint.

A deviate is larger where the outcome is, and where the event comes later. An endpoint is always drawn from
its own stream first: whatever is declared after it cannot move it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from trialsim.data import Floats
from trialsim.protocol.declared import ContinuousOutcome
from trialsim.study.declared.carried import carried
from trialsim.study.declared.drawing.people import Drawing
from trialsim.study.declared.drawing.worlds import covariance, survival_world
from trialsim.trial.outcomes import covariance_factor


@dataclass(frozen=True)
class _Given:
    """A generator whose uniforms are known."""

    uniforms: Floats

    def random(self, shape: tuple[int, ...]) -> Floats:
        """Return the uniforms."""
        assert shape == self.uniforms.shape
        return self.uniforms


@dataclass(frozen=True)
class LatentKind:
    """One kind of endpoint.

    Parameters
    ----------
    own : callable
        ``own(drawing) -> (R, N)``, the deviate of the endpoint's own stream.
    draw : callable
        ``draw(drawing, deviate)``: the outcomes at deviates, None for those of its own stream.
    """

    own: Callable[[Drawing], Floats]
    draw: Callable[[Drawing, Floats | None], Any]


def _own_score(drawing: Drawing) -> Floats:
    factor, sd = _last_visit(drawing)
    normals = drawing.chance("outcome").standard_normal((*drawing.people.arm.shape, len(factor)))
    return np.asarray(normals @ factor[-1] / sd)


def _draw_score(drawing: Drawing, deviate: Floats | None) -> Any:
    drawn = _drawn(drawing)
    if deviate is None:
        return drawn
    factor, sd = _last_visit(drawing)
    # Moving all visits along their regression on the last one keeps every covariance.
    along = (factor @ factor[-1]) / sd
    moved = (deviate - _own_score(drawing))[..., None] * along
    return replace(drawn, baseline=drawn.baseline + moved[..., 0], outcomes=drawn.outcomes + moved[..., 1:])


def _last_visit(drawing: Drawing) -> tuple[Floats, float]:
    outcome = drawing.trial.outcome
    assert isinstance(outcome, ContinuousOutcome)
    factor = covariance_factor(covariance(outcome), len(outcome.mean))
    return factor, math.sqrt(float(factor[-1] @ factor[-1]))


def _drawn(drawing: Drawing) -> Any:
    draw = carried(drawing.trial).draw
    assert draw is not None
    return draw(drawing)


def _uniforms(drawing: Drawing) -> Floats:
    return np.asarray(drawing.chance("outcome").random(drawing.people.arm.shape))


def _with_uniforms(drawing: Drawing, uniforms: Floats | None) -> Any:
    if uniforms is None:
        return _drawn(drawing)

    def chance(component: str) -> Any:
        return _Given(uniforms) if component == "outcome" else drawing.chance(component)

    return _drawn(replace(drawing, chance=chance))


def _own_response(drawing: Drawing) -> Floats:
    return np.asarray(-ndtri(_uniforms(drawing)))


def _draw_response(drawing: Drawing, deviate: Floats | None) -> Any:
    return _with_uniforms(drawing, None if deviate is None else ndtr(-deviate))


def _own_level(drawing: Drawing) -> Floats:
    return np.asarray(ndtri(_uniforms(drawing)))


def _draw_level(drawing: Drawing, deviate: Floats | None) -> Any:
    return _with_uniforms(drawing, None if deviate is None else ndtr(deviate))


def _exponentials(drawing: Drawing) -> Floats:
    return np.asarray(drawing.chance("outcome").standard_exponential(drawing.people.arm.shape))


def _own_time(drawing: Drawing) -> Floats:
    return np.asarray(-ndtri(np.exp(-_exponentials(drawing))))


def _draw_time(drawing: Drawing, deviate: Floats | None) -> Floats:
    """Return the months to the event (R, N), infinite where it never comes."""
    need = _exponentials(drawing) if deviate is None else np.asarray(-log_ndtr(-deviate))
    world, people = survival_world(drawing.trial, allocates=False), drawing.people
    if (world.hazard_ratios != 1.0).any():
        need = need / world.hazard_ratios[people.arm, people.stratum]
    months = np.asarray(world.events[0].time_of(need))
    for arm, law in enumerate(world.events[1:], start=1):
        if law != world.events[0]:
            np.copyto(months, law.time_of(need), where=people.arm == arm)
    return months


LATENT: dict[str, LatentKind] = {
    "score": LatentKind(_own_score, _draw_score),
    "response": LatentKind(_own_response, _draw_response),
    "level": LatentKind(_own_level, _draw_level),
    "time_to_event": LatentKind(_own_time, _draw_time),
}

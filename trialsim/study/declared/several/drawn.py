"""The people of a block and all of their outcomes: drawn once, whoever tests them later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trialsim.data import Floats
from trialsim.protocol.declared import DeclaredTrial, FixedDesign, GroupSequentialDesign
from trialsim.protocol.declared.several.views import of_endpoint
from trialsim.study.declared.drawing.laws import dropout_law
from trialsim.study.declared.drawing.people import Chance, Drawing, People, draw_people
from trialsim.study.declared.drawing.strata import Strata
from trialsim.study.declared.looks import planned_counts
from trialsim.study.declared.several.dependence import Ties
from trialsim.study.declared.several.latent import LATENT
from trialsim.trial import PlannedAccrual, SitePlan, event_looks
from trialsim.trial.intercurrent_events import LongitudinalTrials
from trialsim.trial.interim import Looks
from trialsim.trial.outcomes import WEEKS_PER_MONTH, SurvivalTrials

ChanceOf = Callable[[str], Chance]


@dataclass(frozen=True)
class DrawnTrials:
    """Replicate trials with all of their endpoints.

    Parameters
    ----------
    trial : DeclaredTrial
        The trial.
    people : People
        Who is in it.
    leaves : ndarray (R, N)
        Months from entry until each leaves the trial; infinite for those who stay.
    outcomes : dict of str to object
        By endpoint: times to an event as `SurvivalTrials`, others as their kind has them, NaN once somebody
        has left.
    known : dict of str to ndarray (R, N)
        Calendar month at which each outcome is known, of endpoints without times to an event.
    """

    trial: DeclaredTrial
    people: People
    leaves: Floats
    outcomes: dict[str, Any]
    known: dict[str, Floats]

    def looks(self) -> Looks:
        """Return the calendar months of the looks (R, K), common to all endpoints."""
        design = self.trial.design
        assert isinstance(design, FixedDesign | GroupSequentialDesign)
        replicates = len(self.people.entry)
        if design.events:
            wanted = design.events if isinstance(design.events, tuple) else (design.events,)
            latest = np.inf if design.latest_month is None else design.latest_month
            return event_looks(self.outcomes[design.endpoint or ""], wanted, latest)
        months = design.months if isinstance(design, GroupSequentialDesign) else (design.month,)
        if months and months[0] is not None:
            month = np.tile(np.asarray(months, dtype=np.float64), (replicates, 1))
        elif isinstance(design, GroupSequentialDesign):
            wanted_known = planned_counts(design, self.people.entry.shape[1])
            month = np.sort(self.known[design.endpoint or ""], axis=1)[:, wanted_known - 1]
        else:
            month = np.max([one.max(axis=1) for one in self.known.values()], axis=0)[:, None]
        return Looks(month, np.ones(month.shape, dtype=bool))


@dataclass(frozen=True)
class TrialDrawing:
    """Draws the blocks of a trial with several endpoints.

    Parameters
    ----------
    trial : DeclaredTrial
        Resolved.
    participants : int
        Of a trial.
    strata : Strata
        Crossing of the factors.
    accrual : PlannedAccrual or SitePlan
        How participants enter.
    ties : Ties
        How the endpoints hang together.
    """

    trial: DeclaredTrial
    participants: int
    strata: Strata
    accrual: PlannedAccrual | SitePlan
    ties: Ties

    def draw(self, replicates: int, chance: ChanceOf) -> DrawnTrials:
        """Draw a block; `chance` goes from the name of an endpoint, empty for the first, to its generators.

        The first endpoint has the streams of a trial with it alone, each other one those of its own name:
        an endpoint that is declared after others leaves their outcomes as they are.
        """
        trial, shared = self.trial, chance("")
        people = draw_people(trial, self.accrual, self.strata, self.participants, replicates, shared)
        leaves = _leaving(trial, people, shared)
        drawings = [self._drawing(people, position, chance) for position in range(len(trial.endpoints))]
        outcomes: dict[str, Any] = {}
        own: dict[int, Floats] = {}
        for position, endpoint in enumerate(trial.endpoints):
            if endpoint.name in self.ties.deaths:
                first, plan = self.ties.deaths[endpoint.name]
                generator = drawings[position].chance("outcome")
                outcomes[endpoint.name] = plan.deaths(outcomes[first], people.arm, people.stratum, generator)
            else:
                deviate = self._deviate(position, drawings, own)
                outcomes[endpoint.name] = LATENT[endpoint.kind].draw(drawings[position], deviate)
        return self._seen(people, leaves, outcomes)

    def _drawing(self, people: People, position: int, chance: ChanceOf) -> Drawing:
        name = self.trial.endpoints[position].name
        of_its_own = chance(name if position else "")

        def no_arm_has_its_own(arm: int) -> np.random.Generator:
            raise AssertionError(arm)

        return Drawing(of_endpoint(self.trial, name), people, self.strata, of_its_own, no_arm_has_its_own)

    def _deviate(self, position: int, drawings: list[Drawing], own: dict[int, Floats]) -> Floats | None:
        """Return the deviates of an endpoint (R, N); None where they are those of its own stream."""
        loadings = self.ties.factor[position, : position + 1]
        if not loadings[:-1].any():
            return None
        for other in np.flatnonzero(loadings):
            if other not in own:
                own[int(other)] = LATENT[self.trial.endpoints[other].kind].own(drawings[other])
        return np.asarray(sum(loadings[other] * own[int(other)] for other in np.flatnonzero(loadings)))

    def _seen(self, people: People, leaves: Floats, outcomes: dict[str, Any]) -> DrawnTrials:
        found, known = dict(outcomes), {}
        stays = not np.isfinite(leaves).any()
        for endpoint in self.trial.endpoints:
            name, drawn = endpoint.name, outcomes[endpoint.name]
            if endpoint.kind == "time_to_event":
                event = (drawn <= leaves) & np.isfinite(drawn)
                found[name] = SurvivalTrials(
                    people.entry, np.minimum(drawn, leaves), event.view(np.int8), people.arm, people.stratum,
                    len(self.strata.shares),
                )  # fmt: skip
                continue
            known[name] = people.entry + endpoint.known_after
            if not stays:
                found[name] = _until(drawn, leaves, endpoint.known_after)
        return DrawnTrials(self.trial, people, leaves, found, known)


def _leaving(trial: DeclaredTrial, people: People, chance: Chance) -> Floats:
    """Return the months until each leaves the trial, and all of its endpoints (R, N)."""
    left = np.full(people.arm.shape, np.inf)
    if not trial.discontinuation:
        return left
    patience = chance("dropout").standard_exponential(people.arm.shape)
    for arm, name in enumerate(trial.arm_names):
        law = dropout_law(trial, name)
        if law is not None:
            np.copyto(left, law.time_of(patience), where=people.arm == arm)
    return left


def _until(drawn: Any, leaves: Floats, months: float) -> Any:
    """Return outcomes without what would be seen after somebody has left."""
    if not isinstance(drawn, LongitudinalTrials):
        return np.where(leaves < months, np.nan, drawn)
    gone = drawn.weeks / WEEKS_PER_MONTH > leaves[..., None]
    return replace(drawn, outcomes=np.where(gone, np.nan, drawn.outcomes))

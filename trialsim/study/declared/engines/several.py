"""Trials with several hypotheses: of endpoints, arms or populations, tested together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from trialsim.errors import ProtocolError
from trialsim.protocol.declared import ContinuousOutcome, DeclaredTrial
from trialsim.protocol.declared.several.views import of_endpoint
from trialsim.registry import Truth
from trialsim.streams import stream
from trialsim.study.declared.carried import Columns, carried
from trialsim.study.declared.drawing.accrual import accrual_of, largest_size
from trialsim.study.declared.drawing.people import Chance
from trialsim.study.declared.drawing.strata import Strata
from trialsim.study.declared.drawing.worlds import covariance, survival_world
from trialsim.study.declared.engines.common import BlockReading, Engine, Everybody, check_allocation
from trialsim.study.declared.refusing import refusing
from trialsim.study.declared.several.dependence import Ties
from trialsim.study.declared.several.drawn import DrawnTrials, TrialDrawing
from trialsim.study.declared.several.testing import Testing
from trialsim.trial.interim import check_event_order
from trialsim.trial.outcomes import SurvivalTrials, covariance_factor

_REACH_TRIALS = 400
_DEVIATIONS = 4.0


@dataclass(frozen=True)
class SeveralHypotheses(Engine):
    """Draws people once with all of their endpoints, and tests the hypotheses at looks that all share.

    Parameters
    ----------
    drawing : TrialDrawing
        Draws the blocks.
    testing : Testing
        Tests them.
    """

    drawing: TrialDrawing | None = None
    testing: Testing | None = None

    @classmethod
    def of(cls, trial: DeclaredTrial) -> SeveralHypotheses:
        """Return what carries out a trial, or refuse it."""
        check_allocation(trial)
        for endpoint in trial.endpoints:
            view = of_endpoint(trial, endpoint.name)
            if isinstance(endpoint, ContinuousOutcome):
                with refusing(f"endpoints.{endpoint.name}"):
                    covariance_factor(covariance(endpoint), len(endpoint.mean))
            elif endpoint.kind == "time_to_event":
                survival_world(view, allocates=False)
        strata, participants = Strata.of(trial), largest_size(trial)
        drawing = TrialDrawing(trial, participants, strata, accrual_of(trial), Ties.of(trial))
        engine = cls(trial, participants, strata, drawing=drawing, testing=Testing.of(trial))
        engine.check_events()
        return engine

    def draw(self, replicates: int, seed: int, block: int, streams: str) -> DrawnTrials:
        """Draw a block from streams of a name."""
        assert self.drawing is not None

        def chance_of(endpoint: str) -> Chance:
            return partial(stream, seed, f"{streams}.{endpoint}" if endpoint else streams, block)

        return self.drawing.draw(replicates, chance_of)

    def read_streams(self, replicates: int, seed: int, block: int, streams: str) -> BlockReading:
        """Simulate a block and read it."""
        assert self.testing is not None
        return BlockReading(self.testing.read(self.draw(replicates, seed, block, streams)), {})

    def truths(self) -> dict[str, Truth]:
        """Return what the estimate of each hypothesis is held against, by the hypothesis's name."""
        assert self.testing is not None
        several = Truth(None, note="several analyses: no single number")
        return {
            one.name: one.members[0].truth() if len(one.members) == 1 else several
            for one in self.testing.tested
        }

    def everybody(self, replicates: int, seed: int, block: int) -> Everybody:
        """Return all who were drawn in a block, with the columns of every endpoint under its name."""
        drawn = self.draw(replicates, seed, block, self.streams)
        columns: Columns = {"month_of_entry": drawn.people.entry}
        for name, outcomes in drawn.outcomes.items():
            own = _columns(of_endpoint(self.trial, name), outcomes)
            columns |= {f"{name}_{column}": values for column, values in own.items()}
        return Everybody(drawn.people.arm, drawn.people.stratum, columns)

    def check_events(self) -> None:
        """Refuse looks that wait for more events than can be expected, from 400 trials."""
        design = self.trial.design
        asked = getattr(design, "events", None)
        if not asked:
            return
        wanted = asked if isinstance(asked, tuple) else (asked,)
        with refusing("design"):
            check_event_order(wanted, self.participants)
        name, latest = design.endpoint or "", getattr(design, "latest_month", None) or np.inf  # type: ignore[union-attr]  # of designs with looks
        trials = self.draw(_REACH_TRIALS, self.trial.seed, 0, f"reach.{self.streams}").outcomes[name]
        had = ((trials.event == 1) & (trials.entry + trials.time <= latest)).sum(axis=1)
        can, error = float(had.mean()), float(had.std(ddof=1)) / np.sqrt(_REACH_TRIALS)
        if wanted[-1] > can + _DEVIATIONS * error:
            raise ProtocolError(
                f"cannot be reached: {can:.1f} events of {name} can be expected of {self.participants} "
                "participants", field="design.events", value=wanted[-1],
                mend="enrol more, follow longer, lower dropout, or ask for fewer events",
            )  # fmt: skip


def _columns(view: DeclaredTrial, outcomes: object) -> Columns:
    if isinstance(outcomes, SurvivalTrials):
        return {"months": outcomes.time, "event": outcomes.event}
    found = carried(view).columns(view, outcomes)
    found.pop("cause", None)
    return found

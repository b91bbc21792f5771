"""A block of replicate trials, from a pool of participants to what each trial observes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from trialsim.data import DiseaseModel, Floats, TrialBlock
from trialsim.protocol import Protocol
from trialsim.streams import stream
from trialsim.trial.allocation.blocks import allocate
from trialsim.trial.enrolment.simple import enrol
from trialsim.trial.intercurrent_events.dropout import drop_out
from trialsim.trial.outcomes.effect import treated_course


@dataclass(frozen=True)
class Pool:
    """The virtual participants that trials recruit from: M of them.

    Parameters
    ----------
    natural : ndarray (M, 1 + V)
        Untreated latent score at week 0 and at the visits.
    placebo : ndarray (M, 1 + V)
        Placebo response, 0 at week 0.
    baseline : ndarray (M,)
        Measured outcome at week 0.
    score, score_sd : ndarray (M,)
        Placebo twin at the last visit: mean and standard deviation.
    """

    natural: Floats
    placebo: Floats
    baseline: Floats
    score: Floats
    score_sd: Floats

    def __len__(self) -> int:
        return len(self.baseline)


@dataclass(frozen=True)
class TrialSize:
    """Randomised participants in each arm."""

    controls: int
    active: int

    @property
    def total(self) -> int:
        """Participants in both arms."""
        return self.controls + self.active


def simulate_block(
    protocol: Protocol,
    disease: DiseaseModel,
    pool: Pool,
    size: TrialSize,
    *,
    effect: Literal["assumed", "none"],
    replicates: int,
    stream_name: str,
    block: int,
) -> TrialBlock:
    """Simulate replicate trials.

    Parameters
    ----------
    protocol : Protocol
        Visits, effect, enrolment and dropout.
    disease : DiseaseModel
        Measures outcomes.
    pool : Pool
        Participants; each trial recruits from it at random with replacement, so that participants
        are independent draws from the pool's distribution.
    size : TrialSize
        Participants in each arm.
    effect : {"assumed", "none"}
        Whether the assumed effect acts.
    replicates : int
        R.
    stream_name : str
        Scenario name of the random streams.
    block : int
        Index of the block.

    Returns
    -------
    TrialBlock
        The same for the same arguments, whoever computes it.

    Examples
    --------
    >>> from trialsim.disease import disease_model
    >>> from trialsim.protocol import read_protocol
    >>> protocol = read_protocol("protocols/alzheimers_phase2.toml")
    >>> visits, people = len(protocol.visits.weeks), 50
    >>> level = np.full((people, 1 + visits), 4.0)
    >>> pool = Pool(level, np.zeros_like(level), level[:, 0], np.zeros(people), np.ones(people))
    >>> block = simulate_block(protocol, disease_model(protocol.disease.model), pool, TrialSize(10, 20),
    ...                        effect="none", replicates=2, stream_name="example", block=0)
    >>> block.outcomes.shape == (2, 30, visits), (block.arm == 1).sum(axis=1).tolist()
    (True, [20, 20])
    """
    weeks = np.array((0.0, *protocol.visits.weeks))

    def chance(component: str) -> np.random.Generator:
        return stream(protocol.seed, stream_name, block, component)

    rows = chance("recruitment").integers(0, len(pool), size=(replicates, size.total))
    arm = allocate(replicates, size.controls, size.active, chance("randomisation"))
    natural, placebo = pool.natural[rows], pool.placebo[rows]
    if effect == "assumed":
        treated = arm == 1
        natural[treated] = treated_course(natural[treated], weeks, protocol.effect, disease)
    outcomes = disease.measure(natural[..., 1:], placebo[..., 1:], chance("outcome"))
    week, cause = drop_out(arm, protocol.dropout, protocol.arms, float(weeks[-1]), chance("dropout"))
    outcomes[week[..., None] <= weeks[1:]] = np.nan
    return TrialBlock(
        weeks=weeks[1:],
        arm=arm,
        enrolment_month=enrol(replicates, size.total, protocol.enrolment, chance("enrolment")),
        baseline=pool.baseline[rows],
        outcomes=outcomes,
        score=pool.score[rows],
        score_sd=pool.score_sd[rows],
        dropout_week=week,
        dropout_cause=cause,
        register_index=rows,
    )

"""What carries out a declared trial: chosen once, by the kinds of its endpoint and its design."""

from __future__ import annotations

import json
from functools import lru_cache

from trialsim.errors import ProtocolError
from trialsim.protocol.declared import DeclaredTrial, trial_from_dict
from trialsim.protocol.declared.design_kinds import design_kind
from trialsim.registry import Truth
from trialsim.study.declared.carried import carried
from trialsim.study.declared.engines.common import ESTIMAND, BlockReading, Engine, streams_of
from trialsim.study.declared.engines.individuals import Individuals
from trialsim.study.declared.engines.plans import Plans
from trialsim.study.declared.engines.several import SeveralHypotheses
from trialsim.study.declared.engines.several_arms import SeveralArms
from trialsim.study.declared.engines.stages import Stages
from trialsim.study.declared.engines.times import TimesByLaw, TimesInRegister
from trialsim.study.declared.several.testing import Testing
from trialsim.trial.register import Register

__all__ = ["ESTIMAND", "BlockReading", "Engine", "engine_of", "streams_of", "testing_of", "truths_of"]


def engine_of(trial: DeclaredTrial, register: Register | None = None) -> Engine:
    """Return what carries out a trial, recruiting from a register where there is one.

    Parameters
    ----------
    trial : DeclaredTrial
        At one point of its grid.
    register : Register, optional
        Whom it recruits from, for a trial with twins or a disease model.

    Returns
    -------
    Engine
        Reads blocks of the trial.

    Raises
    ------
    ProtocolError
        The trial cannot be carried out; the error names the table and what would be.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> engine = engine_of(read_trial("protocols/survival_delayed_effect.toml"))
    >>> callable(engine.read)
    True
    """
    if register is None and (trial.twins is not None or trial.outcome.course is not None):
        raise ProtocolError("needs people to recruit", field="population", mend="draw its register first")
    return _engine(json.dumps(trial.to_dict(), sort_keys=True), register)


# A pure function remembered: a world's calibration takes longer than a block that uses it.
@lru_cache(maxsize=8)
def _engine(canonical: str, register: Register | None) -> Engine:
    trial = trial_from_dict(json.loads(canonical))
    if trial.several:
        return SeveralHypotheses.of(trial)
    by = carried(trial).engine
    if trial.in_stages:
        return Stages.of(trial)
    if by == "plan" or (by == "times" and design_kind(trial.design.kind).adaptive):
        return Plans.of(trial)
    if len(trial.arms) > 2:
        return SeveralArms.of(trial, register)
    if by == "times":
        return TimesByLaw.of(trial) if register is None else TimesInRegister.of(trial, register)
    return Individuals.of(trial, register)


def testing_of(trial: DeclaredTrial) -> Testing | None:
    """Return how a trial tests several hypotheses; None where its analyses stand alone."""
    return _testing(json.dumps(trial.to_dict(), sort_keys=True)) if trial.several else None


@lru_cache(maxsize=64)
def _testing(canonical: str) -> Testing:
    return Testing.of(trial_from_dict(json.loads(canonical)))


def truths_of(trial: DeclaredTrial, register: Register | None = None) -> dict[str, Truth]:
    """Return what each analysis is held against, and the true value of each estimand.

    Raises
    ------
    ProtocolError
        The trial cannot be carried out.
    """
    return engine_of(trial, register).truths()

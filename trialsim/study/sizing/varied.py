r"""What moves when a size is searched: the whole trial in its ratio, or controls beside a fixed active arm.

The mean of a test statistic grows with the square root of the information. In a whole trial that is in
proportion to its participants; with c controls beside a active participants it is to

.. math:: c \, a / (c + a),

which never exceeds a: beyond some power no number of controls helps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol as Interface

from trialsim.errors import ProtocolError
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial
from trialsim.study.sizing.resized import at_size, step_of

# So many controls for each active participant are 95 % of the information that there is.
MOST_CONTROLS = 20


class Varied(Interface):
    """What is searched for; sizes are counts of `noun`."""

    @property
    def noun(self) -> str:
        """What a size counts."""

    @property
    def step(self) -> int:
        """Sizes are multiples of it."""

    @property
    def largest(self) -> int:
        """No size above is looked at."""

    @property
    def guess(self) -> int:
        """Where the search begins."""

    def information(self, size: float) -> float:
        """Return what the squared mean of the statistic grows with."""

    def size_of(self, information: float) -> float:
        """Return the size with so much information; infinite where there is none."""

    def arms(self, size: float) -> tuple[float, float]:
        """Return the controls and the active participants of a size."""

    def at(self, size: int, analyses: tuple[AnalysisDeclared, ...] | None = None) -> DeclaredTrial:
        """Return the trial of a size, and only some analyses where they are given."""


@dataclass(frozen=True)
class WholeTrial:
    """Everybody, in the ratio of the arms.

    Parameters
    ----------
    trial : DeclaredTrial
        With a declared size, where the search begins.
    largest : int
        No trial above is looked at.
    """

    trial: DeclaredTrial
    largest: int
    noun: str = "participants"

    @property
    def step(self) -> int:
        """The least number of participants that the ratio divides."""
        return step_of(self.trial)

    @property
    def guess(self) -> int:
        """The declared size."""
        assert self.trial.participants is not None
        return self.trial.participants

    def information(self, size: float) -> float:
        """Return the participants."""
        return size

    def size_of(self, information: float) -> float:
        """Return the participants."""
        return information

    def arms(self, size: float) -> tuple[float, float]:
        """Return the controls and the active participants of a size."""
        parts = [arm.allocation for arm in self.trial.arms]
        return size * parts[0] / sum(parts), size * sum(parts[1:]) / sum(parts)

    def at(self, size: int, analyses: tuple[AnalysisDeclared, ...] | None = None) -> DeclaredTrial:
        """Return the trial of so many participants."""
        return at_size(self.trial, size, analyses)


@dataclass(frozen=True)
class ControlsAlone:
    """The controls, beside an active arm that stays what it is.

    Parameters
    ----------
    trial : DeclaredTrial
        With a declared size.
    active : int
        Participants of the active arm.
    largest_trial : int
        No trial above is looked at.

    Examples
    --------
    >>> from trialsim.protocol.declared import read_trial
    >>> varied = ControlsAlone(read_trial("protocols/ordinal_recovery.toml"), 200, 50_000)
    >>> varied.information(200), varied.size_of(100.0), varied.size_of(200.0), varied.largest
    (100.0, 200.0, inf, 4000)
    """

    trial: DeclaredTrial
    active: int
    largest_trial: int
    noun: str = "controls"
    step: int = 1

    @property
    def largest(self) -> int:
        """20 controls for each active participant, or what the largest trial leaves."""
        return min(self.largest_trial - self.active, MOST_CONTROLS * self.active)

    @property
    def guess(self) -> int:
        """As many as there are active participants."""
        return self.active

    def information(self, size: float) -> float:
        """Return the harmonic size of the two arms, halved."""
        return size * self.active / (size + self.active)

    def size_of(self, information: float) -> float:
        """Return the controls with so much information."""
        left = self.active - information
        return information * self.active / left if left > 0 else math.inf

    def arms(self, size: float) -> tuple[float, float]:
        """Return the controls and the active participants."""
        return size, float(self.active)

    def at(self, size: int, analyses: tuple[AnalysisDeclared, ...] | None = None) -> DeclaredTrial:
        """Return the trial of so many controls."""
        return at_size(self.trial, size + self.active, analyses, allocation=(size, self.active))


def varied_of(trial: DeclaredTrial) -> Varied:
    """Return what a trial with ``[sizing]`` and a declared size asks for.

    Raises
    ------
    ProtocolError
        The largest trial leaves no room for a control.
    """
    asked = trial.sizing
    assert asked is not None
    if asked.vary == "participants":
        return WholeTrial(trial, asked.largest_trial)
    assert asked.active is not None
    if asked.active >= asked.largest_trial:
        raise ProtocolError(
            "leaves no room for controls", field="sizing.largest_trial", value=asked.largest_trial,
            mend="raise it above the active arm",
        )  # fmt: skip
    return ControlsAlone(trial, asked.active, asked.largest_trial)

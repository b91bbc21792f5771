"""Participants who were drawn one by one, and what is seen of them: all, or those known by a look."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trialsim.data import Bools, Estimates, Floats
from trialsim.protocol.declared import AnalysisDeclared, DeclaredTrial
from trialsim.registry import Seen, SeenVisits
from trialsim.study.declared.adjusting import adjusting_columns, scores_at_visits
from trialsim.study.declared.carried import carried
from trialsim.study.declared.drawing.people import Outcomes, People
from trialsim.study.declared.reading import held_against
from trialsim.study.declared.refusing import null_of, reader_of
from trialsim.trial.register import Register


@dataclass(frozen=True)
class Sample:
    """Drawn participants with their outcomes.

    Parameters
    ----------
    trial : DeclaredTrial
        The trial.
    people : People
        Entry, strata, arms.
    outcomes : Outcomes
        What was drawn.
    known : ndarray (R, N)
        Calendar month at which each outcome is known.
    register : Register, optional
        Whom they were recruited from.
    """

    trial: DeclaredTrial
    people: People
    outcomes: Outcomes
    known: Floats
    register: Register | None = None

    @property
    def sign(self) -> float:
        """1 where higher is better, else −1."""
        return self.trial.outcome.sign

    def read(self, analysis: AnalysisDeclared, seen: Bools | None = None) -> Estimates:
        """Return the estimates from everybody, or from those who are seen (R, N).

        Raises
        ------
        ProtocolError
            The analysis is none of this outcome's.
        """
        one = reader_of(self.trial, analysis)
        found = one.block(self.see(analysis, seen), analysis.settings_of(one))
        held = held_against(found, null_of(analysis, one), one.sign(self.sign))
        return replace(held, analysis=analysis.label)

    def see(self, analysis: AnalysisDeclared, known: Bools | None = None) -> Seen:
        """Return what an analysis sees of everybody, or of those who are known by a look (R, N)."""
        one = carried(self.trial)
        found = one.see(self.trial, self.people, self.outcomes, self.covariates(analysis), known)
        scores = scores_at_visits(analysis, self.register, self.people.rows)
        if scores is None or not isinstance(found, SeenVisits):
            return found
        return replace(found, scores=scores, beside_scores=self.covariates(analysis, matched=True))

    def values(self) -> Floats:
        """Return one number a participant (R, N), for a variance that needs no arms."""
        return carried(self.trial).value(self.outcomes)

    def covariates(self, analysis: AnalysisDeclared, matched: bool = False) -> Floats | None:
        """Return what an analysis adjusts for (R, N, P), without the score if that is matched to visits."""
        people = self.people
        return adjusting_columns(
            self.trial, analysis, people.levels, self.register, people.rows, matched=matched
        )

"""What ``trialsim twins`` is given: a protocol, its history, and the terms of its twins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from trialsim.data import History, OutcomeHistory
    from trialsim.prognosis import ModelTerms, Prognosis
    from trialsim.progress import Progress
    from trialsim.protocol.declared import DeclaredTrial


class Asked(NamedTuple):
    """A protocol and what its twins are learnt from.

    Parameters
    ----------
    trial : DeclaredTrial
        With learned or given twins.
    past : History or OutcomeHistory
        Past placebo participants with the covariates of the twins.
    terms : ModelTerms
        Terms of the twins.
    """

    trial: DeclaredTrial
    past: History | OutcomeHistory
    terms: ModelTerms

    @property
    def visits(self) -> History:
        """The history of a score at visits.

        Raises
        ------
        ProtocolError
            The endpoint is another.
        """
        from trialsim.data import History
        from trialsim.errors import ProtocolError

        if not isinstance(self.past, History):
            raise ProtocolError(
                "has one outcome a participant: nothing is seen of it before the end", field="endpoints.kind",
                value=self.trial.outcome.kind, mend="update the twins of a score at visits",
            )  # fmt: skip
        return self.past

    def fit(self, history: History, cache: Path, progress: Progress) -> Prognosis:
        """Return the model of a history of visits with the protocol's seed and terms."""
        from trialsim.prognosis import fit_prognosis

        return fit_prognosis(history, seed=self.trial.seed, terms=self.terms, cache=cache, progress=progress)


def ask(protocol: Path, history: Path | None) -> Asked:
    """Read a protocol and its history; the history is generated where the protocol says so."""
    from trialsim.protocol.declared import read_trial
    from trialsim.study.people.learning import learnt_of, past_of, terms_of

    trial = read_trial(protocol)
    past = learnt_of(trial, past_of(trial, protocol.parent, history))
    return Asked(trial, past, terms_of(trial))

"""What a site has answered so far and what that cost: a file of its own, which it sends to nobody."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from trialsim.analysis.federated.messages import FORMAT, Question, not_as_written, read_content
from trialsim.errors import AnalysisError
from trialsim.zcdp import zcdp_budget, zcdp_epsilon

_KIND = "ledger"


@dataclass(frozen=True)
class Entry:
    """One answer: to which question, at what cost, and the hash of what was said."""

    study: str
    round: int
    question: str
    rho: float
    said: str


@dataclass(frozen=True)
class Ledger:
    """All answers of one site from one set of people.

    Parameters
    ----------
    site : str
    epsilon, delta : float
        Budget of all noisy answers together; ε 0 where none is to be given.
    entries : tuple of Entry
        In the order in which they were given.

    Examples
    --------
    >>> Ledger("north", 2.0, 1e-6).in_words()
    'spent epsilon 0 of 2 at delta 1e-06 (rho 0 of 0.06757)'
    """

    site: str
    epsilon: float
    delta: float
    entries: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon < math.inf:
            raise AnalysisError("must be 0 or above", field="epsilon", value=self.epsilon)
        if not 0 < self.delta < 1:
            raise AnalysisError(
                "must be between 0 and 1", field="delta", value=self.delta, mend="use below 1/n"
            )

    @property
    def budget(self) -> float:
        """Return ρ that may be spent."""
        return zcdp_budget(self.epsilon, self.delta) if self.epsilon > 0 else 0.0

    @property
    def spent(self) -> float:
        """Return ρ that is spent: that of answers adds up."""
        return math.fsum(entry.rho for entry in self.entries)

    def in_words(self) -> str:
        """Return what was spent, and of how much."""
        epsilon = zcdp_epsilon(self.spent, self.delta)
        return (
            f"spent epsilon {epsilon:.3g} of {self.epsilon:g} at delta {self.delta:g} "
            f"(rho {self.spent:.4g} of {self.budget:.4g})"
        )

    def admit(self, question: Question, site: str) -> None:
        """Refuse a question whose answer would cost more than is left, or that was answered with noise.

        Raises
        ------
        AnalysisError
            That, or the ledger is that of another site.
        """
        if site != self.site:
            raise AnalysisError(
                "is that of another site", field="ledger", value=self.site, mend="give the ledger of your own"
            )
        if question.noise is None:
            return
        if any(entry.question == question.digest for entry in self.entries):
            raise AnalysisError(
                f"was answered already (round {question.round}): new noise would spend again, and tell more",
                field="question", mend="send the file again that was written then",
            )  # fmt: skip
        total = self.spent + question.noise.rho
        if total > self.budget * (1 + 1e-12):
            epsilon = zcdp_epsilon(total, self.delta)
            raise AnalysisError(
                f"would spend epsilon {epsilon:.3g} in all (rho {total:.4g}), and the budget is "
                f"{self.epsilon:g} at delta {self.delta:g} (rho {self.budget:.4g})", field="question",
                value=f"rho {question.noise.rho:g}", mend="answer no more from these people",
            )  # fmt: skip

    def with_answer(self, question: Question, said: str) -> Ledger:
        """Return the ledger with an answer, given as its text, which is not kept.

        Raises
        ------
        AnalysisError
            The same question was answered behind the same masks from other data: the difference of both
            answers would be seen by everybody.
        """
        digest = hashlib.sha256(said.encode()).hexdigest()
        for entry in self.entries:
            if entry.question == question.digest and entry.said == digest:
                return self
            if entry.question == question.digest:
                raise AnalysisError(
                    f"was answered from other data (round {question.round}): the same masks would show the "
                    f"difference", field="question", mend="have the question asked again with new keys",
                )  # fmt: skip
        rho = 0.0 if question.noise is None else question.noise.rho
        entry = Entry(question.study, question.round, question.digest, rho, digest)
        return replace(self, entries=(*self.entries, entry))

    def answered_with(self, question: Question) -> bool:
        """Return whether this round was answered before, with more sites."""
        return any(
            entry.study == question.study
            and entry.round == question.round
            and entry.question != question.digest
            for entry in self.entries
        )

    def to_json(self) -> str:
        """Return the ledger as text."""
        return json.dumps({"format": FORMAT, "kind": _KIND} | asdict(self), indent=1, allow_nan=False) + "\n"


def read_ledger(path: Path) -> Ledger:
    """Return a ledger from its file.

    Raises
    ------
    AnalysisError
        The file is none, or what it says does not go together.
    """
    content: dict[str, Any] = read_content(path, _KIND)
    try:
        entries = tuple(Entry(**entry) for entry in content["entries"])
        if not all(math.isfinite(entry.rho) and entry.rho >= 0 for entry in entries):
            raise ValueError("rho")
        return Ledger(content["site"], content["epsilon"], content["delta"], entries)
    except (KeyError, TypeError, ValueError, AnalysisError) as fault:
        raise not_as_written(path, _KIND, fault) from None

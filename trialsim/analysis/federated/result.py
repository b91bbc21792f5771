"""A model that was fitted without pooling, as it prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from trialsim.analysis.federated.blurred import in_own_units, noise_covariance
from trialsim.analysis.federated.messages import Question
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables
from trialsim.data import Floats
from trialsim.errors import AnalysisError


@dataclass(frozen=True)
class Total:
    """The sums over all sites, and the SD of the noise in each of them."""

    score: Floats
    information: Floats
    deviance: float
    participants: int
    left_out: int
    sites: pd.DataFrame
    noise: float


@dataclass(frozen=True, repr=False)
class FederatedResult(Printed):
    """A model that was fitted without pooling.

    Parameters
    ----------
    frame : DataFrame
        One row a coefficient: estimate, standard_error, z, p_value; with noise also without_noise, what the
        standard error would be without it.
    family : str
    sites : DataFrame
        One row a site; participants and those left out, where answers are neither masked nor noisy.
    rounds : int
        How many it took.
    participants : int
        Of all sites; with noise, as the sums tell it.
    privacy : str
        What the noise of all rounds cost at each site; empty without noise.
    """

    frame: pd.DataFrame
    family: str
    sites: pd.DataFrame
    rounds: int
    participants: int
    privacy: str = ""

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient."""
        return self.frame.copy()

    def _title(self) -> str:
        return f"{self.family.title()} model of {len(self.sites)} sites, without pooling"

    def _facts(self) -> Facts:
        about = "about " if self.privacy else ""
        facts = {"participants": f"{about}{self.participants}", "rounds": str(self.rounds)}
        return facts | ({"spent": self.privacy} if self.privacy else {})

    def _tables(self) -> Tables:
        return {"Coefficients": self.frame, "Sites": self.sites}

    def _notes(self) -> Sequence[str]:
        if not self.privacy:
            return ()
        ratio = self.frame["standard_error"] / self.frame["without_noise"]
        return (f"Noise makes standard errors {ratio.min():.2f} to {ratio.max():.2f} times as large.",)


def exact_result(question: Question, total: Total, root: Floats, kept: list[int]) -> FederatedResult:
    """Return the model whose score is 0, equal to that of the pooled data."""
    variance = np.diag(root)
    free = _free(total.participants, len(kept)) if question.family == "gaussian" else None
    if free is not None:
        variance = variance * total.deviance / free
    frame = _frame(question, kept, np.array(question.coefficients)[kept], np.sqrt(variance), free)
    return FederatedResult(frame, question.family, total.sites, question.round, total.participants)


def noisy_result(
    question: Question, total: Total, root: Floats, kept: list[int], coefficients: Floats
) -> FederatedResult:
    """Return the model of noisy sums: its errors are those of sampling and of noise together."""
    assert question.noise is not None
    sampling, free = root, None
    if question.family == "gaussian":
        free = _free(total.participants, len(kept))
        squares = total.deviance - float(total.score[kept] @ coefficients)
        if squares < 4 * total.noise * (1 + float(coefficients @ coefficients)):
            raise AnalysisError(
                f"has residuals that noise drowns: squares of {squares:.3g}, noise {total.noise:.3g}",
                field=question.outcome, mend="have more people, a larger rho, narrower bounds, or masks",
            )  # fmt: skip
        sampling = root * squares / free
    of_noise = noise_covariance(question.family, root, coefficients, total.noise**2)
    estimate, both = in_own_units(question, coefficients, sampling + of_noise)
    _, alone = in_own_units(question, coefficients, sampling)
    frame = _frame(question, kept, estimate, np.sqrt(np.diag(both)), free)
    frame.insert(3, "without_noise", np.sqrt(np.diag(alone)))
    spent = question.noise.spent(question.round)
    return FederatedResult(frame, question.family, total.sites, question.round, total.participants, spent)


def _free(people: int, coefficients: int) -> int:
    if people - coefficients < 1:
        raise AnalysisError("leaves no degree of freedom", field="covariates", value=coefficients)
    return people - coefficients


def _frame(
    question: Question, kept: list[int], estimate: Floats, error: Floats, free: int | None
) -> pd.DataFrame:
    z = estimate / error
    p = 2 * special.ndtr(-np.abs(z)) if free is None else 2 * special.stdtr(free, -np.abs(z))
    return pd.DataFrame(
        {
            "coefficient": [question.names[k] for k in kept],
            "estimate": estimate,
            "standard_error": error,
            "z": z,
            "p_value": p,
        }
    )

"""From the sites' answers to the next question, or to the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from trialsim.analysis.federated.messages import Answer, Question
from trialsim.analysis.one_trial.printed import Facts, Printed, Tables
from trialsim.data import Floats
from trialsim.errors import AnalysisError

# Of the score in standard errors: what is left is far below any digit that is printed.
_TOLERANCE = 1e-9
MOST_ROUNDS = 25


@dataclass(frozen=True, repr=False)
class FederatedResult(Printed):
    """A model that was fitted without pooling.

    Parameters
    ----------
    frame : DataFrame
        One row a coefficient: estimate, standard_error, z, p_value.
    family : str
    sites : DataFrame
        One row a site: participants, and those left out.
    rounds : int
        How many it took.
    """

    frame: pd.DataFrame
    family: str
    sites: pd.DataFrame
    rounds: int

    def to_frame(self) -> pd.DataFrame:
        """Return one row a coefficient."""
        return self.frame.copy()

    def _title(self) -> str:
        return f"{self.family.title()} model of {len(self.sites)} sites, without pooling"

    def _facts(self) -> Facts:
        return {"participants": str(int(self.sites["participants"].sum())), "rounds": str(self.rounds)}

    def _tables(self) -> Tables:
        return {"Coefficients": self.frame, "Sites": self.sites}


def combine(
    question: Question, answers: Sequence[Answer], without: Sequence[str] = ()
) -> Question | FederatedResult:
    """Return the model, or the question of the next round.

    Parameters
    ----------
    question : Question
        That was asked.
    answers : sequence of Answer
        One a site, in any order.
    without : sequence of str
        Sites that are left out on purpose; with site effects all rounds must leave out the same.

    Returns
    -------
    Question or FederatedResult
        Newton's step on the summed score and information; the result once the score is below 1e-9 standard
        errors. It equals the fit of the pooled data.

    Raises
    ------
    AnalysisError
        A site has not answered, answers another question or twice, or the sum cannot be solved.

    Examples
    --------
    >>> from trialsim.analysis.federated import answer, ask
    >>> data = pd.DataFrame({"y": np.arange(20.0)})
    >>> first = ask("gaussian", "y", [], ["north"])
    >>> second = combine(first, [answer(first, data, "north")])
    >>> combine(second, [answer(second, data, "north")]).frame["estimate"].round(6).tolist()
    [9.5]
    """
    _check(question, answers, without)
    ordered = sorted(answers, key=lambda one: question.sites.index(one.site))
    score = np.sum([one.score for one in ordered], axis=0)
    information = np.sum([one.information for one in ordered], axis=0)
    kept = _kept(question, without)
    root = _inverse(information[np.ix_(kept, kept)], [question.names[k] for k in kept])
    step = np.zeros(len(score))
    step[kept] = root @ score[kept]
    scaled = np.abs(step[kept]) / np.sqrt(np.diag(root))
    if scaled.max() < _TOLERANCE or (question.family == "gaussian" and question.round > 1):
        return _result(question, ordered, root, kept)
    if question.round >= MOST_ROUNDS:
        farthest = kept[int(np.abs(step[kept] * np.sqrt(np.diag(information)[kept])).argmax())]
        raise AnalysisError(
            f"grows without bound in {MOST_ROUNDS} rounds: it tells the outcome completely",
            field=question.names[farthest], mend="leave it out",
        )  # fmt: skip
    if question.family != "gaussian":
        # The linear predictor moves by at most 2 in the mean, whatever the units: rates stay within number.
        step = step * min(1.0, 2.0 / float(np.sqrt(step @ information @ step / information[0, 0])))
    return question.at([float(one) for one in np.array(question.coefficients) + step])


def _check(question: Question, answers: Sequence[Answer], without: Sequence[str]) -> None:
    strangers = [site for site in without if site not in question.sites]
    if strangers:
        raise AnalysisError("was not asked", field="without", value=strangers[0])
    given = [one.site for one in answers]
    for one in answers:
        if one.site not in question.sites or one.study != question.study:
            raise AnalysisError(
                "answers another question", field=f"site {one.site}", value=one.study,
                mend="send it this question again",
            )  # fmt: skip
        if one.round != question.round:
            raise AnalysisError(
                f"answers round {one.round}, and this is round {question.round}", field=f"site {one.site}",
                mend="send it the question of this round",
            )  # fmt: skip
        if given.count(one.site) > 1:
            raise AnalysisError("answers twice", field=f"site {one.site}", mend="give one of its answers")
        if one.site in without:
            raise AnalysisError("has answered, and is left out", field="without", value=one.site)
        if len(one.score) != len(question.names):
            raise AnalysisError("answers with another number of coefficients", field=f"site {one.site}")
    late = [site for site in question.sites if site not in given and site not in without]
    if late:
        raise AnalysisError(
            f"has not answered: {', '.join(late)}", field="sites",
            mend="wait for it, or leave it out by --without",
        )  # fmt: skip


def _kept(question: Question, without: Sequence[str]) -> list[int]:
    gone = {f"site {site}" for site in without}
    if question.site_effects and question.sites[0] in without:
        # The first site has the constant itself: the next one takes its place.
        rest = [site for site in question.sites if site not in without]
        gone |= {f"site {rest[0]}"} if rest else set()
    return [place for place, name in enumerate(question.names) if name not in gone]


def _inverse(information: Floats, names: list[str]) -> Floats:
    scale = np.sqrt(np.where(np.diag(information) > 0, np.diag(information), 1.0))
    scaled = information / np.outer(scale, scale)
    if not np.isfinite(scaled).all() or np.linalg.cond(scaled) > 1e12:
        weakest = np.abs(np.linalg.eigh(scaled)[1][:, 0]).argmax()
        raise AnalysisError(
            "cannot be told from the others", field=names[int(weakest)], mend="leave the column out"
        )
    return np.asarray(np.linalg.inv(scaled) / np.outer(scale, scale))


def _result(question: Question, answers: Sequence[Answer], root: Floats, kept: list[int]) -> FederatedResult:
    people = sum(one.participants for one in answers)
    variance = np.diag(root)
    if question.family == "gaussian":
        free = people - len(kept)
        if free < 1:
            raise AnalysisError("leaves no degree of freedom", field="covariates", value=len(kept))
        variance = variance * sum(one.deviance for one in answers) / free
    estimate = np.array(question.coefficients)[kept]
    z = estimate / np.sqrt(variance)
    p = (
        2 * special.stdtr(people - len(kept), -np.abs(z))
        if question.family == "gaussian"
        else 2 * special.ndtr(-np.abs(z))
    )
    frame = pd.DataFrame(
        {
            "coefficient": [question.names[k] for k in kept],
            "estimate": estimate,
            "standard_error": np.sqrt(variance),
            "z": z,
            "p_value": p,
        }
    )
    sites = pd.DataFrame(
        {
            "site": [one.site for one in answers],
            "participants": [one.participants for one in answers],
            "left_out": [one.left_out for one in answers],
        }
    )
    return FederatedResult(frame, question.family, sites, question.round)

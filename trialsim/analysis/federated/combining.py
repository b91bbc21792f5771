"""From the sites' answers to the next question, or to the model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from trialsim.analysis.federated.blurred import noise_of
from trialsim.analysis.federated.masks import unmask
from trialsim.analysis.federated.messages import Answer, MaskedAnswer, Question
from trialsim.analysis.federated.result import FederatedResult, Total, exact_result, noisy_result
from trialsim.data import Floats
from trialsim.errors import AnalysisError

# Of the score in standard errors: what is left is far below any digit that is printed.
_TOLERANCE = 1e-9
MOST_ROUNDS = 25


def combine(
    question: Question, answers: Sequence[Answer | MaskedAnswer], without: Sequence[str] = ()
) -> Question | FederatedResult:
    """Return the model, or the question of the next round.

    Parameters
    ----------
    question : Question
        That was asked.
    answers : sequence of Answer or MaskedAnswer
        One a site, in any order; masked where the question has keys.
    without : sequence of str
        Sites that are left out on purpose; with site effects all rounds must leave out the same. Masked
        rounds are asked again instead, by `Question.again_without`.

    Returns
    -------
    Question or FederatedResult
        Newton's step on the summed score and information; the result once the score is below 1e-9 standard
        errors. It equals the fit of the pooled data. With noise the result comes after the rounds that the
        question says, and its errors hold the noise.

    Raises
    ------
    AnalysisError
        A site has not answered, answers another question or twice, the sum cannot be solved, or noise is not
        small beside it.

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
    total = _total(question, ordered)
    kept = _kept(question, [*without, *question.absent])
    inner = total.information[np.ix_(kept, kept)]
    names = [question.names[k] for k in kept]
    if question.noise is not None:
        _refuse_drowned(inner, total.noise, names)
    root = _inverse(inner, names)
    step = np.zeros(len(total.score))
    step[kept] = root @ total.score[kept]
    if question.noise is not None and question.round == question.noise.rounds:
        return noisy_result(question, total, root, kept, np.array(question.coefficients)[kept] + step[kept])
    if question.noise is None:
        scaled = np.abs(step[kept]) / np.sqrt(np.diag(root))
        if scaled.max() < _TOLERANCE or (question.family == "gaussian" and question.round > 1):
            return exact_result(question, total, root, kept)
        if question.round >= MOST_ROUNDS:
            farthest = kept[int(np.abs(step[kept] * np.sqrt(np.diag(total.information)[kept])).argmax())]
            raise AnalysisError(
                f"grows without bound in {MOST_ROUNDS} rounds: it tells the outcome completely",
                field=question.names[farthest], mend="leave it out",
            )  # fmt: skip
    if question.family != "gaussian":
        # The linear predictor moves by at most 2 in the mean, whatever the units: rates stay within number.
        moved = float(np.sqrt(step @ total.information @ step / total.information[0, 0]))
        step = step * min(1.0, 2.0 / moved) if moved > 0 else step
    return question.at([float(one) for one in np.array(question.coefficients) + step])


def _total(question: Question, answers: Sequence[Answer | MaskedAnswer]) -> Total:
    """Return the sums over all sites, with each site's number of people where it is told."""
    if question.masked:
        whole = unmask(question, [one for one in answers if isinstance(one, MaskedAnswer)])
        sites = pd.DataFrame({"site": [one.site for one in answers]})
        return Total(
            np.array(whole.score), np.array(whole.information), whole.deviance, whole.participants,
            whole.left_out, sites, noise_of(question) if question.noise is not None else 0.0,
        )  # fmt: skip
    open_ = [one for one in answers if isinstance(one, Answer)]
    columns = {
        "site": [one.site for one in open_],
        "participants": [one.participants for one in open_],
        "left_out": [one.left_out for one in open_],
    }
    noise = 0.0 if question.noise is None else noise_of(question) * math.sqrt(len(open_))
    if question.noise is not None:
        del columns["left_out"]
    return Total(
        np.sum([one.score for one in open_], axis=0), np.sum([one.information for one in open_], axis=0),
        sum(one.deviance for one in open_), sum(one.participants for one in open_),
        sum(one.left_out for one in open_), pd.DataFrame(columns), noise,
    )  # fmt: skip


def _refuse_drowned(information: Floats, noise: float, names: list[str]) -> None:
    """Refuse sums that noise may turn around: their symmetric noise has a norm of about 2 s √K."""
    values, vectors = np.linalg.eigh(information)
    if values[0] < 4 * noise * math.sqrt(len(names)):
        raise AnalysisError(
            f"is drowned by noise: its weakest sum is {values[0]:.3g}, the noise {noise:.3g}",
            field=names[int(np.abs(vectors[:, 0]).argmax())],
            mend="have more people or a larger rho, narrower bounds, masks (less noise), or fewer columns",
        )  # fmt: skip


def _check(question: Question, answers: Sequence[Answer | MaskedAnswer], without: Sequence[str]) -> None:
    strangers = [site for site in without if site not in question.sites]
    if strangers:
        raise AnalysisError("was not asked", field="without", value=strangers[0])
    if question.masked and without:
        raise AnalysisError(
            "leaves masks that do not cancel", field="without", value=", ".join(without),
            mend="ask this round again without it: trialsim federate again --without",
        )  # fmt: skip
    given = [one.site for one in answers]
    for one in answers:
        _check_one(question, one)
        if given.count(one.site) > 1:
            raise AnalysisError("answers twice", field=f"site {one.site}", mend="give one of its answers")
        if one.site in without:
            raise AnalysisError("has answered, and is left out", field="without", value=one.site)
    late = [site for site in question.present if site not in given and site not in without]
    if late:
        raise AnalysisError(
            f"has not answered: {', '.join(late)}", field="sites",
            mend="wait for it, or ask this round again without it: trialsim federate again --without"
            if question.masked else "wait for it, or leave it out by --without",
        )  # fmt: skip


def _check_one(question: Question, one: Answer | MaskedAnswer) -> None:
    """Refuse an answer to anything but this question."""
    field = f"site {one.site}"
    if one.site not in question.sites or one.study != question.study:
        raise AnalysisError(
            "answers another question", field=field, value=one.study, mend="send it this question again"
        )
    if one.round != question.round:
        raise AnalysisError(
            f"answers round {one.round}, and this is round {question.round}", field=field,
            mend="send it the question of this round",
        )  # fmt: skip
    if isinstance(one, MaskedAnswer) != question.masked:
        raise AnalysisError("answers without masks" if question.masked else "answers with masks", field=field)
    if one.site in question.absent:
        raise AnalysisError(
            "is late: this round was asked again without it", field=field, mend="delete its answer, unread"
        )
    if isinstance(one, MaskedAnswer) and one.question != question.digest:
        raise AnalysisError(
            "answers this round with other sites or coefficients", field=field,
            mend="send it this question again",
        )  # fmt: skip
    if isinstance(one, Answer) and len(one.score) != len(question.names):
        raise AnalysisError("answers with another number of coefficients", field=field)


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

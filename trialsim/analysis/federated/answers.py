"""A site's answer: sums over its people, refused where they could tell somebody alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit, gammaln

from trialsim.analysis.federated.blurred import blurred_sums, scaled_values
from trialsim.analysis.federated.messages import SMALLEST_CELL, Answer, Question
from trialsim.analysis.one_trial.tidy_frame import check_roles, read_numbers
from trialsim.data import Bools, Floats
from trialsim.errors import AnalysisError

# A column of more values than this is a measurement, not a category.
_MOST_LEVELS = 10


def answer(question: Question, data: pd.DataFrame, site: str) -> Answer:
    """Return what a site says in one round.

    Parameters
    ----------
    question : Question
        Of the coordinator.
    data : DataFrame
        The site's own people, one a row.
    site : str
        Its name, one of those asked.

    Returns
    -------
    Answer
        At the coefficients β that are asked: the score Σ x (y − μ), the information Σ x x' v, and the
        deviance, with μ the model's mean and v its variance (1 for a Gaussian model). Where the question asks
        for noise: of scaled columns, with noise; and the number of people too.

    Raises
    ------
    AnalysisError
        The site was not asked, a column cannot be used, or a sum would be over fewer than 11 people: all of
        them, those with or without an event, those with one value of a column of at most 10 values (of a
        column of more: those without its commonest value), each of these with and without an event, or
        those with two such values.

    Examples
    --------
    >>> from trialsim.analysis.federated import ask
    >>> data = pd.DataFrame({"y": np.arange(20.0)})
    >>> answer(ask("gaussian", "y", [], ["north"]), data, "north").score
    (190.0,)
    """
    if site not in question.sites:
        raise AnalysisError(
            "was not asked", field="site", value=site, mend=f"use one of {', '.join(question.sites)}"
        )
    further = [] if question.exposure is None else [question.exposure]
    columns = [question.outcome, *question.covariates, *further]
    check_roles(data, columns)
    whole = data[columns].notna().all(axis=1).to_numpy()
    values = {name: read_numbers(data.loc[whole], name) for name in columns}
    y = values[question.outcome]
    t = values[question.exposure] if question.exposure is not None else np.ones(len(y))
    _refuse_small(question, values, y, t)
    if question.noise is not None:
        values = scaled_values(question.noise, values)
        return blurred_sums(question, values[question.outcome], _design(question, values, len(y), site), site)
    x = _design(question, values, len(y), site)
    score, information, deviance = _sums(question.family, y, x, t, np.array(question.coefficients))
    return Answer(
        site, question.study, question.round, len(y), int((~whole).sum()), tuple(score.tolist()),
        tuple(tuple(row) for row in information.tolist()), deviance,
    )  # fmt: skip


def _design(question: Question, values: dict[str, Floats], people: int, site: str) -> Floats:
    own = (
        [np.full(people, float(site == other)) for other in question.sites[1:]]
        if question.site_effects
        else []
    )
    return np.column_stack([np.ones(people), *(values[name] for name in question.covariates), *own])


def _refuse_small(question: Question, values: dict[str, Floats], y: Floats, t: Floats) -> None:
    """Refuse sums of few people, of a rare value, or of a rare pair of values."""
    if len(y) < SMALLEST_CELL:
        raise _few("participants", len(y), "people with every value")
    if question.family == "logistic" and not np.isin(y, (0.0, 1.0)).all():
        raise AnalysisError("must hold 0 and 1", field=question.outcome)
    if question.family == "poisson":
        if ((y < 0) | (y != np.round(y))).any():
            raise AnalysisError("must hold whole numbers from 0", field=question.outcome)
        if not (t > 0).all():
            raise AnalysisError("must be above 0", field=str(question.exposure))
    levels = {name: _levels(values[name]) for name in question.covariates}
    for name in question.covariates:
        _refuse_rare(name, levels[name])
    had = y > 0 if question.family in ("logistic", "poisson") else None
    if had is not None:
        for value, what in ((had, "people with an event"), (~had, "people without one")):
            if value.sum() < SMALLEST_CELL:
                raise _few(question.outcome, int(value.sum()), what)
    _refuse_rare_pairs(levels, had)


def _few(field: str, number: int, what: str) -> AnalysisError:
    return AnalysisError(
        f"has {number} {what}, fewer than {SMALLEST_CELL}: a sum would tell about single people",
        field=field, mend="leave the site or the column out, or join levels",
    )  # fmt: skip


def _levels(column: Floats) -> list[Bools]:
    """Return who has each value, or, of a column of many values, who does not have the commonest."""
    values, counts = np.unique(column, return_counts=True)
    if len(values) <= _MOST_LEVELS:
        return [column == value for value in values]
    return [column != values[counts.argmax()]]


def _refuse_rare(name: str, levels: list[Bools]) -> None:
    """Refuse a column in which a value, or all that is not the commonest one, is that of few."""
    fewest = min(int(level.sum()) for level in levels)
    if fewest < SMALLEST_CELL:
        raise _few(name, fewest, "people with a value that the others do not have")


def _refuse_rare_pairs(levels: dict[str, list[Bools]], had: Bools | None) -> None:
    """Refuse two columns, or a column and the outcome, whose values meet in few people."""
    named = [(name, level) for name, own in levels.items() for level in own]
    if had is not None:
        for name, level in named:
            for value, what in ((had, "with an event"), (~had, "without one")):
                number = int((level & value).sum())
                if number < SMALLEST_CELL:
                    raise _few(name, number, f"people of one value {what}")
    for place, (name, level) in enumerate(named):
        for other, another in named[:place]:
            number = int((level & another).sum())
            if other != name and 0 < number < SMALLEST_CELL:
                raise _few(name, number, f"people of one value who also have one of {other}")


def _sums(family: str, y: Floats, x: Floats, t: Floats, beta: Floats) -> tuple[Floats, Floats, float]:
    """Return score, information and deviance at coefficients."""
    eta = x @ beta
    if family == "gaussian":
        mean, weight = eta, np.ones(len(y))
        deviance = float(np.square(y - mean).sum())
    elif family == "logistic":
        mean = expit(eta)
        weight = mean * (1 - mean)
        deviance = 2 * float((np.logaddexp(0.0, eta) - y * eta).sum())
    elif family == "poisson":
        # A step too far makes rates beyond number: they are held where the next step is halved.
        mean = t * np.exp(np.minimum(eta, 300.0))
        weight = mean
        deviance = 2 * float((mean - y * (eta + np.log(t)) + gammaln(y + 1)).sum())
    else:
        raise AnalysisError("is not served", field="family", value=family)
    return x.T @ (y - mean), (x * weight[:, None]).T @ x, deviance

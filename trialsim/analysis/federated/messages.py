"""What coordinator and sites send each other: small files that a person can read, and carry by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from trialsim.errors import AnalysisError

FORMAT = "trialsim.federation/1"
FAMILIES = ("gaussian", "logistic", "poisson")
# Fewer people than this could be told from a sum: US federal practice for small cells.
SMALLEST_CELL = 11
LARGEST_FILE = 4 * 2**20
Message = TypeVar("Message", "Question", "Answer")


@dataclass(frozen=True)
class Question:
    """What the coordinator asks each site in one round.

    Parameters
    ----------
    family : {"gaussian", "logistic", "poisson"}
        Of the model; links are the identity, the logit and the log.
    outcome : str
        Column of the outcome.
    covariates : tuple of str
        Columns of numbers, in their order; a constant comes first by itself.
    exposure : str or None
        Column of the follow-up of a Poisson model.
    sites : tuple of str
        Everybody who is asked. With more than one each site but the first has a constant of its own where
        `site_effects`.
    site_effects : bool
    coefficients : tuple of float
        At which score and information are wanted, the constant first, those of the sites last.
    round : int
        From 1.
    """

    family: str
    outcome: str
    covariates: tuple[str, ...]
    exposure: str | None
    sites: tuple[str, ...]
    site_effects: bool
    coefficients: tuple[float, ...]
    round: int = 1

    @property
    def names(self) -> list[str]:
        """Names of the coefficients."""
        own = [f"site {site}" for site in self.sites[1:]] if self.site_effects else []
        return ["constant", *self.covariates, *own]

    @property
    def study(self) -> str:
        """Hash of the model, which every round and every answer must share."""
        said = {key: value for key, value in asdict(self).items() if key not in ("coefficients", "round")}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    def at(self, coefficients: Sequence[float]) -> Question:
        """Return the question of the next round."""
        return replace(self, coefficients=tuple(float(one) for one in coefficients), round=self.round + 1)


@dataclass(frozen=True)
class Answer:
    """What one site says of its people in one round: sums over all of them, and of nobody alone.

    Parameters
    ----------
    site, study, round : str, str, int
        Who answers what.
    participants : int
        With outcome and all covariates.
    left_out : int
        Without.
    score : tuple of float (K,)
        Sum of the derivatives of the log likelihood.
    information : tuple of tuple of float (K, K)
        Sum of the weighted products of the covariates.
    deviance : float
        Sum of squares of a Gaussian model, else minus twice the log likelihood.
    """

    site: str
    study: str
    round: int
    participants: int
    left_out: int
    score: tuple[float, ...]
    information: tuple[tuple[float, ...], ...]
    deviance: float


def ask(
    family: str,
    outcome: str,
    covariates: Sequence[str],
    sites: Sequence[str],
    *,
    exposure: str | None = None,
    site_effects: bool = True,
) -> Question:
    """Return the question of the first round.

    Parameters
    ----------
    family : {"gaussian", "logistic", "poisson"}
    outcome : str
    covariates : sequence of str
        Columns of numbers that each site has; code a category by columns of 0 and 1.
    sites : sequence of str
        Names of the sites, each once.
    exposure : str, optional
        Follow-up of a Poisson model, above 0.
    site_effects : bool
        Whether each site but the first has a constant of its own.

    Returns
    -------
    Question
        All coefficients 0.

    Raises
    ------
    AnalysisError
        A name is not one that is served, or stands twice.

    Examples
    --------
    >>> ask("logistic", "died", ["age"], ["north", "south"]).names
    ['constant', 'age', 'site south']
    """
    if family not in FAMILIES:
        raise AnalysisError(f"must be one of {', '.join(FAMILIES)}", field="family", value=family)
    if exposure is not None and family != "poisson":
        raise AnalysisError("is that of a Poisson model alone", field="exposure", value=exposure)
    for field, names in (("covariates", [outcome, *covariates]), ("sites", list(sites))):
        twice = [name for place, name in enumerate(names) if name in names[:place] or not name]
        if twice:
            raise AnalysisError("must be all different, and not empty", field=field, value=twice[0])
    if not sites:
        raise AnalysisError("are needed", field="sites", mend="name every site that answers")
    question = Question(family, outcome, tuple(covariates), exposure, tuple(sites), site_effects, ())
    return replace(question, coefficients=(0.0,) * len(question.names))


def to_json(message: Question | Answer) -> str:
    """Return a message as text, with what it is of."""
    kind = {Question: "question", Answer: "answer"}[type(message)]
    head: dict[str, Any] = {"format": FORMAT, "kind": kind}
    if isinstance(message, Question):
        head |= {"study": message.study, "names": message.names}
    return json.dumps(head | asdict(message), indent=1, allow_nan=False) + "\n"


def read_message(path: Path, kind: type[Message]) -> Message:
    """Return a message from its file.

    Raises
    ------
    AnalysisError
        The file is none, is of another kind, or what it says does not go together.
    """
    wanted = {Question: "question", Answer: "answer"}[kind]
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise AnalysisError(f"has more than {LARGEST_FILE:,} bytes", file=path)
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["kind"] != wanted:
            raise AnalysisError(f"is no {wanted} of {FORMAT}", file=path, mend="give the file that was sent")
        known = {name: content[name] for name in kind.__dataclass_fields__}
        message = kind(**{name: _frozen(value) for name, value in known.items()})
        _check(message, content)
    except OSError as fault:
        raise AnalysisError(f"cannot be read ({fault.strerror})", file=path) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise AnalysisError(
            f"is no {wanted} as it was written ({type(fault).__name__})", file=path,
            mend="send the file again as it was written",
        ) from None  # fmt: skip
    return message


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def _check(message: Question | Answer, content: dict[str, Any]) -> None:
    """Raise ValueError unless a message goes together."""
    if isinstance(message, Question):
        numbers = np.array(message.coefficients, dtype=np.float64)
        if message.family not in FAMILIES or content["study"] != message.study:
            raise ValueError("changed")
        wanted: tuple[int, ...] = (len(message.names),)
    else:
        numbers = np.array(message.information, dtype=np.float64)
        K = len(message.score)
        wanted = (K, K)
        if not np.isfinite(np.array([*message.score, message.deviance], dtype=np.float64)).all():
            raise ValueError("not finite")
        if message.participants < 0 or message.left_out < 0:
            raise ValueError("negative")
    if numbers.shape != wanted or not np.isfinite(numbers).all():
        raise ValueError("shape")

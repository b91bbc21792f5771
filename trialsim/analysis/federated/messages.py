"""What coordinator and sites send each other: small files that a person can read, and carry by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from trialsim.analysis.federated.noise import Noise
from trialsim.errors import AnalysisError

FORMAT = "trialsim.federation/2"
FAMILIES = ("gaussian", "logistic", "poisson")
# Fewer people than this could be told from a sum: US federal practice for small cells.
SMALLEST_CELL = 11
# Of two sites that are masked, each can take its own sum from the whole.
FEWEST_MASKED = 3
LARGEST_FILE = 4 * 2**20
_KEY_DIGITS = 64
_WORD_DIGITS = 32


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
    keys : tuple of (str, str)
        Site and public key (X25519, 64 hexadecimal digits) of each site, where answers are masked.
    absent : tuple of str
        Sites that masked answers of this round do without.
    noise : Noise, optional
        What answers are blurred by; coefficients are then those of covariates that are scaled by its bounds.
    """

    family: str
    outcome: str
    covariates: tuple[str, ...]
    exposure: str | None
    sites: tuple[str, ...]
    site_effects: bool
    coefficients: tuple[float, ...]
    round: int = 1
    keys: tuple[tuple[str, str], ...] = ()
    absent: tuple[str, ...] = ()
    noise: Noise | None = None

    @property
    def names(self) -> list[str]:
        """Names of the coefficients."""
        own = [f"site {site}" for site in self.sites[1:]] if self.site_effects else []
        return ["constant", *self.covariates, *own]

    @property
    def study(self) -> str:
        """Hash of the model, which every round and every answer must share."""
        of_round = ("coefficients", "round", "absent")
        said = {key: value for key, value in asdict(self).items() if key not in of_round}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def digest(self) -> str:
        """Hash of everything that is asked: no two questions share a mask."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def masked(self) -> bool:
        """Whether answers are masked."""
        return bool(self.keys)

    @property
    def present(self) -> tuple[str, ...]:
        """Sites whose masked answers are awaited."""
        return tuple(site for site in self.sites if site not in self.absent)

    def at(self, coefficients: Sequence[float]) -> Question:
        """Return the question of the next round."""
        return replace(self, coefficients=tuple(float(one) for one in coefficients), round=self.round + 1)

    def again_without(self, absent: Sequence[str]) -> Question:
        """Return the question of this round without some sites, whose masks would not cancel.

        Raises
        ------
        AnalysisError
            Answers are not masked, a site was not asked, or fewer than 3 sites remain.
        """
        if not self.masked:
            raise AnalysisError("has no masks", field="question", mend="use combine --without")
        for site in absent:
            if site not in self.present:
                raise AnalysisError("was not asked", field="without", value=site)
        found = replace(self, absent=tuple(site for site in self.sites if site in {*self.absent, *absent}))
        if len(found.present) < FEWEST_MASKED:
            raise AnalysisError(
                f"masks need at least {FEWEST_MASKED} sites that answer",
                field="without", value=", ".join(absent), mend="wait for another site",
            )  # fmt: skip
        return found

    def check(self, content: dict[str, Any]) -> None:
        """Raise ValueError unless all that was read goes together."""
        if self.family not in FAMILIES or content["study"] != self.study:
            raise ValueError("changed")
        _require_numbers(self.coefficients, (len(self.names),))
        if self.masked and tuple(site for site, _ in self.keys) != self.sites:
            raise ValueError("keys")
        for _, key in self.keys:
            _require_digits(key, _KEY_DIGITS)
        if any(site not in self.sites for site in self.absent) or (self.absent and not self.masked):
            raise ValueError("absent")
        if self.masked and len(self.present) < FEWEST_MASKED:
            raise ValueError("few")
        if self.noise is not None:
            self.noise.check(self.noise_columns())

    def noise_columns(self) -> list[str]:
        """Return the columns that need bounds."""
        return [*self.covariates, *([self.outcome] if self.family == "gaussian" else [])]


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

    def check(self, content: dict[str, Any]) -> None:
        """Raise ValueError unless all that was read goes together."""
        K = len(self.score)
        _require_numbers(self.information, (K, K))
        _require_numbers((*self.score, self.deviance), (K + 1,))
        if self.participants < 0 or self.left_out < 0:
            raise ValueError("negative")


@dataclass(frozen=True)
class MaskedAnswer:
    """The same behind masks: alone it says nothing; the sum over all sites is that of their answers.

    Parameters
    ----------
    site, study, round : str, str, int
        Who answers what.
    question : str
        Digest of the question, with the sites that it does without.
    words : tuple of str (L,)
        128-bit numbers as 32 hexadecimal digits: participants, those left out, score, upper triangle of the
        information, deviance.
    """

    site: str
    study: str
    round: int
    question: str
    words: tuple[str, ...]

    def check(self, content: dict[str, Any]) -> None:
        """Raise ValueError unless all that was read goes together."""
        for word in self.words:
            _require_digits(word, _WORD_DIGITS)


@dataclass(frozen=True)
class PublicKey:
    """The key by which other sites make the mask that they share with one; nothing in it is secret.

    Parameters
    ----------
    site : str
    key : str
        X25519, 64 hexadecimal digits.
    """

    site: str
    key: str

    def check(self, content: dict[str, Any]) -> None:
        """Raise ValueError unless all that was read goes together."""
        _require_digits(self.key, _KEY_DIGITS)
        if not isinstance(self.site, str) or not self.site:
            raise ValueError("site")


Message = TypeVar("Message", Question, Answer, MaskedAnswer, PublicKey)
_KINDS: dict[type, str] = {
    Question: "question", Answer: "answer", MaskedAnswer: "masked answer", PublicKey: "public key"
}  # fmt: skip


def to_json(message: Question | Answer | MaskedAnswer | PublicKey) -> str:
    """Return a message as text, with what it is of."""
    head: dict[str, Any] = {"format": FORMAT, "kind": _KINDS[type(message)]}
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
    wanted = _KINDS[kind]
    content = read_content(path, wanted)
    try:
        known = {name: _frozen(content[name]) for name in kind.__dataclass_fields__}
        if kind is Question and known["noise"] is not None:
            known["noise"] = Noise(**{name: _frozen(value) for name, value in known["noise"].items()})
        message = kind(**known)
        message.check(content)
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise not_as_written(path, wanted, fault) from None
    return message


def read_content(path: Path, wanted: str) -> dict[str, Any]:
    """Return what a JSON file of this format and kind holds."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise AnalysisError(f"has more than {LARGEST_FILE:,} bytes", file=path)
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["kind"] != wanted:
            raise AnalysisError(f"is no {wanted} of {FORMAT}", file=path, mend="give the file that was sent")
    except OSError as fault:
        raise AnalysisError(f"cannot be read ({fault.strerror})", file=path) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise not_as_written(path, wanted, fault) from None
    return dict(content)


def not_as_written(path: Path, wanted: str, fault: Exception) -> AnalysisError:
    """Return the refusal of a file whose content does not go together."""
    return AnalysisError(
        f"is no {wanted} as it was written ({type(fault).__name__})", file=path,
        mend="send the file again as it was written",
    )  # fmt: skip


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def _require_numbers(values: Any, shape: tuple[int, ...]) -> None:
    numbers = np.array(values, dtype=np.float64)
    if numbers.shape != shape or not np.isfinite(numbers).all():
        raise ValueError("numbers")


def _require_digits(text: str, number: int) -> None:
    if len(text) != number or set(text) - set("0123456789abcdef"):
        raise ValueError("digits")

"""Masks that each pair of sites shares, and that cancel in the sum of all sites.

Bonawitz et al. 2017, without recovery: where a site does not answer, the round is asked again without it.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trialsim.analysis.federated.messages import Answer, MaskedAnswer, PublicKey, Question
from trialsim.errors import AnalysisError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

WORD_BITS = 128
# Numbers are rounded to 2^-60, 9e-19, and sums must stay below 2^67, 1.5e20.
FRACTION_BITS = 60
_MODULUS = 1 << WORD_BITS
_LARGEST = 2.0 ** (WORD_BITS - 1 - FRACTION_BITS)
_MOST_KEY_BYTES = 64 * 1024


def new_key(site: str) -> tuple[bytes, PublicKey]:
    """Return a new private key, as PEM, and the public key that the other sites get.

    Parameters
    ----------
    site : str
        As the question will name it.

    Returns
    -------
    (bytes, PublicKey)
        The first stays at the site.

    Raises
    ------
    AnalysisError
        The package that makes keys is not installed, or the site has no name.

    Examples
    --------
    >>> private, public = new_key("north")
    >>> private[:27], public.site, len(public.key)
    (b'-----BEGIN PRIVATE KEY-----', 'north', 64)
    """
    if not site:
        raise AnalysisError("is needed", field="site", mend="use the name that the question will have")
    x25519, serialization = _packages()
    private = x25519.X25519PrivateKey.generate()
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return text, PublicKey(site, private.public_key().public_bytes_raw().hex())


def read_key(path: Path) -> bytes:
    """Return a site's private key from its PEM file, once it is known to be one."""
    try:
        if path.stat().st_size > _MOST_KEY_BYTES:
            raise AnalysisError(f"has more than {_MOST_KEY_BYTES:,} bytes", file=path)
        text = path.read_bytes()
    except OSError as fault:
        raise AnalysisError(f"cannot be read ({fault.strerror})", file=path) from None
    try:
        _private(text)
    except AnalysisError as fault:
        fault.file = path
        raise
    return text


def _private(text: bytes) -> X25519PrivateKey:
    x25519, serialization = _packages()
    try:
        key = serialization.load_pem_private_key(text, password=None)
    except (ValueError, TypeError):
        # What the text holds is never shown.
        raise AnalysisError(
            "is no private key without a password", field="key", mend="make one: trialsim federate key"
        ) from None
    if not isinstance(key, x25519.X25519PrivateKey):
        raise AnalysisError("is a key of another kind", field="key", mend="make one: trialsim federate key")
    return key


def fingerprint(question: Question) -> str:
    """Return a short name of all keys of a question, which sites compare with each other by telephone."""
    said = "\n".join(f"{site} {key}" for site, key in question.keys)
    return f"SHA256:{base64.b64encode(hashlib.sha256(said.encode()).digest()).decode().rstrip('=')}"


def mask(question: Question, answer: Answer, key: bytes) -> MaskedAnswer:
    """Put a site's answer behind its masks.

    Each number becomes a whole number of 2⁻⁶⁰, modulo 2¹²⁸. With each other site that the question awaits
    it shares a secret (X25519), and from it a random word for each number; of two sites the one that is named
    first adds it, and the other takes it away. The words depend on all that is asked, so that no mask is
    used for two questions.

    Parameters
    ----------
    question : Question
        With keys.
    answer : Answer
        To it.
    key : bytes
        Private key of the site, as `new_key` made it.

    Returns
    -------
    MaskedAnswer
        Each word alone is uniform over all 128-bit numbers, for whoever has no private key of a site.

    Raises
    ------
    AnalysisError
        The question has no keys, does without this site, or has another key of it; a number is too large.

    Examples
    --------
    >>> import pandas as pd
    >>> from trialsim.analysis.federated import answer, ask, combine
    >>> sites, data = ["north", "south", "west"], pd.DataFrame({"y": np.arange(20.0)})
    >>> made = {site: new_key(site) for site in sites}
    >>> keys = [public for _, public in made.values()]
    >>> asked = ask("gaussian", "y", [], sites, site_effects=False, keys=keys)
    >>> given = [mask(asked, answer(asked, data, site), made[site][0]) for site in sites]
    >>> [round(one, 9) for one in combine(asked, given).coefficients]
    [9.5]
    """
    if not question.masked:
        raise AnalysisError("asks for no masks", field="question", mend="leave --key out")
    if answer.site in question.absent:
        raise AnalysisError("is left out of this round", field="site", value=answer.site)
    private = _private(key)
    own = private.public_key().public_bytes_raw().hex()
    if dict(question.keys)[answer.site] != own:
        raise AnalysisError(
            "is not the one of this site in the question", field="key",
            mend="use the key whose public part was sent, or have the question made again",
        )  # fmt: skip
    words = [_whole(number, name) for name, number in _numbers(question, answer)]
    present, digest = question.present, question.digest
    for place, site in enumerate(present):
        if site == answer.site:
            continue
        sign = 1 if present.index(answer.site) < place else -1
        stream = _stream(question, digest, private, (answer.site, site), len(words))
        words = [(word + sign * one) % _MODULUS for word, one in zip(words, stream, strict=True)]
    return MaskedAnswer(
        answer.site, question.study, question.round, digest, tuple(f"{word:032x}" for word in words)
    )


def unmask(question: Question, answers: Sequence[MaskedAnswer]) -> Answer:
    """Return the sum of all sites' answers, which is the first thing that anybody can read.

    Parameters
    ----------
    question : Question
        With keys.
    answers : sequence of MaskedAnswer
        One of every site that it awaits: masks cancel in no other sum.

    Returns
    -------
    Answer
        Of ``all sites``; equal to the sum without masks but for 2⁻⁶¹ a site and number.

    Raises
    ------
    AnalysisError
        An answer has another number of words, or the sum is none that people can give: an answer was changed.
    """
    K = len(question.names)
    wanted = 3 + K + K * (K + 1) // 2
    for one in answers:
        if len(one.words) != wanted:
            raise AnalysisError("answers with another number of words", field=f"site {one.site}")
    sums = [sum(int(one.words[place], 16) for one in answers) % _MODULUS for place in range(wanted)]
    numbers = [
        math.ldexp(float(one - _MODULUS if one >= _MODULUS // 2 else one), -FRACTION_BITS) for one in sums
    ]
    people, left_out = numbers[0], numbers[1]
    if people != round(people) or left_out != round(left_out) or not 0 <= people < 2**50 or left_out < 0:
        raise AnalysisError(
            "is the sum of no people: an answer was changed, or made with another key", field="answers",
            mend="have every site answer this question again",
        )  # fmt: skip
    information = np.zeros((K, K))
    information[np.triu_indices(K)] = numbers[2 + K : -1]
    information = information + np.triu(information, 1).T
    return Answer(
        "all sites", question.study, question.round, int(people), int(left_out), tuple(numbers[2 : 2 + K]),
        tuple(tuple(row) for row in information.tolist()), numbers[-1],
    )  # fmt: skip


def _numbers(question: Question, answer: Answer) -> list[tuple[str, float]]:
    """Return all that an answer says, in the order of its words, each with what it is of."""
    names = question.names
    pairs = [(i, j) for i in range(len(names)) for j in range(i, len(names))]
    return [
        ("participants", float(answer.participants)),
        ("participants", float(answer.left_out)),
        *zip(names, answer.score, strict=True),
        *((f"{names[i]} and {names[j]}", answer.information[i][j]) for i, j in pairs),
        (question.outcome, answer.deviance),
    ]


def _whole(number: float, name: str) -> int:
    if not abs(number) < _LARGEST / 4096:
        raise AnalysisError(
            f"has sums of {number:.1g}, beyond what masks can carry", field=name,
            mend="choose a larger unit for the column",
        )  # fmt: skip
    return round(math.ldexp(number, FRACTION_BITS)) % _MODULUS


def _stream(
    question: Question, digest: str, key: X25519PrivateKey, pair: tuple[str, str], number: int
) -> list[int]:
    """Return the words that two sites share for one question."""
    x25519, _ = _packages()
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    try:
        theirs = x25519.X25519PublicKey.from_public_bytes(bytes.fromhex(dict(question.keys)[pair[1]]))
        secret = key.exchange(theirs)
    except ValueError:
        raise AnalysisError(
            "has a key that is none", field=f"site {pair[1]}", mend="ask it for another"
        ) from None
    both = "\n".join(sorted(pair))
    made = HKDF(SHA256(), 32, salt=bytes.fromhex(digest), info=f"trialsim mask\n{both}".encode())
    stream = hashlib.shake_256(made.derive(secret)).digest(16 * number)
    return [int.from_bytes(stream[16 * place : 16 * place + 16], "big") for place in range(number)]


def _packages() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import x25519
    except ModuleNotFoundError:
        raise AnalysisError(
            "needs the package cryptography", field="key", mend="pip install 'trialsim[sign]'"
        ) from None
    return x25519, serialization

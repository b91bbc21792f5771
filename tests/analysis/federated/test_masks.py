"""Masked answers sum to what open ones do, and one alone says nothing."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from scipy import stats

from tests.analysis.federated.test_federated import OUTCOMES, SITES, fitted, people
from trialsim.analysis.federated import FederatedResult, Question, answer, ask, combine, mask, new_key
from trialsim.analysis.federated.masks import FRACTION_BITS, read_key, unmask
from trialsim.analysis.federated.messages import MaskedAnswer, PublicKey, read_message, to_json
from trialsim.errors import AnalysisError

FOUR = (*SITES, "east")
Keys = dict[str, bytes]


def keys_of(sites: Sequence[str]) -> tuple[Keys, list[PublicKey]]:
    made = {site: new_key(site) for site in sites}
    return {site: text for site, (text, _) in made.items()}, [public for _, public in made.values()]


def of_four(seed: int = 3) -> pd.DataFrame:
    data = people(seed)
    return data.assign(site=np.where(np.arange(len(data)) % 4 == 3, "east", data["site"]))


def asked(family: str, sites: Sequence[str], site_effects: bool = False) -> tuple[Question, Keys]:
    private, public = keys_of(sites)
    exposure = "years" if family == "poisson" else None
    question = ask(
        family,
        OUTCOMES[family],
        ["age", "sex"],
        sites,
        exposure=exposure,
        site_effects=site_effects,
        keys=public,
    )
    return question, private


def masked(question: Question, data: pd.DataFrame, private: Keys) -> list[MaskedAnswer]:
    return [
        mask(question, answer(question, data[data["site"] == site], site), private[site])
        for site in question.present
    ]


def fitted_masked(question: Question, data: pd.DataFrame, private: Keys) -> FederatedResult:
    for _ in range(30):
        found = combine(question, masked(question, data, private)[::-1])
        if isinstance(found, FederatedResult):
            return found
        question = found
    raise AssertionError("no end")


@pytest.mark.parametrize("family", OUTCOMES)
@pytest.mark.parametrize("site_effects", [True, False])
def test_the_model_of_masked_answers_is_that_of_open_ones(family: str, site_effects: bool) -> None:
    question, private = asked(family, SITES, site_effects)
    found = fitted_masked(question, people(), private)
    plain = fitted(replace(question, keys=()), people())
    np.testing.assert_allclose(found.frame["estimate"], plain.frame["estimate"], rtol=1e-9)
    np.testing.assert_allclose(found.frame["standard_error"], plain.frame["standard_error"], rtol=1e-9)
    assert found.participants == plain.participants == 900
    assert list(found.sites.columns) == ["site"]  # how many people each has is not told


def test_the_sum_is_exact_to_the_stated_precision() -> None:
    question, private = asked("logistic", FOUR)
    data = of_four()
    whole = unmask(question, masked(question, data, private))
    open_ = [answer(question, data[data["site"] == site], site) for site in FOUR]
    step = len(FOUR) * 2.0 ** -(FRACTION_BITS + 1)
    for told, name in ((whole.score, "score"), (whole.information, "information")):
        exact = np.sum([getattr(one, name) for one in open_], axis=0)
        # What is left besides is the rounding of the open sum itself.
        np.testing.assert_allclose(told, exact, rtol=8 * np.finfo(float).eps, atol=step)


def test_the_masks_are_those_of_an_independent_recipe() -> None:
    """X25519, HKDF-SHA256 by hand (RFC 5869) and SHAKE256 take the mask off one answer."""
    question, private = asked("gaussian", SITES)
    data = people()
    south = answer(question, data[data["site"] == "south"], "south")
    said = mask(question, south, private["south"])
    words = [int(word, 16) for word in said.words]
    for other, sign in (("north", -1), ("west", 1)):  # north comes before south, west after
        theirs = X25519PublicKey.from_public_bytes(bytes.fromhex(dict(question.keys)[other]))
        secret = load_pem_private_key(private["south"], None).exchange(theirs)
        drawn = hmac.new(bytes.fromhex(question.digest), secret, hashlib.sha256).digest()
        info = b"trialsim mask\n" + "\n".join(sorted(("south", other))).encode()
        seed = hmac.new(drawn, info + b"\x01", hashlib.sha256).digest()
        stream = hashlib.shake_256(seed).digest(16 * len(words))
        for place in range(len(words)):
            own = int.from_bytes(stream[16 * place : 16 * place + 16], "big")
            words[place] = (words[place] - sign * own) % 2**128
    numbers = [(word - 2**128 if word >= 2**127 else word) / 2**60 for word in words]
    upper = np.array(south.information)[np.triu_indices(3)]
    np.testing.assert_allclose(numbers[0], south.participants)
    np.testing.assert_allclose(numbers[2:], [*south.score, *upper, south.deviance], rtol=1e-15, atol=1e-18)


def test_one_answer_alone_is_uniform_and_differs_everywhere_with_other_secrets() -> None:
    data = people()
    own = data[data["site"] == "north"]
    said = []
    for _ in range(60):
        question, private = asked("logistic", SITES)
        said.append(mask(question, answer(question, own, "north"), private["north"]))
    for one, other in itertools.pairwise(said):
        assert all(a != b for a, b in zip(one.words, other.words, strict=True))
    raw = np.frombuffer(bytes.fromhex("".join(word for one in said for word in one.words)), dtype=np.uint8)
    assert len(raw) == 60 * 12 * 16
    assert stats.chisquare(np.bincount(raw, minlength=256)).pvalue > 1e-4
    for place in range(12):  # each word by itself, whatever number it hides
        top = [int(one.words[place], 16) / 2**128 for one in said]
        assert stats.kstest(top, "uniform").pvalue > 1e-5


def test_no_mask_is_used_for_two_questions() -> None:
    question, private = asked("logistic", FOUR)
    data = of_four()
    second = question.at([0.1, 0.0, 0.0])
    without = second.again_without(["east"])
    said = {one.digest: masked(one, data, private)[0].words for one in (question, second, without)}
    assert len(said) == 3
    first, *others = said.values()
    for words in others:
        assert not set(first) & set(words)


def test_a_site_that_does_not_answer_is_named_and_the_round_asked_again_without_it() -> None:
    question, private = asked("logistic", FOUR, site_effects=True)
    data = of_four()
    three = [one for one in masked(question, data, private) if one.site != "west"]
    with pytest.raises(AnalysisError, match=r"has not answered: west.*federate again --without"):
        combine(question, three)
    with pytest.raises(AnalysisError, match="masks that do not cancel"):
        combine(question, three, without=["west"])
    without = question.again_without(["west"])
    with pytest.raises(AnalysisError, match="answers this round with other sites"):
        combine(without, three)
    with pytest.raises(AnalysisError, match="site west: is late"):
        combine(without, [*masked(without, data, private), masked(question, data, private)[2]])
    found = fitted_masked(without, data, private)
    rest = [site for site in FOUR if site != "west"]
    plain = fitted(ask("logistic", "died", ["age", "sex"], rest), data[data["site"] != "west"])
    np.testing.assert_allclose(found.frame["estimate"], plain.frame["estimate"], rtol=1e-8)
    with pytest.raises(AnalysisError, match="at least 3 sites"):
        without.again_without(["east"])
    with pytest.raises(AnalysisError, match="is left out of this round"):
        mask(
            without,
            replace(answer(without, data[data["site"] == "east"], "east"), site="west"),
            private["west"],
        )


def test_answers_that_do_not_belong_are_refused_and_named() -> None:
    question, private = asked("logistic", SITES)
    data = people()
    said = masked(question, data, private)
    other, others = asked("logistic", SITES)
    with pytest.raises(AnalysisError, match="site north: answers another question"):
        combine(question, [masked(other, data, others)[0], *said[1:]])
    with pytest.raises(AnalysisError, match="key: is not the one of this site"):
        mask(question, answer(question, data[data["site"] == "north"], "north"), others["north"])
    plain = answer(question, data[data["site"] == "north"], "north")
    with pytest.raises(AnalysisError, match="site north: answers without masks"):
        combine(question, [plain, *said[1:]])
    changed = replace(said[0], words=(said[0].words[0][::-1], *said[0].words[1:]))
    with pytest.raises(AnalysisError, match="an answer was changed"):
        combine(question, [changed, *said[1:]])
    with pytest.raises(AnalysisError, match="another number of words"):
        combine(question, [replace(said[0], words=said[0].words[1:]), *said[1:]])
    with pytest.raises(AnalysisError, match="choose a larger unit"):
        mask(question, replace(plain, deviance=1e17), private["north"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda keys: keys[:2], "needs exactly one public key"),
        (lambda keys: [*keys, keys[0]], "needs exactly one public key"),
        (lambda keys: [*keys[:2], PublicKey("west", keys[0].key)], "have the same key"),
        (lambda keys: [*keys[:2], PublicKey("east", keys[2].key)], "needs exactly one public key"),
    ],
)
def test_keys_are_those_of_the_sites(change, says: str) -> None:
    _, public = keys_of(SITES)
    with pytest.raises(AnalysisError, match=says):
        ask("logistic", "died", ["age"], SITES, keys=change(public))
    with pytest.raises(AnalysisError, match="too few for masks"):
        ask("logistic", "died", ["age"], SITES[:2], keys=public[:2])


def test_a_key_that_is_none_is_refused(tmp_path: Path) -> None:
    question, private = asked("logistic", SITES)
    zero = replace(question, keys=(question.keys[0], ("south", "0" * 64), question.keys[2]))
    own = answer(zero, people().query("site == 'north'"), "north")
    with pytest.raises(AnalysisError, match="site south: has a key that is none"):
        mask(zero, own, private["north"])
    for text in (b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"\xff" * 100_000):
        (tmp_path / "key.pem").write_bytes(text)
        with pytest.raises(AnalysisError, match=r"key\.pem"):
            read_key(tmp_path / "key.pem")


def test_messages_read_back_and_hold_no_value_of_anybody(tmp_path: Path) -> None:
    question, private = asked("logistic", SITES)
    data = people()
    path = tmp_path / "m.json"
    said = masked(question, data, private)[0]
    for message in (question, said, new_key("north")[1]):
        path.write_text(to_json(message))
        assert read_message(path, type(message)) == message
    own = data[data["site"] == "north"]
    open_ = answer(question, own, "north")
    text = to_json(said)
    for canary in (*own["age"], *open_.score, open_.deviance, open_.information[0][1]):
        assert repr(float(canary)) not in text
    for broken in (
        text.replace(said.words[0], "xyz"),
        text.replace(said.words[0], said.words[0].upper() + "0"),
    ):
        path.write_text(broken)
        with pytest.raises(AnalysisError, match="as it was written"):
            read_message(path, MaskedAnswer)

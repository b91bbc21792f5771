"""Every fault of a cohort card is one clear error: file, field, value, mend."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from trialsim.errors import CardError, InputError
from trialsim.population import draw_covariates, draw_eligible, read_card
from trialsim.population.laws.truncated import solve_truncated_normal
from trialsim.protocol.eligibility import Criterion

HEAD = """
name = "tiny"
title = "Tiny"
population = "Nobody"
period = "never"
n = 10
describes = "enrolled"
[sources.us]
citation = "us"
licence = "none"
read = true
[sources.memory]
citation = "a paper"
licence = "facts"
read = false
"""
AGE = """
[[margins]]
name = "age"
label = "Age"
kind = "truncated_normal"
mean = { value = 70, source = "us", evidence = "assumed" }
sd = { value = 8, source = "us", evidence = "assumed" }
lower = { value = 50, source = "us", evidence = "assumed" }
upper = { value = 90, source = "us", evidence = "assumed" }
"""
FEMALE = """
[[margins]]
name = "female"
label = "Female"
kind = "binary"
probability = { value = 0.5, source = "us", evidence = "assumed" }
"""
STAGE = """
[[margins]]
name = "stage"
label = "Stage"
kind = "ordinal"
levels = [0.0, 1.0, 2.0]
probabilities = [
  { value = 0.2, source = "us", evidence = "assumed" },
  { value = 0.3, source = "us", evidence = "assumed" },
  { value = 0.5, source = "us", evidence = "assumed" },
]
"""
SCORE = """
[[margins]]
name = "score"
label = "Score"
kind = "beta"
mean = { value = 3, source = "us", evidence = "assumed" }
sd = { value = 1, source = "us", evidence = "assumed" }
lower = { value = 0, source = "us", evidence = "assumed" }
upper = { value = 18, source = "us", evidence = "assumed" }
"""
GOOD = HEAD + AGE + FEMALE + STAGE + SCORE


def pair(first: str, second: str, value: float) -> str:
    return (
        f'\n[[correlations]]\nbetween = ["{first}", "{second}"]\nvalue = {value}\n'
        'source = "us"\nevidence = "assumed"\n'
    )


FULL = GOOD + "".join(
    pair(a, b, 0.1)
    for a, b in [
        ("age", "female"),
        ("age", "stage"),
        ("age", "score"),
        ("female", "stage"),
        ("female", "score"),
        ("stage", "score"),
    ]
)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "card.toml"
    path.write_text(text)
    return path


def test_the_card_without_a_fault_is_read(tmp_path):
    assert read_card(write(tmp_path, FULL)).names == ("age", "female", "stage", "score")


FAULTS = {
    "unknown key": (('n = 10', 'n = 10\ncolour = "red"'), "colour", "remove the key"),
    "unknown key of a number": (("value = 70,", "value = 70, vlaue = 3,"), "margins[0].mean.vlaue", "remove"),
    "missing key": (('title = "Tiny"\n', ""), "title", "add the key"),
    "wrong type": (("n = 10", 'n = "10"'), "n", "whole number"),
    "negative n": (("n = 10", "n = -1"), "n", "at least 1"),
    "nan": (("value = 70,", "value = nan,"), "margins[0].mean.value", "finite"),
    "infinite": (("value = 70,", "value = inf,"), "margins[0].mean.value", "finite"),
    "unknown kind": (('kind = "beta"', 'kind = "cauchy"'), "margins[3]", "'gamma'"),
    "which population": (('describes = "enrolled"', 'describes = "some"'), "describes", "use one of 'enrolled'"),
    "bad name": (('name = "age"', 'name = "Age (years)"'), "margins[0].name", "small letters"),
    "evidence": (('evidence = "assumed" }\nsd', 'evidence = "sure" }\nsd'), "margins[0].mean.evidence", "use one of 'published'"),
    "sd 0": (("value = 8,", "value = 0,"), "margins[0].sd", "positive SD"),
    "sd infeasible for limits": (("value = 8,", "value = 15,"), "margins[0].sd", "beta margin"),
    "mean outside limits": (("value = 70,", "value = 95,"), "margins[0].mean", "limits"),
    "beta sd infeasible": (("value = 1, source", "value = 7, source"), "margins[3].sd", "SD or the limits"),
    "probability 1": (("value = 0.5, source = \"us\", evidence = \"assumed\" }\n\n", "value = 1.0, source = \"us\", evidence = \"assumed\" }\n\n"), "margins[1].probability", "does not vary"),
    "shares do not add up": (("value = 0.3,", "value = 0.33,"), "margins[2].probabilities", "percentages"),
    "a share too few": (("levels = [0.0, 1.0, 2.0]", "levels = [0.0, 1.0, 2.0, 3.0]"), "margins[2].probabilities", "one probability a level"),
    "levels fall": (("levels = [0.0, 1.0, 2.0]", "levels = [0.0, 2.0, 1.0]"), "margins[2].levels", "sort"),
    "duplicate name": (('name = "female"', 'name = "age"'), "margins[1].name", "rename"),
    "missing source": (('value = 70, source = "us"', 'value = 70, source = "them"'), "margins[0].mean.source", "[sources]"),
    "published unread": (('value = 70, source = "us", evidence = "assumed"', 'value = 70, source = "memory", evidence = "published"'), "margins[0].mean.evidence", "recalled"),
    "correlation 1": (("value = 0.1", "value = 1.0"), "correlations[0].value", "below 1"),
    "correlation of a stranger": (('between = ["age", "female"]', 'between = ["age", "weight"]'), "correlations[0].between", "use two of"),
    "correlation twice": (('between = ["age", "stage"]', 'between = ["female", "age"]'), "correlations[1].between", "drop"),
    "correlation with itself": (('between = ["age", "stage"]', 'between = ["age", "age"]'), "correlations[1].between", "drop"),
    "correlation unattainable": (("value = 0.1", "value = 0.9"), "correlations[0].value", "margins"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_place_and_mend(tmp_path, fault):
    (old, new), field, mend = FAULTS[fault]
    assert old in FULL
    path = write(tmp_path, FULL.replace(old, new, 1))
    with pytest.raises(CardError) as caught:
        read_card(path)
    assert caught.value.file == path
    assert caught.value.field == field
    assert mend in str(caught.value)


def test_an_unattainable_correlation_says_what_can_be_had(tmp_path):
    path = write(tmp_path, FULL.replace("value = 0.1", "value = 0.9", 1))
    with pytest.raises(CardError) as caught:
        read_card(path)
    low, high = map(float, re.search(r"(-?0\.\d+) to (-?0\.\d+)", str(caught.value)).groups())
    assert low == pytest.approx(-high, abs=2e-4)
    law = solve_truncated_normal(70.0, 8.0, 50.0, 90.0)
    a = 20.0 / law.scale
    deviation = stats.truncnorm(-a, a).expect(abs) * law.scale
    assert high == pytest.approx(deviation / 8.0, abs=1e-4)
    assert "age and female" in str(caught.value)


def test_an_infeasible_sd_says_the_largest(tmp_path):
    path = write(tmp_path, FULL.replace("value = 8,", "value = 15,"))
    with pytest.raises(CardError, match=r"below 11\.5"):
        read_card(path)


def test_contradictory_correlations_name_the_pairs_to_blame(tmp_path):
    text = GOOD + pair("age", "score", 0.9) + pair("age", "stage", -0.8) + pair("stage", "score", 0.8)
    text = text.replace("n = 10", 'n = 10\nunlisted_pairs = "independent"')
    with pytest.raises(CardError, match="smallest eigenvalue -0") as caught:
        read_card(write(tmp_path, text))
    assert caught.value.field == "correlations"
    assert "age–stage" in str(caught.value)
    assert "female" not in str(caught.value)


def test_pairs_that_nobody_speaks_of_must_be_spoken_of(tmp_path):
    with pytest.raises(CardError, match='unlisted_pairs = "independent"'):
        read_card(write(tmp_path, GOOD))
    read_card(write(tmp_path, GOOD.replace("n = 10", 'n = 10\nunlisted_pairs = "independent"')))


@pytest.mark.parametrize(("text", "words"), [("", "empty"), ("  \n", "empty"), ("a = ", "not valid TOML")])
def test_a_file_that_holds_no_card_is_refused(tmp_path, text, words):
    with pytest.raises(CardError, match=words):
        read_card(write(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(CardError, match="not found"):
        read_card(tmp_path / "none.toml")


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "card.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CardError, match="UTF-8"):
        read_card(tmp_path / "card.toml")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(CardError, match="is not a file"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    ("criterion", "words"),
    [
        ({"covariate": "age", "at_least": 95.0}, "age at least 95 excludes everyone"),
        ({"covariate": "age", "at_most": 40.0}, "age at most 40 excludes everyone"),
        ({"covariate": "weight", "at_most": 40.0}, "no such covariate"),
    ],
)
def test_a_criterion_that_leaves_nobody_is_named(tmp_path, criterion, words):
    card = read_card(write(tmp_path, FULL))
    sane = Criterion(covariate="age", at_least=60.0)
    with pytest.raises(InputError, match=words) as caught:
        draw_eligible(card, 10, np.random.default_rng(1), [sane, Criterion(**criterion)])
    assert caught.value.field.startswith("eligibility[1]")


def test_criteria_that_leave_next_to_nobody_name_the_hardest(tmp_path):
    card = read_card(write(tmp_path, FULL))
    criteria = [Criterion(covariate="age", at_least=60.0), Criterion(covariate="score", at_least=12.0)]
    with pytest.raises(InputError, match="score at least 12 refuses most"):
        draw_eligible(card, 10, np.random.default_rng(1), criteria)


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        ({"weight": 1.0}, "no such covariate"),
        ({"female": 2.0}, "outside"),
        ({"age": 4.0}, "outside"),
        ({"age": float("nan")}, "outside"),
    ],
)
def test_a_shift_that_cannot_be_is_refused(tmp_path, shift, words):
    card = read_card(write(tmp_path, FULL))
    with pytest.raises(InputError, match=words):
        draw_covariates(card, 10, np.random.default_rng(1), shift=shift)


def test_every_fault_of_form_and_margin_is_listed_at_once(tmp_path):
    text = (
        FULL.replace("n = 10", "n = -1")
        .replace("value = 8,", "value = 15,")
        .replace("value = 0.3,", "value = 0.33,")
    )
    with pytest.raises(CardError) as caught:
        read_card(write(tmp_path, text))
    message = str(caught.value)
    assert "and 2 more" in message
    for field in ("n: ", "margins[0].sd", "margins[2].probabilities"):
        assert field in message
    assert "truncated_normal.sd" not in message


def test_every_fault_of_content_is_listed_at_once(tmp_path):
    text = FULL.replace('value = 70, source = "us"', 'value = 70, source = "them"').replace(
        'between = ["age", "stage"]', 'between = ["age", "weight"]'
    )
    with pytest.raises(CardError, match="and 6 more") as caught:
        read_card(write(tmp_path, text.replace('name = "female"', 'name = "age"', 1)))
    assert "correlations[1].between" in str(caught.value)

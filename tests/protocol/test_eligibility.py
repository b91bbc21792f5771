from __future__ import annotations

import pytest
from pydantic import ValidationError

from trialsim.protocol.eligibility import Criterion


def test_a_criterion_reads_as_a_protocol_would_print_it():
    assert Criterion(covariate="mmse", at_least=22.0, at_most=30.0).words() == "mmse from 22 to 30"
    assert Criterion(covariate="mmse", at_least=22.0).words() == "mmse at least 22"
    assert Criterion(covariate="age", at_most=85.0).words() == "age at most 85"


def test_whole_numbers_are_numbers():
    assert Criterion.model_validate({"covariate": "mmse", "at_least": 22}).at_least == 22.0


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"at_least": 3.0, "at_most": 3.0},
        {"at_least": 4.0, "at_most": 3.0},
        {"at_least": float("nan")},
        {"at_most": float("inf")},
        {"at_least": "22"},
        {"at_least": True},
        {"at_least": 22.0, "atmost": 30.0},
        {"at_least": 22.0, "covariate": ""},
    ],
)
def test_a_faulty_criterion_is_refused(fault):
    with pytest.raises(ValidationError):
        Criterion.model_validate({"covariate": "mmse", **fault})


def test_a_criterion_is_frozen():
    with pytest.raises(ValidationError):
        Criterion(covariate="mmse", at_least=22.0).at_least = 20.0

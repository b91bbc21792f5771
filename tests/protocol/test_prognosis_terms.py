"""Further terms of the prognosis: how a protocol asks for them, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from trialsim.errors import ProtocolError
from trialsim.protocol import protocol_from_dict, read_protocol

PATH = Path(__file__).parents[2] / "protocols" / "alzheimers_phase2.toml"
ALL = """splines = ["age", "baseline"]
interactions = [["age", "mmse"]]
variance_covariates = ["baseline"]
study_effects = true
"""


def with_terms(folder, terms):
    before, heading, after = PATH.read_text().partition("[prognosis]\n")
    path = folder / "p.toml"
    path.write_text(before.replace("../cohorts", str(PATH.parents[1] / "cohorts")) + heading + terms + after)
    return read_protocol(path)


def test_terms_are_read_and_round_trip(tmp_path):
    asked = with_terms(tmp_path, ALL)
    table = asked.prognosis
    assert table.has_terms
    assert (table.splines, table.interactions) == (("age", "baseline"), (("age", "mmse"),))
    assert (table.variance_covariates, table.study_effects) == (("baseline",), True)
    assert protocol_from_dict(asked.to_dict()) == asked
    assert table.words().endswith("spline of baseline; age x mmse; spread by baseline; effects of studies")


def test_a_protocol_without_terms_keeps_its_hash_and_one_with_them_has_another(tmp_path):
    plain = with_terms(tmp_path, "")
    assert set(plain.to_dict()["prognosis"]) == {"covariates"}
    spelt_out = with_terms(tmp_path, "splines = []\nstudy_effects = false\n")
    assert spelt_out.content_hash() == plain.content_hash()
    assert with_terms(tmp_path, 'splines = ["age"]\n').content_hash() != plain.content_hash()


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ('splines = ["height"]', r"prognosis\.splines: is neither baseline nor a covariate .* Got 'height'"),
        ('splines = ["age", "age"]', r"prognosis\.splines: a term is named twice"),
        ('interactions = [["age", "age"]]', r"prognosis\.interactions: cannot interact with itself"),
        (
            'interactions = [["age", "mmse"], ["mmse", "age"]]',
            r"prognosis\.interactions: a term is named twice",
        ),
        ('interactions = [["age"]]', r"prognosis\.interactions\[0\]"),
        ('variance_covariates = ["height"]', r"prognosis\.variance_covariates: is neither baseline"),
        ("study_effects = 1", r"prognosis\.study_effects"),
    ],
)
def test_a_wrong_term_is_refused_by_its_field(tmp_path, terms, said):
    with pytest.raises(ProtocolError, match=said):
        with_terms(tmp_path, terms + "\n")

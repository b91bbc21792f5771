from __future__ import annotations

import copy
import tomllib
from pathlib import Path

import numpy as np
import pytest

from trialsim.population import check_card, read_card, solve_copula
from trialsim.population.card_files.reading import parse_card

COHORTS = sorted((Path(__file__).parents[3] / "cohorts").glob("*.toml"))


@pytest.fixture(params=COHORTS, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_shipped_cards_are_there():
    assert {path.stem for path in COHORTS} == {
        "af_ablation", "als", "alzheimers_early", "alzheimers_mild_moderate", "glioblastoma", "heart_failure",
        "metastatic_breast_cancer", "nsclc", "type2_diabetes", "copd", "cgd", "ms_relapsing", "parkinsons",
        "duchenne", "adpkd", "type2_diabetes_trial", "leukopenia", "asthma", "depression", "huntingtons",
        "icd_candidates", "warfarin", "type1_diabetes", "prostate_cancer", "prevention", "liver_tests",
        "aortic_stenosis", "antibody_trial",
    }  # fmt: skip


def test_a_shipped_card_is_named_as_its_file(path):
    assert read_card(path).name == path.stem


def test_every_number_of_a_shipped_card_comes_out_as_asked(path):
    card = read_card(path)
    certificate = check_card(card)
    groups = certificate["what"] == "group mean"
    assert certificate.loc[~groups, "error"].abs().max() < 1e-6
    laws = dict(zip(card.names, solve_copula(card).laws, strict=True))
    for _, row in certificate[groups].iterrows():
        assert abs(row["error"]) < 0.02 * laws[row["of"].split(" in ")[0]].sd, row["of"]
    pairs = certificate[certificate["what"] == "correlation"]
    assert (pairs["error"].abs() < 1e-10).all()
    assert ((pairs["attainable_low"] < pairs["asked"]) & (pairs["asked"] < pairs["attainable_high"])).all()


def test_the_certificate_names_source_and_evidence_of_every_number(path):
    certificate = check_card(read_card(path))
    assert set(certificate["evidence"]) <= {"published", "computed", "recalled", "assumed"}
    assert set(certificate["source"]) <= set(read_card(path).sources)


def test_the_certificate_sees_a_law_that_misses_its_number(monkeypatch):
    card = read_card(next(path for path in COHORTS if path.stem == "alzheimers_early"))
    first = next(margin for margin in card.margins if "sd" in margin.numbers())
    wrong = {"mean": first.mean, "sd": first.mean}
    monkeypatch.setattr(type(first), "numbers", lambda self: wrong if self.name == first.name else {})
    assert check_card(card).set_index(["of", "what"])["error"].abs().loc[first.name, "sd"] > 0.3


def test_the_latent_matrix_is_a_correlation_matrix(path):
    latent = solve_copula(read_card(path)).latent
    assert np.allclose(np.diag(latent), 1.0)
    assert (latent == latent.T).all()
    assert np.linalg.eigvalsh(latent)[0] > 0.01


def test_the_hash_is_of_what_a_card_says(path):
    content = tomllib.loads(path.read_text())
    card = read_card(path)
    reordered = parse_card(dict(reversed(content.items())))
    assert reordered.content_hash() == card.content_hash()
    changed = copy.deepcopy(content)
    number = next(iter(value for value in changed["margins"][0].values() if isinstance(value, dict)))
    number["value"] += 0.01
    assert parse_card(changed).content_hash() != card.content_hash()
    resourced = copy.deepcopy(content)
    number = next(iter(value for value in resourced["margins"][0].values() if isinstance(value, dict)))
    number["evidence"] = "assumed" if number["evidence"] != "assumed" else "recalled"
    assert parse_card(resourced).content_hash() != card.content_hash()


def test_the_early_card_has_what_the_default_protocol_needs():
    names = read_card(next(path for path in COHORTS if path.stem == "alzheimers_early")).names
    assert {"age", "female", "mmse", "adas_cog", "faq", "hippocampal_volume", "cdr_sb"} <= set(names)


def test_the_pilot_card_has_the_columns_of_the_pilot():
    names = read_card(next(path for path in COHORTS if path.stem == "alzheimers_mild_moderate")).names
    assert {"age", "female", "mmse", "educ_years", "disease_months", "bmi", "adas_cog"} <= set(names)

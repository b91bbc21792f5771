from __future__ import annotations

import copy
import tomllib
from pathlib import Path

import numpy as np
import pytest

from trialsim.population import check_card, read_card, solve_copula
from trialsim.population.reading import parse_card

COHORTS = sorted((Path(__file__).parents[2] / "cohorts").glob("*.toml"))


@pytest.fixture(params=COHORTS, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_shipped_cards_are_there():
    assert {"alzheimers_early", "alzheimers_mild_moderate"} <= {path.stem for path in COHORTS}


def test_a_shipped_card_is_named_as_its_file(path):
    assert read_card(path).name == path.stem


def test_every_number_of_a_shipped_card_comes_out_as_asked(path):
    certificate = check_card(read_card(path))
    assert certificate["error"].abs().max() < 1e-8 * 100
    pairs = certificate[certificate["what"] == "correlation"]
    assert pairs["error"].abs().max() < 1e-10
    assert ((pairs["attainable_low"] < pairs["asked"]) & (pairs["asked"] < pairs["attainable_high"])).all()


def test_the_certificate_names_source_and_evidence_of_every_number(path):
    certificate = check_card(read_card(path))
    assert set(certificate["evidence"]) <= {"published", "computed", "recalled", "assumed"}
    assert set(certificate["source"]) <= set(read_card(path).sources)


def test_the_certificate_sees_a_law_that_misses_its_number(path, monkeypatch):
    card = read_card(path)
    number = card.margins[0].mean
    monkeypatch.setattr(type(card.margins[0]), "numbers", lambda self: {"mean": number, "sd": self.mean})
    assert check_card(card).set_index(["of", "what"])["error"].abs().loc[card.names[0], "sd"] > 1.0


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
    changed["margins"][0]["mean"]["value"] += 0.01
    assert parse_card(changed).content_hash() != card.content_hash()
    resourced = copy.deepcopy(content)
    resourced["margins"][0]["mean"]["evidence"] = "assumed"
    assert parse_card(resourced).content_hash() != card.content_hash()


def test_the_early_card_has_what_the_default_protocol_needs():
    names = read_card(next(path for path in COHORTS if path.stem == "alzheimers_early")).names
    assert {"age", "female", "mmse", "adas_cog", "faq", "hippocampal_volume", "cdr_sb"} <= set(names)


def test_the_pilot_card_has_the_columns_of_the_pilot():
    names = read_card(next(path for path in COHORTS if path.stem == "alzheimers_mild_moderate")).names
    assert {"age", "female", "mmse", "educ_years", "disease_months", "bmi", "adas_cog"} <= set(names)

"""Associations of every measure come out as asked; contradictions are repaired where the card says so."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trialsim.errors import CardError
from trialsim.population import check_card, draw_covariates, solve_copula
from trialsim.population.association.nearest import nearest_correlation
from trialsim.population.association.nominal import category_shares
from trialsim.population.card_files.reading import check_content, parse_card
from trialsim.population.laws.laws import NominalLaw

N = 200_000


def number(value: float, evidence: str = "assumed") -> dict:
    return {"value": value, "source": "us", "evidence": evidence}


def margin(name: str, kind: str, **numbers: object) -> dict:
    fields = {
        key: [number(one) for one in value]
        if key == "probabilities"
        else number(value)
        if isinstance(value, float)
        else value
        for key, value in numbers.items()
    }
    return {"name": name, "label": name, "kind": kind, **fields}


MARGINS = [
    margin("age", "truncated_normal", mean=70.0, sd=8.0, lower=50.0, upper=90.0),
    margin("crp", "lognormal", mean=8.8, sd=5.8),
    margin("female", "binary", probability=0.4),
    margin("smoker", "binary", probability=0.25),
    margin("stage", "ordinal", levels=[0.0, 1.0, 2.0], probabilities=[0.2, 0.3, 0.5]),
]


def card(correlations: list[dict], margins: list[dict] = MARGINS, **more: object):
    content = {
        "name": "tiny", "title": "t", "population": "p", "period": "p", "n": 10, "describes": "enrolled",
        "unlisted_pairs": "independent",
        "sources": {"us": {"citation": "us", "licence": "none", "read": True}},
        "margins": margins, "correlations": correlations, **more,
    }  # fmt: skip
    found = parse_card(content)
    check_content(found)
    return found


def pair(first: str, second: str, value: float, measure: str = "pearson", evidence: str = "assumed") -> dict:
    return {"between": [first, second], "measure": measure, **number(value, evidence)}


def test_every_measure_comes_out_in_a_draw():
    drawn = draw_covariates(
        card(
            [
                pair("age", "crp", 0.4, "kendall"),
                pair("crp", "stage", 0.35, "spearman"),
                pair("female", "smoker", 2.5, "odds_ratio"),
                pair("age", "female", -0.3, "point_biserial"),
            ]
        ),
        N,
        np.random.Generator(np.random.Philox(key=3)),
    )
    column = drawn.column
    assert stats.kendalltau(column("age")[:40_000], column("crp")[:40_000])[0] == pytest.approx(
        0.4, abs=0.015
    )
    assert stats.spearmanr(column("crp"), column("stage"))[0] * 1.0 == pytest.approx(
        np.corrcoef(stats.rankdata(column("crp")), stats.rankdata(column("stage")))[0, 1], abs=1e-12
    )
    assert stats.spearmanr(column("crp"), column("stage"))[0] == pytest.approx(0.35, abs=0.01)
    assert np.corrcoef(column("age"), column("female"))[0, 1] == pytest.approx(-0.3, abs=0.01)
    a, b = column("female") == 1, column("smoker") == 1
    odds = (a & b).sum() * (~a & ~b).sum() / ((a & ~b).sum() * (~a & b).sum())
    assert np.log(odds) == pytest.approx(np.log(2.5), abs=5 * 0.011)


def test_the_certificate_says_measure_and_achieved():
    frame = check_card(
        card([pair("female", "smoker", 2.5, "odds_ratio"), pair("age", "crp", 0.2, "spearman")])
    )
    rows = frame.set_index("what")
    assert rows.loc["odds ratio", "achieved"] == pytest.approx(2.5, rel=1e-9)
    assert rows.loc["spearman", "achieved"] == pytest.approx(0.2, abs=1e-12)
    assert rows.loc["spearman", "latent"] == pytest.approx(2 * np.sin(np.pi * 0.2 / 6), abs=1e-9)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (pair("age", "female", 2.0, "odds_ratio"), "two binary"),
        (pair("age", "crp", 0.2, "point_biserial"), "a binary and a continuous"),
        (pair("age", "stage", 0.2, "kendall"), "ties"),
        (pair("female", "stage", 0.95, "spearman"), "outside what these margins can have"),
    ],
)
def test_a_measure_that_does_not_fit_is_refused(entry, words):
    with pytest.raises(CardError, match=words) as caught:
        solve_copula(card([entry]))
    assert caught.value.field.startswith("correlations[0].")


@pytest.mark.parametrize(("value", "measure"), [(-1.0, "odds_ratio"), (1.0, "pearson"), (-1.2, "spearman")])
def test_a_value_that_no_measure_has_is_refused(value, measure):
    with pytest.raises(CardError) as caught:
        card([pair("age", "crp", value, measure)])
    assert caught.value.field == "correlations[0].value"


def test_nearest_moves_the_assumed_pair_and_says_by_how_much():
    entries = [
        pair("age", "crp", 0.85, evidence="published"),
        pair("crp", "stage", 0.6, evidence="published"),
        pair("age", "stage", -0.5),
    ]
    with pytest.raises(CardError, match="nearest"):
        solve_copula(card(entries))
    frame = check_card(card(entries, contradictions="nearest")).set_index("of")
    moved = frame["moved"].abs()
    assert moved["age – stage"] > 5 * max(moved["age – crp"], moved["crp – stage"])
    assert frame.loc["age – stage", "achieved"] > -0.5
    assert abs(frame.loc["age – crp", "error"]) < 0.05
    assert np.linalg.eigvalsh(solve_copula(card(entries, contradictions="nearest")).latent)[0] > 0


def test_nearest_equals_the_published_example_of_higham_2002():
    asked = np.array([[2.0, -1, 0, 0], [-1, 2, -1, 0], [0, -1, 2, -1], [0, 0, -1, 2]])
    asked = asked - np.eye(4)
    printed = np.array(
        [
            [1.0, -0.8084, 0.1916, 0.1068],
            [-0.8084, 1.0, -0.6562, 0.1916],
            [0.1916, -0.6562, 1.0, -0.8084],
            [0.1068, 0.1916, -0.8084, 1.0],
        ]
    )
    assert np.abs(nearest_correlation(asked, np.ones((4, 4)), smallest=1e-9) - printed).max() < 1e-4


def test_nearest_leaves_a_correlation_matrix_alone():
    matrix = np.array([[1.0, 0.3, -0.2], [0.3, 1.0, 0.5], [-0.2, 0.5, 1.0]])
    assert np.abs(nearest_correlation(matrix, np.ones((3, 3))) - matrix).max() < 1e-5


NOMINAL = {
    **margin("site", "nominal", categories=["north", "east", "south"], probabilities=[0.5, 0.3, 0.2]),
    "group_means": [{"of": "age", "means": [number(m) for m in (72.0, 69.0, 66.5)]}],
}


def test_categories_have_their_shares_and_the_other_covariate_its_means():
    found = card([pair("age", "crp", 0.3)], [*MARGINS, NOMINAL])
    drawn = draw_covariates(found, N, np.random.Generator(np.random.Philox(key=4)))
    site, age = drawn.column("site"), drawn.column("age")
    for code, (share, mean) in enumerate([(0.5, 72.0), (0.3, 69.0), (0.2, 66.5)]):
        inside = site == code
        assert inside.mean() == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / N))
        assert age[inside].mean() == pytest.approx(mean, abs=0.1)
    assert age.mean() == pytest.approx(70.0, abs=0.1)
    assert age.std() == pytest.approx(8.0, abs=0.1)
    frame = check_card(found)
    assert frame.loc[frame["what"] == "group mean", "error"].abs().max() < 0.02


def test_category_shares_equal_a_plain_simulation():
    law = NominalLaw((0.5, 0.3, 0.2), (0.4, 0.0, -0.4))
    z = np.random.default_rng(1).standard_normal((3, N))
    counts = np.bincount(law.from_latent(z).astype(int)) / N
    assert category_shares(law.utilities) == pytest.approx(list(counts), abs=0.006)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"group_means": [{"of": "age", "means": [number(90.0), number(60.0), number(20.0)]}]},
            "too far apart",
        ),
        ({"group_means": [{"of": "age", "means": [number(70.0)]}]}, "as many means"),
        ({"group_means": [{"of": "weight", "means": [number(70.0)] * 3}]}, "no such covariate"),
        ({"probabilities": [number(0.5), number(0.3), number(0.3)]}, "add up"),
    ],
)
def test_impossible_categories_are_refused(change, words):
    with pytest.raises(CardError, match=words):
        solve_copula(card([], [*MARGINS, NOMINAL | change]))


def test_categories_have_no_correlation():
    with pytest.raises(CardError, match="group_means"):
        card([pair("age", "site", 0.2)], [*MARGINS, NOMINAL])

"""Cards learnt from individuals keep the population and nobody's values; bad columns are refused."""

from __future__ import annotations

import importlib.util
import re
from datetime import date

import numpy as np
import pandas as pd
import pytest

from trialsim.errors import InputError
from trialsim.population import draw_covariates, read_card
from trialsim.population.card_files.writing import card_text, write_card
from trialsim.population.individual_data.fidelity import fidelity_report, minimum_by_measure
from trialsim.population.individual_data.fitting import CardFacts, coded, fit_card, shrinkage
from trialsim.population.individual_data.vine import fit_vine

FACTS = CardFacts("tiny", "Tiny", "nobody", "never", "simulated", "none")
N = 600


def individuals(n: int = N, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    z = rng.multivariate_normal(np.zeros(4), np.full((4, 4), 0.4) + 0.6 * np.eye(4), n)
    return pd.DataFrame(
        {
            "Age (years)": 70 + 8 * z[:, 0],
            "crp": np.exp(1 + 0.8 * z[:, 1]),
            "mmse": 30 / (1 + np.exp(-(0.8 + 0.6 * z[:, 2]))),
            "sex": np.where(z[:, 3] > 0.2, "M", "F"),
            "stage": np.searchsorted([-0.5, 0.7], rng.normal(size=n) + 0.5 * z[:, 0]).astype(float),
            "site": rng.choice(["north", "east", "south"], n),
        }
    )


def test_a_fitted_card_gives_the_population_back(tmp_path):
    frame = individuals()
    card = fit_card(frame, FACTS, limits={"mmse": (0.0, 30.0)})
    kinds = {margin.name: margin.kind for margin in card.margins}
    assert kinds["sex"] == "binary"
    assert kinds["stage"] == "ordinal"
    assert kinds["site"] == "nominal"
    assert kinds["crp"] in ("lognormal", "quantiles")
    assert card.names[0] == "age_years"
    made = draw_covariates(card, N, np.random.default_rng(2))
    worst = minimum_by_measure(fidelity_report(coded(frame), made)).set_index("measure")["worst"]
    assert worst["ks_complement"] > 0.9
    assert worst["tv_complement"] > 0.9
    assert worst["correlation_similarity"] > 0.9
    assert worst["pmse_ratio"] < 4


def test_a_fitted_card_reads_back_as_itself(tmp_path):
    card = fit_card(individuals(), FACTS)
    write_card(card, tmp_path / "tiny.toml")
    assert read_card(tmp_path / "tiny.toml").content_hash() == card.content_hash()


def test_a_fitted_card_holds_no_individual_value():
    frame = individuals()
    text = card_text(fit_card(frame, FACTS, limits={"mmse": (0.0, 30.0)}))
    numbers = {float(one) for one in re.findall(r"value = (-?[\d.e+-]+)", text)}
    for name in ("Age (years)", "crp", "mmse"):
        assert not numbers & set(frame[name]), name
        assert f"{frame[name].min():.4g}" not in text
        assert f"{frame[name].max():.4g}" not in text
    assert max(len(f"{number:.10g}".replace("-", "").replace(".", "").strip("0")) for number in numbers) <= 4


def test_few_participants_have_their_correlations_shrunk():
    few, many = fit_card(individuals(60), FACTS), fit_card(individuals(600), FACTS)

    def size(card):
        return np.mean([abs(entry.value) for entry in card.correlations if "site" not in entry.between])

    assert size(few) < 0.9 * size(many)
    assert shrinkage(np.eye(3), 50) == 1.0
    assert shrinkage(np.full((3, 3), 0.5) + 0.5 * np.eye(3), 10_000) < 0.001


def test_missing_values_become_a_rate():
    frame = individuals()
    frame.loc[frame.index[:60], "crp"] = np.nan
    card = fit_card(frame, FACTS)
    assert [(entry.covariate, entry.rate.value) for entry in card.missing] == [("crp", 0.1)]


def test_rare_levels_are_joined():
    frame = individuals()
    frame.loc[frame.index[:3], "stage"] = 3.0
    levels = next(margin.levels for margin in fit_card(frame, FACTS).margins if margin.name == "stage")
    assert levels == (0.0, 1.0, 2.0)


def days(last: str) -> list[str]:
    return ["2020-01-02"] * (N - 2) + ["2021-05-05", last]


COLUMNS = {
    "an identifier by name": ("usubjid", [f"01-{k}" for k in range(N)], "identifier"),
    "an identifier by content": ("code", [f"A{k:05d}" for k in range(N)], "identifier"),
    "a running number": ("row", list(range(1000, 1000 + N)), "one by one"),
    "free text": ("remark", [f"seen by {k % 50}" for k in range(N)], "free text"),
    "a date": ("visit", days("2020-03-04"), "is a date"),
    "a date in the future": ("visit", days("2031-03-04"), f"row {N - 1} holds a date in the future"),
    "a constant": ("unit", [1.0] * N, "does not vary"),
    "a rare category": ("region", ["x"] * (N - 25) + ["y"] * 20 + ["z"] * 5, "fewer than 11"),
    "a rare yes": ("rare", [0] * (N - 4) + [1] * 4, "fewer than 11"),
    "infinity": ("lab", [np.inf, *np.linspace(0, 1, N - 1)], "infinite"),
}


@pytest.mark.parametrize("fault", COLUMNS)
def test_columns_that_must_not_be_learnt_are_refused(fault):
    name, values, words = COLUMNS[fault]
    with pytest.raises(InputError, match=words) as caught:
        fit_card(individuals().assign(**{name: values}), FACTS, as_of=date(2026, 11, 21))
    assert caught.value.field == name
    assert caught.value.value is None


def test_too_few_participants_are_refused():
    with pytest.raises(InputError, match="cannot hide"):
        fit_card(individuals(30), FACTS)


def test_limits_that_the_data_break_are_refused():
    with pytest.raises(InputError, match="within the limits"):
        fit_card(individuals(), FACTS, limits={"mmse": (0.0, 18.0)})
    with pytest.raises(InputError, match="no such column"):
        fit_card(individuals(), FACTS, limits={"weight": (0.0, 18.0)})


@pytest.mark.skipif(
    importlib.util.find_spec("pyvinecopulib") is not None, reason="pyvinecopulib is installed"
)
def test_without_pyvinecopulib_a_vine_is_refused():
    with pytest.raises(InputError, match=r"trialsim\[vine\]"):
        fit_vine(individuals(), fit_card(individuals(), FACTS))


@pytest.mark.skipif(
    importlib.util.find_spec("pyvinecopulib") is None, reason="needs the optional package pyvinecopulib"
)
def test_a_vine_keeps_what_a_gaussian_copula_loses():
    rng = np.random.default_rng(4)
    # Clayton: strong dependence in the lower tail only.
    u, w = rng.random((2, 3000))
    v = (u**-2.0 * (w ** (-2.0 / 3.0) - 1) + 1) ** -0.5
    frame = pd.DataFrame({"a": 10 - 3 * np.log(1 / u - 1), "b": 10 - 3 * np.log(1 / v - 1)})
    frame += 100
    card = fit_card(frame, FACTS)

    def tail(people) -> float:
        low = [people.column(name) < np.quantile(people.column(name), 0.03) for name in ("a", "b")]
        return float((low[0] & low[1]).mean() / 0.03)

    vine = fit_vine(frame, card).draw(30_000, np.random.default_rng(5))
    gaussian = draw_covariates(card, 30_000, np.random.default_rng(5))
    assert tail(vine) == pytest.approx(tail(coded(frame)), abs=0.12)
    assert tail(gaussian) < tail(vine) - 0.1

"""Codes for "missing" are told from measured values, on both sides of the rule and by every reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trialsim.errors import HistoryError, InputError
from trialsim.missing_codes import blanked, code_like
from trialsim.population.individual_data.fitting import CardFacts, fit_card
from trialsim.prognosis import read_history
from trialsim.prognosis.histories.outcome_reading import read_outcome_history
from trialsim.protocol import HistoryTable
from trialsim.protocol.outcome_table import OutcomeTable

FACTS = CardFacts("tiny", "Tiny", "nobody", "never", "simulated", "none")


def columns() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    return {
        "age": np.round(rng.normal(60, 12, 200).clip(18, 95)),
        "count": rng.poisson(0.9, 200).astype(float),
        "pressure": np.round(rng.normal(130, 18, 200)),
        "crp": np.round(np.exp(rng.normal(1, 1.2, 500)), 1),
        "saturation": np.round(rng.normal(95, 1.5, 200).clip(85, 98)),
        "alt": np.round(np.exp(rng.normal(3.3, 0.6, 300))),
        "days": np.round(rng.uniform(10, 400, 200)),
        "ecog": rng.integers(0, 5, 200).astype(float),
        "sex": rng.integers(1, 3, 200).astype(float),
        "change": np.round(rng.normal(0, 8, 200)),
        "pain": rng.integers(0, 11, 200).astype(float),
        "percentile": rng.integers(1, 100, 300).astype(float),
    }


CODES = [
    ("age", [999.0]), ("age", [-99.0]), ("age", [-9.0] * 3), ("age", [999.0] * 150),
    ("count", [99.0] * 2), ("count", [997.0, 998.0, 999.0]), ("crp", [99999.0] * 2),
    ("pressure", [999.0]), ("pressure", [9999.0] * 4), ("days", [999.0] * 3), ("sex", [9.0] * 3),
    ("change", [-99.0] * 2), ("change", [999.0]), ("pain", [99.0] * 2),
]  # fmt: skip
MEASURED = [
    ("age", [99.0] * 3), ("age", [88.0] * 2), ("count", [9.0] * 2), ("count", [60.0] * 2), ("crp", [99.9]),
    ("crp", [999.0]), ("saturation", [99.0] * 9), ("alt", [999.0]), ("days", [999.0]), ("ecog", [9.0] * 2),
    ("change", [-9.0] * 5), ("change", [9.0] * 5), ("change", [-99.0]), ("pain", [9.0] * 9),
    ("percentile", [99.0] * 9), ("pressure", [1234.0] * 3),
]  # fmt: skip


@pytest.mark.parametrize(("name", "codes"), CODES)
def test_codes_are_seen_whatever_their_share(name: str, codes: list[float]) -> None:
    found = code_like(np.append(columns()[name], codes))
    assert found[-len(codes) :].all()
    assert not found[: -len(codes)].any()


@pytest.mark.parametrize(("name", "measured"), MEASURED)
def test_measured_values_are_left_alone(name: str, measured: list[float]) -> None:
    assert not code_like(np.append(columns()[name], measured)).any()


def test_whole_columns_and_few_values_are_no_codes() -> None:
    assert not code_like(np.full(50, 999.0)).any()
    assert not code_like(np.array([1.0, 2, 999, 999])).any()
    assert not code_like(np.array([])).any()
    order = np.random.default_rng(1).permutation(202)
    column = np.append(columns()["age"], [999.0, 999.0])
    np.testing.assert_array_equal(code_like(column[order]), code_like(column)[order])


def test_codes_are_blanked_as_numbers_and_as_texts() -> None:
    column = pd.Series(["1", "999", "999.0", ".M", "unknown", "-99", "9990"])
    left = blanked(column, (999, ".M", "unknown", -99))
    assert left.dropna().tolist() == ["1", "9990"]
    assert blanked(pd.Series([1.0, 999.0, np.nan]), (999,)).isna().tolist() == [False, True, True]


def outcome_table(**more: object) -> OutcomeTable:
    content = {
        "endpoint": "resp", "family": "count", "covariates": ("age",),
        "columns": {"participant": "id", "time": "days", "time_unit": "days"},
    } | more  # fmt: skip
    return OutcomeTable.model_validate(content)


def outcome_file(folder: Path, **cells: list[object]) -> Path:
    own = columns()
    rows = pd.DataFrame(
        {
            "id": [f"{k:03d}" for k in range(200)],
            "age": own["age"] + 0.5,
            "resp": own["count"].astype(int),
            "days": own["days"],
        },
        dtype=object,
    )
    for name, values in cells.items():
        rows.loc[: len(values) - 1, name] = values
    rows.to_csv(folder / "outcomes.csv", index=False)
    return folder / "outcomes.csv"


@pytest.mark.parametrize("name", ["age", "resp", "days"])
def test_an_outcome_table_with_an_undeclared_code_is_refused_by_its_rows(tmp_path: Path, name: str) -> None:
    path = outcome_file(tmp_path, **{name: [999, 999, 999]})
    with pytest.raises(HistoryError, match="code for a missing value") as caught:
        read_outcome_history(path, outcome_table())
    assert caught.value.field == name
    assert "rows 1, 2, 3" in str(caught.value)
    assert "missing = [999]" in str(caught.value.mend)


def test_declared_codes_are_missing_and_an_empty_list_says_that_all_was_measured(tmp_path: Path) -> None:
    path = outcome_file(tmp_path, age=[999, ".M", "unknown"])
    history = read_outcome_history(path, outcome_table(missing=[999, ".M", "unknown"]))
    assert np.isnan(history.covariates.column("age")).tolist() == [True] * 3 + [False] * 197
    by_column = read_outcome_history(path, outcome_table(missing={"age": [999, ".M", "unknown"]}))
    np.testing.assert_array_equal(by_column.covariates.values, history.covariates.values)
    path = outcome_file(tmp_path, resp=[999, 999, 999])
    assert read_outcome_history(path, outcome_table(missing=[])).outcome.max() == 999
    with pytest.raises(HistoryError, match="outcome is missing in rows 1, 2, 3"):
        read_outcome_history(path, outcome_table(missing={"resp": [999]}))
    kept = [{"column": "resp", "at_least": 0.0}]
    left = read_outcome_history(path, outcome_table(missing={"resp": [999]}, filter=kept))
    assert len(left) == 197
    assert left.outcome.mean() < 1.2
    with pytest.raises(HistoryError, match="code for a missing value"):
        read_outcome_history(path, outcome_table(filter=kept))


def history_file(folder: Path, **cells: list[float]) -> Path:
    rng, n = np.random.default_rng(3), 60
    rows = pd.DataFrame(
        {
            "participant": np.repeat(np.arange(n), 3), "week": np.tile([0.0, 8.0, 16.0], n),
            "score": np.round(rng.normal(20, 4, 3 * n), 1),
            "age": np.repeat(np.round(rng.normal(70, 7, n)), 3),
        }
    )  # fmt: skip
    for name, values in cells.items():
        rows.loc[: len(values) - 1, name] = values
    rows.to_csv(folder / "history.csv", index=False)
    return folder / "history.csv"


def test_a_history_with_an_undeclared_code_is_refused_and_reads_when_declared(tmp_path: Path) -> None:
    path = history_file(tmp_path, age=[999.0] * 3)
    with pytest.raises(HistoryError, match="code for a missing value") as caught:
        read_history(path, HistoryTable(), "score", covariates=("age",))
    assert caught.value.field == "age"
    table = HistoryTable.model_validate({"missing": {"age": [999]}})
    assert np.isnan(read_history(path, table, "score", covariates=("age",)).covariates.values[0, 0])
    path = history_file(tmp_path, score=[21.0, -99.0, 999.0])
    with pytest.raises(HistoryError, match="rows 2, 3"):
        read_history(path, HistoryTable(), "score", covariates=("age",))
    table = HistoryTable.model_validate({"missing": [-99, 999]})
    history = read_history(path, table, "score", covariates=("age",))
    assert np.isnan(history.outcomes[0]).all()


def test_a_card_is_not_learnt_from_undeclared_codes() -> None:
    frame = pd.DataFrame({"age": columns()["age"], "alt": columns()["alt"][:200]})
    coded_999 = frame.assign(age=frame["age"].where(frame.index > 4, 999.0))
    with pytest.raises(InputError, match="code for a missing value in 5 rows") as caught:
        fit_card(coded_999, FACTS)
    assert caught.value.field == "age"
    text = frame.assign(age=frame["age"].astype(object).where(frame.index > 4, ".M"))
    with pytest.raises(InputError, match="holds text in 5 rows beside numbers"):
        fit_card(text, FACTS)
    by_number, by_text = fit_card(coded_999, FACTS, missing=[999]), fit_card(text, FACTS, missing=[".M"])
    assert by_number.content_hash() == by_text.content_hash()
    assert by_number.missing[0].rate.value == 0.025
    assert abs(by_number.margins[0].mean.value - frame["age"].mean()) < 0.5

"""The report says what the result says, loads nothing, and escapes what users write."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from trialsim.report.page import render_report
from trialsim.report.tables import all_tables
from trialsim.study import StudyResult


@pytest.fixture(scope="module")
def page(result: StudyResult) -> str:
    return render_report(result)


def words(page: str) -> str:
    """Return the page without scripts and styles."""
    return re.sub(r"<(script|style).*?</\1>", "", page, flags=re.S)


def test_the_answer_comes_first_and_agrees_with_the_result(page: str, result: StudyResult) -> None:
    text = words(page)
    verdict = "Saving supported" if result.plan.supported else "No saving supported"
    assert text.index(verdict) < text.index("Optimistic by construction") < text.index("Evidence</h2>")
    for saving in result.plan.savings:
        assert f"{saving.ancova.total} → {saving.prognostic.total}" in text


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    text = words(page)
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)""", text)
    assert "default-src 'none'" in page


def test_user_text_is_escaped(result: StudyResult) -> None:
    hostile = result.protocol.model_copy(update={"title": "<script>alert(1)</script>"})
    page = render_report(replace(result, protocol=hostile))
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_no_saving_supported_names_the_size_to_use(result: StudyResult) -> None:
    page = words(render_report(replace(result, plan=replace(result.plan, supported=False))))
    assert "No saving supported" in page
    assert f"Size the trial by baseline ANCOVA: {result.plan.sizes['ancova'].total} participants" in page


def test_tables_are_rectangular_and_filled(result: StudyResult) -> None:
    for name, table in all_tables(result).items():
        assert table.rows, name
        for row in table.rows:
            assert len(row) == len(table.columns), name
            assert "nan" not in " ".join(row).lower().split(), name


def test_simulated_figures_carry_their_monte_carlo_error(result: StudyResult) -> None:
    table = all_tables(result)["characteristics"]
    for column in ("rejection rate", "bias", "coverage"):
        position = list(table.columns).index(column)
        assert all("±" in row[position] for row in table.rows)


@pytest.mark.parametrize(
    "phrase", ["validated", "compliant", "replaces the control arm", "PROCOVA", "TwinRCT"]
)
def test_words_that_are_never_ours(page: str, phrase: str) -> None:
    assert phrase.lower() not in words(page).lower()

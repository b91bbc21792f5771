"""The report says what the result says, loads nothing, and escapes what users write."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from markupsafe import escape

from trialsim.protocol import Costs
from trialsim.report.figures import all_figures
from trialsim.report.page import render_report
from trialsim.report.supplementary_tables import figure_table, supplementary_tables
from trialsim.report.tables import all_tables
from trialsim.report.theme import ACCENT, INK, LINES, SOFT, WARN
from trialsim.study import StudyResult, SupplementaryAnalyses
from trialsim.study.supplementary import time_and_cost


@pytest.fixture(scope="module")
def page(result: StudyResult, beside: SupplementaryAnalyses) -> str:
    return render_report(result, beside)


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


def test_user_text_is_escaped(result: StudyResult, beside: SupplementaryAnalyses) -> None:
    hostile = result.protocol.model_copy(update={"title": "<script>alert(1)</script>"})
    page = render_report(replace(result, protocol=hostile), beside)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_no_saving_supported_names_the_size_to_use(
    result: StudyResult, beside: SupplementaryAnalyses
) -> None:
    page = words(render_report(replace(result, plan=replace(result.plan, supported=False)), beside))
    assert "No saving supported" in page
    assert f"Size the trial by baseline ANCOVA: {result.plan.sizes['ancova'].total} participants" in page


def test_tables_are_rectangular_and_filled(result: StudyResult, beside: SupplementaryAnalyses) -> None:
    for name, table in (all_tables(result) | supplementary_tables(result, beside)).items():
        assert table.rows, name
        for row in table.rows:
            assert len(row) == len(table.columns), name
            assert "nan" not in " ".join(row).lower().split(), name


def test_a_score_of_study_effects_says_how_it_was_judged(
    result: StudyResult, beside: SupplementaryAnalyses
) -> None:
    table = result.protocol.prognosis.model_copy(update={"study_effects": True})
    by_study = replace(result, protocol=result.protocol.model_copy(update={"prognosis": table}))
    assert "10-fold cross-validation" in words(render_report(result, beside))
    page = words(render_report(by_study, beside))
    assert "each fold holds studies that its fit has not seen" in page
    assert "effects of studies" in page


def test_simulated_figures_carry_their_monte_carlo_error(result: StudyResult) -> None:
    table = all_tables(result)["characteristics"]
    for column in ("rejection rate", "bias", "coverage"):
        position = list(table.columns).index(column)
        assert all("±" in row[position] for row in table.rows)


def test_every_figure_has_words_and_its_numbers(
    page: str, result: StudyResult, beside: SupplementaryAnalyses
) -> None:
    figures = all_figures(result, beside)
    assert page.count('<div role="img" aria-label=') == len(figures)
    assert page.count("The numbers of this figure") == len(figures)
    for drawn in figures.values():
        assert page.count(str(escape(drawn.words))) == 2
        table = figure_table(drawn.figure)
        assert len(table.rows) == sum(len(trace.x) for trace in drawn.figure.data)
        for row in table.rows[:3]:
            assert all(f"<td>{escape(cell)}</td>" in page for cell in row[1:] if cell)


def test_simulated_points_keep_their_interval_in_words(result: StudyResult, beside) -> None:
    table = figure_table(all_figures(result, beside)["type_one_error"].figure)
    rate = result.type_one_errors()[0]
    low, high = rate.rejection_interval
    assert any(row[3] == f"{low:.4g} to {high:.4g}" for row in table.rows)
    assert len({row[2] for row in table.rows}) == len(table.rows), "every point is named by its own place"
    assert table.columns == ("series", "type I error", "scenario, size, analysis", "interval")


def test_every_button_and_link_has_a_name_and_headings_skip_no_level(page: str) -> None:
    text = words(page)
    levels = [int(level) for level in re.findall(r"<h(\d)", text)]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    targets = set(re.findall(r'href="#([\w-]+)"', text))
    assert targets <= set(re.findall(r'id="([\w-]+)"', text))
    assert 'lang="en"' in text
    assert text.count("<caption>") == text.count("<table")


def test_borrowing_that_would_not_be_seen_is_said_in_words(page: str, beside: SupplementaryAnalyses) -> None:
    edges = beside.borrowing.tipping
    bad = edges.loc[~edges["defensible"], "method"].tolist()
    assert bad, "customary settings are no danger here: choose another example"
    text = words(page)
    section = text[text.index('id="borrowing"') :]
    assert f"{len(bad)} of {len(edges) - 1} ways to borrow" in section
    assert "borrowing is not defensible" in section


def test_money_is_shown_only_where_the_user_gave_prices(
    page: str, result: StudyResult, beside: SupplementaryAnalyses
) -> None:
    assert "no money is shown" in page
    costs = Costs(currency="EUR", control=1000.0, active=1000.0, source="a made-up <price> list")
    priced = replace(result, protocol=result.protocol.model_copy(update={"costs": costs}))
    priced_page = render_report(priced, replace(beside, savings=time_and_cost(priced)))
    assert "Prices: a made-up &lt;price&gt; list" in priced_page
    saved = result.plan.saving("worst_plausible").participants_saved
    assert f"<td>{1000 * saved:,}</td>" in priced_page


def test_a_method_that_no_setting_saves_is_said_to_have_none(
    result: StudyResult, beside: SupplementaryAnalyses
) -> None:
    points = beside.borrowing.frontier.points
    lost = replace(points[1], feasible=False)
    shy = replace(points[2], tipping=0.05, detectable=0.2)
    frontier = replace(beside.borrowing.frontier, points=(points[0], lost, shy, *points[3:]))
    risky = replace(beside, borrowing=replace(beside.borrowing, frontier=frontier))
    rows = {row[0]: row for row in supplementary_tables(result, risky)["frontier"].rows}
    assert rows[lost.method][2] == "none feasible"
    assert rows[shy.method][-1] == "borrowing is not defensible"
    assert rows[shy.method][6:8] == ("0.05 SD", "0.20 SD")
    figure = all_figures(result, risky)["frontier"].figure
    bars = {name: bar.name for bar in figure.data for name in bar.y}
    assert lost.method not in bars
    assert "not defensible" in bars[shy.method]
    assert [note.text for note in figure.layout.annotations] == ["none feasible"]


def contrast(colour: str) -> float:
    """Return the contrast of a colour with white (WCAG 2)."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def test_the_word_at_a_line_is_read_over_dark_bars_too(result: StudyResult, beside) -> None:
    notes = all_figures(result, beside)["savings"].figure.layout.annotations
    assert [note.bgcolor for note in notes if note.text == "smallest worthwhile saving"] == [
        "rgba(255, 255, 255, 0.85)"
    ]


def test_lines_and_words_can_be_told_from_the_page(page: str) -> None:
    assert all(contrast(colour) >= 3 for colour in (INK, ACCENT, SOFT, WARN, *(line[0] for line in LINES)))
    assert len({line[1:] for line in LINES}) == len(LINES), "no two lines differ by colour alone"
    (grounds, *named) = (
        [*re.findall(rf"--{name}: (#[0-9a-f]{{6}})", page)] for name in ("page", "ink", "accent", "warn")
    )
    assert len(grounds) == 3, "light, dark, and light again on paper"
    for colours in named:
        for ground, colour in zip(grounds, colours, strict=True):
            assert max(contrast(colour), contrast(ground)) / min(contrast(colour), contrast(ground)) >= 4.5


@pytest.mark.parametrize(
    "phrase", ["validated", "compliant", "replaces the control arm", "PROCOVA", "TwinRCT"]
)
def test_words_that_are_never_ours(page: str, phrase: str) -> None:
    assert phrase.lower() not in words(page).lower()

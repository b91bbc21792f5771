"""The report says what the result says, loads nothing, and escapes what users write."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from markupsafe import escape

from tests.small_study import Answered
from trialsim.protocol.declared.control_arm import Costs
from trialsim.report.arm_figures import arm_figures
from trialsim.report.arm_tables import arm_tables
from trialsim.report.html import figure_table
from trialsim.report.sizes import answer, answer_facts
from trialsim.report.theme import ACCENT, INK, LINES, SOFT, WARN
from trialsim.report.trial_page import render_trial_report
from trialsim.report.trial_tables import trial_tables
from trialsim.study import SupplementaryAnalyses
from trialsim.study.control_arm import time_and_cost


def render(answered: Answered, **changes: object) -> str:
    one = replace(answered, **changes)  # type: ignore[arg-type]  # fields of the answer
    return render_trial_report(one.trial, one.plan, one.result, one.beside)


@pytest.fixture(scope="module")
def page(answered: Answered) -> str:
    return render(answered)


def words(page: str) -> str:
    """Return the page without scripts and styles."""
    return re.sub(r"<(script|style).*?</\1>", "", page, flags=re.S)


def test_the_answer_comes_first_and_agrees_with_the_result(page: str, answered: Answered) -> None:
    text, plan = words(page), answered.beside.arm.plan
    verdict = "Saving beyond baseline ANCOVA supported" if plan.supported else "No saving supported"
    assert text.index("The answer</h2>") < text.index(verdict) < text.index("Optimistic by construction")
    for saving in plan.savings:
        assert f"{saving.ancova.total} → {saving.prognostic.total}" in text
    said = answer(answered.trial, answered.result)
    assert said[0].startswith("With placebo twins ")
    assert "worst plausible, it is" in " ".join(said).lower()
    assert " ± " in said[1]
    assert " ± " in said[2]
    assert all(str(escape(sentence)) in page for sentence in said)


def test_the_answer_as_json_is_that_of_the_page(answered: Answered) -> None:
    facts = answer_facts(answered.trial, answered.result, answered.beside)
    assert facts["sentences"] == answer(answered.trial, answered.result)
    nulls = answered.result.operating_characteristics.query("scenario.str.contains('null')")
    assert facts["largest_type_one_error"]["rate"] == nulls["rejection_rate"].max()
    plan = answered.beside.arm.plan
    by_formula = facts["beyond_baseline_ancova_by_formula"]
    assert by_formula["supported"] == plan.supported
    assert by_formula["participants_saved"]["discounted"] == plan.saving("discounted").participants_saved


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    text = words(page)
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)""", text)
    assert "default-src 'none'" in page


def test_user_text_is_escaped(answered: Answered) -> None:
    hostile = answered.trial.model_copy(update={"title": "<script>alert(1)</script>"})
    page = render(answered, trial=hostile)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def with_arm(answered: Answered, **changes: object) -> SupplementaryAnalyses:
    return replace(answered.beside, arm=replace(answered.beside.arm, **changes))  # type: ignore[arg-type]  # its fields


def test_no_saving_supported_names_the_size_to_use(answered: Answered) -> None:
    plan = answered.beside.arm.plan
    page = words(render(answered, beside=with_arm(answered, plan=replace(plan, supported=False))))
    assert "No saving supported" in page
    assert f"Size the trial by baseline ANCOVA: {plan.sizes['ancova'].total} participants" in page


def test_a_score_of_study_effects_says_how_it_was_judged(answered: Answered, page: str) -> None:
    twins = answered.trial.twins.model_copy(update={"study_effects": True})
    by_study = answered.trial.model_copy(update={"twins": twins})
    assert "10-fold cross-validation" in words(page)
    assert "each fold holds studies that its fit has not seen" in words(render(answered, trial=by_study))


def test_a_real_history_says_the_size_that_its_own_spread_needs(answered: Answered) -> None:
    learnt = answered.beside.arm.learnt
    real = replace(learnt, facts=replace(learnt.facts, generated=False))
    arm = answered.beside.arm
    narrow = replace(arm.plan.moments, sd=tuple(sd / 2 for sd in arm.plan.moments.sd))
    text = words(render(answered, beside=with_arm(answered, learnt=real, at_the_model=narrow)))
    said = re.search(r"needs\s+<b>(\d+) participants</b>.*?would\s+ask for (\d+): believe", text, flags=re.S)
    assert int(said[1]) == arm.plan.sizes["ancova"].total
    assert 3.5 < int(said[1]) / int(said[2]) < 4.1
    assert "believe the history" not in words(render(answered, beside=with_arm(answered, learnt=real)))
    assert "Optimistic by construction" not in text


def test_two_sizes_by_formula_are_joined_by_one_sentence(answered: Answered, page: str) -> None:
    plan, sizes = answered.beside.arm.plan, answered.result.sizes
    row = sizes[(sizes.analysis == "prognostic") & (sizes.score == "as declared")].iloc[0]
    said = re.search(r"Why Prognostic adjustment has two sizes by formula: ([^.]*\.\d), .*", words(page))
    assert float(said[1]) == pytest.approx(row.participants_by_formula, abs=0.05)
    assert f"searched size of {row.participants:,}" in said[0]
    seen = plan.moments.partial_correlation[0]
    assert f"{plan.sizes['prognostic'].total:,} is for the {seen:.2f} that the history" in said[0]
    assert "Plan with the searched size." in said[0]
    same = answered.result.sizes.assign(participants_by_formula=plan.sizes["prognostic"].total - 1.0)
    text = render(answered, result=replace(answered.result, sizes=same))
    assert "two sizes by formula" not in words(text)


def test_the_page_says_where_the_natural_history_and_its_slow_class_come_from(page: str) -> None:
    text = words(page)
    assert "Natural history: delor2013_cdr_sb" in text
    assert "41 % of these people are slow decliners" in text
    assert "Clarity AD" in text


def test_simulated_figures_carry_their_monte_carlo_error(answered: Answered) -> None:
    table = trial_tables(answered.trial, answered.result)["characteristics"]
    for column in ("rejection rate", "bias", "coverage"):
        position = list(table.columns).index(column)
        assert all("±" in row[position] for row in table.rows)


def test_every_figure_has_words_and_its_numbers(page: str, answered: Answered) -> None:
    figures = arm_figures(answered.beside)
    drawn = page.count('<div role="img" aria-label=')
    assert drawn == page.count("The numbers of this figure") > len(figures)
    for one in figures.values():
        assert page.count(str(escape(one.words))) == 2
        table = figure_table(one.figure)
        assert len(table.rows) == sum(len(trace.x) for trace in one.figure.data)
        for row in table.rows[:3]:
            assert all(f">{escape(cell)}</td>" in page for cell in row[1:] if cell)


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


def test_money_is_shown_only_where_the_user_gave_prices(page: str, answered: Answered) -> None:
    assert "no money is shown" in page
    costs = Costs(currency="EUR", control=1000.0, active=1000.0, source="a made-up <price> list")
    priced = answered.trial.model_copy(update={"costs": costs})
    beside = with_arm(answered, trial=priced)
    priced_page = render(answered, trial=priced, beside=replace(beside, savings=time_and_cost(beside.arm)))
    assert "Prices: a made-up &lt;price&gt; list" in priced_page
    saved = beside.arm.plan.saving("worst_plausible").participants_saved
    assert f"<td>{1000 * saved:,}</td>" in priced_page


def test_a_method_that_no_setting_saves_is_said_to_have_none(beside: SupplementaryAnalyses) -> None:
    points = beside.borrowing.frontier.points
    lost = replace(points[1], feasible=False)
    shy = replace(points[2], tipping=0.05, detectable=0.2)
    frontier = replace(beside.borrowing.frontier, points=(points[0], lost, shy, *points[3:]))
    risky = replace(beside, borrowing=replace(beside.borrowing, frontier=frontier))
    rows = {row[0]: row for row in arm_tables(risky)["frontier"].rows}
    assert rows[lost.method][2] == "none feasible"
    assert rows[shy.method][-1] == "borrowing is not defensible"
    assert rows[shy.method][6:8] == ("0.05 SD", "0.20 SD")
    figure = arm_figures(risky)["frontier"].figure
    bars = {name: bar.name for bar in figure.data for name in bar.y}
    assert lost.method not in bars
    assert "not defensible" in bars[shy.method]
    assert [note.text for note in figure.layout.annotations] == ["none feasible"]


def contrast(colour: str) -> float:
    """Return the contrast of a colour with white (WCAG 2)."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def test_the_line_over_the_bars_is_named_in_the_legend_and_not_over_them(beside) -> None:
    figure = arm_figures(beside)["savings"].figure
    (line,) = [one for one in figure.data if one.name == "smallest worthwhile saving"]
    assert (line.mode, line.showlegend) != ("text", False)
    assert "smallest worthwhile saving" not in [note.text for note in figure.layout.annotations]


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

"""The tutorials run as they stand, from the start page on, in one folder; they share its runs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.cli.design_page import examples, printed
from tests.cli.in_process import run
from tests.worked_examples import Block, blocks_of, commands_of, run_blocks
from trialsim.prognosis import FitSettings
from trialsim.study.people import learning

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
START = "start.md"
# In their order: a later page may use what an earlier one made.
PAGES = [
    START,
    "tutorials/size_a_trial.md",
    "tutorials/own_placebo_arm.md",
    "tutorials/what_a_twin_tells.md",
    "tutorials/survival_with_looks.md",
    "tutorials/borrow_controls.md",
    "tutorials/inspect_a_run.md",
    "tutorials/disease_model.md",
]
BRIEF = FitSettings(
    chains=2, tune=300, draws=300, cores=1, max_rhat=1.2, min_ess=20, max_divergences=50, accept=0.9
)


def blocks(page: str, slow: bool = False) -> list[Block]:
    found = blocks_of((DOCS / page).read_text(encoding="utf-8"))
    return [block for block in found if (block[1] == "slow") == slow]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The reader's folder, in which twins are sampled briefly."""
    place = tmp_path_factory.mktemp("reader")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("TRIALSIM_CACHE", str(place / "cache"))
        patch.setattr("trialsim.prognosis.twins.outcome.FitSettings", lambda **_: BRIEF)
        patch.setattr(learning, "FOLD_SETTINGS", BRIEF)
        yield place


@pytest.fixture(scope="module")
def made() -> set[str]:
    """Pages whose files are in the folder."""
    return set()


def test_every_tutorial_is_run() -> None:
    assert {f"tutorials/{path.name}" for path in (DOCS / "tutorials").glob("*.md")} == set(PAGES) - {START}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_as_it_stands(
    page: str, folder: Path, made: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Path.cwd() == folder
    run_blocks(blocks(page), folder, page, {"__name__": "__main__"}, partial(run, monkeypatch))
    made.add(page)
    for command, output in examples((DOCS / page).read_text(encoding="utf-8")):
        assert printed(command) == output, command
    for _, _, text in (block for block in blocks(page, slow=True) if block[0] == "sh"):
        for words in commands_of(text):  # the whole runs: test_whole_runs
            assert words[:2] == ["trialsim", "run"], words
            assert run(monkeypatch, *words[1:], "--plan", "--quiet") == 0, words


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(b[0] == "sh" for b in blocks(page, slow=True))]
)
def test_whole_runs(page: str, folder: Path, made: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself too: what the pages before it make is made here if it is not there."""
    for one in PAGES[: PAGES.index(page) + 1]:
        if one not in made:
            run_blocks(blocks(one), folder, one, {"__name__": "__main__"}, partial(run, monkeypatch))
            made.add(one)
    chosen = [block for block in blocks(page, slow=True) if block[0] == "sh"]
    run_blocks(chosen, folder, page, {}, partial(run, monkeypatch))


def test_toml_for_reading_is_toml() -> None:
    import tomllib

    for page in PAGES:
        for language, _, text in blocks(page):
            if language == "toml":
                tomllib.loads(text)

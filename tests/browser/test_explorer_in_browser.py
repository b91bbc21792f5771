"""The explorer as a browser shows it; skipped where no Chromium is installed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.chrome import CHROMIUM, Chrome, chrome
from tests.explore.asking import Asking, asking

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
DRAWN = "!!document.querySelector('#curve svg') && !!document.querySelector('#sizes table')"
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
TOTAL = "document.querySelector('#sizes tr.chosen td').textContent"
MOVE = """
(name, value) => new Promise((done) => {
  const slider = document.getElementById(`n-${name}-slider`);
  const answer = document.getElementById("answer");
  document.addEventListener("explorer:drawn", () => done(answer.textContent), { once: true });
  slider.value = value;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
})
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chrome() as page:
        yield page


@pytest.fixture(scope="module")
def one() -> Iterator[Asking]:
    with asking() as running:
        yield running


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_the_design_view_answers_while_a_slider_moves(
    browser: Chrome, one: Asking, width: int, dark: bool
) -> None:
    browser.open(one.explorer.guard.address, width, dark=dark)
    browser.wait_for(DRAWN)
    # The token is not left in the address.
    assert "token" not in browser.run("location.href")
    before = int(browser.run(TOTAL))
    assert browser.run(f"({MOVE})('effect', 3)").startswith(
        f"{browser.run(TOTAL)} participants with the score"
    )
    after = int(browser.run(TOTAL))
    assert after < before / 2
    # The number of the page is that of the server, to the last participant.
    answer = one.post("/api/design", {"state": {"effect": 3}}).content
    assert after == answer["rows"][3]["total"]
    # Nothing is wider than the page, nothing was forbidden, nothing failed.
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.problems == []


def test_a_link_brings_its_numbers_back_and_hostile_names_stay_text(browser: Chrome, one: Asking) -> None:
    designs = [{"name": HOSTILE, "state": {"effect": 1.5}}, {"name": "other", "state": {"scale": "binary"}}]
    text = json.dumps({"v": 1, "at": 0, "designs": designs}).encode()
    code = base64.urlsafe_b64encode(text).decode().rstrip("=")
    browser.open(one.explorer.guard.address)
    browser.wait_for(DRAWN)
    browser.run(f"location.hash = '#d={code}'")
    browser.wait_for(f"{DRAWN} && document.getElementById('n-effect').value === '1.5'")
    browser.run("document.getElementById('tab-compare').click()")
    browser.wait_for("document.querySelectorAll('#view-compare tbody input').length === 2 && "
                     "!!document.querySelector('#view-compare .plot svg')")  # fmt: skip
    assert browser.run("document.querySelector('#view-compare tbody input').value") == HOSTILE[:60]
    assert browser.run("document.querySelectorAll('#view-compare img, #view-compare script').length") == 0
    assert browser.run("window.hacked === undefined")
    assert browser.problems == []


def test_a_number_that_cannot_be_is_marked_and_the_answer_stays(browser: Chrome, one: Asking) -> None:
    browser.open(one.explorer.guard.address)
    browser.wait_for(DRAWN)
    browser.run("""(() => { const field = document.getElementById("n-sd"); field.value = "-1";
        field.dispatchEvent(new Event("input", { bubbles: true })); })()""")
    browser.wait_for("document.getElementById('n-sd').getAttribute('aria-invalid') === 'true'")
    assert "must be above 0" in browser.run("document.getElementById('answer').textContent")
    # A refused question is a refusal, which browsers write to their console.
    browser.problems = [one for one in browser.problems if "422" not in one]
    assert browser.problems == []


def test_it_works_by_the_keyboard_alone(browser: Chrome, one: Asking) -> None:
    browser.open(one.explorer.guard.address)
    browser.wait_for(DRAWN)
    browser.run("document.getElementById('n-power-slider').focus()")
    before = browser.run(TOTAL)
    browser.press("ArrowRight", 39)
    browser.wait_for(f"{TOTAL} !== '{before}'")
    browser.run("document.getElementById('tab-design').focus()")
    browser.press("ArrowRight", 39)
    assert browser.run("document.activeElement.id") == "tab-participant"
    assert browser.run("!document.getElementById('view-participant').hidden")
    unnamed = browser.run("""[...document.querySelectorAll("input, select, button")].filter((one) =>
        !one.labels?.length && !one.getAttribute("aria-label") && !one.textContent.trim()).length""")
    assert unnamed == 0


def test_a_simulation_streams_and_is_cancelled(browser: Chrome, one: Asking) -> None:
    browser.open(one.explorer.guard.address)
    browser.wait_for(DRAWN)
    browser.run(
        "document.getElementById('replicates').value = '10000'; document.getElementById('simulate').click()"
    )
    browser.wait_for("/After [1-9]/.test(document.getElementById('confirmed').textContent)", 180)
    assert browser.run("document.querySelectorAll('#bands polygon').length") == 2
    assert browser.run("document.querySelectorAll('#bands tbody tr').length") == 4
    browser.run("document.getElementById('cancel').click()")
    browser.wait_for("document.getElementById('confirmed').textContent.startsWith('Cancelled. After')", 20)
    assert browser.problems == []


def test_a_participant_of_a_run_is_changed(browser: Chrome) -> None:
    with asking(Path("reports/example")) as run:
        browser.open(run.explorer.guard.address)
        browser.wait_for(DRAWN)
        browser.run("document.getElementById('tab-participant').click()")
        browser.wait_for("document.querySelectorAll('#view-participant polygon').length === 4")
        browser.run("""(() => { const field = document.querySelector('[aria-label$="baseline, changed"]');
            field.value = "6"; field.dispatchEvent(new Event("input", { bubbles: true })); })()""")
        browser.wait_for(
            "/differs by/.test(document.querySelector('#view-participant .verdict').textContent)"
        )
        assert browser.problems == []


def test_a_protocol_learns_its_twins_on_the_page(browser: Chrome, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fit itself is that of `twins whatif`; here it is taken from the run."""
    import trialsim.prognosis

    model = trialsim.prognosis.Prognosis.load(Path("reports/example/inputs/posterior.npz"))
    monkeypatch.setattr(trialsim.prognosis, "fit_prognosis", lambda *_, **__: model)
    with asking(Path("protocols/alzheimers_phase2.toml")) as protocol:
        browser.open(protocol.explorer.guard.address)
        browser.wait_for(DRAWN)
        browser.run("document.getElementById('tab-participant').click()")
        browser.wait_for("!!document.querySelector('#view-participant svg')")
        browser.run("[...document.querySelectorAll('#view-participant button')].find((one) => "
                    "one.textContent.startsWith('Learn')).click()")  # fmt: skip
        # The page turns to the twin by itself, with the twin's own numbers.
        browser.wait_for("document.getElementById('view-of').value === 'twin'")
        browser.wait_for("document.querySelector('.people .verdict').textContent.startsWith('Nothing is')")
        assert browser.problems == []


def test_a_design_is_dropped_while_the_answers_of_all_are_on_their_way(browser: Chrome, one: Asking) -> None:
    browser.open(one.explorer.guard.address)
    browser.wait_for(DRAWN)
    browser.run("document.getElementById('tab-compare').click()")
    keep = "document.querySelector('#view-compare button.main')"
    small = "[...document.querySelectorAll('#view-compare button.small')]"
    drop = f"{small}.findLast((one) => one.textContent === 'drop')"
    for _ in range(2):
        browser.run(f"{keep}.click()")
    browser.wait_for("document.querySelectorAll('#view-compare tbody input').length === 3")
    # The fourth is asked for, and two are dropped before the answers come.
    browser.run(f"{keep}.click(); {drop}.click(); {drop}.click()")
    browser.run("new Promise((done) => setTimeout(done, 1000))")
    browser.wait_for("document.querySelectorAll('#view-compare tbody input').length === 2")
    assert browser.problems == []

"""The explorer: from its command to a page that answers, from slider to redrawn figure, and long use."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median, quantiles

from benchmarks.chrome import CHROMIUM, Chrome, chrome
from benchmarks.figure import Figure

SLIDERS = ("effect", "sd", "partial_correlation", "dropout", "ratio", "power")
MOVES, SEED = 60, 20261130
MINUTES = 5.0
SLIDERS_OF_THE_PAGE = "[...document.querySelectorAll('#numbers input[type=range]')]"
DRAWN = "!!document.querySelector('#curve svg') && !!document.querySelector('#sizes table')"
# From the event of a slider to the frame in which its answer is painted.
MOVE = """
(name, share) => new Promise((done) => {
  const slider = document.getElementById(`n-${name}-slider`), began = performance.now();
  const painted = () => requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
  document.addEventListener("explorer:drawn", painted, { once: true });
  slider.value = Number(slider.min) + share * (slider.max - slider.min);
  slider.dispatchEvent(new Event("input", { bubbles: true }));
})
"""


@contextmanager
def explorer(*arguments: str) -> Iterator[tuple[str, float, int]]:
    """Start ``trialsim explore``; give its address, the seconds until it was printed, and its process."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "trialsim", "explore", "--no-browser", "--port", "0", *arguments],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = process.stdout.readline().rpartition(" ")[2].strip()
        yield address, time.perf_counter() - began, process.pid
    finally:
        process.terminate()
        process.wait(20)


def explorer_start() -> Iterator[Figure]:
    """Time the first answer of a new explorer: without a file, of a protocol, and of a run."""
    given = {"no file": (), "a protocol": ("protocols/copd_twins.toml",), "a run": ("reports/example",)}
    for name, arguments in given.items():
        with _page() as page:
            began = time.perf_counter()
            with explorer(*arguments) as (address, printed, process):
                page.open(address)
                page.wait_for(DRAWN)
                whole, busy = time.perf_counter() - began, _processor(process)
        yield Figure(f"explorer_start: {name}, drawn in the browser", whole, "s", 5.0, True,
                     limit=f"address printed after {printed:.1f} s; CPU of the server {busy:.1f} s, "
                     f"{os.getloadavg()[0]:.0f} programs at once on {os.cpu_count()} cores")  # fmt: skip


def explorer_redraw() -> Iterator[Figure]:
    """Time sliders in the browser, each move to another place."""
    chance = random.Random(SEED)  # noqa: S311 - moves a slider
    with explorer() as (address, _, _), _page() as page:
        page.open(address)
        page.wait_for(DRAWN)
        page.run(f"({MOVE})('effect', 0.5)")
        times = [
            float(page.run(f"({MOVE})('{SLIDERS[k % len(SLIDERS)]}', {chance.uniform(0.15, 0.85)})"))
            for k in range(MOVES)
        ]
    slow = quantiles(times, n=20)[-1]
    yield Figure("explorer_redraw: median of a slider's move", median(times), "ms", 200.0, True,
                 limit=f"95 % within {slow:.0f} ms; {MOVES} moves")  # fmt: skip


def explorer_soak(minutes: float = MINUTES) -> Iterator[Figure]:
    """Use the page at random: sliders, outcomes, views, comparisons, simulations begun and cancelled."""
    chance, acts, slowest = random.Random(SEED), 0, 0.0  # noqa: S311 - chooses what to click
    with explorer("reports/example") as (address, _, process), _page() as page:
        page.open(address)
        page.wait_for(DRAWN)
        _warm(page)
        began, server, heap = time.monotonic(), _resident(process)[0], page.memory()
        while time.monotonic() - began < 60 * minutes:
            act = chance.choice(ACTS)
            at = time.perf_counter()
            act(page, chance)
            slowest = max(slowest, time.perf_counter() - at)
            acts += 1
        page.run("document.getElementById('cancel').click()")
        time.sleep(8.0)  # a simulation that is cancelled has a process of its own, which ends
        (now, processes), held = _resident(process), page.memory()
        server, heap = (now - server) / 1e6, (held - heap) / 1e6
        problems = [one for one in page.problems if "422" not in one]
    yield Figure("explorer_soak: errors of the page", len(problems), "errors", 0, True,
                 limit="; ".join(problems[:3]) or f"{acts} acts in {minutes:g} minutes")  # fmt: skip
    yield Figure("explorer_soak: memory that server and page have grown", server + heap, "MB", 200, True,
                 limit=f"server {server:.0f} MB in {processes} processes, page {heap:.0f} MB; slowest act "
                 f"{slowest:.1f} s")  # fmt: skip


def _slide(page: Chrome, chance: random.Random) -> None:
    page.run("document.getElementById('tab-design').click()")
    # Chosen and moved in one script: where the outcome has just changed, its sliders come with the answer.
    chosen = f"((all) => all[Math.floor({chance.random()} * all.length)])({SLIDERS_OF_THE_PAGE})"
    page.run(f"({MOVE})({chosen}.id.slice(2, -7), {chance.random()})")


def _kind(page: Chrome, chance: random.Random) -> None:
    kind = chance.choice(("continuous", "binary", "count", "survival"))
    page.run(f"""(() => {{ const one = document.getElementById("scale"); one.value = "{kind}";
        one.dispatchEvent(new Event("change", {{ bubbles: true }})); }})()""")
    time.sleep(0.3)


def _compare(page: Chrome, chance: random.Random) -> None:
    page.run("document.getElementById('tab-compare').click()")
    time.sleep(0.2)
    page.run(f"""(() => {{ const all = document.querySelectorAll("#view-compare button:not(:disabled)");
        [...all].filter((one) => !["SVG", "PNG", "CSV", "Table as CSV"].includes(one.textContent))
            .at({chance.randrange(-9, 0)})?.click(); }})()""")
    time.sleep(0.5)


def _person(page: Chrome, chance: random.Random) -> None:
    page.run("document.getElementById('tab-participant').click()")
    page.wait_for("!!document.querySelector('#view-participant svg')")
    page.run(f"""(() => {{ const fields = document.querySelectorAll("#view-participant td:last-child input");
        const one = fields[{chance.randrange(100)} % fields.length];
        one.value = Number(one.value) * {chance.uniform(0.7, 1.4)};
        one.dispatchEvent(new Event("input", {{ bubbles: true }}));
        if ({chance.random()} < 0.2) document.querySelector("[data-another]").click(); }})()""")
    time.sleep(0.3)


def _simulate(page: Chrome, chance: random.Random) -> None:
    page.run("document.getElementById('tab-design').click(); document.getElementById('simulate').click()")
    time.sleep(chance.uniform(0.5, 6.0))
    page.run("document.getElementById('cancel').click()")


def _frontier(page: Chrome, chance: random.Random) -> None:
    page.run("document.getElementById('find-frontier').click()")
    time.sleep(chance.uniform(0.2, 2.0))


def _save(page: Chrome, _: random.Random) -> None:
    page.run("document.getElementById('save').click(); document.getElementById('copy-link').click()")
    time.sleep(0.2)


ACTS: tuple[Callable[[Chrome, random.Random], None], ...] = (
    *(_slide,) * 12, *(_person,) * 4, _kind, *(_compare,) * 2, _simulate, _frontier, _save,
)  # fmt: skip


def _warm(page: Chrome) -> None:
    """Do everything once: what is loaded at first use is no growth."""
    chance = random.Random(SEED + 1)  # noqa: S311 - chooses what to click
    for act in dict.fromkeys(ACTS):
        act(page, chance)
    time.sleep(8.0)


def _page() -> AbstractContextManager[Chrome]:
    if CHROMIUM is None:
        raise SystemExit("needs Chromium")
    return chrome()


def _processor(process: int) -> float:
    """Return the seconds that a process has kept a core busy."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


def _resident(process: int) -> tuple[float, int]:
    """Return the bytes in memory of a process and of those that it started, and how many they are."""
    pages, found = os.sysconf("SC_PAGE_SIZE"), [process]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    held = sum(pages * int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in found)
    return float(held), len(found)


BENCHMARKS: dict[str, Callable[[], Iterable[Figure]]] = {
    "explorer_start": explorer_start,
    "explorer_redraw": explorer_redraw,
    "explorer_soak": explorer_soak,
}

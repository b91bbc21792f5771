"""Run the fast tests of what changed: `make quick`, or `python -m tests.quick [--since main] [--seconds 40]`.

What changed is what differs from the branch point with ``--since``, committed or not. A test file that
changed comes first, then changed modules' doctests and the test files that use them, then those that use a
module that imports one, and so on; within a distance, kinds of tests that simulate for long come last.
The nearest 24 files are run; when the time is up the rest is left out, and counted. The whole suite is
`make pytest`.
"""

from __future__ import annotations

import argparse
import ast
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import FrameType

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "trialsim"
LONG_KINDS = ("statistical", "faults", "browser", "cli", "independent", "conformance")


def changed_files(since: str) -> list[str]:
    """Return the paths that differ from the branch point with a branch, new files among them."""
    known = _git("rev-parse", "--verify", "--quiet", since, check=False)
    base = _git("merge-base", since, "HEAD")[0] if known else "HEAD"
    new = _git("ls-files", "--others", "--exclude-standard")
    return sorted({*_git("diff", "--name-only", "--diff-filter=d", base), *new})


def _git(*arguments: str, check: bool = True) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=check, capture_output=True, text=True)
    return done.stdout.split("\n")[:-1]


def module_name(path: str) -> str:
    """Return the dotted name of a file of the package."""
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def distances(
    changed: Iterable[str], importers: Mapping[str, set[str]], rooms: Collection[str]
) -> dict[str, int]:
    """Return how many imports lie between each module and the nearest changed one: 0 is a changed module.

    A room's ``__init__`` hands on everything, so the walk stops there.
    """
    found = dict.fromkeys(changed, 0)
    waiting = deque(found)
    while waiting:
        module = waiting.popleft()
        for above in sorted(importers.get(module, set()) - set(rooms)):
            if above not in found:
                found[above] = found[module] + 1
                waiting.append(above)
    return found


def public_names(tree: ast.Module) -> set[str]:
    """Return the names that a module defines for others."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def imported(tree: ast.Module) -> set[str]:
    """Return what a test imports of the package, dotted: ``trialsim.analysis.linear.ancova``.

    What it reads off ``ts`` after ``import trialsim as ts`` counts as imported from the package's top.
    """
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute):
            path = ast.unparse(node)
            if path.startswith("ts."):
                found.add(f"{PACKAGE}.{path.removeprefix('ts.')}")
    return {name for name in found if name.startswith(f"{PACKAGE}.")}


def uses(names_imported: set[str], module: str, names: set[str]) -> bool:
    """Return whether a module is imported, or one of its names from a room above it."""
    for dotted in names_imported:
        room, _, name = dotted.rpartition(".")
        if dotted == module or room == module or (name in names and module.startswith(f"{room}.")):
            return True
    return False


def files_that_test(
    changed: list[str], texts: Mapping[str, str], importers: Mapping[str, set[str]]
) -> list[str]:
    """Return the files with tests of what changed, the nearest first.

    Parameters
    ----------
    changed : list of str
        Paths from the root.
    texts : mapping of str to str
        Text of each Python file of the tests and the package, by path.
    importers : mapping of str to set of str
        The modules that import a module.
    """
    modules = {module_name(path): path for path in texts if path.startswith(f"{PACKAGE}/")}
    rooms = {name for name, path in modules.items() if path.endswith("__init__.py")}
    near = distances({module_name(path) for path in changed} & modules.keys() - rooms, importers, rooms)
    named = {name: public_names(ast.parse(texts[modules[name]])) for name in near}
    helpers = {module_name(path) for path in changed if path.startswith("tests/")}
    others = {Path(path).name for path in changed if not path.endswith(".py")}
    words = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in sorted(helpers | others)) or r"(?!)")
    place = {modules[name]: distance for name, distance in near.items()}
    for path in (path for path in texts if Path(path).name.startswith("test_")):
        reached = imported(ast.parse(texts[path])) if near else set()
        found = [distance for name, distance in near.items() if uses(reached, name, named[name])]
        if path in changed:
            place[path] = -1
        elif words.search(texts[path]):
            place[path] = 0
        elif found:
            place[path] = min(found)
    return sorted(place, key=lambda path: (place[path], Path(path).parts[1] in LONG_KINDS, path))


class Budget:
    """Ends the session when its time is up, and says what was left out.

    Parameters
    ----------
    seconds : float
        Wall time from now.
    """

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds
        self.asked = self.done = self.failed = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.asked = len(session.items)
        signal.signal(signal.SIGALRM, self._stop)
        signal.setitimer(signal.ITIMER_REAL, max(0.1, self.end - time.monotonic()))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed += report.failed
        self.done += report.when == "teardown"

    def pytest_sessionfinish(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        left = self.asked - self.done
        pytest.exit(f"time is up: {left} of {self.asked} tests were not run", returncode=int(self.failed > 0))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--since", default="main", help="branch to compare with")
    parser.add_argument("--seconds", type=float, default=40.0, help="wall time for the tests")
    parser.add_argument(
        "--files", type=int, default=24, help="test files at most: reading them takes time too"
    )
    parser.add_argument("--list", action="store_true", help="name the files and run nothing")
    options = parser.parse_args()
    start = time.monotonic()
    changed = changed_files(options.since)
    paths = [*ROOT.glob("tests/**/*.py"), *ROOT.glob(f"{PACKAGE}/**/*.py")]
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}
    graph = grimp.build_graph(PACKAGE)
    importers = {module: graph.find_modules_that_directly_import(module) for module in graph.modules}
    files = files_that_test(changed, texts, importers)
    near = files[: options.files]
    found = f"the nearest {len(near)} of {len(files)} that test them"
    print(f"{len(changed)} files differ from {options.since}; {found}")
    if options.list:
        print("\n".join(near))
    if options.list or not near:
        return 0
    budget = Budget(options.seconds - (time.monotonic() - start))
    return int(pytest.main(["-q", "-x", *near], plugins=[budget]))


if __name__ == "__main__":
    sys.exit(main())

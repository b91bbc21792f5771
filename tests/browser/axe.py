"""axe-core in a page: what it finds that is serious, at the widths and in the lights that people use."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks.chrome import Chrome

# A newer axe-core than that of the extra test: the path of its axe.min.js.
NEWER = "AXE_CORE"
SERIOUS = ("serious", "critical")
WIDE_AND_NARROW = ((1280, False), (390, True))
CHECK = """
axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations.map(
  (one) => [one.impact, one.id, one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200))]))
"""


def axe_script() -> str:
    """Return the source of axe-core; without one the test is skipped."""
    if given := os.environ.get(NEWER):
        return Path(given).read_text(encoding="utf-8")
    found = find_spec("axe_core_python")
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"needs axe-core-python, of the extra test, or {NEWER}=axe.min.js")
    return (Path(found.submodule_search_locations[0]) / "axe.min.js").read_text(encoding="utf-8")


def found_by_axe(page: Chrome, kept: Callable[[Any], bool] = lambda one: one[0] in SERIOUS) -> list[Any]:
    """Return what axe finds on the page that is open: the impact, the rule, and the first elements."""
    page.run(f"{axe_script()}; 1")
    return [one for one in page.run(CHECK) if kept(one)]

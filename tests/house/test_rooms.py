"""The house as it stands: each room says its question, stands in the map, and imports in one direction."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "trialsim"
MAP = ROOT / "docs" / "architecture.md"
MOST_FILES = 20
MOST_LINES = 400
QUESTION = re.compile(r"^(How|What|Whom?|Which|When|Where|Why|Is|Are|Does|Do|Can|May|To which|By what)\b")
ROOMS = sorted(str(one.parent.relative_to(PACKAGE)) for one in PACKAGE.rglob("*/__init__.py"))
SUB_ROOMS = [room for room in ROOMS if "/" in room]


def first_line(room: str) -> str:
    return (ast.get_docstring(parsed(PACKAGE / room / "__init__.py")) or "").split("\n")[0]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def mapped() -> dict[str, str]:
    """Return the question of each room that has a row in the map, in the order of the rows."""
    rows = re.findall(
        r"^\|(?: \d \|)? `([a-z_/]+)/` \| (.+?) \|", MAP.read_text(encoding="utf-8"), re.MULTILINE
    )
    return dict(rows)


@pytest.mark.parametrize("room", ROOMS)
def test_the_first_line_of_a_room_is_its_question(room: str) -> None:
    assert QUESTION.match(first_line(room)), first_line(room)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_stands_in_the_map_with_its_question(room: str) -> None:
    asked = first_line(room).partition(":")[0].rstrip(".?")
    shown = mapped()[room].partition(":")[0].rstrip(".?")
    assert shown.lower() == asked.lower()


def test_the_map_shows_no_room_that_is_not_there() -> None:
    assert set(mapped()) == set(ROOMS)


def modules() -> dict[str, Path]:
    """Return all modules of the package by their dotted names; a room is its `__init__`."""
    named = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in PACKAGE.rglob("*.py")}
    return {name.removesuffix(".__init__"): path for path, name in named.items()}


class House:
    """Who imports whom, each name followed through doors to the module that defines it."""

    def __init__(self, files: dict[str, Path]) -> None:
        self.files = files
        self.doors = {
            name: {
                one.asname or one.name: (node.module, one.name)
                for node in ast.walk(parsed(path))
                if isinstance(node, ast.ImportFrom) and node.module
                for one in node.names
            }
            for name, path in files.items()
            if path.name == "__init__.py"
        }

    def home(self, module: str, name: str) -> str:
        """Return the module that defines what is imported, or the room that is itself imported."""
        seen = set()
        while f"{module}.{name}" not in self.files and (module, name) not in seen:
            seen.add((module, name))
            if name not in self.doors.get(module, {}):
                return module
            module, name = self.doors[module][name]
        return f"{module}.{name}" if f"{module}.{name}" in self.files else module

    def imports(self) -> dict[str, set[str]]:
        """Return the modules that each module imports, anywhere in it but for type checkers alone."""
        found: dict[str, set[str]] = {name: set() for name in self.files}
        for name, path in self.files.items():
            if path.name == "__init__.py":
                continue
            for node in executed(parsed(path)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE.name):
                    found[name] |= {self.home(str(node.module), one.name) for one in node.names}
                elif isinstance(node, ast.Import):
                    found[name] |= {one.name for one in node.names if one.name in self.files}
            found[name].discard(name)
        return found


def executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes but those under `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from executed(node)


def test_no_module_imports_itself_by_way_of_others_or_of_a_door() -> None:
    assert circle(imports_of_all()) is None


@cache
def imports_of_all() -> dict[str, set[str]]:
    """Return whom each module of the package imports; following every name takes seconds."""
    return House(modules()).imports()


def circle(graph: dict[str, set[str]]) -> list[str] | None:
    """Return the modules of a circle, None if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as fault:
        return list(fault.args[1])
    return None


def test_a_circle_through_a_door_or_inside_a_function_is_seen(tmp_path: Path) -> None:
    texts = {
        "trialsim.room": "if TYPE_CHECKING:\n    from trialsim.room.one import first\n",
        "trialsim.room.one": "from trialsim.room.two import second\n\ndef first(): ...\n",
        "trialsim.room.two": "def second():\n    from trialsim.room import first\n",
    }
    files = {}
    for name, text in texts.items():
        files[name] = tmp_path / name / ("__init__.py" if name == "trialsim.room" else "module.py")
        files[name].parent.mkdir()
        files[name].write_text(text)
    assert set(circle(House(files).imports()) or ()) == {"trialsim.room.one", "trialsim.room.two"}
    files["trialsim.room.two"].write_text("def second(): ...\n")
    parsed.cache_clear()
    assert circle(House(files).imports()) is None


def test_a_sub_room_imports_only_from_those_above_it_in_the_map() -> None:
    place = {room: k for k, room in enumerate(mapped())}
    below = []
    for name, imported in imports_of_all().items():
        mine = sub_room(name)
        for other in map(sub_room, imported):
            same_room = mine and other and mine.split("/")[0] == other.split("/")[0]
            if same_room and mine != other and place[other] > place[mine]:
                below.append((mine, other))
    assert not below, "move the rows of docs/architecture.md, or the import"


def sub_room(module: str) -> str:
    """Return the sub-room (room/sub-room) that a module lies in; nothing for one that lies in none."""
    path = "/".join(module.split(".")[1:3])
    return path if path in SUB_ROOMS else ""


@pytest.mark.parametrize("top", ["trialsim", "tests"])
def test_no_folder_is_crowded(top: str) -> None:
    folders = {path.parent for path in (ROOT / top).rglob("*.py")}
    counts = {
        str(one.relative_to(ROOT)): len(set(one.glob("*.py")) - {one / "__init__.py"}) for one in folders
    }
    assert {name: count for name, count in counts.items() if count > MOST_FILES} == {}


def test_no_file_of_the_package_is_long() -> None:
    lines = {str(one.relative_to(ROOT)): one.read_text("utf-8").count("\n") for one in PACKAGE.rglob("*.py")}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}

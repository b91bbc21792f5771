"""What `import trialsim as ts` gives: every door is lazy, small, and gives what it says."""

import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import trialsim
from trialsim.lazy import lazy_door, offers

MOST_NAMES = 40
ROOMS = sorted(
    ["trialsim"]
    + [found.name for found in pkgutil.walk_packages(trialsim.__path__, "trialsim.") if found.ispkg]
)
DOORS = [room for room in ROOMS if offers(room)]


def own(room: str) -> dict[str, tuple[str, str]]:
    """What a room offers besides its sub-rooms and modules."""
    return {name: (module, called) for name, (module, called) in offers(room).items() if module != room}


def fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("room", DOORS)
def test_what_type_checkers_see_and_what_is_there_at_run_time_agree(room: str) -> None:
    door = import_module(room)
    assert sorted(door.__all__) == dir(door) == sorted(offers(room))
    for name, (module, called) in offers(room).items():
        if module == room:
            assert getattr(door, name) is import_module(f"{room}.{called}")
        else:
            assert getattr(door, name) is getattr(import_module(module), called)


@pytest.mark.parametrize("room", DOORS)
def test_a_door_has_at_most_40_names(room: str) -> None:
    assert len(own(room)) <= MOST_NAMES


@pytest.mark.parametrize("room", DOORS)
def test_no_module_is_named_like_what_its_room_offers(room: str) -> None:
    """Importing such a module would put it in the place of the function (`ts.analysis.survival.log_rank`)."""
    modules = {found.name for found in pkgutil.iter_modules(import_module(room).__path__)}
    assert not modules & own(room).keys()


def test_a_name_stays_a_function_after_all_modules_are_imported() -> None:
    code = (
        "import trialsim as ts; from trialsim.analysis.survival import log_rank_test\n"
        "from trialsim.analysis.survival.hazards import cox_model\n"
        "print(callable(ts.analysis.survival.log_rank), callable(ts.analysis.cox))"
    )
    assert fresh(code).split() == ["True", "True"]


def test_rooms_open_from_the_front_door_alone() -> None:
    code = (
        "import trialsim as ts\n"
        "for function in (ts.analysis.mmrm, ts.design.sizes.means_size, ts.analysis.survival.cox_block):\n"
        "    print(function.__name__)"
    )
    assert fresh(code).split() == ["mmrm", "means_size", "cox_block"]


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    assert trialsim.__version__ == version("trialsim")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match=r"'trialsim\.analysis' has no attribute 'ancovaa'"):
        getattr(import_module("trialsim.analysis"), "ancovaa")  # noqa: B009


def test_a_room_without_its_source_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import py_compile

    (tmp_path / "bare_room").mkdir()
    (tmp_path / "source.py").write_text("")
    py_compile.compile(str(tmp_path / "source.py"), cfile=str(tmp_path / "bare_room" / "__init__.pyc"))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match="the source of bare_room is not there"):
        lazy_door("bare_room")


def test_opening_a_door_imports_nothing_behind_it() -> None:
    """One fresh interpreter opens all doors, one after another: each adds itself and its ancestors alone."""
    code = (
        "import sys\n"
        f"for room in {DOORS!r}:\n"
        "    before = set(sys.modules)\n"
        "    __import__(room)\n"
        "    print(room, *(m for m in set(sys.modules) - before if m.startswith('trialsim')))"
    )
    opened = [line.split() for line in fresh(code).splitlines()]
    assert [room for room, *_ in opened] == DOORS
    for room, *new in opened:
        ancestors = {".".join(room.split(".")[:k]) for k in range(1, room.count(".") + 2)}
        assert set(new) <= ancestors | {"trialsim.lazy"}, room


def test_one_analysis_does_not_import_the_others() -> None:
    code = "import sys\nfrom trialsim.analysis import ancova\nprint(*sys.modules)"
    rooms = {
        module.split(".")[2] for module in fresh(code).split() if module.startswith("trialsim.analysis.")
    }
    assert rooms <= {"linear", "one_trial"}


def test_the_analysis_room_opens_in_less_than_400_ms() -> None:
    code = "import time\nimport trialsim.analysis\nprint(time.process_time())"
    assert min(float(fresh(code)) for _ in range(3)) < 0.4

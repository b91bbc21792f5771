"""Pages that are made when the site is built: so that they cannot be out of date.

- ``reference/*_fields.md``: what ``trialsim schema KIND --markdown`` prints.
- ``python/ROOM.md``: what each room offers, by its docstrings.
- CHANGELOG.md, CONTRIBUTING.md and reports/README.md of the root. Links from the site to other files of the
  project become their names.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from trialsim.cli.schema import reference_page
from trialsim.lazy import offers

ROOT = Path(__file__).parents[2]
OF_THE_ROOT = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "reports/README.md": "bundles.md",
}
ROOMS = ("analysis", "design", "disease", "population", "prognosis", "protocol", "report", "study", "trial")
FENCE = re.compile(r"^```(\w+) (\S+)$", re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#|mailto:)([^)\s#]*)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give each room's page its place in the navigation."""
    pages: list[Any] = [{"import trialsim as ts": "python/trialsim.md"}]
    pages += [{f"ts.{room}": f"python/{room}.md"} for room in ROOMS]
    assert isinstance(config.nav, list)
    config.nav.insert(-1, {"Python": pages})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    made = {f"reference/{kind}_fields.md": reference_page(kind) for kind in ("protocol", "card")}
    shown: set[str] = set()
    made["python/trialsim.md"] = room_page("trialsim", shown)
    made |= {f"python/{room}.md": room_page(f"trialsim.{room}", shown) for room in ROOMS}
    made |= {page: _of_the_root(source) for source, page in OF_THE_ROOT.items()}
    for path, text in made.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, files: Files) -> str:
    """Point links at pages of the site, and name files that are not of the site."""
    here = Path(page.file.src_uri).parent

    def target(found: re.Match[str]) -> str:
        text, path, anchor = found[1], found[2], found[3] or ""
        outside = path.startswith("../") and not files.get_file_from_path((here / path).as_posix())
        if not outside:
            return found[0]
        name = (Path("docs") / here / path).as_posix()
        name = re.sub(r"[^/]+/\.\./", "", name)
        name = re.sub(r"[^/]+/\.\./", "", name)
        if name in OF_THE_ROOT:
            return f"[{text}]({'../' * len(here.parts)}{OF_THE_ROOT[name]}{anchor})"
        return found[0] if (ROOT / name).is_relative_to(ROOT / "docs") else f"{text} (`{name}`)"

    return FENCE.sub(_fence, LINK.sub(target, markdown))


def on_post_page(output: str, page: Any, config: MkDocsConfig) -> str:
    """Name the search for those who hear the page: the theme leaves its dialog without a name."""
    search = 'data-md-component="search" role="dialog"'
    return output.replace(search, f'{search} aria-label="Search"')


def _fence(found: re.Match[str]) -> str:
    """Return the head of a block of code as the site's Markdown spells it: the file's name as its title."""
    language, name = found[1], found[2]
    return f"```{language}" if name == "slow" else f'```{language} title="{name}"'


def room_page(room: str, shown: set[str]) -> str:
    """Return the page of a room: its question, then each name with its docstring, sub-rooms after it."""
    return "\n".join([f"# {room}", "", (import_module(room).__doc__ or "").strip(), "", *_names(room, shown)])


def _names(room: str, shown: set[str]) -> list[str]:
    """Return what a room offers, and then what its sub-rooms offer; what was shown before is a link."""
    lines, inner = [], []
    for name, (home, called) in sorted(offers(room).items()):
        if home == room:
            inner.append(f"{room}.{called}")
        elif name.startswith("_") or (room != "trialsim" and _also_inside(room, home, called)):
            continue
        elif f"{home}.{called}" in shown or (room == "trialsim" and _is_room(".".join(home.split(".")[:2]))):
            lines += [f"- `{room}.{name}`: [`{home}.{called}`][{home}.{called}]", ""]
        else:
            shown.add(f"{home}.{called}")
            lines += [f"::: {home}.{called}", ""]
    for sub in sorted(inner) if room != "trialsim" else ():
        question = (import_module(sub).__doc__ or "").strip().splitlines()[0]
        lines += [f"## {sub}", "", question, "", *(_names(sub, shown) if _is_room(sub) else [])]
    return lines


def _also_inside(room: str, home: str, called: str) -> bool:
    """Whether a sub-room on the way to where a name is defined offers it too: it is shown there."""
    parts = home.split(".")
    rooms = (".".join(parts[:size]) for size in range(room.count(".") + 2, len(parts)))
    return any((home, called) in offers(inner).values() for inner in rooms if _is_room(inner))


def _is_room(module: str) -> bool:
    return (ROOT / module.replace(".", "/") / "__init__.py").is_file()


def _of_the_root(source: str) -> str:
    """Return a page of the root, its links as from docs/."""
    text = (ROOT / source).read_text(encoding="utf-8")
    text = re.sub(r"\]\((?:\.\./)?docs/", "](", text)
    return re.sub(
        r"\]\(([\w./]+\.md)(#[^)]*)?\)", lambda m: f"]({OF_THE_ROOT.get(m[1], m[1])}{m[2] or ''})", text
    )

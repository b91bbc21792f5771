"""A chain over names of kinds ends in a refusal: no unknown name is answered by a neighbour's code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "trialsim"
FEWEST = 2


def names_asked(test: ast.expr) -> str | None:
    """Return what a test holds against names (strings); None for any other test."""
    if not (isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq | ast.In)):
        return None
    against = test.comparators[0]
    each = against.elts if isinstance(against, ast.Tuple) else [against]
    names = all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in each)
    return ast.unparse(test.left) if names else None


def refuses(body: list[ast.stmt]) -> bool:
    """Return whether statements begin with a refusal."""
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Call):
        return getattr(first.value.func, "id", "").startswith(("assert_never", "require", "refuse"))
    if isinstance(first, ast.If):
        # A guard that refuses, before what is left is answered.
        return refuses(first.body)
    return isinstance(first, ast.Raise)


def chains(tree: ast.AST) -> Iterator[tuple[int, str, list[ast.stmt]]]:
    """Yield line, subject and last branch of each chain of two names or more over one subject."""
    for node in ast.walk(tree):
        for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if isinstance(body, list):
                yield from _of_body(body)
        if isinstance(node, ast.Match):
            named = [one for one in node.cases if isinstance(one.pattern, ast.MatchValue | ast.MatchOr)]
            if len(named) >= FEWEST:
                last = node.cases[-1]
                yield node.lineno, ast.unparse(node.subject), last.body


def _of_body(body: list[ast.stmt]) -> Iterator[tuple[int, str, list[ast.stmt]]]:
    place = 0
    while place < len(body):
        start, tests, rest = body[place], 0, body[place:]
        subject = names_asked(start.test) if isinstance(start, ast.If) else None
        while subject and rest and isinstance(rest[0], ast.If) and names_asked(rest[0].test) == subject:
            branch, tests = rest[0], tests + 1
            if branch.orelse:
                rest = branch.orelse
            elif isinstance(branch.body[-1], ast.Return | ast.Raise):
                rest, place = rest[1:], place + (branch in body)
            else:
                rest = []
        if subject and tests >= FEWEST and rest:
            yield start.lineno, subject, rest
        place += 1


# Chains whose end is meant for every other name, and why.
MEANT = {
    "weighted_survival_size(forecast, time, _weights": "its weights refuse the methods that they do not know",
    "_spending(declared)": "refuses the rules that do not spend itself",
    "pm.Normal(prior.name, *prior.values": "calibration records hold this code to the letter",
    "result.plan.sizes[sized_for]": "a table that knows its names",
    "level = sorted(set(values.tolist()))[_position(field)]": "the field is then the position of a level",
    "if fault['type'] in _WORDS:": "any other fault is told in the words of the reader",
    "if fault['loc'] == ('format',):": "any other fault is told in the words of the reader",
}


@pytest.mark.parametrize("room", sorted(one.parent.name for one in PACKAGE.glob("*/__init__.py")))
def test_a_chain_over_names_ends_in_a_refusal(room: str) -> None:
    silent = []
    for path in sorted((PACKAGE / room).rglob("*.py")):
        for line, subject, last in chains(ast.parse(path.read_text(encoding="utf-8"))):
            end = ast.unparse(last[0]).removeprefix("return ")
            if not refuses(last) and not end.startswith(tuple(MEANT)):
                silent.append(f"{path.relative_to(PACKAGE)}, line {line}, over {subject}: {end[:80]}")
    assert not silent


@pytest.mark.parametrize(
    ("text", "silent"),
    [
        ("if k == 'a':\n    x = 1\nelif k == 'b':\n    x = 2\nelse:\n    x = 3\n", True),
        ("if k == 'a':\n    x = 1\nelif k == 'b':\n    x = 2\nelse:\n    assert_never(k)\n", False),
        ("if k == 'a':\n    return 1\nif k in ('b', 'c'):\n    return 2\nreturn 3\n", True),
        ("if k == 'a':\n    return 1\nif k == 'b':\n    return 2\nraise E\n", False),
        (
            "match k:\n  case 'a':\n    x = 1\n  case 'b':\n    x = 2\n  case _:\n    x = 3\n",
            True,
        ),
        ("if k == 'a':\n    x = 1\nelse:\n    x = 2\n", False),
    ],
)
def test_a_silent_end_is_seen(text: str, silent: bool) -> None:
    found = [last for _, _, last in chains(ast.parse(text)) if not refuses(last)]
    assert bool(found) == silent

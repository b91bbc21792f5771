"""One word, one meaning: what arguments of public functions are called, and what they are said to be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "trialsim"
_SECTION = re.compile(r"\n[A-Z][\w ]+\n-{3,}\n")
_NAMED = re.compile(r"^([\w*, ]+?)(?: : (.*))?$")
ELSEWHERE = re.compile(r"\bAs (in|for|of) `")


@cache
def public() -> tuple[tuple[str, list[str], dict[str, str]], ...]:
    """Return every public function and class: its name, its arguments, and what is said of each of them."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                where = f"{path.relative_to(PACKAGE)}: {node.name}"
                found.append((where, list(arguments(node)), said(ast.get_docstring(node) or "")))
    return tuple(found)


def arguments(node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef):
        yield from (one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs))
        return
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            yield one.target.id


def said(doc: str) -> dict[str, str]:
    """Return the text of each parameter of a docstring, its type first."""
    if "Parameters\n---" not in doc:
        return {}
    body = _SECTION.split(doc[doc.index("Parameters\n") :].split("\n", 2)[2])[0]
    found: dict[str, str] = {}
    names: list[str] = []
    for line in body.split("\n"):
        match = _NAMED.match(line)
        if match and line.strip() and not line.startswith(" "):
            names = [one.strip().lstrip("*") for one in match[1].split(",")]
            found |= dict.fromkeys(names, f"{match[2] or ''} ")
        else:
            for name in names:
                found[name] += f"{line.strip()} "
    return found


def test_every_alpha_says_its_sides() -> None:
    """Half of the field means one side and half means both: a level without its sides is a wrong size."""
    sides = re.compile(
        r"one-sided|two-sided|over both sides|of one side|no direction|either side|sides", re.IGNORECASE
    )
    silent = [
        where
        for where, named, text in public()
        if "alpha" in named and "alpha" in text
        if not (sides.search(text["alpha"]) or ELSEWHERE.search(text["alpha"]))
    ]
    assert not silent


def test_allocation_is_active_for_each_control_or_shares_and_ratio_is_one_number_an_arm() -> None:
    wrong = []
    for where, named, text in public():
        told = text.get("allocation", "") if "allocation" in named else ""
        pair = "pair" in told or "tuple" in told
        right = "hares" in told if pair else "for each" in told
        if told and not (right or ELSEWHERE.search(told)):
            wrong.append((where, told))
        told = text.get("ratio", "") if "ratio" in named and "/trial/" in where else ""
        if told and "sequence" not in told:
            wrong.append((where, told))
    assert not wrong


def test_outcome_is_one_number_a_participant_and_outcomes_are_several() -> None:
    wrong = []
    for where, named, text in public():
        if not where.startswith("analysis/") or where.split(": ")[1][0].isupper():
            continue
        if "outcome" in named and re.search(r"\(R, N, V\)|\(N, V\)", text.get("outcome", "")):
            wrong.append(where)
        if "outcomes" in named and re.search(r"\(R, N\)|\(N,\)", text.get("outcomes", "")):
            wrong.append(where)
    assert not wrong


NEVER = {
    "significance": "alpha",
    "one_sided": "sides, or a word about alpha",
    "two_sided": "sides, or a word about alpha",
    "allocation_ratio": "allocation, or ratio",
    "rng": "generator",
    "n_sim": "replicates",
    "nsim": "replicates",
    "n_simulations": "replicates",
    "conf_level": "level",
    "sig_level": "alpha",
}


@pytest.mark.parametrize("word", NEVER)
def test_a_word_that_has_another_name_here_is_not_used(word: str) -> None:
    assert not [where for where, named, _ in public() if word in named], f"call it {NEVER[word]}"


def test_what_is_said_of_arguments_is_read_right() -> None:
    lines = ["What.", "", "Parameters", "---" * 4, "alpha, power : float", "    Two-sided level."]
    doc = "\n".join([*lines, "", "Returns", "-------", "float"])
    assert said(doc) == {"alpha": "float Two-sided level.  ", "power": "float Two-sided level.  "}

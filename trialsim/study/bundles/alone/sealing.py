"""The hashes of a bundle: of every file, of every block, and one root over all that its inputs decide."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trialsim.study.bundles.alone.files import UnsoundError, file_sha256, files_in, read_plain, strict_json

FORMAT = "trialsim.bundle/3"
MANIFEST, REPORT = "manifest.json", "report.html"
BLOCKS, LOG = "record/blocks.jsonl", "record/log.jsonl"
PLACE_OF_ROOT = "0" * 64
LARGEST_MANIFEST = 32 * 2**20
# What the root says of a run beside its files; all of it follows from the inputs.
DECIDED = ("format", "kind", "protocol", "title", "seed", "inputs")
# Files that differ from one run of the same inputs to the next.
_OF_THE_OCCASION = (MANIFEST, LOG)
_TYPES: dict[str, type] = {
    "format": str, "versions": dict, "machine": dict, "files": dict, "cells": dict, "log": dict,
    "results": str, "page": str, "root": str, "seal": str,
}  # fmt: skip
_MAY_BE: dict[str, type] = {"kind": str, "protocol": str, "title": str, "seed": int, "inputs": dict}
_HEX = re.compile("[0-9a-f]{64}")


def canonical(content: Any) -> bytes:
    """Return JSON in one form: sorted keys, no spaces, no number that JSON lacks.

    Examples
    --------
    >>> canonical({"b": 1, "a": [0.5]})
    b'{"a":[0.5],"b":1}'
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def in_order(content: Any) -> bytes:
    """Return JSON without spaces, keys in the order that they have."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")


def merkle_root(leaves: Sequence[bytes]) -> str:
    """Return the Merkle root of contents, in their order (RFC 6962: leaves and nodes are told apart).

    Examples
    --------
    >>> merkle_root([b"a", b"b"]) == merkle_root([b"b", b"a"])
    False
    """
    level = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)
        ]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0].hex()


def root_of(facts: Mapping[str, Any], files: Mapping[str, Any], cells: Mapping[str, Any]) -> str:
    """Return the root of a run: over what it is, its cells' roots, and every file that its inputs decide."""
    decided = {name: facts[name] for name in DECIDED if name in facts}
    leaves = [canonical(["facts", decided])]
    leaves += [canonical(["cell", name, cells[name]["root"]]) for name in sorted(cells)]
    leaves += [
        canonical(["file", name, facts["page"] if name == REPORT else files[name]["sha256"]])
        for name in sorted(files)
        if name not in _OF_THE_OCCASION
    ]
    return merkle_root(leaves)


def digest(content: Any) -> str:
    """Return the SHA-256 of content as `json` writes it with sorted keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def results_of(files: Mapping[str, Any]) -> str:
    """Return the hash of all files under ``results/``, which two runs of the same inputs share."""
    return digest({name: one["sha256"] for name, one in files.items() if name.startswith("results/")})


def page_of(folder: Path, root: str) -> str:
    """Return the hash of a bundle's report without the root on it, which depends on the report."""
    if not (folder / REPORT).exists():
        return ""
    content = read_plain(folder / REPORT, REPORT)
    return hashlib.sha256(content.replace(root.encode(), PLACE_OF_ROOT.encode())).hexdigest()


def cells_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return blocks, replicates and Merkle root of each cell, from the record of its blocks."""
    leaves: dict[str, list[bytes]] = {}
    counted: dict[str, int] = {}
    for line, block in block_lines(folder):
        leaves.setdefault(block["cell"], []).append(line)
        counted[block["cell"]] = counted.get(block["cell"], 0) + block["replicates"]
    return {
        name: {"blocks": len(one), "replicates": counted[name], "root": merkle_root(one)}
        for name, one in leaves.items()
    }


def block_lines(folder: Path) -> list[tuple[bytes, dict[str, Any]]]:
    """Return each line of the record of blocks, as bytes and as it reads; empty where there is no record."""
    if not (folder / BLOCKS).exists():
        return []
    found = []
    for line in read_plain(folder / BLOCKS, BLOCKS, 2**32).splitlines():
        block = strict_json(line, BLOCKS)
        wanted = {"cell": str, "index": int, "replicates": int, "rows": str, "sums": dict}
        _check_types(block, wanted, {}, BLOCKS)
        found.append((line, block))
    return found


def _check_types(content: Any, wanted: Mapping[str, type], may: Mapping[str, type], name: str) -> None:
    """Refuse what has not these keys with these types."""
    if not isinstance(content, dict):
        raise UnsoundError(name, "holds no table")
    for key, kind in wanted.items():
        if key not in content:
            raise UnsoundError(name, f"lacks {key}")
        if type(content[key]) is not kind:
            raise UnsoundError(name, f"{key} is not of type {kind.__name__}")
    for key, value in content.items():
        if key not in wanted and key not in may:
            raise UnsoundError(name, f"has the unknown key {key[:40]!r}")
        if key in may and type(value) is not may[key]:
            raise UnsoundError(name, f"{key} is not of type {may[key].__name__}")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a bundle, if it is one.

    Raises
    ------
    UnsoundError
        It cannot be read, is of another format, or has not the keys and types of this one.
    """
    manifest: dict[str, Any] = strict_json(
        read_plain(folder / MANIFEST, MANIFEST, LARGEST_MANIFEST), MANIFEST
    )
    given = manifest.get("format") if isinstance(manifest, dict) else None
    if given != FORMAT:
        raise UnsoundError(MANIFEST, f"is of format {str(given)[:40]!r}, and {FORMAT} is read")
    _check_types(manifest, _TYPES, _MAY_BE, MANIFEST)
    for name, one in manifest["files"].items():
        _check_types(one, {"bytes": int, "sha256": str}, {}, f"{MANIFEST} files {name[:80]}")
        if name.startswith("/") or ".." in name.split("/") or "\\" in name:
            raise UnsoundError(MANIFEST, f"names the file {name[:80]!r}, which lies elsewhere")
    for name, one in manifest["cells"].items():
        wanted = {"blocks": int, "replicates": int, "root": str}
        _check_types(one, wanted, {}, f"{MANIFEST} cells {name[:80]}")
    _check_types(manifest["log"], {"events": int, "head": str}, {}, f"{MANIFEST} log")
    if not _HEX.fullmatch(manifest["root"]):
        raise UnsoundError(MANIFEST, "root is no SHA-256")
    return manifest


def seal_of(manifest: Mapping[str, Any]) -> str:
    """Return the hash of a manifest without its own seal."""
    return digest({key: value for key, value in manifest.items() if key != "seal"})


def log_head(lines: Iterable[bytes]) -> dict[str, Any]:
    """Return how many events a log has and the hash of its last one; each event holds the one before.

    Raises
    ------
    UnsoundError
        An event is out of order, or does not hold the hash of the one before.
    """
    head, number = PLACE_OF_ROOT, 0
    wanted = {"number": int, "time": str, "event": str, "of": str, "before": str}
    for line in lines:
        event = strict_json(line, LOG)
        _check_types(event, wanted, {}, LOG)
        if event["number"] != number or event["before"] != head:
            raise UnsoundError(LOG, f"event {number} does not follow from the one before")
        head, number = hashlib.sha256(line).hexdigest(), number + 1
    return {"events": number, "head": head}


def log_lines(folder: Path) -> list[bytes]:
    """Return the lines of a bundle's log; empty where it has none."""
    return read_plain(folder / LOG, LOG).splitlines() if (folder / LOG).exists() else []


def integrity(folder: Path) -> list[str]:
    """Return what differs between a bundle and its manifest, one sentence each; nothing where all holds.

    A manifest that is not as it was sealed is the only thing said: nothing can be held against it.

    Raises
    ------
    UnsoundError
        There is no manifest of this format.
    """
    manifest = read_manifest(folder)
    if manifest["seal"] != seal_of(manifest) or manifest["results"] != results_of(manifest["files"]):
        return [f"{MANIFEST}: changed, so that no file can be held against it"]
    listed = manifest["files"]
    sizes, problems = files_in(folder)
    found = set(sizes) - {MANIFEST}
    problems += [f"{name}: missing" for name in sorted(set(listed) - found)]
    problems += [f"{name}: not in the manifest" for name in sorted(found - set(listed))]
    for name in sorted(found & set(listed)):
        if sizes[name] != listed[name]["bytes"] or file_sha256(folder / name, name) != listed[name]["sha256"]:
            problems.append(f"{name}: changed")
    if problems:
        return problems
    if cells_of(folder) != manifest["cells"]:
        problems.append(f"{BLOCKS}: its blocks have not the roots of the manifest's cells")
    if log_head(log_lines(folder)) != manifest["log"]:
        problems.append(f"{LOG}: its last event is not the one of the manifest")
    if page_of(folder, manifest["root"]) != manifest["page"]:
        problems.append(f"{REPORT}: the root on it is not the one of the manifest")
    if root_of(manifest, listed, manifest["cells"]) != manifest["root"]:
        problems.append(f"{MANIFEST}: the root does not follow from cells and files")
    return problems

"""Tampering by somebody who leaves the hashes alone, and odd bundles: V0 names the file."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.study.verification.attacker import manifest
from trialsim.errors import BundleError
from trialsim.study import check_bundle
from trialsim.study.bundles.alone import script_text
from trialsim.study.bundles.alone.sealing import MANIFEST
from trialsim.study.verification import verify_bundle

Change = Callable[[Path], None]
OC, RECORD = "results/operating_characteristics.csv", "record/blocks.jsonl"
BLAMED = f"{MANIFEST}: changed, so that no file can be held against it"


def text(name: str, old: str, new: str) -> Change:
    def change(bundle: Path) -> None:
        content = (bundle / name).read_bytes()
        assert old.encode() in content
        (bundle / name).write_bytes(content.replace(old.encode(), new.encode(), 1))

    return change


def fact(**changed: object) -> Change:
    return lambda bundle: (bundle / MANIFEST).write_text(json.dumps(manifest(bundle) | changed)) and None


def linked(name: str, target: str) -> Change:
    def change(bundle: Path) -> None:
        (bundle / name).unlink()
        (bundle / name).symlink_to(target)

    return change


def pipe(name: str) -> Change:
    def change(bundle: Path) -> None:
        (bundle / name).unlink(missing_ok=True)
        os.mkfifo(bundle / name)

    return change


def written(name: str, content: str = "x") -> Change:
    return lambda bundle: (bundle / name).write_text(content) and None


def swapped(one: str, other: str) -> Change:
    def change(bundle: Path) -> None:
        (bundle / one).rename(bundle / "x")
        (bundle / other).rename(bundle / one)
        (bundle / "x").rename(bundle / other)

    return change


CASES: dict[str, tuple[Change, str]] = {
    "seed edited": (fact(seed=7), BLAMED),
    "title edited": (fact(title="A better trial"), BLAMED),
    "version edited": (text(MANIFEST, '"numpy": "', '"numpy": "1'), BLAMED),
    "processor edited": (text(MANIFEST, '"processor": "', '"processor": "x'), BLAMED),
    "root edited": (fact(root="0" * 64), BLAMED),
    "hash of a file edited": (fact(results="0" * 64), BLAMED),
    "a cell's root edited": (text(MANIFEST, '"root": "', '"root": "0'), BLAMED),
    "power edited": (text(OC, "0.6", "0.9"), f"{OC}: changed"),
    "report edited": (text("report.html", "Power", "power"), "report.html: changed"),
    "plan edited": (text("inputs/plan.json", "400", "401"), "inputs/plan.json: changed"),
    "declaration edited": (text("inputs/trial.json", "1.0", "1.1"), "inputs/trial.json: changed"),
    "log edited": (text("record/log.jsonl", "plan frozen", "plan frosen"), "record/log.jsonl: changed"),
    "record of blocks edited": (text(RECORD, '"trials":100', '"trials":101'), f"{RECORD}: changed"),
    "script edited": (text("verify.py", "import", "import  "), "verify.py: changed"),
    "a file removed": (lambda bundle: (bundle / OC).unlink(), f"{OC}: missing"),
    "a file emptied": (written(OC, ""), f"{OC}: changed"),
    "a file added": (written("x.txt"), "x.txt: not in the manifest"),
    "a signature added": (written("signature.json", "{}"), "signature.json: not in the manifest"),
    "a hidden file added": (written(".x"), ".x: not in the manifest"),
    "an empty folder added": (lambda bundle: (bundle / "new").mkdir(), "new: is an empty folder"),
    "two files swapped": (
        swapped("results/replicates/null.parquet", "results/replicates/works.parquet"),
        "results/replicates/null.parquet: changed",
    ),
    "a file that is a link": (linked(OC, "/etc/hostname"), f"{OC}: is a link, not a file"),
    "a file that is a link to an endless device": (linked(OC, "/dev/zero"), f"{OC}: is a link, not a file"),
    "a file that is a broken link": (linked(OC, "nowhere"), f"{OC}: is a link, not a file"),
    "a file that is a pipe": (pipe(OC), f"{OC}: is a pipe, not a file"),
    "a pipe added": (pipe("x"), "x: is a pipe, not a file"),
    "a link to a folder added": (lambda bundle: (bundle / "x").symlink_to("/"), "x: is a link, not a file"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_v0_names_what_was_changed(name: str, bundle: Path) -> None:
    change, said = CASES[name]
    change(bundle)
    assert said in check_bundle(bundle)
    assert not verify_bundle(bundle, "V3").reached
    script = bundle.parent / "verify.py"
    script.write_text(script_text())
    command = [sys.executable, "-I", str(script), str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1, done.stderr
    assert said in done.stdout


ODD = {
    "a key twice": lambda facts: facts[:-2] + ', "title": "Another"}',
    "no JSON": lambda facts: facts[:-10],
    "a list": lambda facts: "[1, 2]",
    "empty": lambda facts: "",
    "a number that is none": lambda facts: facts.replace('"seed": 1', '"seed": NaN'),
    "an infinite number": lambda facts: facts.replace('"seed": 1', '"seed": 1e999'),
    "an integer of 5,000 digits": lambda facts: facts.replace('"seed": 1', '"seed": 1' + "0" * 5000),
    "an integer of 100 digits": lambda facts: facts.replace('"seed": 1', '"seed": 1' + "0" * 100),
    "brackets 100,000 deep": lambda facts: "[" * 100_000,
    "an unknown key": lambda facts: facts.replace('"seed": 1', '"seed": 1, "signed": true'),
    "no seal": lambda facts: facts.replace('"seal"', '"sealed"'),
    "files as a list": lambda facts: json.dumps(json.loads(facts) | {"files": []}),
    "cells as text": lambda facts: json.dumps(json.loads(facts) | {"cells": "works"}),
    "seed as text": lambda facts: json.dumps(json.loads(facts) | {"seed": "1"}),
    "seed as true": lambda facts: json.dumps(json.loads(facts) | {"seed": True}),
    "a file elsewhere": lambda facts: facts.replace('"report.html"', '"../report.html"'),
    "a file of the system": lambda facts: facts.replace('"report.html"', '"/etc/passwd"'),
    "a file without a size": lambda facts: json.dumps(
        json.loads(facts) | {"files": {"report.html": {"sha256": "0" * 64}}}
    ),
    "the first format": lambda facts: facts.replace("trialsim.bundle/3", "trialsim.bundle/1"),
    "the second format": lambda facts: facts.replace("trialsim.bundle/3", "trialsim.bundle/2"),
    "a format that is none": lambda facts: facts.replace('"trialsim.bundle/3"', "3"),
    "not UTF-8": lambda facts: "\udcff" + facts,
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_manifest_is_refused_in_words(name: str, bundle: Path) -> None:
    path = bundle / MANIFEST
    path.write_text(ODD[name](path.read_text()), encoding="utf-8", errors="surrogateescape")
    with pytest.raises(BundleError, match=r"manifest\.json") as fault:
        check_bundle(bundle)
    assert len(str(fault.value)) < 600
    with pytest.raises(BundleError):
        verify_bundle(bundle, "V3")


@pytest.mark.parametrize("target", ["pipe", "/dev/zero", "/dev/random", "folder", "nothing"])
def test_a_manifest_that_is_no_file_is_refused_without_opening_it(target: str, bundle: Path) -> None:
    path = bundle / MANIFEST
    path.unlink()
    if target == "pipe":
        os.mkfifo(path)
    elif target == "folder":
        path.mkdir()
    elif target != "nothing":
        path.symlink_to(target)
    with pytest.raises(BundleError):
        check_bundle(bundle)


@pytest.mark.parametrize(("flips", "cuts"), [(120, 30), pytest.param(2000, 200, marks=pytest.mark.slow)])
def test_flipped_bytes_and_truncations_are_found_and_the_file_named(
    flips: int, cuts: int, honest: Path, tmp_path: Path
) -> None:
    bundle = shutil.copytree(honest, tmp_path / "b")
    names = sorted(set(manifest(bundle)["files"]))
    chance = random.Random(1)
    for number in range(flips + cuts):
        name = chance.choice(names)
        content = (bundle / name).read_bytes()
        place = chance.randrange(len(content))
        changed = bytearray(content)
        changed[place] ^= 1 << chance.randrange(8)
        (bundle / name).write_bytes(bytes(changed) if number < flips else content[:place])
        assert check_bundle(bundle) == [f"{name}: changed"]
        (bundle / name).write_bytes(content)

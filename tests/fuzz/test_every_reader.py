"""Every reader of files, given files that are broken at random: an answer, or one clear error.

`make test` tries some dozens of files a reader, the same each day; `make fuzz` looks for new ones for long.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import as_toml, broken_bytes, broken_tables
from tests.small_trial import TRIAL
from trialsim.cli import main
from trialsim.exchange import to_usdm
from trialsim.protocol.declared import read_trial

ROOT = Path(__file__).parents[2]
CASES = int(os.environ.get("FUZZ_CASES", "25"))
STATUS = Path("/proc/self/status")
SECONDS, MEGABYTES, LONGEST_ERROR = 5.0, 512, 4_000
FACTS = {"population": "x", "period": "x", "citation": "x", "licence": "x", "describes": "enrolled"}
COLUMNS = ("--outcome", "change", "--arm", "arm", "--control", "placebo")
FITTED = [word for name, value in FACTS.items() for word in (f"--{name}", value)]


def people() -> pd.DataFrame:
    """Return a trial's data: 40 participants of two arms, with a gap."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "id": [f"p{number}" for number in range(40)],
            "arm": ["placebo", "active"] * 20,
            "age": rng.normal(60, 8, 40).round(1),
            "sex": rng.choice(["F", "M"], 40),
            "change": rng.normal(0, 1, 40).round(3),
        }
    )
    frame.loc[3, "change"] = np.nan
    return frame


CURVE = "time,survival\n" + "".join(f"{month},{0.97**month:.4f}\n" for month in range(25))
# Fewer than 11: no gain of a covariate is computed, which takes longer than all the reading.
FOLK = 8
FHIR_TOLD = """
zero = { from = "Condition", code = "s|c" }
outcome = { name = "y", from = "Observation", code = "l|y", weeks = [0, 12], window = [-60, 60] }
covariates = { age = { from = "Patient.age" } }
"""
OMOP_TOLD = """
zero = { from = "CONDITION_OCCURRENCE", code = 9 }
outcome = { name = "y", from = "MEASUREMENT", code = 7, week = 0, window = [-30, 0], unit = "kg" }
covariates = { age = { from = "PERSON.age" } }
"""
ADAM_TOLD = """
outcome = { name = "y", from = "ADQS", visit = "AVISITN", weeks = [0, 12] }
covariates = { age = { from = "ADSL.AGE" } }
"""
OURS = ("FILE", "OUT", "RISK", "IN", "FHIR", "OMOP", "ADAM")
AT_RISK = "time,at_risk\n0,100\n6,82\n12,68\n18,55\n24,46\n"


def fhir() -> dict[str, Any]:
    """Return a bundle of a few patients."""
    entries: list[dict[str, Any]] = []
    for number in range(FOLK):
        about = {"subject": {"reference": f"Patient/{number}"}}
        entries.append(
            {"resourceType": "Patient", "id": str(number), "birthDate": "1960-05", "gender": "male"}
        )
        diagnosed = {"coding": [{"system": "s", "code": "c"}]}
        entries.append(
            {"resourceType": "Condition", "code": diagnosed, "onsetDateTime": "2020-01-02"} | about
        )
        for date in ("2020-01-01", "2020-03-26"):
            entries.append(
                {"resourceType": "Observation", "status": "final", "effectiveDateTime": date,
                 "code": {"coding": [{"system": "l", "code": "y"}]},
                 "valueQuantity": {"value": 5.0 + number, "unit": "mg/dL"}} | about
            )  # fmt: skip
    return {"resourceType": "Bundle", "entry": [{"resource": one} for one in entries]}


def omop() -> bytes:
    """Return an SQLite file of a few persons."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "cdm.sqlite"
        with contextlib.closing(sqlite3.connect(place)) as base, base:
            base.execute("CREATE TABLE person (person_id, gender_concept_id, year_of_birth)")
            base.execute(
                "CREATE TABLE condition_occurrence (person_id, condition_concept_id, condition_start_date)"
            )
            base.execute(
                "CREATE TABLE measurement (person_id, measurement_concept_id, measurement_date, "
                "value_as_number, unit_source_value)"
            )
            for one in range(FOLK):
                base.execute("INSERT INTO person VALUES (?, 8507, 1960)", (one,))
                base.execute("INSERT INTO condition_occurrence VALUES (?, 9, '2020-01-02')", (one,))
                base.execute(
                    "INSERT INTO measurement VALUES (?, 7, '2020-01-01', ?, 'kg')", (one, 60.0 + one)
                )
        return place.read_bytes()


def adsl_xport() -> bytes:
    """Return ADSL as a SAS transport file."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "adsl.xpt"
        rows = pd.DataFrame(
            {"USUBJID": [f"p{number}" for number in range(FOLK)], "AGE": np.arange(50.0, 50.0 + FOLK)}
        )
        pyreadstat.write_xport(rows, str(place), file_format_version=5)
        return place.read_bytes()


ADQS = "USUBJID,AVISITN,AVAL\n" + "".join(
    f"p{one},{week},{one + week}\n" for one in range(FOLK) for week in (0, 12)
)
BESIDE = {"risk.csv": AT_RISK, "fhir.toml": FHIR_TOLD, "omop.toml": OMOP_TOLD, "adam.toml": ADAM_TOLD}
TABLES: dict[str, tuple[Callable[[], dict[str, Any]], tuple[str, ...]]] = {
    "small protocol": (
        lambda: tomllib.loads(TRIAL.format(effect=1.0, participants=80, seed=1)),
        ("run", "FILE.toml", "--plan"),
    ),
    "survival protocol": (
        lambda: tomllib.loads((ROOT / "protocols/survival_delayed_effect.toml").read_text()),
        ("run", "FILE.toml", "--plan"),
    ),
    "card": (
        lambda: tomllib.loads((ROOT / "cohorts/alzheimers_early.toml").read_text()),
        ("cohort", "check", "FILE.toml"),
    ),
    "USDM": (
        lambda: to_usdm(read_trial(ROOT / "protocols/cdisc_pilot.toml")),
        ("new", "FILE.json", "-o", "OUT.toml"),
    ),
    "Dataset-JSON": (
        lambda: {
            "datasetJSONVersion": "1.1.0", "records": 40,
            "columns": [
                {"name": name, "dataType": "double" if name in ("age", "change") else "string"}
                for name in people().columns
            ],
            "rows": json.loads(people().to_json(orient="values")),
        },
        ("analyse", "FILE.json", "--method", "ancova", *COLUMNS),
    ),
    "FHIR": (fhir, ("history", "from-fhir", "IN/all.json", "--map", "FHIR.toml", "-o", "OUT.csv")),
    "what a history is made of": (
        lambda: tomllib.loads(ADAM_TOLD),
        ("history", "from-adam", "ADAM", "--map", "FILE.toml", "-o", "OUT.csv"),
    ),
}  # fmt: skip

BYTES: dict[str, tuple[Callable[[], bytes], tuple[str, ...]]] = {
    "protocol": (
        lambda: TRIAL.format(effect=1.0, participants=80, seed=1).encode(), ("run", "FILE.toml", "--plan"),
    ),
    "data as CSV": (
        lambda: people().to_csv(index=False).encode(),
        ("analyse", "FILE.csv", "--method", "ancova", *COLUMNS),
    ),
    "data as Parquet": (
        lambda: bytes(people().to_parquet(index=False)),
        ("analyse", "FILE.parquet", "--method", "t-test", *COLUMNS),
    ),
    "history": (
        lambda: people().drop(columns="arm").to_csv(index=False).encode(),
        ("new", "FILE.csv", "--yes", "--outcome", "change", "--kind", "score", "-o", "OUT.toml"),
    ),
    "data for a card": (
        lambda: people()[["age", "sex"]].to_csv(index=False).encode(),
        ("cohort", "fit", "FILE.csv", *FITTED, "-o", "OUT.toml"),
    ),
    "published curve": (
        lambda: CURVE.encode(), ("history", "from-km", "FILE.csv", "--at-risk", "RISK.csv", "-o", "OUT.csv"),
    ),
    "FHIR as NDJSON": (
        lambda: b"\n".join(json.dumps(one["resource"]).encode() for one in fhir()["entry"]),
        ("history", "from-fhir", "IN/all.ndjson", "--map", "FHIR.toml", "-o", "OUT.csv"),
    ),
    "OMOP as SQLite": (omop, ("history", "from-omop", "FILE.sqlite", "--map", "OMOP.toml", "-o", "OUT.csv")),
    "ADaM as XPORT": (
        adsl_xport, ("history", "from-adam", "IN/adsl.xpt", "--map", "ADAM.toml", "-o", "OUT.csv"),
    ),
    "JSON": (
        lambda: json.dumps(to_usdm(read_trial(ROOT / "protocols/cdisc_pilot.toml"))).encode(),
        ("new", "FILE.json", "-o", "OUT.toml"),
    ),
}  # fmt: skip


def ended(asked: list[str]) -> tuple[int, str, float, float]:
    """Run a command; return its exit code, its errors, and what it took of time and memory."""
    out, err = io.StringIO(), io.StringIO()
    began, code, before = time.process_time(), 0, 0.0
    if STATUS.exists():
        before = resident("VmRSS")
        forget_peak()
    with (
        mock.patch.object(sys, "argv", ["trialsim", *asked]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    megabytes = resident("VmHWM") - before if before else 0.0
    return code, err.getvalue(), time.process_time() - began, megabytes


def command(words: tuple[str, ...], content: bytes, folder: Path) -> None:
    """Give a file to a command, and check how the command ends."""
    name = next(word for word in words if word.startswith(("FILE.", "IN/")))
    file = folder / name.lower()
    for place in ("in", "adam"):
        (folder / place).mkdir()
        if file.suffix == ".xpt" or place == "adam":
            (folder / place / "adqs.csv").write_text(ADQS)
    (folder / "adam" / "adsl.csv").write_text(
        "USUBJID,AGE\n" + "".join(f"p{one},{50 + one}\n" for one in range(FOLK))
    )
    file.write_bytes(content)
    for beside, text in BESIDE.items():
        (folder / beside).write_text(text)
    left = {path.name for path in folder.iterdir()}
    asked = [
        str(folder / word.partition("/")[0].lower()) if word.split(".")[0].split("/")[0] in OURS else word
        for word in words
    ]
    code, said, seconds, megabytes = ended(asked)
    if seconds >= SECONDS:
        # A kernel may have been compiled: that is done once.
        code, said, seconds, megabytes = ended(asked)
    assert seconds < SECONDS
    assert megabytes < MEGABYTES
    assert code in (0, 2), (code, said)
    if code == 2:
        last = said.strip().splitlines()[-1]
        assert last.startswith("Error: "), said
        assert len(last) < LONGEST_ERROR
        assert "Traceback" not in said
        assert {path.name for path in folder.iterdir()} == left, "something half-written is left"
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def resident(name: str) -> float:
    """Return what of this process is in memory now (VmRSS), or was at most (VmHWM), in megabytes."""
    return next(
        int(line.split()[1]) / 1024 for line in STATUS.read_text().splitlines() if line.startswith(name)
    )


def forget_peak() -> None:
    """Let the kernel measure the peak of memory anew."""
    Path("/proc/self/clear_refs").write_text("5")


relaxed = settings(
    max_examples=CASES,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@pytest.mark.parametrize("name", BYTES)
def test_a_sound_file_is_read(name: str, tmp_path: Path) -> None:
    """What is broken below is otherwise fit to be read: nothing is refused for another reason."""
    made, words = BYTES[name]
    if name != "history":
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            command(words, made(), tmp_path)
        assert "Error" not in out.getvalue()


@pytest.mark.parametrize("name", BYTES)
@relaxed
@given(data=st.data())
def test_a_file_with_broken_bytes_is_read_or_refused(name: str, tmp_path: Path, data: st.DataObject) -> None:
    made, words = BYTES[name]
    command(words, data.draw(broken_bytes(made())), tmp_path)


@pytest.mark.parametrize("name", TABLES)
@relaxed
@given(data=st.data())
def test_a_file_with_broken_values_is_read_or_refused(name: str, tmp_path: Path, data: st.DataObject) -> None:
    made, words = TABLES[name]
    tables = data.draw(broken_tables(made()))
    is_toml = any(word == "FILE.toml" for word in words)
    content = as_toml(tables) if is_toml else json.dumps(tables)
    command(words, content.encode("utf-8", errors="replace"), tmp_path)

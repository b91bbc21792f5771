"""Small made-up folders of data, and the command that makes a history of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from click.testing import CliRunner

from trialsim.cli.commands import commands

ADAM = """
keep = [{ from = "ADSL.TRT01P", equals = "Placebo" }]
site = { from = "ADSL.SITEID" }
aliases = { YEARS = "a" }

[outcome]
name = "score"
from = "ADQS"
code = "TOTAL"
where = { ANL01FL = "Y" }
visit = "AVISITN"
weeks = [0, 12]

[covariates]
age = { from = "ADSL.AGE", unit = "a" }
female = { from = "ADSL.SEX", values = { F = 1, M = 0 } }
glucose = { from = "ADLB", code = "GLUC", where = { ABLFL = "Y" }, unit = "mmol/L", molar_mass = 180.156 }
"""
ADSL = """USUBJID,SITEID,TRT01P,AGE,AGEU,SEX,TRTSDT
S-1,10,Placebo,61,YEARS,F,2020-01-10
S-2,10,Placebo,72,YEARS,M,2020-02-01
S-3,20,Active,55,YEARS,F,2020-02-03
S-4,20,Placebo,48,YEARS,M,2020-03-01
"""
ADQS = """USUBJID,SITEID,PARAMCD,AVISIT,AVISITN,ADT,ADY,AVAL,ANL01FL
S-1,10,TOTAL,Baseline,0,2020-01-10,1,20,Y
S-1,10,TOTAL,Week 12,12,2020-04-03,85,22,Y
S-1,10,TOTAL,Week 12,12,2020-04-01,83,29,
S-1,10,OTHER,Week 12,12,2020-04-03,85,99,Y
S-2,10,TOTAL,Baseline,0,2020-01-30,-2,18,Y
S-2,10,TOTAL,Week 12,12,2020-04-25,85,17,Y
S-3,20,TOTAL,Baseline,0,2020-02-03,1,25,Y
S-3,20,TOTAL,Week 12,12,2020-04-27,85,25,Y
S-4,20,TOTAL,Baseline,0,2020-03-01,1,30,Y
"""
ADLB = """USUBJID,PARAMCD,AVAL,AVALU,ABLFL
S-1,GLUC,99.0858,mg/dL,Y
S-1,GLUC,120,mg/dL,
S-2,GLUC,5.1,mmol/L,Y
S-4,GLUC,6.0,,Y
"""


def adam(folder: Path, **changed: str) -> Path:
    """Write the ADaM folder, with some data sets replaced; return it."""
    place = folder / "adam"
    place.mkdir(exist_ok=True)
    for name, text in ({"adsl": ADSL, "adqs": ADQS, "adlb": ADLB} | changed).items():
        (place / f"{name}.csv").write_text(text, encoding="utf-8")
    return place


def made(kind: str, place: Path, told: str, *options: str) -> Path:
    """Return the history that a command makes of a place, as it is asked in TOML."""
    declared = place.parent / "map.toml"
    declared.write_text(told, encoding="utf-8")
    output = place.parent / "history.csv"
    words = ["history", f"from-{kind}", str(place), "--map", str(declared), "-o", str(output), *options]
    CliRunner().invoke(commands, words, catch_exceptions=False)
    return output


def card(output: Path) -> dict[str, Any]:
    """Return the data card of a history."""
    found: dict[str, Any] = json.loads(output.with_name("history.card.json").read_text())
    return found | {"columns": {one["column"]: one for one in found["columns"]}}


def provenance(output: Path) -> pd.DataFrame:
    """Return where the values of a history come from."""
    return pd.read_csv(output.with_name("history.provenance.csv"), keep_default_na=False)

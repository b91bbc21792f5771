"""How long one model of 36 sites takes without pooling, every message as the file that would be sent."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.figure import Figure
from trialsim.analysis.federated import (
    Answer,
    FederatedResult,
    MaskedAnswer,
    Question,
    answer,
    ask,
    combine,
    mask,
)
from trialsim.analysis.federated.masks import new_key, read_key
from trialsim.analysis.federated.messages import read_message, to_json
from trialsim.streams import stream

IST = Path(__file__).parents[2] / "shared" / "data" / "ist" / "ist.csv.gz"
SITES = 36
PEOPLE = 19_285
COVARIATES = ["age", "male"]


def stroke() -> pd.DataFrame:
    """Return age, sex and death at six months of the International Stroke Trial, or of as many like them.

    Its countries are 36, some with a handful of people, who may not answer: people are spread evenly.
    """
    generator = stream(1, "", 0, "analysis")
    if IST.exists():
        raw = pd.read_csv(IST)
        data = raw[COVARIATES].assign(
            dead=(raw["outcome_6_months"] == "dead").where(raw["outcome_6_months"].notna())
        )
        data = data.dropna().astype(float).reset_index(drop=True)
    else:
        age = np.clip(generator.normal(72, 12, PEOPLE), 16, 99).round()
        male = (generator.random(PEOPLE) < 0.54).astype(float)
        dead = generator.random(PEOPLE) < 1 / (1 + np.exp(7.0 - 0.08 * age + 0.1 * male))
        data = pd.DataFrame({"age": age, "male": male, "dead": dead.astype(float)})
    return data.assign(site=[f"site {k}" for k in generator.permutation(len(data)) % SITES])


def rounds(question: Question, data: pd.DataFrame, keys: Sequence[bytes] = ()) -> FederatedResult:
    """Go through all rounds by files."""
    own = dict(iter(data.groupby("site")))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for site, text in zip(question.sites, keys, strict=False):
            (folder / f"{site}.pem").write_bytes(text)
        while True:
            given: list[Answer | MaskedAnswer] = []
            for site in question.sites:
                said: Answer | MaskedAnswer = answer(question, own[site], site)
                if keys:
                    assert isinstance(said, Answer)
                    said = mask(question, said, read_key(folder / f"{site}.pem"))
                (folder / "answer.json").write_text(to_json(said))
                given.append(read_message(folder / "answer.json", type(said)))
            found = combine(question, given)
            if isinstance(found, FederatedResult):
                return found
            question = found


def federated_ist() -> Iterator[Figure]:
    data = stroke()
    sites = [f"site {k}" for k in range(SITES)]
    of = "the International Stroke Trial" if IST.exists() else "simulated people like those of the IST"
    made = [new_key(site) for site in sites]
    open_ = ask("logistic", "dead", COVARIATES, sites)
    masked = replace(open_, keys=tuple((public.site, public.key) for _, public in made))
    results = {}
    for name, question, keys in (("open", open_, ()), ("masked", masked, [text for text, _ in made])):
        began = time.perf_counter()
        results[name] = rounds(question, data, keys)
        spent = time.perf_counter() - began
        yield Figure(
            f"federated_ist {SITES} sites, {name}", spent, "s", 60.0, at_most=True,
            limit=f"{len(data):,} people of {of}, {results[name].rounds} rounds",
        )  # fmt: skip
    far = results["masked"].frame["estimate"] / results["open"].frame["estimate"] - 1
    yield Figure(
        "federated_ist masked against open, largest difference",
        float(far.abs().max()),
        "",
        1e-8,
        at_most=True,
    )


BENCHMARKS = {"federated_ist": federated_ist}

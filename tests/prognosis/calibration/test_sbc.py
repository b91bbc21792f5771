"""Calibration records: what keeps them honest, and the studies that made them.

The age of a record is judged by a day passed in: set TRIALSIM_TODAY to an ISO date, as a qualification run
does. Without it the age test is skipped, so that a checkout of an old release does not fail by the calendar;
whether a record belongs to the sources is always tested.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.calibration.ranks import (
    CONFIDENCE,
    RankRecord,
    count_ranks,
    ecdf_bands,
    require_current,
    source_hash,
    uniform,
)
from benchmarks.calibration.studies import STUDIES
from trialsim.errors import HistoryError
from trialsim.prognosis.families import FAMILIES
from trialsim.prognosis.histories import ISSUED

DATA = Path(__file__).parents[1] / "data"
# Every model that issues a twin.
TERMS = ("gaussian_curves", "gaussian_studies", "gaussian_variance")
# Their fits take ten seconds each. test_model_terms.py holds their intervals to unseen studies in every run,
# and their record is of these very sources: their ranks are drawn again in qualification runs only.
GROUPED = ("gaussian_studies", "gaussian_variance")
KEPT = ("gaussian", *TERMS, *ISSUED)


def record_of(model: str) -> RankRecord:
    return RankRecord.load(DATA / f"sbc_{model}.json")


@pytest.mark.parametrize("model", KEPT)
def test_the_record_is_of_these_sources(model):
    record = record_of(model)
    require_current(record, STUDIES[model].sources, date.fromisoformat(record.day))


@pytest.mark.parametrize("model", KEPT)
def test_the_record_is_young_enough(model):
    today = os.environ.get("TRIALSIM_TODAY")
    if today is None:
        pytest.skip("the day is not passed in: set TRIALSIM_TODAY to judge the age of calibration records")
    require_current(record_of(model), STUDIES[model].sources, date.fromisoformat(today))


@pytest.mark.parametrize("model", KEPT)
def test_the_long_study_found_uniform_ranks(model):
    record = record_of(model)
    assert record.simulations >= 1000
    assert all(sum(counts) == record.simulations for counts in record.counts.values())
    inside = uniform(record, np.random.default_rng(1))
    assert "log_likelihood" in inside
    assert [name for name, fine in inside.items() if not fine] == []


def test_an_old_or_a_future_record_is_refused(tmp_path):
    file = tmp_path / "model.py"
    file.write_text("x = 1\n")
    record = replace(record_of("gaussian"), source=source_hash([(file, ())]), day="2026-01-05")
    require_current(record, [(file, ())], date(2026, 7, 6))
    for day in (date(2026, 7, 7), date(2026, 1, 4)):
        with pytest.raises(HistoryError, match="not from the last 26 weeks"):
            require_current(record, [(file, ())], day)
    file.write_text("x = 2\n")
    with pytest.raises(HistoryError, match="is of other sources"):
        require_current(record, [(file, ())], date(2026, 7, 6))


def test_the_source_hash_follows_code_and_not_words(tmp_path):
    file = tmp_path / "model.py"
    hashes = []
    for text in (
        '"""One."""\ndef f(x):\n    """Two."""\n    return x + "a"\n',
        '"""Other."""\n# why\ndef f(x):\n    """Words\n\n    more."""\n\n    return x + "a"  # said\n',
        'def f(x):\n    return x + "b"\n',
        'def f(x):\n    return x - "a"\n',
    ):
        file.write_text(text)
        hashes.append(source_hash([(file, ())]))
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_the_source_hash_follows_no_import_and_every_decorator(tmp_path):
    file = tmp_path / "model.py"
    hashes = []
    for text in (
        "from a import g\n\n\n@one\ndef f(x):\n    from b import h\n\n    return h(g(x))\n",
        "from c import (\n    g,\n    h,\n)\n\n\n@one\ndef f(x):\n    return h(g(x))\n",
        "from c import g, h\n\n\n@two\ndef f(x):\n    return h(g(x))\n",
        "from c import g, h\n\n\n@one\ndef f(x):\n    return g(h(x))\n",
    ):
        file.write_text(text)
        hashes.append((source_hash([(file, ())]), source_hash([(file, ("f",))])))
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
    assert all(whole == named for whole, named in hashes)


def test_a_hash_of_named_definitions_follows_them_alone(tmp_path):
    file = tmp_path / "model.py"
    hashes = []
    for text in (
        "A = 1\n\n\ndef f():\n    return A\n\n\ndef g():\n    return 1\n",
        "A = 1\n\n\ndef f():\n    return A\n\n\ndef g():\n    return 2\n",
        "A = 2\n\n\ndef f():\n    return A\n\n\ndef g():\n    return 1\n",
        "A = 1\n\n\ndef f():\n    return -A\n\n\ndef g():\n    return 1\n",
    ):
        file.write_text(text)
        hashes.append(source_hash([(file, ("A", "f"))]))
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
    with pytest.raises(HistoryError, match="does not define h"):
        source_hash([(file, ("f", "h"))])


def test_a_family_is_hashed_without_the_others():
    hashes = {family: source_hash(STUDIES[family].sources) for family in FAMILIES}
    assert len(set(hashes.values())) == len(FAMILIES)
    files = {family: {path.name for path, _ in STUDIES[family].sources} for family in FAMILIES}
    assert files["count"] == {"common.py", "count.py", "outcome_model.py"}


def test_bands_hold_simultaneously():
    rng = np.random.default_rng(2)
    low, high = ecdf_bands(300, 49, 0.9, rng)
    studies = rng.multinomial(300, np.full(50, 0.02), size=4000).cumsum(axis=1)
    held = ((studies >= low) & (studies <= high)).all(axis=1).mean()
    assert held == pytest.approx(0.9, abs=0.02)
    pointwise = binom.interval(0.9, 300, 0.5)
    assert low[24] < pointwise[0]
    assert high[24] > pointwise[1]


@pytest.mark.parametrize("wrong", ["biased", "narrow", "wide"])
def test_wrong_posteriors_leave_the_bands(wrong):
    rng = np.random.default_rng(3)
    truth = rng.standard_normal(1000)
    shift, scale = {"biased": (0.2, 1.0), "narrow": (0.0, 0.8), "wide": (0.0, 1.25)}[wrong]
    # The posterior of a flat prior after one datum of SD 1 is normal around it; theirs is a bit off.
    data = truth + rng.standard_normal(1000)
    draws = data[:, None] + shift + scale * rng.standard_normal((1000, 99))
    right = data[:, None] + rng.standard_normal((1000, 99))
    counts = {
        name: count_ranks((some < truth[:, None]).sum(axis=1), 99).tolist()
        for name, some in (("wrong", draws), ("right", right))
    }
    found = uniform(replace(record_of("gaussian"), counts=counts), rng)
    assert found == {"wrong": False, "right": True}


def test_a_record_is_read_as_it_was_written(tmp_path):
    record = record_of("gaussian")
    record.save(tmp_path / "r.json")
    assert RankRecord.load(tmp_path / "r.json") == record
    (tmp_path / "r.json").write_text('{"format": "other"}')
    with pytest.raises(HistoryError, match="not of the format"):
        RankRecord.load(tmp_path / "r.json")


@pytest.mark.parametrize(
    ("model", "simulations"),
    [
        ("gaussian", 20),
        *((model, 10) for model in TERMS if model not in GROUPED),
        *(pytest.param(model, 200, marks=pytest.mark.slow) for model in ("gaussian", *TERMS)),
    ],
)
def test_a_fast_slice_of_the_gaussian_studies(sampler, model, simulations):
    """Fresh simulations through the session's compiled models; few can show gross errors only."""
    study = STUDIES[model]
    ranks, _ = study.ranks(7, 0, simulations, sampler)
    counts = {name: count_ranks(values, study.draws).tolist() for name, values in ranks.items()}
    record = replace(record_of("gaussian"), counts=counts, simulations=simulations)
    assert all(uniform(record, np.random.default_rng(1)).values())
    assert CONFIDENCE == 0.95


def test_cure_is_uniform_with_the_simulations_that_were_not():
    """The first 1,000 ranked one study effect outside the bands; 2,000 declared in advance did not."""
    first, again = record_of("cure_first"), record_of("cure")
    assert first.seed != again.seed
    assert first.source == again.source
    assert not all(uniform(first, np.random.default_rng(1)).values())
    counts = {name: np.add(first.counts[name], some).tolist() for name, some in again.counts.items()}
    both = replace(again, counts=counts, simulations=first.simulations + again.simulations)
    assert all(uniform(both, np.random.default_rng(1)).values())

"""Posteriors of outcomes with curves and products, by ranks of simulated truths."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.calibration import outcomes as sbc_outcomes
from benchmarks.calibration.ranks import RankRecord, count_ranks, uniform
from trialsim.data import Covariates
from trialsim.prognosis import ModelTerms, OutcomeSampler
from trialsim.prognosis.histories import ISSUED
from trialsim.prognosis.models.columns import Columns

BOTH = ModelTerms(("age",), (("age", "dose"),))


@pytest.mark.slow
@pytest.mark.parametrize("family", ISSUED)
def test_posteriors_are_calibrated_with_curves_and_products(monkeypatch, family):
    plain = sbc_outcomes.study_design

    def bent(family, seed):
        design = plain(family, seed)
        covariates = Covariates(("age", "dose", "other"), design.x)
        return replace(design, x=Columns.of(covariates, BOTH).matrix(covariates))

    monkeypatch.setattr(sbc_outcomes, "study_design", bent)
    ranks, _ = sbc_outcomes.outcome_ranks(family, 7, 0, 40, OutcomeSampler())
    assert {f"beta[{k}]" for k in range(6)} <= set(ranks)
    counts = {name: count_ranks(values, sbc_outcomes.RANKED_DRAWS).tolist() for name, values in ranks.items()}
    kept = RankRecord.load(Path(__file__).parents[1] / "data" / f"sbc_{family}.json")
    assert all(uniform(replace(kept, counts=counts, simulations=40), np.random.default_rng(1)).values())

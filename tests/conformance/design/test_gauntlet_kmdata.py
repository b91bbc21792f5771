"""Control arms of 193 published figures (raredd/kmdata 1.0.1): how they differ, and who may borrow."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.design.gauntlet import GauntletRules, run_gauntlet
from trialsim.study.starting.control_arms import read_control_arms

BORROWING = ("pooled", "test-then-pool", "power", "normalized-power", "discount", "commensurate, eager")
CAUTIOUS = ("commensurate", "robust-map, 0.2", "robust-map, 0.5", "self-adapting")


@pytest.mark.slow
def test_pooling_is_shut_and_cautious_priors_are_open_and_worth_little(shared) -> None:
    read = read_control_arms(shared("data/kmdata/figures.csv").parent, control=["prednisone"])
    found = run_gauntlet(read.arms, GauntletRules(splits=200), left_out=read.left_out)
    ways = found.overall.set_index("borrowing")
    assert (ways.loc[list(BORROWING), "gate"] == "shut").all()
    assert (ways.loc[list(CAUTIOUS), "gate"] == "open").all()
    assert ways.loc["pooled", "false_claims"] > 0.25
    assert ways.loc["none", "false_claims"] < 0.03
    assert (ways.loc[list(CAUTIOUS), "gained_share"] < 0.2).all()
    outside = found.alone[found.alone["group"] == "all groups"].set_index("control arm")["false_claims"]
    assert outside["one past trial"] > 0.3


@pytest.mark.slow
def test_the_log_hazards_of_metastatic_prostate_cancer_differ_as_by_hand(shared) -> None:
    """SD .56 of 8 trials (OS) and .52 of 7 (PFS), of all trials with a placebo or prednisone arm."""
    people = pd.read_csv(shared("data/kmdata/participants.csv"))
    figures = pd.read_csv(shared("data/kmdata/figures.csv"))
    figures = figures[(figures["cancer"] == "Prostate") & (figures["metastatic"] == "Metastatic")]
    own = people.merge(figures, on="figure_id")
    own = own[own["arm"].isin(["placebo", "prednisone"]) & (own["units"] == "months")]
    sums = own.groupby(["outcome", "trial"])[["event", "time"]].sum()
    spread = np.log(sums["event"] / sums["time"]).groupby("outcome").agg(["std", "size"])
    assert spread.loc["OS"].tolist() == pytest.approx([0.562, 8], abs=1e-3)
    assert spread.loc["PFS"].tolist() == pytest.approx([0.524, 7], abs=1e-3)
    read = read_control_arms(shared("data/kmdata/figures.csv").parent, control=["prednisone"])
    arms = [arm for arm in read.arms if arm.group == "Prostate, Metastatic, OS"]
    assert np.std([arm.log_hazard for arm in arms], ddof=1) == pytest.approx(spread.loc["OS", "std"])

"""Individual times from 181 published figures (raredd/kmdata 1.0.1): their curves and hazard ratios."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import cox
from trialsim.prognosis.histories.published_curve import PublishedCurve, times_from_curve

POINTS, NUMBERS = 151, 7
SLICE = 6


def curve_of(rows, at):
    """Return the Kaplan-Meier share without an event at times."""
    time, event = rows["time"].to_numpy(), rows["event"].to_numpy()
    times = np.unique(time[event == 1])
    had = (time == times[:, None]) & (event == 1)
    steps = 1 - had.sum(axis=1) / (time >= times[:, None]).sum(axis=1)
    return np.concatenate([[1.0], np.cumprod(steps)])[np.searchsorted(times, at, side="right")]


def rebuilt(rows):
    """Return times from what a figure of these rows would show, and their distance from its curve."""
    end = rows["time"].max()
    at, printed = np.linspace(0, end, POINTS), np.linspace(0, end, NUMBERS + 1)[:-1]
    shares = np.round(curve_of(rows, at), 3)
    at_risk = [(rows["time"] >= one).sum() for one in printed]
    found = times_from_curve(PublishedCurve.of(at, shares, printed, at_risk))
    assert len(found.frame) == len(rows)
    return found.frame, np.abs(curve_of(found.frame, at) - shares).max()


def measured(shared, step):
    """Return distances of arms and of hazard ratios, of each so many-th figure whose reading is confirmed."""
    people = pd.read_csv(shared("data/kmdata/participants.csv"))
    figures = pd.read_csv(shared("data/kmdata/figures.csv")).set_index("figure_id")
    sure = figures.index[figures["quality_hazard_ratio"] == 3][::step]
    distances, ratios = [], []
    for name in sure:
        arms = []
        for arm, rows in people[people["figure_id"] == name].groupby("arm"):
            times, distance = rebuilt(rows)
            distances.append(distance)
            arms.append(times.assign(arm=arm))
        if len(arms) == 2:
            ratio = np.exp(cox(pd.concat(arms), time="time", event="event", arm="arm").coefficients[0])
            printed = figures.loc[name, "published_hazard_ratio"]
            ratios.append(min(abs(ratio - printed), abs(1 / ratio - printed)))
    return np.array(distances), np.array(ratios)


def test_a_slice_of_the_figures(shared):
    distances, ratios = measured(shared, SLICE)
    assert (distances <= 0.01).mean() >= 0.85
    assert distances.max() < 0.03
    assert (ratios <= 0.10).mean() >= 0.90


@pytest.mark.slow
def test_curves_within_a_hundredth_and_hazard_ratios_within_a_tenth(shared):
    distances, ratios = measured(shared, 1)
    assert len(distances) >= 360
    assert (distances <= 0.01).mean() >= 0.95
    assert (ratios <= 0.10).mean() >= 0.95

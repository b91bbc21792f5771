"""Small made-up trials that every registered method can read one of."""

from __future__ import annotations

import numpy as np
import pandas as pd

ARMS = ("placebo", "active")


def people(size: int = 80) -> pd.DataFrame:
    """A row a participant, with every kind of outcome."""
    rng = np.random.default_rng(20261130)
    arm = np.arange(size) % 2
    baseline, age = rng.normal(20, 4, size).round(1), rng.integers(50, 85, size)
    twin = (0.5 * baseline + rng.normal(0, 1, size)).round(2)
    change = (twin - 1.5 * arm + rng.normal(0, 2, size)).round(2)
    months = rng.exponential(12 * np.exp(0.5 * arm)).round(2) + 0.1
    died = (months < 15).astype(int)
    return pd.DataFrame(
        {
            "id": [f"P{k:03d}" for k in range(size)],
            "arm": [ARMS[a] for a in arm],
            "site": rng.integers(1, 4, size),
            "dose": arm * 10 + rng.integers(0, 3, size) * 5,
            "baseline": baseline,
            "age": age,
            "twin": twin,
            "change": change,
            "response": (change < np.median(change)).astype(int),
            "level": np.digitize(change, np.quantile(change, [0.25, 0.5, 0.75])),
            "count": rng.poisson(2 + 2 * arm),
            "months": np.minimum(months, 15).round(2),
            "died": died,
            "cause": died * (1 + (rng.random(size) < 0.3)),
        }
    )


def visits(size: int = 60) -> pd.DataFrame:
    """A row a participant and visit; some stop early."""
    rng = np.random.default_rng(7)
    rows = []
    for k in range(size):
        arm, baseline, level = k % 2, rng.normal(20, 4), rng.normal()
        twin = 0.3 * baseline + rng.normal()
        last = 3 if rng.random() < 0.75 else rng.integers(1, 3)
        for v in range(last):
            value = twin - 0.5 * arm * (v + 1) + level + rng.normal()
            rows.append(
                (f"P{k:03d}", ARMS[arm], 4 * (v + 1), round(baseline, 2), round(twin, 2), round(value, 2))
            )
    return pd.DataFrame(rows, columns=["id", "arm", "week", "baseline", "twin", "change"])


def episodes(size: int = 40) -> pd.DataFrame:
    """Rows of start, stop and event."""
    rng = np.random.default_rng(3)
    rows = []
    for k in range(size):
        start, baseline = 0.0, rng.normal()
        while start < 12:
            stop = min(12.0, start + rng.exponential(4 + 3 * (k % 2)) + 0.05)
            rows.append((f"P{k:03d}", ARMS[k % 2], round(baseline, 3), start, round(stop, 3), int(stop < 12)))
            start = round(stop, 3)
    return pd.DataFrame(rows, columns=["id", "arm", "baseline", "from", "to", "event"])


def periods(size: int = 24) -> pd.DataFrame:
    """Two rows a participant, in both orders."""
    rng = np.random.default_rng(5)
    rows = []
    for k in range(size):
        own = rng.normal()
        for period in (1, 2):
            arm = (k + period) % 2
            rows.append((f"P{k:03d}", period, ARMS[arm], round(own - arm + 0.5 * rng.normal(), 3)))
    return pd.DataFrame(rows, columns=["id", "period", "arm", "change"])


def controls() -> pd.DataFrame:
    """A row an arm: four past control arms, and the two arms of a trial."""
    arm = ["past"] * 4 + ["placebo", "drug"]
    return pd.DataFrame(
        {"arm": arm, "responders": [23, 12, 19, 9, 15, 28], "participants": [107, 44, 51, 39, 50, 50]}
    )


VISITS = (
    "mmrm", "slopes", "reference_based_imputation", "mar", "j2r", "cr", "cir", "lmcf", "tipping",
)  # fmt: skip


SEVERAL_ARMS = ("dunnett", "joint_test", "k_sample_log_rank", "cox_several_arms", "k_sample_gray")


def trial_of(method: str) -> pd.DataFrame:
    """Return the trial that a method's example reads."""
    if method in VISITS:
        return visits()
    if method in ("negative_binomial_events", "lwyy"):
        return episodes()
    if method in SEVERAL_ARMS:
        return people().assign(arm=lambda d: d["arm"].where(d.index % 3 > 0, "low"))
    if method == "several_hypotheses":
        return pd.DataFrame({"name": ["low", "high", "death"], "p": [0.03, 0.012, 0.02]})
    if method in ("past_controls", "borrowed_controls"):
        return controls()
    return periods() if method == "crossover" else people()

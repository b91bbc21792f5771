"""Who takes part in simulated trials, when they come, and what becomes of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialsim.data import Floats
from trialsim.study.description.sample import TrialSample
from trialsim.trial.register import Register

BAND = (0.05, 0.5, 0.95)
_MONTHS = 61


def participant_flow(sample: TrialSample) -> pd.DataFrame:
    """Return how many participants of each arm go which way, as a CONSORT diagram counts them.

    Parameters
    ----------
    sample : TrialSample
        Simulated trials.

    Returns
    -------
    DataFrame
        One row an arm and step (``randomised`` first): ``participants`` in the mean trial, the 5th and 95th
        percentile over trials, and the ``share`` of those randomised.
    """
    rows = []
    for arm, name in enumerate(sample.trial.arm_names):
        mine = (sample.arm == arm) & np.isfinite(sample.entry)
        randomised = mine.sum(axis=1)
        rows.append(_step(name, "randomised", randomised, randomised))
        for position, fate in enumerate(sample.fates):
            rows.append(_step(name, fate, (mine & (sample.fate == position)).sum(axis=1), randomised))
    return pd.DataFrame(rows)


def _step(arm: str, step: str, counts: Floats, randomised: Floats) -> dict[str, object]:
    low, high = np.quantile(counts, (BAND[0], BAND[2]))
    return {
        "arm": arm,
        "step": step,
        "participants": float(counts.mean()),
        "low_90": float(low),
        "high_90": float(high),
        "share": float(counts.sum() / max(randomised.sum(), 1)),
    }


def enrolment_course(sample: TrialSample) -> pd.DataFrame:
    """Return how many participants are in, and how many events have come, by month.

    Parameters
    ----------
    sample : TrialSample
        Simulated trials.

    Returns
    -------
    DataFrame
        One row a month and ``counted`` (``participants``; ``events`` for a time to an event): the 5th, 50th
        and 95th percentile over trials.
    """
    when = {"participants": sample.entry}
    if sample.event is not None:
        when["events"] = np.where(sample.event, sample.entry + sample.outcome[..., 0], np.nan)
    last = max(float(np.nanmax(months)) if np.isfinite(months).any() else 0.0 for months in when.values())
    grid = np.linspace(0.0, last, _MONTHS)
    parts = []
    for counted, months in when.items():
        found = np.array([(months <= month).sum(axis=1) for month in grid])
        low, middle, high = np.quantile(found, BAND, axis=1)
        parts.append(
            pd.DataFrame(
                {"counted": counted, "month": grid, "low_90": low, "median": middle, "high_90": high}
            )
        )
    return pd.concat(parts, ignore_index=True)


def baseline_table(register: Register) -> pd.DataFrame:
    """Return Table 1 of the people that trials recruit from.

    Parameters
    ----------
    register : Register
        People of one scenario.

    Returns
    -------
    DataFrame
        One row a covariate: ``mean`` and ``sd``, or the ``share`` of one that is 0 or 1 alone, and the share
        that is ``missing``. No person's value stands in it.
    """
    columns = {str(name): register.covariates[:, place] for place, name in enumerate(register.names)}
    if register.outcomes.shape[2] > 1 and np.isfinite(register.outcomes[0, :, 0]).all():
        columns["outcome at baseline"] = register.outcomes[0, :, 0]
    return pd.DataFrame([_summary(name, values) for name, values in columns.items()])


def _summary(name: str, values: Floats) -> dict[str, object]:
    known = values[np.isfinite(values)]
    only_two = bool(len(known)) and bool(np.isin(known, (0.0, 1.0)).all())
    mean = float(known.mean()) if len(known) else np.nan
    return {
        "covariate": name,
        "mean": np.nan if only_two else mean,
        "sd": np.nan if only_two or len(known) < 2 else float(known.std(ddof=1)),
        "share": mean if only_two else np.nan,
        "missing": float(1 - len(known) / len(values)),
    }

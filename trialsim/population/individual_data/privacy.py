"""What synthetic participants give away about the real ones that they were learnt from.

Distances are Euclidean on covariates divided by their SD in the training participants. Nothing here is a
proof of privacy: these are attacks, and a generator passes if they fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.spatial import cKDTree

from trialsim.data import Covariates, Floats
from trialsim.errors import InputError
from trialsim.notebook import InNotebook

SMALLEST_CELL = 11
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class MembershipRisk(InNotebook):
    """How well an attacker tells training participants from others of the same population.

    Parameters
    ----------
    auc : float
        Area under the ROC curve; ½ is guessing, 1 is certainty.
    low, high : float
        95 % interval (DeLong 1988).
    true_positive_rate : float
        Share of training participants found at a false positive rate of 1 %.
    """

    auc: float
    low: float
    high: float
    true_positive_rate: float


def membership_risk(
    training: Covariates, holdout: Covariates, synthetic: Covariates, reference: Covariates
) -> MembershipRisk:
    """Return the risk of a membership attack by calibrated distance.

    A participant x is suspected of having been in the training set if it lies nearer to the synthetic
    participants than to a reference: the score is d(x, reference) / d(x, synthetic).

    Parameters
    ----------
    training, holdout : Covariates
        Participants that the generator saw, and others of the same population that it did not.
    synthetic : Covariates
        What it made.
    reference : Covariates
        As many synthetic participants of a generator that saw neither.

    Returns
    -------
    MembershipRisk
        Area under the curve of the attack, with its interval.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> real, others, reference = (Covariates(("x", "y"), rng.normal(size=(200, 2))) for _ in range(3))
    >>> round(membership_risk(real, others, real, reference).auc, 2)  # a copy gives everybody away
    1.0
    """
    scale = _scale(training)
    scores = []
    for people in (training, holdout):
        near = _nearest(people, synthetic, scale)[:, 0]
        far = _nearest(people, reference, scale)[:, 0]
        scores.append((far + 1e-12) / (near + 1e-12))
    auc, error = delong(scores[0], scores[1])
    reach = float(stats.norm.ppf((1 + _CONFIDENCE) / 2)) * error
    threshold = np.quantile(scores[1], 0.99)
    found = float((scores[0] > threshold).mean())
    return MembershipRisk(auc, max(0.0, auc - reach), min(1.0, auc + reach), found)


def delong(positive: Floats, negative: Floats) -> tuple[float, float]:
    """Return the area under the ROC curve and its standard error; ties count ½.

    Examples
    --------
    >>> delong(np.array([2.0, 3.0]), np.array([1.0, 1.5]))
    (1.0, 0.0)
    """
    both = np.concatenate([positive, negative])
    ranks = stats.rankdata(both)
    m, n = len(positive), len(negative)
    auc = (ranks[:m].sum() - m * (m + 1) / 2) / (m * n)
    first = (ranks[:m] - stats.rankdata(positive)) / n
    second = 1 - (ranks[m:] - stats.rankdata(negative)) / m
    variance = first.var(ddof=1) / m + second.var(ddof=1) / n if min(m, n) > 1 else np.nan
    return float(auc), float(np.sqrt(variance))


def closer_to_training(training: Covariates, holdout: Covariates, synthetic: Covariates) -> float:
    """Return the share of synthetic participants nearer to a training than to a hold-out participant.

    ½ is safe; a tie counts ½, so that categorical covariates do not flatter.

    Parameters
    ----------
    training : Covariates
        Participants that the synthetic ones were made from.
    holdout : Covariates
        Participants of the same population that were held out.
    synthetic : Covariates
        Synthetic participants.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> training, holdout, synthetic = (Covariates(("age",), rng.normal(size=(500, 1))) for _ in range(3))
    >>> round(closer_to_training(training, holdout, synthetic), 1)
    0.5
    >>> closer_to_training(training, holdout, training)
    1.0
    """
    scale = _scale(training)
    near = _nearest(synthetic, training, scale)[:, 0]
    far = _nearest(synthetic, holdout, scale)[:, 0]
    return float((near < far).mean() + 0.5 * (near == far).mean())


def nearest_record_distances(training: Covariates, synthetic: Covariates) -> pd.DataFrame:
    """Return quantiles of the distance to the closest record and of the nearest-neighbour ratio d₁/d₂.

    Beside those of the synthetic participants stand those of the training participants among themselves,
    which are what a faithful and private copy would show.

    Parameters
    ----------
    training : Covariates
        Participants that the synthetic ones were made from.
    synthetic : Covariates
        Synthetic participants.

    Returns
    -------
    DataFrame
        A row for each of the quantiles .01, .05, .25 and .5.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> training, synthetic = (Covariates(("age",), rng.normal(size=(50, 1))) for _ in range(2))
    >>> nearest_record_distances(training, synthetic)["quantile"].tolist()
    [0.01, 0.05, 0.25, 0.5]
    """
    scale = _scale(training)
    synthetic_distances = _nearest(synthetic, training, scale, count=2)
    own = _nearest(training, training, scale, count=3)[:, 1:]
    levels = (0.01, 0.05, 0.25, 0.5)
    return pd.DataFrame(
        {
            "quantile": levels,
            "distance_synthetic": np.quantile(synthetic_distances[:, 0], levels),
            "distance_real": np.quantile(own[:, 0], levels),
            "ratio_synthetic": np.quantile(_ratio(synthetic_distances), levels),
            "ratio_real": np.quantile(_ratio(own), levels),
        }
    )


def unique_key_rates(real: Covariates, synthetic: Covariates, keys: Sequence[str]) -> dict[str, float]:
    """Return how often key values single somebody out.

    Parameters
    ----------
    real, synthetic : Covariates
        Participants.
    keys : sequence of str
        Covariates that an attacker may know; round continuous ones first.

    Returns
    -------
    dict of str to float
        ``unique_in_real`` and ``unique_in_synthetic``: share of records that are unique in their own set;
        ``replicated_unique``: share of real records that are unique and whose key is unique in the
        synthetic set too (UiO, UiS and repU of synthpop, as shares).

    Examples
    --------
    >>> real = Covariates(("age", "sex"), np.array([[60, 0], [60, 0], [61, 1], [70, 1.0]]))
    >>> fake = Covariates(("age", "sex"), np.array([[61, 1], [70, 0], [60, 0], [60, 0.0]]))
    >>> unique_key_rates(real, fake, ["age", "sex"])
    {'unique_in_real': 0.5, 'unique_in_synthetic': 0.5, 'replicated_unique': 0.25}
    """
    alone = []
    for people in (real, synthetic):
        cells, counts = np.unique(people.select(keys).values, axis=0, return_counts=True)
        alone.append({tuple(cell) for cell in cells[counts == 1].tolist()})
    return {
        "unique_in_real": len(alone[0]) / len(real),
        "unique_in_synthetic": len(alone[1]) / len(synthetic),
        "replicated_unique": len(alone[0] & alone[1]) / len(real),
    }


def released_counts(people: Covariates, keys: Sequence[str], smallest: int = SMALLEST_CELL) -> pd.DataFrame:
    """Return the counts of a table with every cell below `smallest` suppressed (NaN).

    If a single cell were suppressed, the total would give it away: then the next smallest goes too.

    Parameters
    ----------
    people : Covariates
        Whom to count.
    keys : sequence of str
        Names of the covariates that make the table.
    smallest : int
        A cell below it is not shown.

    Returns
    -------
    DataFrame
        A row a cell; counts that are not shown are NaN.

    Examples
    --------
    >>> people = Covariates(("stage",), np.repeat([[1.0], [2.0], [3.0]], [40, 5, 30], axis=0))
    >>> released_counts(people, ["stage"])["count"].tolist()
    [40.0, nan, nan]
    """
    cells, counts = np.unique(people.select(keys).values, axis=0, return_counts=True)
    hidden = counts < smallest
    if hidden.sum() == 1 and len(counts) > 1:
        hidden[np.argmin(np.where(hidden, counts.max() + 1, counts))] = True
    frame = pd.DataFrame(cells, columns=list(keys))
    frame["count"] = np.where(hidden, np.nan, counts.astype(float))
    return frame


def _scale(training: Covariates) -> Floats:
    if len(training) < 3 or np.isnan(training.values).any():
        raise InputError(
            "distances need at least 3 complete training participants",
            value=len(training),
            mend="leave out covariates or participants with missing values",
        )
    spread = training.values.std(axis=0)
    return np.where(spread > 0, spread, 1.0)


def _nearest(of: Covariates, among: Covariates, scale: Floats, count: int = 1) -> Floats:
    tree = cKDTree(among.values / scale)
    distances = tree.query(of.select(among.names).values / scale, k=count)[0]
    return np.asarray(distances).reshape(len(of), count)


def _ratio(distances: Floats) -> Floats:
    return np.asarray((distances[:, 0] + 1e-12) / (distances[:, 1] + 1e-12))

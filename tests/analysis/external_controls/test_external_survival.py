"""Times beside outside controls: influences by brute force, known special cases, nulls, and refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, root

from trialsim.analysis import cox, milestone_survival, restricted_mean_survival
from trialsim.analysis.external_controls import WEIGHTS, external_controls_survival
from trialsim.errors import AnalysisError

ASKED = {"time": "t", "event": "e", "arm": "arm", "control": "outside", "covariates": ["age", "severe"]}


def people(
    seed: int, size: int = 240, log_ratio: float = 0.0, drift: float = 1.0, digits: int = 1
) -> pd.DataFrame:
    """Return a trial's arm and outside controls who are older and sicker, with tied times and censoring."""
    rng = np.random.default_rng(seed)
    age, severe = rng.normal(0, 1, size), (rng.random(size) < 0.4).astype(float)
    treated = rng.random(size) < 1 / (1 + np.exp(0.2 + drift * (0.5 * age + 0.4 * severe)))
    hazard = 0.1 * np.exp(0.6 * age + 0.5 * severe + log_ratio * treated)
    time, censored = rng.exponential(1 / hazard), rng.uniform(4, 30, size)
    return pd.DataFrame(
        {
            "t": np.maximum(np.round(np.minimum(time, censored), digits), 10.0**-digits),
            "e": (time <= censored).astype(int),
            "arm": np.where(treated, "trial", "outside"),
            "age": age,
            "severe": severe,
        }
    )


def pipeline(data: pd.DataFrame, kind: str, tau: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return all estimates as a function of case weights, written down from the definitions alone."""
    a = (data["arm"] == "trial").to_numpy(float)
    t, e = data["t"].to_numpy(), data["e"].to_numpy(float)
    x = data[["age", "severe"]].to_numpy()
    z = np.column_stack([np.ones(len(a)), x])

    def weights(c: np.ndarray) -> np.ndarray:
        if kind == "entropy":
            centre = (c * a) @ x / (c @ a)

            def gap(b: np.ndarray) -> np.ndarray:
                return (c * (1 - a) * np.exp((x - centre) @ b)) @ (x - centre)

            w = np.where(a == 1, 1.0, np.exp((x - centre) @ root(gap, np.zeros(2), tol=1e-13).x))
        else:
            b = root(lambda b: (c * (a - 1 / (1 + np.exp(-z @ b)))) @ z, np.zeros(3), tol=1e-13).x
            p = 1 / (1 + np.exp(-z @ b))
            w = {
                "att": np.where(a == 1, 1, p / (1 - p)),
                "ate": np.where(a == 1, 1 / p, 1 / (1 - p)),
                "overlap": np.where(a == 1, 1 - p, p),
            }[kind]
        for arm in (0, 1):
            here = a == arm
            w[here] = w[here] * c[here].sum() / (c[here] @ w[here])
        return c * w

    def estimates(c: np.ndarray) -> np.ndarray:
        w = weights(c)

        def score(beta: float) -> float:
            total = 0.0
            for i in np.flatnonzero(e):
                risk = t >= t[i]
                r = w[risk] * np.exp(beta * a[risk])
                total += w[i] * (a[i] - (r @ a[risk]) / r.sum())
            return total

        found = [brentq(score, -5, 5, xtol=1e-14, rtol=1e-14)]
        curves = []
        for arm in (0, 1):
            s, area, before = 1.0, 0.0, 0.0
            for u in np.unique(t[(e == 1) & (a == arm) & (t <= tau)]):
                area += s * (u - before)
                s *= 1 - w[(t == u) & (e == 1) & (a == arm)].sum() / w[(t >= u) & (a == arm)].sum()
                before = u
            curves.append((s, area + s * (tau - before)))
        return np.array([*found, *(np.array(curves[1]) - np.array(curves[0]))])

    return estimates


@pytest.mark.parametrize("kind", WEIGHTS)
def test_errors_are_the_influence_of_each_participant_by_brute_force(kind: str) -> None:
    """Each participant's case weight is moved through everything, the weights' own fit included."""
    data = people(3, size=60)
    of, step = pipeline(data, kind, 8.0), 1e-5
    ones = np.ones(len(data))
    moved = []
    for i in range(len(data)):
        up, down = ones.copy(), ones.copy()
        up[i], down[i] = 1 + step, 1 - step
        moved.append((of(up) - of(down)) / (2 * step))
    found = external_controls_survival(data, **ASKED, weights=kind, tau=8.0)
    errors = np.sqrt(np.square(moved).sum(axis=0))
    got = [found.log_hazard_ratio, *found.differences["difference"]]
    assert got == pytest.approx(of(ones).tolist(), abs=1e-8)
    table = found.to_frame()
    assert table["standard_error"].tolist() == pytest.approx(errors.tolist(), rel=1e-5)


def test_without_a_difference_to_balance_it_is_cox_with_a_robust_variance() -> None:
    """Everybody is there twice, once with x = 0 and once with x = 1: all weights are 1 by symmetry."""
    data = pd.concat([people(4, 120).assign(x=0.0), people(4, 120).assign(x=1.0)])
    found = external_controls_survival(data, **(ASKED | {"covariates": "x"}), tau=10.0)
    plain = cox(data, time="t", event="e", arm="arm", control="outside", ties="breslow", variance="robust")
    assert found.log_hazard_ratio == pytest.approx(plain.coefficients[0], abs=1e-8)
    assert found.unweighted == pytest.approx(plain.coefficients[0], abs=1e-8)
    assert found.standard_error == pytest.approx(plain.standard_errors[0], rel=1e-7)
    alone = {"time": "t", "event": "e", "arm": "arm", "control": "outside"}
    area = restricted_mean_survival(data, **alone, tau=10.0).to_frame()
    gap = found.differences.set_index("measure")["difference"]
    assert gap.iloc[1] == pytest.approx(float(area["estimate"].iloc[-1]), abs=1e-9)
    share = milestone_survival(data, **alone, at=10.0)
    assert abs(gap.iloc[0]) == pytest.approx(abs(share.survival[1] - share.survival[0]), abs=1e-9)


@pytest.mark.parametrize("kind", WEIGHTS)
def test_rows_labels_and_the_unit_of_time_change_no_answer(kind: str) -> None:
    data = people(5)
    found = external_controls_survival(data, **ASKED, weights=kind, tau=8.0)
    moved = data.sample(frac=1.0, random_state=2).assign(
        t=lambda d: d["t"] * 7, age=lambda d: 40 + 9 * d["age"]
    )
    again = external_controls_survival(moved, **ASKED, weights=kind, tau=56.0)
    assert again.log_hazard_ratio == pytest.approx(found.log_hazard_ratio, abs=1e-7)
    assert again.standard_error == pytest.approx(found.standard_error, rel=1e-6)
    assert again.differences["difference"].iloc[1] == pytest.approx(
        7 * found.differences["difference"].iloc[1], rel=1e-6
    )
    if kind in ("ate", "overlap"):
        swapped = external_controls_survival(data, **(ASKED | {"control": "trial"}), weights=kind)
        assert swapped.log_hazard_ratio == pytest.approx(-found.log_hazard_ratio, abs=1e-8)


def coverage(trials: int, kind: str, size: int) -> tuple[float, float]:
    """Return how often intervals hold a hazard ratio of 1, and how often those without weights do."""
    hits = plain = 0
    for seed in range(trials):
        found = external_controls_survival(people(seed, size, digits=3), **ASKED, weights=kind)
        hits += found.interval[0] <= 1.0 <= found.interval[1]
        plain += abs(found.unweighted) < 1.96 * 2 / np.sqrt(0.75 * size)
    return hits / trials, plain / trials


def test_intervals_hold_no_effect_where_outside_controls_are_sicker() -> None:
    found, plain = coverage(200, "att", 240)
    assert abs(found - 0.95) < 0.01 + 4 * np.sqrt(0.95 * 0.05 / 200)
    assert plain < 0.8


@pytest.mark.slow
@pytest.mark.parametrize("kind", WEIGHTS)
def test_intervals_hold_no_effect_by_any_weights(kind: str) -> None:
    found, _ = coverage(2000, kind, 500)
    assert abs(found - 0.95) < 0.005 + 4 * np.sqrt(0.95 * 0.05 / 2000)


def test_the_hazard_ratio_follows_the_effect_without_bound() -> None:
    found = [
        external_controls_survival(people(6, log_ratio=effect, digits=4), **ASKED).log_hazard_ratio
        for effect in (-3.0, -1.0, 0.0, 1.0, 3.0)
    ]
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("change", "asked", "says"),
    [
        (lambda d: d.assign(age=(d["arm"] == "trial") * 1.0), {}, "age: collinear_covariate"),
        (
            lambda d: d.assign(age=d["age"] + 50 * (d["arm"] == "trial")),
            {"weights": "entropy"},
            "age: cannot be balanced",
        ),
        (lambda d: d, {"weights": "nearest"}, "weights: must be one of"),
        (lambda d: d, {"covariates": []}, "covariates: are needed"),
        (lambda d: d, {"tau": 500.0}, "tau: is beyond the follow-up of"),
        (lambda d: d, {"tau": 0.0}, "tau"),
        (lambda d: d.assign(e=(d["arm"] == "outside") * d["e"]), {}, "arm: has an infinite hazard ratio"),
        (lambda d: d.assign(e=0), {}, "e: has no event"),
        (lambda d: d.assign(t=-d["t"]), {}, "t: must be at least 0"),
        (
            lambda d: d.assign(z=np.where(d["arm"] == "trial", "randomisation", "diagnosis")),
            {"time_zero": "z"},
            "z: is not the same for everybody: outside controls have another time zero. Got 'diagnosis, rand",
        ),
        (lambda d: d, {"time_zero": "z"}, "time_zero: is not a column"),
        (lambda d: d.assign(z=[None, *["a"] * (len(d) - 1)]), {"time_zero": "z"}, "z: is missing"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(change, asked: dict, says: str) -> None:
    with pytest.raises(AnalysisError, match=says):
        external_controls_survival(change(people(7)), **(ASKED | asked))


def test_one_time_zero_changes_nothing() -> None:
    data = people(8).assign(z="randomisation")
    found = external_controls_survival(data, **ASKED, time_zero="z")
    assert found.log_hazard_ratio == external_controls_survival(data, **ASKED).log_hazard_ratio


def test_what_it_prints_says_what_it_rests_on() -> None:
    text = str(external_controls_survival(people(9), **ASKED, tau=8.0))
    for word in ("hazard ratio", "horizon", "Balance", "effective", "Time zero", "those treated"):
        assert word in text

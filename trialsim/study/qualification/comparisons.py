"""Published comparisons of two groups and more, on data that their sources print."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from trialsim.analysis import (
    dunnett,
    holm,
    mantel_haenszel,
    paired_t_test,
    probabilistic_index,
    t_test,
    two_proportions,
    unadjusted,
)
from trialsim.analysis.counts import negative_binomial_block
from trialsim.analysis.multiplicity import Graph
from trialsim.analysis.ordinal import proportional_odds_block
from trialsim.analysis.proportions import score_interval
from trialsim.study.qualification.oracle import Oracle

R = "R 4.2.2, package stats"
_SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)
_ADMISSIONS = {  # department: admitted and rejected men, admitted and rejected women
    "A": (512, 313, 89, 19), "B": (353, 207, 17, 8), "C": (120, 205, 202, 391), "D": (138, 279, 131, 244),
    "E": (53, 138, 94, 299), "F": (22, 351, 24, 317),
}  # fmt: skip
_BLOOD = {
    "c": [7.40, 8.50, 7.20, 8.24, 9.84, 8.32],
    "a": [9.76, 8.80, 7.68, 9.36],
    "b": [12.80, 9.68, 12.16, 9.20, 10.55],
}
_PAIN = ([1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1], [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4])


def _columns(control: Sequence[float], active: Sequence[float]) -> pd.DataFrame:
    names = np.repeat(["c", "a"], [len(control), len(active)])
    return pd.DataFrame({"y": np.concatenate([control, active]), "arm": names})


def _table(active: Sequence[int], control: Sequence[int]) -> pd.DataFrame:
    y = np.repeat([1, 0, 1, 0], [*active, *control])
    return pd.DataFrame({"y": y, "arm": np.repeat(["a", "c"], [sum(active), sum(control)])})


def _welch() -> list[float]:
    row = t_test(_columns(*_SLEEP), outcome="y", arm="arm", control="c").iloc[0]
    return [float(row[name]) for name in ("statistic", "df", "lower", "upper")]


def _paired() -> list[float]:
    row = paired_t_test(pd.DataFrame({"a": _SLEEP[0], "b": _SLEEP[1]}), first="a", second="b").iloc[0]
    return [float(row[name]) for name in ("lower", "upper")]


def _fisher(active: Sequence[int], control: Sequence[int]) -> list[float]:
    data = _table(active, control)
    return [two_proportions(data, outcome="y", arm="arm", control="c", method="fisher").p_value]


def _admissions() -> list[float]:
    parts = [_table(one[:2], one[2:]).assign(dept=name) for name, one in _ADMISSIONS.items()]
    found = mantel_haenszel(
        pd.concat(parts, ignore_index=True), outcome="y", arm="arm", control="c", strata="dept",
        measure="odds_ratio",
    )  # fmt: skip
    return [found.estimate, found.lower, found.upper]


def _blood() -> list[float]:
    rows = [(arm, y) for arm, values in _BLOOD.items() for y in values]
    data = pd.DataFrame(rows, columns=["arm", "y"])
    found = dunnett(unadjusted(data, outcome="y", arm="arm", control="c", variance="model"))
    return [float(one) for one in found["p_value"]]


def _pain(*names: str) -> list[float]:
    found = probabilistic_index(_columns(*_PAIN), outcome="y", arm="arm", control="c").to_frame().iloc[0]
    return [float(found[name]) for name in names]


def _mites() -> list[float]:
    leaves = np.repeat(np.arange(8), [70, 38, 17, 10, 9, 3, 2, 1])
    count = np.concatenate([leaves, leaves])[None]
    found = negative_binomial_block(count, np.ones(count.shape), np.repeat([[0, 1]], 150, axis=1))
    return [1 / float(found.dispersion[0])]


def _tonsils() -> list[float]:
    size = np.concatenate([np.repeat(range(3), counts) for counts in ([19, 29, 24], [497, 560, 269])])
    return [float(proportional_odds_block(size[None], np.repeat([1, 0], [72, 1326])[None]).estimate[0])]


def _graph() -> list[float]:
    transition = np.array([[0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]], dtype=float)
    graph = Graph(np.array([0.5, 0.5, 0.0, 0.0]), transition)
    return [float(one) for one in graph.adjusted([[0.01, 0.005, 0.03, 0.01]])[0]]


ORACLES = (
    Oracle("comparisons/welch", _welch, (1.8608, 17.776, -0.2054832, 3.3654832), 5e-4, R),
    Oracle("comparisons/paired", _paired, (0.7001142, 2.4598858), 5e-8, R),
    Oracle("comparisons/fisher_tea", lambda: _fisher((3, 1), (1, 3)), (0.4857,), 5e-5, R),
    Oracle("comparisons/fisher_twins", lambda: _fisher((10, 3), (2, 15)), (0.0005367,), 5e-8, R),
    Oracle(
        "comparisons/miettinen_nurminen",
        lambda: score_interval(56, 70, 48, 80, method="miettinen_nurminen"),
        (0.05282969, 0.338173),
        2e-6,
        "Newcombe 1998, as DescTools 0.99.59",
    ),
    Oracle(
        "comparisons/farrington_manning",
        lambda: score_interval(9, 10, 3, 10, method="farrington_manning"),
        (0.18212650, 0.83695033),
        2e-6,
        "Newcombe 1998, by R's optimize and uniroot",
    ),
    Oracle("comparisons/mantel_haenszel", _admissions, (0.9046968, 0.7719074, 1.0603298), 5e-8, R),
    Oracle("comparisons/dunnett", _blood, (0.6201, 0.0058), 6e-5, "Dunnett 1955, as SciPy's manual"),
    Oracle(
        "comparisons/brunner_munzel",
        lambda: _pain("estimate", "statistic", "df", "lower", "upper"),
        (0.788961, 3.1375, 17.683, 0.5952169, 0.9827052),
        5e-4,
        "R package lawstat 3.6",
    ),
    Oracle(
        "comparisons/brunner_munzel_p", lambda: _pain("p_value"), (0.005786,), 5e-7, "R package lawstat 3.6"
    ),
    Oracle("comparisons/negative_binomial", _mites, (1.02459,), 5e-6, "Bliss and Fisher 1953"),
    Oracle("comparisons/proportional_odds", _tonsils, (0.603,), 5e-4, "McCullagh 1980"),
    Oracle("comparisons/graphical_tests", _graph, (0.02, 0.01, 0.03, 0.02), 5e-14, "R package graphicalMCP"),
    Oracle(
        "comparisons/holm",
        lambda: [float(one) for one in holm([[0.01, 0.04, 0.03]])[0]],
        (0.03, 0.06, 0.06),
        1e-12,
        "R 4.2.2, p.adjust",
    ),
)

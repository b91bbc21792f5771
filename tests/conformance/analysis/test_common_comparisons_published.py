"""Published numbers of the comparisons that every statistics package has; the source is in each test's name.

- R 4.2.2: ``t.test``, ``fisher.test``, ``mantelhaen.test`` and ``wilcox.test`` of the package stats on the
  data of their manual pages, and ``brunner.munzel.test`` of lawstat 3.6.
- The tables of Newcombe 1998 (Stat. Med. 17:873). Miettinen and Nurminen: ``BinomDiffCI`` of DescTools
  0.99.59 and ``diffscoreci`` of PropCIs 0.3. Mee (here by the name of Farrington and Manning): R's
  ``optimize`` of the binomial likelihood and ``uniroot``; the search of DescTools stops up to 3e-5 away.
- Generalised Cochran–Mantel–Haenszel tests: ``cmh_test`` of coin 1.4-2.
- Dunnett's two-sided points (1964, Biometrics 20:482): ``pmvt`` of mvtnorm, inverted.
- Barnard 1947 and Boschloo's test as in SciPy's manual pages.
- The crossover of formoterol and salbutamol (Graff-Lonnevig and Browaldh 1990) in Senn 2002, Cross-over
  Trials in Clinical Research: the data as the R package xover has them, ``t.test`` of half differences.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trialsim.analysis import (
    crossover,
    dunnett,
    mantel_haenszel,
    paired_t_test,
    probabilistic_index,
    t_test,
    two_proportions,
    unadjusted,
)
from trialsim.analysis.linear.several_arms import two_sided_quantile
from trialsim.analysis.proportions import cochran_mantel_haenszel, score_interval

SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)


def table(active, control):
    """Return one row a participant of (events, others) in each arm."""
    y = np.repeat([1, 0, 1, 0], [*active, *control])
    return pd.DataFrame({"y": y, "arm": np.repeat(["a", "c"], [sum(active), sum(control)])})


def two_columns(control, active):
    names = np.repeat(["c", "a"], [len(control), len(active)])
    return pd.DataFrame({"y": np.concatenate([control, active]), "arm": names})


ONE = {"outcome": "y", "arm": "arm", "control": "c"}


def test_welch_of_sleep_in_r_t_test():
    row = t_test(two_columns(*SLEEP), **ONE).iloc[0]
    assert row["statistic"] == pytest.approx(1.8608, abs=5e-5)
    assert row["df"] == pytest.approx(17.776, abs=5e-4)
    assert row["p_value"] == pytest.approx(0.07939, abs=5e-6)
    np.testing.assert_allclose(row[["lower", "upper"]].astype(float), [-0.2054832, 3.3654832], atol=5e-8)


def test_pooled_of_sleep_in_student_1908():
    row = t_test(two_columns(*SLEEP), variance="pooled", **ONE).iloc[0]
    assert row["p_value"] == pytest.approx(0.07919, abs=5e-6)


def test_paired_of_sleep_in_r_t_test():
    row = paired_t_test(pd.DataFrame({"a": SLEEP[0], "b": SLEEP[1]}), first="a", second="b").iloc[0]
    assert row["statistic"] == pytest.approx(4.0621, abs=5e-5)
    assert row["p_value"] == pytest.approx(0.002833, abs=5e-7)
    np.testing.assert_allclose(row[["lower", "upper"]].astype(float), [0.7001142, 2.4598858], atol=5e-8)


NEWCOMBE_TABLES = {
    (56, 70, 48, 80): ((0.05282969, 0.338173), (0.05333385, 0.33772946)),
    (9, 10, 3, 10): ((0.1700251, 0.8406495), (0.18212650, 0.83695033)),
    (6, 7, 2, 7): ((0.03417552, 0.8534053), (0.05444833, 0.84780908)),
    (5, 56, 0, 29): ((-0.03259656, 0.193331), (-0.03132707, 0.19256001)),
    (0, 10, 0, 20): ((-0.1657602, 0.2843814), (-0.16112517, 0.27753280)),
    (10, 10, 0, 20): ((0.7156186, 1.0), (0.72246720, 1.0)),
}


@pytest.mark.parametrize("method", ["miettinen_nurminen", "farrington_manning"])
@pytest.mark.parametrize("counts", NEWCOMBE_TABLES)
def test_score_intervals_of_newcombe_1998_tables_as_desctools_0_99_59_and_r_optimize(counts, method):
    limits = NEWCOMBE_TABLES[counts][method == "farrington_manning"]
    np.testing.assert_allclose(score_interval(*counts, method=method), limits, atol=2e-6)


def test_fisher_of_tea_in_r_fisher_test():
    assert two_proportions(table((3, 1), (1, 3)), method="fisher", **ONE).p_value == pytest.approx(
        0.4857, abs=5e-5
    )


def test_fisher_of_convicted_twins_in_fisher_1962():
    found = two_proportions(table((10, 3), (2, 15)), method="fisher", **ONE)
    assert found.p_value == pytest.approx(0.0005367, abs=5e-8)


def test_barnard_of_vaccine_in_scipy_barnard_exact():
    found = two_proportions(table((7, 8), (12, 3)), method="barnard", **ONE)
    assert found.statistic == pytest.approx(-1.894, abs=5e-4)
    assert found.p_value == pytest.approx(2 * 0.03407, abs=2e-4)


SATISFACTION = np.array(
    [1, 2, 0, 0, 3, 3, 1, 2, 11, 17, 8, 4, 2, 3, 5, 2, 1, 0, 0, 0, 1, 3, 0, 1, 2, 5, 7, 9, 1, 1, 3, 6]
).reshape(2, 4, 4)  # gender, satisfaction, income


def test_general_association_of_job_satisfaction_in_r_mantelhaen_test():
    sex, column, row = (np.repeat(one.ravel(), SATISFACTION.ravel()) for one in np.indices((2, 4, 4)))
    chi_square, df, p_value = cochran_mantel_haenszel(row, column, sex)
    assert df == 9
    assert chi_square == pytest.approx(10.2001, abs=5e-5)
    assert p_value == pytest.approx(0.3345, abs=5e-5)


def test_mean_scores_and_correlation_of_job_satisfaction_of_agresti_2002_as_coin_1_4_cmh_test():
    sex, column, row = (np.repeat(one.ravel(), SATISFACTION.ravel()) for one in np.indices((2, 4, 4)))
    scores = np.array([1, 3, 4, 5])
    assert cochran_mantel_haenszel(row, column, sex, scores="both")[1] == 1
    assert cochran_mantel_haenszel(row, scores[column], sex, scores="columns")[1] == 3
    income = np.array([3, 10, 20, 35])
    assert cochran_mantel_haenszel(income[row], scores[column], sex, scores="both")[0] == pytest.approx(
        2.4812**2, abs=5e-4
    )
    assert cochran_mantel_haenszel(row, scores[column], sex, scores="columns")[0] == pytest.approx(
        9.0342, abs=5e-5
    )


ADMISSIONS = {  # department: admitted and rejected men, admitted and rejected women
    "A": (512, 313, 89, 19), "B": (353, 207, 17, 8), "C": (120, 205, 202, 391), "D": (138, 279, 131, 244),
    "E": (53, 138, 94, 299), "F": (22, 351, 24, 317),
}  # fmt: skip


def admissions():
    parts = [table(one[:2], one[2:]).assign(dept=name) for name, one in ADMISSIONS.items()]
    return pd.concat(parts, ignore_index=True)


def test_common_odds_ratio_of_admissions_as_r_mantelhaen_test_without_continuity_correction():
    found = mantel_haenszel(admissions(), strata="dept", measure="odds_ratio", **ONE)
    np.testing.assert_allclose(
        [found.estimate, found.lower, found.upper], [0.9046968, 0.7719074, 1.0603298], atol=5e-8
    )
    assert found.chi_square == pytest.approx(1.524607, abs=6e-7)
    assert found.p_value == pytest.approx(0.2169, abs=5e-5)


@pytest.mark.parametrize(
    ("comparisons", "df", "level", "value"),
    [
        (2, 5, 0.95, 3.030236),
        (2, 10, 0.95, 2.568339),
        (3, 20, 0.95, 2.540344),
        (5, 30, 0.95, 2.656853),
        (4, np.inf, 0.99, 2.997742),
    ],
)
def test_two_sided_points_of_dunnett_1964_as_r_mvtnorm(comparisons, df, level, value):
    half = np.full((comparisons, comparisons), 0.5) + 0.5 * np.eye(comparisons)
    assert two_sided_quantile(half, df, level) == pytest.approx(value, abs=2e-5)


def test_blood_counts_of_dunnett_1955_in_scipy_dunnett():
    groups = {
        "c": [7.40, 8.50, 7.20, 8.24, 9.84, 8.32],
        "a": [9.76, 8.80, 7.68, 9.36],
        "b": [12.80, 9.68, 12.16, 9.20, 10.55],
    }
    data = pd.DataFrame([(arm, y) for arm, values in groups.items() for y in values], columns=["arm", "y"])
    found = dunnett(unadjusted(data, variance="model", **ONE))
    np.testing.assert_allclose(found["p_value"], [0.6201, 0.0058], atol=6e-5)


def test_formoterol_against_salbutamol_of_senn_2002_in_r_t_test_of_half_differences():
    """Peak expiratory flow of 13 children, l/min, eight hours after a dose (Senn 2002, chapter 3)."""
    first = ([310, 310, 370, 410, 250, 380, 330], [270, 260, 300, 390, 210, 350, 365])
    second = ([370, 310, 380, 290, 260, 90], [385, 400, 410, 320, 340, 220])
    rows = [
        (f"{order}{k}", period + 1, order[period], y)
        for order, flows in (("FS", first), ("SF", second))
        for period in (0, 1)
        for k, y in enumerate(flows[period])
    ]
    data = pd.DataFrame(rows, columns=["child", "period", "drug", "pef"])
    found = crossover(data, outcome="pef", participant="child", period="period", arm="drug", control="S")
    row = found.iloc[0]
    assert row["df"] == 11
    np.testing.assert_allclose(
        row[["estimate", "standard_error", "statistic", "p_value", "lower", "upper"]].astype(float),
        [46.60714286, 10.776559645, 4.324862887, 0.00120484754, 22.888095001, 70.326190713],
        rtol=1e-7,
    )


def test_permeability_of_hollander_and_wolfe_in_r_wilcox_test():
    term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    found = probabilistic_index(two_columns([1.15, 0.88, 0.90, 0.74, 1.21], term), variance="null", **ONE)
    assert found.estimates.estimate[0] == pytest.approx(35 / 50)
    assert found.p_value == pytest.approx(2 * 0.1272, abs=1e-4)
    assert found.decided_by == "exact"


def test_pain_scores_of_brunner_and_munzel_as_lawstat_3_6():
    control, active = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1], [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]
    row = probabilistic_index(two_columns(control, active), **ONE).to_frame().iloc[0]
    np.testing.assert_allclose(
        row[["estimate", "statistic", "df", "p_value", "lower", "upper"]].astype(float),
        [0.788961, 3.1375, 17.683, 0.005786, 0.5952169, 0.9827052],
        atol=5e-4,
    )


def test_three_against_three_has_a_tenth_in_lehmann_1975_table_b():
    found = probabilistic_index(two_columns([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]), variance="null", **ONE)
    assert found.p_value == pytest.approx(0.10)

"""The public's cases, letter by letter, as they were sent: each gives the right value, or a refusal that says why.

Right values are from R (survival, cmprsk, MASS, ordinal, rpact), mvtnorm or closed forms; the rooms' own tests
hold the kind of each. Cases whose participants are in a file skip where the folder is not.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import binom, poisson

from tests.cli.in_process import run
from tests.declared_files import tables
from trialsim.analysis import (
    adjusted_log_rank,
    cox,
    g_computation,
    log_rank,
    mmrm,
    probabilistic_index,
    proportional_odds,
    reference_based_imputation,
)
from trialsim.analysis.borrowing import elir_ess, map_prior_binomial, map_prior_poisson, moment_ess
from trialsim.design import (
    MeansQuestion,
    RatesQuestion,
    events_for_power,
    group_sequential_design,
)
from trialsim.design.group_sequential import PocockSpending, survival_looks
from trialsim.design.sizes import EventForecast, power_of_means, power_of_rates
from trialsim.errors import AnalysisError
from trialsim.protocol.declared import read_trial, trial_from_dict
from trialsim.rates import PiecewiseRate, PlannedAccrual
from trialsim.study import run_cells
from trialsim.study.bundles import declared_work
from trialsim.study.declared import declared_result, plan_trial
from trialsim.study.people.registers import Registers
from trialsim.study.sizing.numbers import planning_numbers

SITES = ("s2", "s9")
Shared = Callable[[str], Path]
REGION = {"name": "region", "levels": ["a", "b", "c"], "shares": [0.6, 0.38, 0.02], "source": "t"}


def powers(made: dict[str, Any]) -> pd.DataFrame:
    trial = trial_from_dict(made)
    plan = plan_trial(trial)
    result = declared_result(plan, run_cells(declared_work(trial, Registers()), plan.cells))
    return result.operating_characteristics


def declared(
    kind: str, effect: float, participants: int, analyses: list[dict], **changes: Any
) -> dict[str, Any]:
    made = tables(
        kind, participants=participants, analyses=analyses,
        simulation={"replicates": 2000, "block": 500, "truth": 2000},
        scenarios=[{"name": "effect", "kind": "alternative", "why": "the case"}],
        enrolment={"kind": "planned", "rates": [50.0], "durations": [40.0], "source": "t"}, **changes,
    )  # fmt: skip
    made["effects"][0]["value"] = effect
    return made


def near(row: pd.Series, right: float) -> bool:
    return abs(row["rejection_rate"] - right) < 4 * row["rejection_rate_mcse"] + 0.005


def test_a1_power_of_the_ordinal_index_rises_with_the_odds_ratio() -> None:
    """16 participants: .909, .999, 1.0 (it was .849, .528, .214)."""
    found = []
    for odds in (30.0, 300.0, 3000.0):
        made = declared("level", odds, 16, [{"kind": "probabilistic_index"}, {"kind": "proportional_odds"}])
        made["endpoints"][0] |= {"shares": [0.4, 0.3, 0.2, 0.08, 0.02], "months": 0.5}
        rows = powers(made).set_index("analysis")
        found.append(rows.loc["probabilistic_index", "rejection_rate"])
        assert rows.loc["proportional_odds", "rejection_rate"] > 0.85
        assert rows["failed_share"].notna().all()
    np.testing.assert_allclose(found, [0.909, 0.999, 1.0], atol=0.03)
    assert found == sorted(found)


def test_a2_power_of_rates_rises_with_the_rate_ratio() -> None:
    """200 participants, .24 events each: exact .995 to 1.0 (it fell from .907 to .217)."""
    found = []
    for ratio in (0.1, 0.05, 0.01):
        made = declared("count", ratio, 200, [{"kind": "negative_binomial"}])
        made["endpoints"][0] |= {"rate": 0.02, "dispersion": 0.0, "months": 12.0}
        found.append(powers(made)["rejection_rate"].iloc[0])
    # The conditional exact test: of n events in all the active arm has a binomial share.
    exact = sum(
        poisson.pmf(n, 24 * 1.1)
        * binom.cdf(max(k for k in range(-1, n + 1) if binom.cdf(k, n, 0.5) <= 0.025), n, 0.1 / 1.1)
        for n in range(6, 90)
    )
    assert found[0] >= exact - 0.02
    assert found == sorted(found)
    assert found[-1] > 0.999


def test_a_cox_without_events_in_an_arm_is_its_score_test_and_odds_of_nobody_are_no_failure() -> None:
    made = declared("time_to_event", 0.01, 60, [{"kind": "cox"}, {"kind": "log_rank"}])
    made["design"] = {"kind": "fixed", "month": 12.0}
    rows = powers(made).set_index("analysis")["rejection_rate"]
    assert rows["cox"] == pytest.approx(rows["log_rank"], abs=0.02)
    made = declared("response", 3000.0, 60, [{"kind": "log_odds_ratio"}])
    assert powers(made)["rejection_rate"].iloc[0] > 0.99


@pytest.mark.parametrize(
    ("kind", "effect", "analyses"),
    [
        ("response", 5.0, [{"kind": "risk_difference"}, {"kind": "g_computation", "adjust": ["region"]}]),
        ("score", 0.7, [{"kind": "ancova"}, {"kind": "ancova", "name": "region", "adjust": ["region"]}]),
        ("score", 0.7, [{"kind": "mmrm"}, {"kind": "mmrm", "name": "region", "adjust": ["region"]}]),
        ("level", 5.0, [{"kind": "proportional_odds"},
                        {"kind": "proportional_odds", "name": "region", "adjust": ["region"]}]),
        ("count", 0.5, [{"kind": "negative_binomial"},
                        {"kind": "negative_binomial", "name": "region", "adjust": ["region"]}]),
    ],
)  # fmt: skip
def test_b_a_rare_level_takes_no_power_away(kind: str, effect: float, analyses: list[dict]) -> None:
    """80 participants, shares .60, .38, .02 (ANCOVA fell from .971 to .771, counts to .751)."""
    made = declared(kind, effect, 80, analyses, strata=[REGION | {"outcome": [0.0, 0.2, 0.4]}])
    plain, adjusted = powers(made)["rejection_rate"]
    assert adjusted > plain - 0.03


def test_c_one_participant_of_leverage_1_ends_where_bfgs_ends(shared: Shared) -> None:
    data = pd.read_csv(shared("cases/C_gcomp_singleton.csv"))
    found = g_computation(
        data, outcome="y", arm="arm", family="binomial", covariates=["x", "site"], control="pbo"
    )
    X = np.column_stack(
        [np.ones(len(data)), data["arm"] == "drug", data["x"], *(data["site"] == one for one in SITES)]
    ).astype(float)
    y = data["y"].to_numpy(float)

    def penalised(beta: np.ndarray) -> float:
        eta = X @ beta
        mu = 1 / (1 + np.exp(-eta))
        information = X.T @ ((mu * (1 - mu))[:, None] * X)
        return -(y @ eta - np.logaddexp(0, eta).sum() + 0.5 * np.linalg.slogdet(information)[1])

    beta = minimize(penalised, np.zeros(X.shape[1]), method="BFGS", tol=1e-10).x
    assert beta[-1] == pytest.approx(1.29057, abs=2e-5)
    means = []
    for one in (0.0, 1.0):
        here = X.copy()
        here[:, 1] = one
        everybody, own = 1 / (1 + np.exp(-here @ beta)), X[:, 1] == one
        means.append((everybody.mean(), (y[own] - everybody[own]).mean()))
    assert means[1][0] - means[0][0] == pytest.approx(0.141367, abs=1e-6)
    # Ours adds each arm's mean residual, which a penalty leaves, so that the means are unbiased.
    corrected = sum(means[1]) - sum(means[0])
    assert found.to_frame()["estimate"].iloc[0] == pytest.approx(corrected, abs=1e-6)


def test_d_harm_is_no_benefit() -> None:
    entry, control = PlannedAccrual((50.0,), (12.0,)), PiecewiseRate((0.06,))
    late = EventForecast(entry, control, PiecewiseRate((2.5, 0.5), (0.0, 6.0)))
    assert (
        survival_looks(group_sequential_design([0.3, 1.0], efficacy=PocockSpending()), late, 400.0).power
        < 0.01
    )
    harm = EventForecast(entry, control, PiecewiseRate((1.5,)))
    assert survival_looks(group_sequential_design([0.5, 1.0]), harm, 300).power < 1e-4
    assert power_of_means(400, MeansQuestion(-0.5, margin=-0.2)) < 1e-4
    assert power_of_rates(200, RatesQuestion(0.6, 0.4, margin=-0.1)) < 1e-2


def test_the_arms_of_dose_selection_have_powers_and_no_type_one_error() -> None:
    trial = read_trial(Path(__file__).parents[3] / "protocols" / "dose_selection.toml")
    trial = trial.model_copy(update={"simulation": trial.simulation.model_copy(update={"replicates": 1000})})
    plan = plan_trial(trial)
    result = declared_result(plan, run_cells(declared_work(trial, Registers()), plan.cells))
    table = result.operating_characteristics
    both = table[table["scenario"] == "both_work"]
    assert set(both["measure"]) == {"disjunctive power"}
    assert both["family_wise_error"].isna().all()
    assert not table["measure"].str.startswith("type I error").any()
    assert (result.arms.set_index("scenario").loc["both_work", "claim"].dropna() > 0.05).all()


def test_e_visits_in_mixed_units_are_in_the_order_of_time(shared: Shared) -> None:
    data = pd.read_csv(shared("cases/E_visit_names.csv"))
    names: dict[str, Any] = {
        "outcome": "chg",
        "arm": "arm",
        "visit": "avisit",
        "participant": "id",
        "control": "placebo",
    }
    for visits in (None, ["Week 4", "Week 12", "Month 6", "Month 12"]):
        rows = reference_based_imputation(data, strategy="J2R", visits=visits, **names).to_frame()
        last = rows[(rows["visit"] == "Month 12") & (rows["parameter"] == "drug - placebo")]
        assert last[["estimate", "standard_error"]].to_numpy()[0] == pytest.approx([-1.549, 0.571], abs=6e-4)
        assert list(mmrm(data, covariance="ar1", visits=visits, **names).contrasts["visit"])[-1] == "Month 12"


def test_f_what_does_not_exist_is_refused() -> None:
    rates = ([20, 30], [100, 130])
    found = map_prior_poisson(*rates, mean_prior=(-1, 2), heterogeneity_scale=0.5)
    assert float(elir_ess(found.prior)) == pytest.approx(48.3, abs=0.1)
    with pytest.raises(AnalysisError):
        elir_ess(found.robust(0.2))
    with pytest.raises(AnalysisError):
        moment_ess(map_prior_poisson(*rates, mean_prior=(-1, 2), heterogeneity_scale=1.2).prior)
    for scale, mean in ((1.3, (0.0, 1.0)), (1.2, (-2.0, 2.0))):
        with pytest.raises(AnalysisError):
            elir_ess(map_prior_binomial(*rates, mean_prior=mean, heterogeneity_scale=scale).robust(0.1))


def test_g_a_card_of_counts_and_zeros_draws_no_negatives(shared: Shared, monkeypatch, tmp_path: Path) -> None:
    source, card, drawn = shared("cases/G_cohort_fit_zeros.csv"), tmp_path / "f.toml", tmp_path / "d.parquet"
    told = (
        "--population",
        "p",
        "--period",
        "2020",
        "--citation",
        "c",
        "--licence",
        "none",
        "--describes",
        "enrolled",
    )
    assert run(monkeypatch, "cohort", "fit", str(source), "-o", str(card), *told) == 0
    assert run(monkeypatch, "cohort", "draw", str(card), "-n", "5000", "-o", str(drawn)) == 0
    data, made = pd.read_csv(source), pd.read_parquet(drawn)
    assert (made[["pack_years", "crp", "relapses"]] >= 0).all(axis=None)
    assert (made["relapses"] == made["relapses"].round()).all()
    assert made["pack_years"].mean() == pytest.approx(data["pack_years"].mean(), rel=0.1)


def test_h_a_hazard_ratio_of_1_against_1_3_needs_610_6_events() -> None:
    assert events_for_power(1.0, margin=1.3) == pytest.approx(610.586, abs=1e-3)


def test_i_times_that_differ_by_rounding_are_ties() -> None:
    times = [0.1 + 0.2, 0.3, 1.1 + 2.2, 3.3, 0.5, 0.7, 0.6, 0.9]
    data = pd.DataFrame({"t": times, "e": 1, "arm": [0, 1, 0, 1, 0, 1, 1, 0]})
    assert log_rank(data, time="t", event="e", arm="arm").chi_square == pytest.approx(0.0032, abs=5e-5)
    assert cox(data, time="t", event="e", arm="arm").estimates.estimate[0] == pytest.approx(0.03397, abs=5e-6)


def test_k_tests_that_exist_without_an_estimate_decide() -> None:
    data = pd.DataFrame(
        {
            "t": [3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25] * 2,
            "e": [0] * 12 + [1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1],
            "arm": ["drug"] * 12 + ["placebo"] * 12,
            "x": np.cos(range(24)),
        }
    )
    names: dict[str, Any] = {"time": "t", "event": "e", "arm": "arm", "control": "placebo"}
    plain = log_rank(data, **names).statistic
    assert plain == pytest.approx(-3.0, abs=0.1)
    assert adjusted_log_rank(data, **names).statistic == pytest.approx(plain, rel=0.05)
    assert adjusted_log_rank(data, covariates=["x"], **names).statistic < -2.5
    apart = pd.DataFrame({"y": np.repeat([0, 1, 2, 3], 10), "arm": ["a"] * 20 + ["b"] * 20})
    assert proportional_odds(apart, outcome="y", arm="arm", test="score").p_value == pytest.approx(
        1.5e-8, rel=0.05
    )
    assert probabilistic_index(apart, outcome="y", arm="arm").p_value < 1e-6


def test_l_a_code_for_missing_is_no_count(shared: Shared, monkeypatch, capsys, tmp_path: Path) -> None:
    """Three of 120 counts are 999: the mean is .957, not 25.9."""
    source = shared("cases/L_count_999.csv")
    protocol = tmp_path / "l.toml"
    told = ("new", str(source), "--outcome", "resp", "--kind", "count", "--time", "days", "--time-unit", "days",
            "--covariates", "age,sex", "--effect", "0.7", "--months", "6", "--yes")  # fmt: skip
    assert run(monkeypatch, *told, "-o", str(protocol)) == 0
    assert "resp = [999.0]" in protocol.read_text()
    rate = planning_numbers(read_trial(protocol), tmp_path)["control_rate"]
    data = pd.read_csv(source)
    kept = data[data["resp"] != 999]
    assert kept["resp"].mean() == pytest.approx(0.957, abs=5e-4)
    assert rate == pytest.approx(kept["resp"].sum() / (kept["days"].sum() / 30.4375), rel=1e-3)
    # Who says that all of them were measured is believed.
    measured = tmp_path / "measured.toml"
    assert run(monkeypatch, *told, "--missing", "", "-o", str(measured)) == 0
    assert planning_numbers(read_trial(measured), tmp_path)["control_rate"] > 20 * rate
    capsys.readouterr()
    asked = ("analyse", str(source), "--method", "negative-binomial", "--outcome", "resp", "--arm", "sex")
    assert run(monkeypatch, *asked, "--exposure", "days") == 2
    assert "looks like a code for a missing value" in capsys.readouterr().err


@pytest.mark.parametrize(("look", "right"), [(0.998, 2.02316), (0.999, 2.01208)])
def test_m_the_last_bound_is_finite(look: float, right: float) -> None:
    """mvtnorm's Miwa."""
    assert group_sequential_design([0.5, look, 1.0]).upper[-1] == pytest.approx(right, abs=2e-4)


def test_n_three_against_three_apart_have_p_of_a_tenth() -> None:
    data = pd.DataFrame({"t": [1, 2, 3, 4, 5, 6], "e": 1, "arm": list("aaabbb")})
    assert log_rank(data, time="t", event="e", arm="arm").p_value == pytest.approx(0.1)


def test_o_a_stratum_with_one_arm_says_nothing() -> None:
    data = pd.DataFrame({"t": range(1, 13), "e": 1, "arm": list("abababababab"), "s": ["x"] * 12})
    more = pd.concat([data, pd.DataFrame({"t": [2, 9], "e": 1, "arm": "a", "s": "y"})])
    names: dict[str, Any] = {"time": "t", "event": "e", "arm": "arm", "strata": "s"}
    assert log_rank(more, **names).chi_square == pytest.approx(
        log_rank(data.assign(s=["x", "x"] * 6), time="t", event="e", arm="arm").chi_square
    )
    assert cox(more, **names).estimates.estimate[0] == pytest.approx(
        cox(data, time="t", event="e", arm="arm").estimates.estimate[0]
    )

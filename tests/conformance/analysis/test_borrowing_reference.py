"""Every entry of shared/reference/borrowing_map.json (inline inputs): source in each test's name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta as beta_law

from trialsim.analysis.borrowing.beta_mixture import BetaMixture
from trialsim.analysis.borrowing.commensurate_prior import (
    CommensuratePrior,
    HazardComparison,
    commensurate_exponential,
    pooled_exponential,
)
from trialsim.analysis.borrowing.effective_sample_size import elir_ess, moment_ess, morita_ess
from trialsim.analysis.borrowing.gamma_mixture import GammaMixture
from trialsim.analysis.borrowing.meta_analytic_predictive import (
    MapPrior,
    map_prior_binomial,
    map_prior_normal,
)
from trialsim.analysis.borrowing.mixture import MixturePrior
from trialsim.analysis.borrowing.mixture_difference import probability_difference_above
from trialsim.analysis.borrowing.normal_mixture import NormalMixture, normal_difference_below
from trialsim.analysis.borrowing.trial_frame import posterior_ess
from trialsim.analysis.borrowing.two_sample_characteristics import BinaryBorrowingDesign, DecisionRule
from trialsim.design.assured.success_rule import NormalSuccessRule
from trialsim.streams import stream

ENTRIES: dict[str, dict[str, Any]] = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parents[1] / "data" / "borrowing_map.json").read_text())[
        "entries"
    ]
}


def named(pattern: str) -> list[str]:
    return [name for name in ENTRIES if re.fullmatch(pattern, name)]


def parts(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return ENTRIES[name]["inputs"], ENTRIES[name]["expected"]


def test_every_entry_is_read_by_a_test_of_this_file_or_declared_open() -> None:
    text = Path(__file__).read_text()
    covered = {name for pattern in re.findall(r'named\(r?"(.+?)"\)', text) for name in named(pattern)}
    covered |= set(re.findall(r'parts\("(.+?)"\)', text))
    # Only printed results, since the rows are not redistributable; and a measure that is not offered.
    assert set(ENTRIES) - covered == {"psborrow2_example_internal_only", "shift_metrics"}


def map_of(name: str) -> MapPrior:
    given, _ = parts(name)
    n = np.array(given["studies"]["n"])
    if "AS" in name:
        return map_prior_binomial(given["studies"]["r"], n, heterogeneity_scale=given["scale"])
    sigma = given["studies"]["sigma"]
    return map_prior_normal(
        given["studies"]["y"],
        sigma / np.sqrt(n),
        mean_prior=(0, 88),
        heterogeneity_scale=44,
        unit_sd=sigma,
    )


@pytest.mark.parametrize("name", named(r"map_AS_.*"))
def test_project_quadrature_of_the_binomial_map(name: str) -> None:
    got, expected = map_of(name), parts(name)[1]
    exact = expected["exact"]
    moments = [got.heterogeneity.mean(), got.heterogeneity.sd(), got.prior.mean(), got.prior.sd()]
    assert moments == pytest.approx(
        [exact[k] for k in ("tau_mean", "tau_sd", "map_mean", "map_sd")], abs=1e-6
    )
    assert got.mu_mean == pytest.approx(exact["mu_mean"], abs=1e-6)
    lower, median, upper = got.prior.quantile([0.025, 0.5, 0.975])
    assert [lower, upper] == pytest.approx([exact["map_q"][0], exact["map_q"][2]], abs=1e-6)
    assert median == pytest.approx(exact["map_q"][1], abs=2e-5)
    assert elir_ess(got.prior).value == pytest.approx(expected["elir_of_exact_density"], abs=0.05)
    # The entry's moment size is printed to one digit for AS_HN1; its own exact mean and SD fix it.
    m, v = exact["map_mean"], exact["map_sd"] ** 2
    assert moment_ess(got.prior).value == pytest.approx(m * (1 - m) / v - 1, abs=0.001)
    assert moment_ess(got.prior).value == pytest.approx(expected["moment_ess_of_exact_density"], abs=0.05)


def test_project_quadrature_of_the_crohn_map() -> None:
    expected = parts("map_crohn")[1]
    got, exact = map_of("map_crohn"), expected["exact"]
    moments = [got.heterogeneity.mean(), got.heterogeneity.sd(), got.prior.mean(), got.prior.sd()]
    assert moments == pytest.approx(
        [exact[k] for k in ("tau_mean", "tau_sd", "map_mean", "map_sd")], rel=1e-8
    )
    assert got.prior.quantile([0.025, 0.5, 0.975]) == pytest.approx(exact["map_q"], rel=1e-8)
    assert elir_ess(got.prior).value == pytest.approx(expected["elir_of_exact_density"], rel=1e-4)
    assert moment_ess(got.prior).value == pytest.approx(expected["moment_ess_of_exact_density"], rel=1e-8)


@pytest.mark.parametrize("name", named(r"map_.*"))
def test_rbest_published_mcmc_summaries_lie_within_their_monte_carlo_error(name: str) -> None:
    got, expected = map_of(name), parts(name)[1]
    for run in ("published_mcmc", "rbest_1_6_6_mcmc"):
        if run not in expected:
            continue
        for key, part in (("tau_mean_sd_q", got.heterogeneity), ("map_mean_sd_q", got.prior)):
            mean, sd, *quantiles = expected[run][key]
            # 4,000 draws, of which autocorrelation leaves the information of about 1,300
            error = 3 * part.sd() / np.sqrt(1300)
            assert part.mean() == pytest.approx(mean, abs=error)
            # SD and outer quantiles of a heavy-tailed law carry some four times the error of the mean
            assert part.sd() == pytest.approx(sd, abs=4 * error)
            assert part.quantile([0.025, 0.5, 0.975]) == pytest.approx(quantiles, abs=4 * error)


def mixture_of(given: dict[str, Any]) -> MixturePrior:
    if given.get("family") == "normal":
        return NormalMixture(given["w"], given["m"], given["s"], given["sigma"])
    return BetaMixture(given["w"], given["a"], given["b"])


def moment_as_given(given: dict[str, Any]) -> float:
    """Moment size with the weights as they are printed, not divided by their sum."""
    w = np.array(given["w"])
    if given["family"] == "normal":
        mean, second = w @ given["m"], w @ (np.square(given["s"]) + np.square(given["m"]))
        return float(given["sigma"] ** 2 / (second - mean**2))
    a, b = np.array(given["a"]), np.array(given["b"])
    mean, second = w @ (a / (a + b)), w @ (a * (a + 1) / ((a + b) * (a + b + 1)))
    return float(mean * (1 - mean) / (second - mean**2) - 1)


@pytest.mark.parametrize(
    "name", [*named(r"ess_.*"), *named(r"fixed_mixture_ess"), *named(r"rbest166_crohn_mixture")]
)
def test_rbest_effective_sample_sizes_of_a_mixture(name: str) -> None:
    given, expected = parts(name)
    prior, wanted = mixture_of(given), expected.get("computed", expected)
    assert elir_ess(prior).value == pytest.approx(wanted["elir"], rel=1e-6)
    assert moment_as_given(given) == pytest.approx(wanted["moment"], rel=1e-8)
    # Printed weights need not sum to 1 (Crohn: 1.00000001); ours do, which moves the eighth digit.
    off = abs(sum(given["w"]) - 1)
    assert moment_ess(prior).value == pytest.approx(wanted["moment"], rel=1e-8 + 10 * off)
    assert morita_ess(prior).value == pytest.approx(wanted["morita"], rel=1e-4)
    if "robust20" in wanted:
        assert isinstance(prior, BetaMixture)
        robust = prior.robust(0.2)
        assert elir_ess(robust).value == pytest.approx(wanted["robust20"]["elir"], rel=1e-6)
        assert moment_ess(robust).value == pytest.approx(wanted["robust20"]["moment"], rel=1e-8)
    if "printed" in expected:
        sizes = (elir_ess(prior), moment_ess(prior), morita_ess(prior))
        assert [round(size.value) for size in sizes] == [
            expected["printed"][k] for k in ("elir", "moment", "morita")
        ]


@pytest.mark.parametrize("name", named(r"posterior_AS_robust_.*"))
def test_rbest_1_6_6_posterior_of_a_robust_mixture(name: str) -> None:
    given, expected = parts(name)
    got = mixture_of(given["prior"]).posterior(given["r"], given["n"])  # type: ignore[attr-defined]  # beta
    assert got.weights == pytest.approx(expected["w"], rel=1e-9)
    assert got.a == pytest.approx(expected["a"], rel=1e-9)
    assert got.b == pytest.approx(expected["b"], rel=1e-9)
    assert got.mean() == pytest.approx(expected["mean"], rel=1e-9)
    assert got.quantile([0.025, 0.5, 0.975]) == pytest.approx(expected["q025_q50_q975"], abs=1e-4)


def test_rbest_1_6_6_quantiles_of_a_robust_mixture() -> None:
    given, expected = parts("fixed_mixture_robust_quantiles")
    assert mixture_of(given).quantile(given["p"]) == pytest.approx(expected["q"], abs=2e-4)


def test_rbest_1_6_6_predictive_distribution_of_a_robust_mixture() -> None:
    given, expected = parts("fixed_mixture_robust_predictive_n24")
    prior = mixture_of(given["prior"])
    assert isinstance(prior, BetaMixture)
    assert prior.predictive_cdf(given["n"]) == pytest.approx(expected["cdf"], abs=1e-11)


@pytest.mark.parametrize("name", named(r"oc2s_fixed_.*"))
def test_rbest_1_6_6_two_arm_operating_characteristics(name: str) -> None:
    given, expected = parts(name)
    control = mixture_of(given["control_prior"])
    assert isinstance(control, BetaMixture)
    design = BinaryBorrowingDesign(BetaMixture(1, 0.5, 1), control, 24, given["control_n"])
    assert design.rejection_probability(given["p1"], given["p2"]) == pytest.approx(
        expected["rejection_probability"], abs=1e-8
    )


def as_designs() -> dict[str, BinaryBorrowingDesign]:
    given, _ = parts("oc2s_AS_power80")
    history = mixture_of(given["map_prior"])
    assert isinstance(history, BetaMixture)
    treatment, uniform, rule = BetaMixture(1, 0.5, 1), BetaMixture(1, 1, 1), DecisionRule(0.95)
    return {
        "non_robust": BinaryBorrowingDesign(treatment, history, 24, 6, rule),
        "robust": BinaryBorrowingDesign(treatment, history.robust(0.2), 24, 6, rule),
        "uniform_24_24": BinaryBorrowingDesign(uniform, uniform, 24, 24, rule),
        "uniform": BinaryBorrowingDesign(uniform, uniform, 24, 6, rule),
    }


def test_rbest_as_difference_for_80_percent_power() -> None:
    given, expected = parts("oc2s_AS_power80")
    for name, design in as_designs().items():
        got = design.difference_for_power(given["control_rate"], 0.8)
        assert got == pytest.approx(expected["delta_for_80pct_power"][name], abs=5e-4)
        assert got == pytest.approx(expected["computed"][name], abs=5e-4)


def test_project_enumeration_of_the_as_type_1_error() -> None:
    given, expected = parts("oc2s_AS_type1")
    for name in ("non_robust", "robust"):
        design = as_designs()[name]
        got = [design.rejection_probability(rate, rate) for rate in given["common_rate"]]
        assert got == pytest.approx(expected[name], abs=1e-4)


def test_rbest_as_final_analysis() -> None:
    _, expected = parts("final_AS_14of24_vs_1of6")
    design = as_designs()["robust"]
    got = probability_difference_above(
        design.treatment_prior.posterior(14, 24), design.control_prior.posterior(1, 6)
    )
    assert got == pytest.approx(expected["prob"], abs=1e-7)
    assert design.probabilities[14, 1] == pytest.approx(expected["computed"], abs=1e-7)


def test_rbest_crohn_final_analysis() -> None:
    _, expected = parts("crohn_final")
    active = NormalMixture(1, -50, 88).posterior(-29.2, 14.0)
    prior = NormalMixture(
        [0.40083877, 0.33497275, 0.06418848, 0.2],
        [-51.42408665, -47.25917128, -55.07086416, -50],
        [19.04525409, 7.85193726, 44.57325, 88],
    )
    placebo = prior.posterior(-63.1, 13.9)
    got = [normal_difference_below(active, placebo, margin) for margin in (0.0, -50.0)]
    assert got == pytest.approx([expected["p_diff_lt_0"], expected["p_diff_lt_minus50"]], rel=1e-6)


def test_rbest_probability_of_success() -> None:
    rule = NormalSuccessRule((0.0, 2.0), 379)
    _, design = parts("probability_of_success_design")
    got = [rule.critical_estimate(), rule.power(np.log(0.75))]
    for kind, tolerance in (("exact", 1e-7), ("printed", 3e-4)):
        wanted = [design[kind]["critical_logHR"], design[kind]["power_at_075"]]
        assert got == pytest.approx(wanted, abs=tolerance)
    _, interim = parts("probability_of_success_A")
    seen = (np.log(0.83), 162)
    got = [rule.probability_of_success(seen), rule.conditional_power(np.log(0.75), seen)]
    for kind, tolerance in (("exact", 1e-9), ("printed", 3e-4)):
        assert got == pytest.approx([interim[kind]["PoS"], interim[kind]["CP"]], abs=tolerance)


@pytest.mark.parametrize("name", named(r"elir_closed_form_gamma_.*"))
def test_rbest_closed_form_elir_of_a_gamma_density(name: str) -> None:
    given, expected = parts(name)
    data = "poisson" if given["family"].endswith("poisson") else "exponential"
    prior = GammaMixture(1, *given["parameters"], data=data)  # type: ignore[arg-type]  # literal
    assert elir_ess(prior).value == pytest.approx(expected["elir"], rel=1e-6)


@pytest.mark.parametrize("name", named(r"elir_closed_form_normal_.*"))
def test_rbest_closed_form_elir_of_a_normal_on_the_link_scale(name: str) -> None:
    from trialsim.analysis.borrowing.tabulated_prior import normal_on_link

    given, expected = parts(name)
    data = "poisson" if given["family"].endswith("poisson") else "binomial"
    prior = normal_on_link(*given["parameters"], data=data)
    assert elir_ess(prior).value == pytest.approx(expected["elir"], rel=1e-6)


def test_psborrow2_example_with_a_commensurate_prior() -> None:
    given, expected = parts("psborrow2_example_hcp")
    data = {k: (v["events"], v["person_time"]) for k, v in given["sufficient_statistics"].items()}
    got = commensurate_exponential(
        data["internal_control"], data["external_control"], data["internal_treated"], CommensuratePrior()
    )
    exact, published = expected["exact"], expected["published"]
    beta = [float(x[0]) for x in got.log_hazard_ratio()]
    alpha = [float(x[0]) for x in got.log_control_hazard()]
    ratio = [float(x[0]) for x in got.hazard_ratio()]
    ends = [float(got.quantile(p)[0]) for p in (0.05, 0.95)]
    for value, key in ((beta, "beta"), (alpha, "alpha_int"), (ratio, "HR"), (ends, "beta_q05_q95")):
        assert value == pytest.approx(exact[key], abs=1e-4)
        # "As printed" is three digits of 200,000 autocorrelated draws.
        assert value == pytest.approx(published[key], abs=0.0025 if key != "alpha_int" else 0.006)
    assert got.mean_precision[0] == pytest.approx(exact["tau_mean"], abs=1e-3)
    external = [float(x[0]) for x in got.log_external_hazard()]
    assert external == pytest.approx(exact["alpha_ext"], abs=1e-4)
    assert external == pytest.approx(published["alpha_ext"], abs=0.001)


Trial = tuple[np.ndarray, np.ndarray]


def simulate_arms(hazard_ratio: float, drift: float, replicates: int) -> tuple[Trial, Trial, Trial]:
    """Events and person-time of exponential arms, hazard .1, censored at 50."""
    generator = stream(12, f"commensurate {hazard_ratio} {drift}", 0, "outcome")
    arms = []
    for size, rate in ((25, 0.1), (175, 0.1 * drift), (50, 0.1 * hazard_ratio)):
        times = generator.exponential(1 / rate, (replicates, size))
        arms.append(((times < 50).sum(axis=1).astype(float), np.minimum(times, 50).sum(axis=1)))
    return arms[0], arms[1], arms[2]


METHODS: dict[str, Callable[[Trial, Trial, Trial], HazardComparison]] = {
    "none": lambda i, e, t: pooled_exponential(i, None, t),
    "full pooling": pooled_exponential,
    "commensurate Gamma(.001,.001)": lambda i, e, t: commensurate_exponential(
        i, e, t, CommensuratePrior(0.001, 0.001)
    ),
    "commensurate Gamma(1,.001)": lambda i, e, t: commensurate_exponential(
        i, e, t, CommensuratePrior(1, 0.001)
    ),
}


@pytest.mark.parametrize("name", named(r"oc_commensurate_.*"))
def test_project_operating_characteristics_of_commensurate_priors(name: str) -> None:
    given, expected = parts(name)
    arms = simulate_arms(given["true_hr"], given["drift_hr"], 5000)
    got = METHODS[given["method"]](*arms)
    ratio, ratio_sd = got.hazard_ratio()
    below = got.probability_below(0.0)
    assert (got.log_hazard_ratio()[1] ** 2).mean() == pytest.approx(expected["mean_posterior_var"], rel=0.02)
    # The squared error of the entry is expected over the posterior, not that of its mean alone.
    square = (ratio - given["true_hr"]) ** 2 + ratio_sd**2
    assert square.mean() == pytest.approx(expected["mse_hr"], rel=0.1)
    error = np.std(ratio) * np.sqrt(2 / 5000)
    assert (ratio - given["true_hr"]).mean() == pytest.approx(expected["bias_hr"], abs=4 * error + 5e-4)
    assert ((below > 0.975) | (below < 0.025)).mean() == pytest.approx(
        expected["excludes_1_two_sided"], abs=0.02
    )
    assert (below > 0.975).mean() == pytest.approx(expected["superior_one_sided_975"], abs=0.02)


def test_psborrow2_simulation_vignette_within_the_error_of_its_100_data_sets() -> None:
    given, expected = parts("psborrow2_simulation_vignette")
    got = METHODS["none"](*simulate_arms(given["true_hr"], given["drift_hr"], 5000))
    wanted, (mean, sd) = expected["none"], got.hazard_ratio()
    ratio = mean - given["true_hr"]
    square = ratio**2 + sd**2
    assert (got.log_hazard_ratio()[1] ** 2).mean() == pytest.approx(wanted["var"], rel=0.05)
    assert ratio.mean() == pytest.approx(wanted["bias"], abs=3 * ratio.std() / 10)
    assert square.mean() == pytest.approx(wanted["mse"], abs=3 * square.std() / 10)
    covers_null = ((got.quantile(0.025) < 0) & (got.quantile(0.975) > 0)).mean()
    assert covers_null == pytest.approx(wanted["null_coverage"], abs=3 * 0.05)


def test_beastt_inverse_probability_power_prior() -> None:
    given, expected = parts("ipw_power_prior_binary")
    informative, vague = given["power_prior_beta"], (0.5, 0.5)
    prior = BetaMixture(given["prior_weights"], [informative[0], vague[0]], [informative[1], vague[1]])
    r, n = given["internal_controls"]["r"], given["internal_controls"]["n"]
    got = prior.posterior(r, n)
    assert got.weights == pytest.approx(expected["posterior_weights"], rel=1e-7)
    assert got.mean() == pytest.approx(expected["mean"], rel=1e-7)
    assert got.sd() ** 2 == pytest.approx(expected["var"], rel=1e-7)
    assert got.cdf(0.5) == pytest.approx(expected["cdf_at_half"], rel=1e-7)
    # The package compares with the vague prior alone.
    alone = float(beta_law(vague[0] + r, vague[1] + n - r).var())
    assert posterior_ess(n, alone, got.sd() ** 2).value == pytest.approx(expected["post_ess"], rel=1e-7)

"""Statistical mistakes that a person could make, one line each, and the tests that must catch them."""

from __future__ import annotations

from dataclasses import dataclass

_C, _D = "tests/conformance/analysis", "tests/conformance/design"


@dataclass(frozen=True)
class Bug:
    """One mistake.

    Parameters
    ----------
    name : str
        What is wrong, as a reviewer would say it.
    file : str
        Of the package.
    before, after : str
        A piece of it that stands there once, and what takes its place.
    tests : tuple of str
        The narrowest test files that should catch it.
    """

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


BUGS = (
    Bug(
        "O'Brien-Fleming spending of the two-sided in the place of half the error",
        "trialsim/design/group_sequential/spending.py",
        "ndtri(total / 2)",
        "ndtri(total)",
        (f"{_D}/test_boundaries.py",),
    ),
    Bug(
        "Pocock spending with e in the place of e - 1",
        "trialsim/design/group_sequential/spending.py",
        "np.log1p((math.e - 1) * ",
        "np.log1p(math.e * ",
        (f"{_D}/test_boundaries.py",),
    ),
    Bug(
        "alpha spent at a look is the cumulative, not the increment",
        "trialsim/design/group_sequential/spending.py",
        "steps = np.diff(spent, prepend=0.0)",
        "steps = spent",
        (f"{_D}/test_boundaries.py",),
    ),
    Bug(
        "size of means without the part of the larger arm",
        "trialsim/design/sizes/means.py",
        "shares = self.allocation / (1 + self.allocation) ** 2",
        "shares = 1 / (1 + self.allocation) ** 2",
        (f"{_D}/test_classical_sizes.py", "tests/design/sizes/test_size_formula.py"),
    ),
    Bug(
        "arms of a size swapped",
        "trialsim/design/sizes/means.py",
        "TwoArmSize(total / (1 + allocation), total * allocation / (1 + allocation))",
        "TwoArmSize(total * allocation / (1 + allocation), total / (1 + allocation))",
        (f"{_D}/test_classical_sizes.py", "tests/design/sizes/test_size_formula.py"),
    ),
    Bug(
        "a score leaves 1 - r of the variance, not 1 - r squared",
        "trialsim/design/sizes/variance.py",
        "variance * (1 - r**2)",
        "variance * (1 - r)",
        (f"{_D}/test_prognostic_sizing_closed_forms.py",),
    ),
    Bug(
        "the margin on the wrong side of the effect",
        "trialsim/design/sizes/margins.py",
        "* variance / (effect - margin) ** 2",
        "* variance / (effect + margin) ** 2",
        (f"{_D}/test_prognostic_sizing_dial_and_dropout.py", "tests/design/sizes/test_score_sizes.py"),
    ),
    Bug(
        "two stages claim with as many responses as they may have at most",
        "trialsim/design/single_arm/simon.py",
        "total += pmf[n1, x] * (1 - cdf[n2, left])",
        "total += pmf[n1, x] * (1 - cdf[n2, left - 1] if left else 1.0)",
        (
            f"{_D}/test_single_arm_wedges_and_ranks_published.py",
            f"{_D}/test_sizes_of_other_trials_published.py",
            f"{_D}/test_interim_and_survival_designs.py",
        ),
    ),
    Bug(
        "Mantel-Haenszel's variance with n in the place of n - 1",
        "trialsim/analysis/proportions/stratified.py",
        "/ (n**2 * (n - 1))[several]",
        "/ (n**2 * n)[several]",
        (f"{_C}/test_common_comparisons_published.py",),
    ),
    Bug(
        "the pooled risk difference with its sign turned",
        "trialsim/analysis/proportions/stratified.py",
        "value = ((a * n0 - b * n1) / n).sum() / weight",
        "value = ((b * n1 - a * n0) / n).sum() / weight",
        (
            f"{_C}/test_common_comparisons_published.py",
            "tests/independent/test_small_samples_by_enumeration.py",
        ),
    ),
    Bug(
        "a one-sided p value called two-sided",
        "trialsim/analysis/proportions/frame.py",
        "p_value = 2.0 * tail if margin == 0.0",
        "p_value = tail if margin == 0.0",
        ("tests/independent/test_small_samples_by_enumeration.py",),
    ),
    Bug(
        "heterogeneity added as an SD to a variance",
        "trialsim/analysis/borrowing/meta_analytic_predictive.py",
        "total = se**2 + tau[:, None] ** 2",
        "total = se**2 + tau[:, None]",
        (f"{_C}/test_borrowing_reference.py",),
    ),
    Bug(
        "a MAP prior of the mean of trials, not of the next one",
        "trialsim/analysis/borrowing/meta_analytic_predictive.py",
        "np.sqrt(v + tau**2)[used]",
        "np.sqrt(v)[used]",
        (f"{_C}/test_borrowing_reference.py",),
    ),
    Bug(
        "a power prior that counts failures whole",
        "trialsim/analysis/borrowing/power_prior.py",
        "base[1] + a0 * (n - r))",
        "base[1] + (n - r))",
        ("tests/analysis/borrowing/test_power_prior.py",),
    ),
    Bug(
        "conditional power that forgets the root of the information seen",
        "trialsim/design/group_sequential/interim_result.py",
        "* np.sqrt(later) - z * math.sqrt(now)) / np.sqrt(added)",
        "* np.sqrt(later) - z * now) / np.sqrt(added)",
        (
            f"{_D}/test_interim_and_survival_designs.py",
            "tests/design/group_sequential/test_conditional_power.py",
        ),
    ),
    Bug(
        "predictive power whose prior does not give way to the data",
        "trialsim/design/group_sequential/interim_result.py",
        "z * math.sqrt(time)) / (prior + time)",
        "z * math.sqrt(time)) / (prior + 1.0)",
        ("tests/design/group_sequential/test_conditional_power.py",),
    ),
    Bug(
        "Holm's factors one too large",
        "trialsim/analysis/multiplicity/graphs.py",
        "np.arange(p.shape[1], 0, -1.0)",
        "np.arange(p.shape[1] + 1, 1, -1.0)",
        ("tests/analysis/multiplicity/test_graphs_and_steps.py",),
    ),
    Bug(
        "Dunnett's correlation of equal arms for every ratio",
        "trialsim/design/other_trials/many_arms.py",
        "correlation = r / (1 + r)\n    bound = many_to_one_bound(",
        "correlation = 0.5\n    bound = many_to_one_bound(",
        (
            "tests/design/other_trials/test_sizes_of_other_trials.py",
            f"{_D}/test_sizes_of_other_trials_published.py",
        ),
    ),
    Bug(
        "a design effect with m in the place of m - 1",
        "trialsim/design/other_trials/clusters.py",
        "((1 + size_cv**2) * cluster_size - 1) *",
        "((1 + size_cv**2) * cluster_size) *",
        (
            "tests/design/other_trials/test_sizes_of_other_trials.py",
            f"{_D}/test_sizes_of_other_trials_published.py",
        ),
    ),
    Bug(
        "information of counts with the dispersion counted once",
        "trialsim/design/other_trials/counts.py",
        "slope = rate / (1 + dispersion * rate * time) ** 2",
        "slope = rate / (1 + dispersion * rate * time)",
        (
            "tests/design/other_trials/test_sizes_of_other_trials.py",
            f"{_D}/test_sizes_of_other_trials_published.py",
        ),
    ),
    Bug(
        "log odds with p(1 - p) in the place of its inverse squared",
        "trialsim/design/sizes/binary_scale.py",
        "return self._by_log_odds(p) ** 2 / (p * (1 - p))",
        "return self._by_log_odds(p) / (p * (1 - p))",
        (
            "tests/design/control_arm/test_scale_sizes.py",
            "tests/design/control_arm/test_margins_on_scales.py",
        ),
    ),
    Bug(
        "a jackknife without its factor (n - 1)/n",
        "trialsim/analysis/imputation/leaving_out.py",
        "(number - 1) / number * (cross",
        "1.0 * (cross",
        (f"{_C}/test_imputation_antidepressant.py", "tests/analysis/imputation"),
    ),
    Bug(
        "a share that leaves taken for a hazard",
        "trialsim/trial/intercurrent_events/dropout.py",
        "np.log1p(-uniform) / np.log1p(-total)",
        "np.log1p(-uniform) / -total",
        ("tests/trial/intercurrent_events/test_dropout.py",),
    ),
    Bug(
        "a hazard ratio that lengthens time the wrong way",
        "trialsim/trial/outcomes/survival_laws.py",
        "need = exponential / hazard_ratio",
        "need = exponential * hazard_ratio",
        ("tests/trial/outcomes/test_survival_trials.py",),
    ),
    Bug(
        "Weibull times with the shape in the place of its inverse",
        "trialsim/trial/outcomes/survival_laws.py",
        "(exponential / hazard_ratio) ** (1 / self.shape)",
        "(exponential / hazard_ratio) ** self.shape",
        ("tests/trial/outcomes/test_survival_trials.py",),
    ),
    Bug(
        "every block of trials drawn from the same random numbers",
        "trialsim/streams.py",
        "(FORMAT_TAG, str(seed), scenario, str(block), component)",
        "(FORMAT_TAG, str(seed), scenario, component)",
        ("tests/test_streams.py",),
    ),
    Bug(
        "a validation whose folds have seen those whom they predict",
        "trialsim/prognosis/validation/longitudinal.py",
        "history.take(np.flatnonzero(fold != k)), seed",
        "history, seed",
        ("tests/prognosis/validation/test_validation.py",),
    ),
    Bug(
        "weights of the wrong arm: 1/(1 - e) for those treated",
        "trialsim/analysis/external_controls/weights.py",
        "1.0 + np.exp(-eta), 1.0 + np.exp(eta)",
        "1.0 + np.exp(eta), 1.0 + np.exp(-eta)",
        ("tests/analysis/external_controls",),
    ),
    Bug(
        "an information matrix without the variance of the outcome",
        "trialsim/analysis/federated/answers.py",
        "(x * weight[:, None]).T @ x",
        "x.T @ x",
        ("tests/analysis/federated",),
    ),
    Bug(
        "Gray's test without the correction for ties",
        "trialsim/analysis/competing_risks/kernel.py",
        "max(1.0 - (deaths - 1.0) / (n - 1.0), 0.0) if n > 1.0 else 0.0",
        "1.0 if n > 1.0 else 0.0",
        (f"{_C}/test_survival_ties.py", f"{_C}/test_survival_competing_and_recurrent.py"),
    ),
    Bug(
        "the adjusted log-rank test without the correction for ties",
        "trialsim/analysis/survival/adjusted_log_rank_kernel.py",
        "v *= (at_risk - table[k, 2]) / (at_risk - 1.0)",
        "v *= 1.0",
        (f"{_C}/test_survival_ties.py", f"{_C}/test_survival_adjusted_log_rank.py"),
    ),
    Bug(
        "Breslow's ties where Efron's are asked",
        "trialsim/analysis/survival/hazards/cox_kernel.py",
        "part = k / d if efron else 0.0\n                den = s0",
        "part = 0.0\n                den = s0",
        (f"{_C}/test_survival_ties.py", "tests/independent/test_survival_against_lifelines.py"),
    ),
    Bug(
        "the normal law for the t test of a small trial",
        "trialsim/analysis/one_trial/normal_estimates.py",
        "special.ndtr(below), special.stdtr(df, below))",
        "special.ndtr(below), special.ndtr(below))",
        ("tests/analysis/survival/test_small_sample_sandwich.py", "tests/analysis/linear"),
    ),
    Bug(
        "Greenwood's sum with n squared in the place of n(n - d)",
        "trialsim/analysis/survival/curve_kernel.py",
        "before[jumps], jump[jumps] = total, d / (n * (n - d))",
        "before[jumps], jump[jumps] = total, d / (n * n)",
        ("tests/analysis/survival", f"{_C}/test_survival_published_data.py"),
    ),
    Bug(
        "a survival curve that lets the same person leave twice",
        "trialsim/analysis/survival/curve_kernel.py",
        "s *= 1.0 - d / n\n                    count",
        "s *= 1.0 - d / (n - d + 1.0)\n                    count",
        ("tests/independent/test_survival_against_lifelines.py",),
    ),
    Bug(
        "Satterthwaite's degrees of freedom without the factor 2",
        "trialsim/analysis/repeated_measures/inference.py",
        "df = 2.0 * variance**2 / spread_of_variance",
        "df = variance**2 / spread_of_variance",
        (f"{_C}/test_mmrm_reference.py",),
    ),
    Bug(
        "Kish's effective size without the square",
        "trialsim/prognosis/transport/weights.py",
        "return float(weights.sum() ** 2 / (weights**2).sum())",
        "return float(weights.sum() / (weights**2).sum())",
        ("tests/conformance/prognosis/test_transport_reference.py", "tests/prognosis/transport"),
    ),
    Bug(
        "a hazard in pieces that counts each piece at the next one's rate",
        "trialsim/trial/outcomes/survival_laws.py",
        "np.cumsum(hazards[:-1] * np.diff(starts))",
        "np.cumsum(hazards[1:] * np.diff(starts))",
        ("tests/trial/outcomes/test_survival_trials.py",),
    ),
    Bug(
        "a Monte Carlo error of a share without its root",
        "trialsim/study/designs/sequential_characteristics.py",
        "return math.sqrt(rate * (1 - rate) / trials)",
        "return rate * (1 - rate) / trials",
        (
            "tests/study/designs/test_sequential_characteristics.py",
            "tests/study/declared/test_declared_result.py",
        ),
    ),
    Bug(
        "ties that count as wins of both arms in the win odds",
        "trialsim/analysis/ordinal/wins.py",
        "won, lost, half = self.wins, self.losses, self.ties / 2",
        "won, lost, half = self.wins, self.losses, self.ties",
        (
            "tests/independent/test_small_samples_by_enumeration.py",
            f"{_C}/test_common_comparisons_published.py",
        ),
    ),
    Bug(
        "participants who leave added as a share of those who stay",
        "trialsim/design/control_arm/on_scales.py",
        "controls = math.ceil(analysed / (1 - question.dropout[0]) - 1e-9)",
        "controls = math.ceil(analysed * (1 + question.dropout[0]) - 1e-9)",
        (
            "tests/design/control_arm/test_scale_sizes.py",
            "tests/design/control_arm/test_margins_on_scales.py",
        ),
    ),
    Bug(
        "months of 365.25 days for weeks of 52 a year",
        "trialsim/protocol/declared/outcome.py",
        "return self.weeks[-1] * 84 / 365.25",
        "return self.weeks[-1] * 12 / 52",
        (
            "tests/study/declared/test_declared_meaning.py",
            "tests/study/declared/test_declared_looks_and_stages.py",
        ),
    ),
)

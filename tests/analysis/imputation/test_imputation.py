"""Imputation kernels equal brute force: refit, impute participant by participant, analyse, leave one out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.independent.imputation_by_em import fit_gaps, impute_with_gaps, pattern_sums
from trialsim.analysis import mmrm
from trialsim.analysis.imputation.block import imputation_block, tipping_point_block
from trialsim.analysis.imputation.draws import Records, draw_and_analyse
from trialsim.analysis.imputation.frame import REASONS, reference_based_imputation
from trialsim.analysis.imputation.kernel import Plan
from trialsim.analysis.imputation.shift_law import combine
from trialsim.analysis.imputation.strategies import STRATEGIES
from trialsim.analysis.imputation.tipping import tipping_point
from trialsim.analysis.imputation.visit_frame import last_visits
from trialsim.analysis.repeated_measures.closed_form.block import fit_monotone


def trial(seed, participants=44, visits=3):
    generator = np.random.default_rng(seed)
    arm = np.arange(participants) % 2
    outcomes = generator.standard_normal((participants, visits)).cumsum(axis=1) - arm[:, None]
    last = generator.geometric(0.15, participants)
    outcomes[np.arange(visits) >= last[:, None]] = np.nan
    return outcomes, np.column_stack([np.ones(participants), arm, generator.normal(size=participants)])


def as_rows(outcomes, design):
    participants, visits = outcomes.shape
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(participants), visits),
            "visit": np.tile(np.arange(visits), participants),
            "arm": np.repeat(np.where(design[:, 1] > 0.5, "drug", "a placebo"), visits),
            "base": np.repeat(design[:, 2], visits),
            "y": outcomes.ravel(),
        }
    )


FACE = {"outcome": "y", "arm": "arm", "visit": "visit", "participant": "id", "covariates": "base"}


def rule(strategy, own, reference, last):
    """Return the mean vector of a dropout, straight from the table of strategies."""
    after = np.arange(len(own)) >= last
    if strategy == "MAR":
        return own
    if strategy == "J2R":
        return np.where(after, reference, own)
    if strategy == "CR":
        return reference
    anchor = own[last - 1] if last else None
    if strategy == "CIR":
        if anchor is None:
            return reference
        return np.where(after, anchor + reference - reference[last - 1], own)
    return np.where(after, anchor, own)


def impute_all(outcomes, design, strategy, reference):
    fit = fit_monotone(outcomes, design)
    """Impute by one strategy, or by one each participant."""
    out, names = outcomes.copy(), np.broadcast_to(strategy, len(outcomes))
    for i, (y, z) in enumerate(zip(outcomes, design, strict=True)):
        seen = ~np.isnan(y)
        if seen.all():
            continue
        other = z.copy()
        other[1] = reference
        mean = rule(names[i], z @ fit.coefficients, other @ fit.coefficients, int(seen.sum()))
        inverse = np.linalg.inv(fit.sigma[np.ix_(seen, seen)])
        out[i, ~seen] = mean[~seen] + fit.sigma[np.ix_(~seen, seen)] @ inverse @ (y - mean)[seen]
    return out


def ancova(completed, design):
    return np.linalg.lstsq(design, completed)[0][1]


def brute_force(outcomes, design, strategy, reference, anchored):
    names = np.broadcast_to(strategy, len(outcomes))
    completed = impute_all(outcomes, design, names, reference)
    estimate = ancova(completed, design)
    held = completed - impute_all(outcomes, design, "MAR", reference)
    left = []
    for i in range(len(outcomes)):
        keep = np.arange(len(outcomes)) != i
        if anchored:
            part = impute_all(outcomes[keep], design[keep], "MAR", reference) + held[keep]
        else:
            part = impute_all(outcomes[keep], design[keep], names[keep], reference)
        left.append(ancova(part, design[keep]))
    return estimate, np.sqrt((len(left) - 1) * np.var(left, axis=0))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("reference", "anchored"), [(0, False), (1, True)])
def test_block_equals_brute_force_jackknife(strategy, reference, anchored):
    trials = [trial(seed) for seed in (1, 2)]
    variance = "information_anchored" if anchored else "jackknife"
    found = [
        imputation_block(
            np.array([y for y, _ in trials]),
            np.array([z for _, z in trials]),
            strategy=strategy,
            reference=reference,
            variance=variance,
            visit=visit,
        )
        for visit in (1, 2)
    ]
    for r, (outcomes, design) in enumerate(trials):
        estimate, error = brute_force(outcomes, design, strategy, reference, anchored)
        for visit in (1, 2):
            assert found[visit - 1].estimate[r] == pytest.approx(estimate[visit], rel=1e-9)
            assert found[visit - 1].standard_error[r] == pytest.approx(error[visit], rel=1e-8)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_face_equals_block(strategy):
    outcomes, design = trial(3)
    found = reference_based_imputation(as_rows(outcomes, design), strategy=strategy, **FACE)
    block = imputation_block(outcomes[None], design, strategy=strategy)
    assert found.arms == ("a placebo", "drug")
    assert found.effect()["estimate"] == pytest.approx(block.estimate[0], rel=1e-9)
    assert found.effect()["standard_error"] == pytest.approx(block.standard_error[0], rel=1e-8)
    assert found.effect()["p_value"] == pytest.approx(block.p_value[0], rel=1e-6)


def test_fit_with_gaps_equals_closed_form_without_gaps():
    outcomes, design = trial(4)
    fit = fit_monotone(outcomes, design)
    sigma, means = fit_gaps(pattern_sums(outcomes, design)[0], np.eye(3))
    np.testing.assert_allclose(sigma, fit.sigma, rtol=1e-9)
    np.testing.assert_allclose(means, fit.coefficients, rtol=1e-8, atol=1e-10)


def test_fit_with_gaps_is_the_optimum_of_the_dense_restricted_likelihood():
    outcomes, design = trial(5)
    whole = np.flatnonzero(~np.isnan(outcomes).any(axis=1))
    outcomes[whole[:3], 0] = np.nan
    outcomes[whole[3:5], 1] = np.nan
    sigma, means = fit_gaps(pattern_sums(outcomes, design)[0], np.eye(3))

    def restricted(candidate):
        information, right, deviance, square = np.zeros((9, 9)), np.zeros(9), 0.0, 0.0
        for y, z in zip(outcomes, design, strict=True):
            seen = ~np.isnan(y)
            inverse = np.linalg.inv(candidate[np.ix_(seen, seen)])
            rows = np.kron(np.eye(3)[seen], z)
            information += rows.T @ inverse @ rows
            right += rows.T @ inverse @ y[seen]
            square += y[seen] @ inverse @ y[seen]
            deviance -= np.linalg.slogdet(inverse)[1]
        mean = np.linalg.solve(information, right)
        return deviance + np.linalg.slogdet(information)[1] + square - right @ mean, mean

    best, mean = restricted(sigma)
    np.testing.assert_allclose(means.T.ravel(), mean, rtol=1e-9)
    for j in range(3):
        for k in range(j + 1):
            step = np.zeros((3, 3))
            step[j, k] = step[k, j] = 1e-4
            slope = (restricted(sigma + step)[0] - restricted(sigma - step)[0]) / 2e-4
            assert abs(slope) < 1e-4
            assert restricted(sigma + 100 * step)[0] > best


def test_conditional_means_under_mar_with_gaps_give_the_newton_fit_of_the_mmrm():
    outcomes, design = trial(13, participants=120, visits=4)
    outcomes[np.random.default_rng(14).random(outcomes.shape) < 0.06] = np.nan
    rows = as_rows(outcomes, design)
    ours = reference_based_imputation(rows, strategy="MAR", **FACE)
    newton = mmrm(rows, by_visit=["base"], **(FACE | {"covariates": ["base"]})).to_frame()
    np.testing.assert_allclose(ours.estimate[:, 0], newton["estimate"], rtol=1e-7)


def test_refits_by_em_equal_the_kernel_without_gaps():
    outcomes, design = trial(6)
    plan = Plan(1, np.arange(3), 0, np.array([1, 1]), 2)
    result, covariance = impute_with_gaps(outcomes, design, plan, anchored=False)
    block = imputation_block(outcomes[None], design, strategy="J2R")
    assert result[2, 0] == pytest.approx(block.estimate[0], rel=1e-10)
    assert np.sqrt(covariance[2, 0, 0]) == pytest.approx(block.standard_error[0], rel=1e-9)


def test_shift_of_imputed_outcomes_is_exact_for_conditional_means():
    outcomes, design = trial(7)
    found = reference_based_imputation(as_rows(outcomes, design), strategy="MAR", **FACE)
    completed = impute_all(outcomes, design, "MAR", 0)
    completed[np.isnan(outcomes[:, 2]) & (design[:, 1] > 0.5), 2] += 1.7
    completed[np.isnan(outcomes[:, 2]) & (design[:, 1] < 0.5), 2] -= 0.4
    assert found.shifts[2].at(-0.4, 1.7)[0] == pytest.approx(ancova(completed, design)[2], rel=1e-9)


def test_draws_follow_rubins_rules_on_completed_data(monkeypatch):
    outcomes, design = trial(8)
    last = last_visits(outcomes)
    records = Records(np.empty((400, 3, 3)), np.empty((400, 3)), np.empty((400, 3, 2)))
    plan = Plan(1, np.arange(3), 0, np.array([1, 1]), 2)
    draw_and_analyse(outcomes, outcomes, last, design, plan, 0, np.random.default_rng(5), records)
    found = reference_based_imputation(
        as_rows(outcomes, design),
        strategy="J2R",
        method="bayes",
        draws=4_000,
        generator=np.random.default_rng(6),
        **FACE,
    )
    inverse = np.linalg.inv(design.T @ design)
    within = records.variances[:, 2].mean() * inverse[1, 1]
    between = records.coefficients[:, 2, 1].var(ddof=1)
    error, df = combine(within, between, 400, 41.0)
    effect = found.effect()
    assert effect["estimate"] == pytest.approx(
        records.coefficients[:, 2, 1].mean(), abs=4 * np.sqrt(between / 400)
    )
    assert effect["standard_error"] == pytest.approx(error, rel=0.05)
    assert effect["df"] == pytest.approx(df, rel=0.05)
    conditional = reference_based_imputation(as_rows(outcomes, design), strategy="J2R", **FACE).effect()
    assert effect["estimate"] == pytest.approx(
        conditional["estimate"], abs=0.15 * conditional["standard_error"]
    )


def test_law_of_shifted_draws_equals_a_shift_of_every_completed_data_set():
    """Recompute Rubin's rules after adding the shift to the sums and residual squares of each draw."""
    outcomes, design = trial(9)
    law = reference_based_imputation(
        as_rows(outcomes, design),
        strategy="MAR",
        method="bayes",
        draws=50,
        generator=np.random.default_rng(7),
        **FACE,
    ).shifts[2]
    marks = (np.isnan(outcomes[:, 2]) & (design[:, 1] > 0.5)).astype(float)
    maker = np.eye(len(design)) - design @ np.linalg.inv(design.T @ design) @ design.T
    scale = np.linalg.inv(design.T @ design)[1, 1] / (len(design) - 3)
    assert law.quadratic[1, 1] == pytest.approx(scale * marks @ maker @ marks, rel=1e-9)
    assert law.slopes[1] == pytest.approx(np.linalg.lstsq(design, marks)[0][1], rel=1e-9)
    estimate, error, df = law.at(0.0, 2.0)
    within = law.within + 4.0 * law.linear[1] + 4.0 * law.quadratic[1, 1]
    expected = combine(within, law.between, 50, len(design) - 3.0)
    assert (error, df) == pytest.approx(expected)
    assert law.p_value(0.0, 2.0) == pytest.approx(2 * stats.t.sf(abs(estimate / error), df))


@pytest.mark.parametrize("method", ["conditional_mean", "bayes"])
def test_tipping_point_is_where_p_is_alpha(method):
    outcomes, design = trial(10, participants=80)
    outcomes[design[:, 1] > 0.5] -= 0.8
    found = reference_based_imputation(
        as_rows(outcomes, design),
        strategy="MAR",
        method=method,
        generator=np.random.default_rng(8),
        **FACE,
    )
    tipping = tipping_point(found, alpha=0.05)
    assert tipping.significant
    assert tipping.roots
    for root in tipping.roots:
        assert tipping.to_frame([root])["p_value"][0] == pytest.approx(0.05, rel=1e-9)
    surface = tipping.surface([0.0, 1.0], [0.0, tipping.delta])
    assert surface.iloc[0, 1] == pytest.approx(0.05, rel=1e-9)
    assert surface.iloc[1, 0] == pytest.approx(float(found.shifts[2].p_value(1.0, 0.0)), rel=1e-12)
    assert "significance at 0.05 is lost" in str(tipping)
    assert len(tipping.plot().data) == 3
    assert "LS mean drug" in str(found)
    assert len(found.plot().data[0].x) == 3
    if method == "conditional_mean":
        block = tipping_point_block(outcomes[None], design)
        assert block[0] == pytest.approx(tipping.delta, rel=1e-8)


def test_failures_carry_their_name():
    outcomes, design = trial(11)
    gap, few, empty = outcomes.copy(), outcomes.copy(), outcomes.copy()
    gap[np.flatnonzero(~np.isnan(outcomes[:, 2]))[0], 1] = np.nan
    few[5:, 2] = np.nan
    empty[0] = np.nan
    lone = design.copy()
    lone[:, 2] = lone[:, 1]
    lone[3, 2] = 1.0 - lone[3, 1]
    everyone = [outcomes, gap, few, empty, outcomes]
    found = imputation_block(np.array(everyone), np.array([design] * 4 + [lone]), strategy="LMCF")
    assert [REASONS[status] for status in found.status] == [
        "ok",
        "ok",
        "too_few_participants_at_visit",
        "no_outcome_to_carry_forward",
        "singular_when_one_participant_is_left_out",
    ]
    assert np.isnan(found.estimate[2:]).all()
    assert np.isnan(found.p_value[2:]).all()


def test_everyone_without_outcome_is_imputed():
    outcomes, design = trial(12)
    outcomes[:2] = np.nan
    found = imputation_block(outcomes[None], design, strategy="J2R")
    estimate, error = brute_force(outcomes, design, "J2R", 0, False)
    assert found.estimate[0] == pytest.approx(estimate[2], rel=1e-9)
    assert found.standard_error[0] == pytest.approx(error[2], rel=1e-8)

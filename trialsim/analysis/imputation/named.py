"""Imputation and analysis in a row, under the name of each strategy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from trialsim.analysis.imputation.frame import FrameVariance, Method, reference_based_imputation
from trialsim.analysis.imputation.result import ImputationResult
from trialsim.analysis.imputation.tipping import TippingPoint, tipping_point
from trialsim.analysis.one_trial.tidy_frame import Columns
from trialsim.errors import AnalysisError
from trialsim.streams import stream


def imputed(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    visit: str,
    participant: str,
    covariates: Columns | None = None,
    strategy: str = "J2R",
    strategy_by: str | None = None,
    reference: object = None,
    control: object = None,
    visits: Sequence[object] | str | None = None,
    imputation: Method = "conditional_mean",
    variance: FrameVariance = "jackknife",
    analysis_covariates: Columns | None = None,
    draws: int = 1_000,
    burn_in: int = 100,
    seed: int = 1,
    level: float = 0.95,
) -> ImputationResult:
    """Impute dropouts by a strategy and analyse every visit by analysis of covariance.

    `strategy` is one for both arms, or one an arm such as ``placebo=MAR,active=J2R``, or one for each kind
    that the column `strategy_by` names, such as ``efficacy=J2R,other=MAR``; `imputation` is the method of
    `reference_based_imputation`, and `seed` that of Bayesian draws. All others are as there.
    """
    drawn = imputation != "conditional_mean" or variance == "bootstrap"
    return reference_based_imputation(
        data,
        outcome=outcome,
        arm=arm,
        visit=visit,
        participant=participant,
        covariates=covariates,
        strategy=_of_arms(strategy, data, arm),
        strategy_by=strategy_by,
        reference=reference,
        control=control,
        visits=visits,
        method=imputation,
        variance=variance,
        analysis_covariates=analysis_covariates,
        draws=draws,
        burn_in=burn_in,
        generator=stream(seed, "analysis", 0, "imputation") if drawn else None,
        level=level,
    )


def _of_arms(strategy: str, data: pd.DataFrame, arm: str) -> str | dict[str, str]:
    """Return a strategy for both arms, or those of ``label=STRATEGY,label=STRATEGY``."""
    if "=" not in strategy:
        return strategy
    parts = [part.rpartition("=") for part in strategy.split(",")]
    if wrong := [arm for arm, sign, _ in parts if not sign]:
        raise AnalysisError("is no strategy of an arm", field="strategy", value=wrong[0],
                            mend="write label=STRATEGY,label=STRATEGY")  # fmt: skip
    return {label.strip(): chosen.strip() for label, _, chosen in parts}


def _by(strategy: str) -> Callable[..., ImputationResult]:
    def read(
        data: pd.DataFrame,
        *,
        outcome: str,
        arm: str,
        visit: str,
        participant: str,
        covariates: Columns | None = None,
        reference: object = None,
        control: object = None,
        visits: Sequence[object] | str | None = None,
        imputation: Method = "conditional_mean",
        variance: FrameVariance = "jackknife",
        analysis_covariates: Columns | None = None,
        draws: int = 1_000,
        burn_in: int = 100,
        seed: int = 1,
        level: float = 0.95,
    ) -> ImputationResult:
        return imputed(
            data, outcome=outcome, arm=arm, visit=visit, participant=participant, covariates=covariates,
            strategy=strategy, reference=reference, control=control, visits=visits, imputation=imputation,
            variance=variance, analysis_covariates=analysis_covariates, draws=draws, burn_in=burn_in,
            seed=seed, level=level,
        )  # fmt: skip

    read.__doc__ = f"Impute dropouts by {strategy} and analyse every visit by analysis of covariance."
    return read


jump_to_reference, copy_reference, copy_increments, last_mean_carried_forward, missing_at_random = (
    _by(strategy) for strategy in ("J2R", "CR", "CIR", "LMCF", "MAR")
)


def tipped(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    visit: str,
    participant: str,
    covariates: Columns | None = None,
    strategy: str = "MAR",
    control: object = None,
    visits: Sequence[object] | str | None = None,
    variance: FrameVariance = "jackknife",
    at_visit: object = None,
    shift: object = None,
    alpha: float = 0.05,
) -> TippingPoint:
    """Find the shift of one arm's imputed outcomes at which the conclusion changes.

    `at_visit` is the label of the visit (the last unless given), `shift` that of the shifted arm (the active
    one), `alpha` the two-sided level; all others are those of `imputed`.
    """
    found = imputed(
        data, outcome=outcome, arm=arm, visit=visit, participant=participant, covariates=covariates,
        strategy=strategy, control=control, visits=visits, variance=variance,
    )  # fmt: skip
    return tipping_point(found, visit=at_visit, shift=shift, alpha=alpha)

"""The analyses that a declared trial is read with, and which outcome each of them reads."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialsim.protocol.question import Positive, Slug
from trialsim.protocol.reading import Strict, duplicates, refuse

AnalysisKind = Literal[
    "unadjusted",
    "ancova",
    "mmrm",
    "mmrm_all_observed",
    "ancova_completers",
    "ancova_all_observed",
    "ancova_last_on_treatment",
    "ancova_composite",
    "jump_to_reference",
    "risk_difference",
    "g_computation",
    "log_odds_ratio",
    "mean_score",
    "proportional_odds",
    "probabilistic_index",
    "negative_binomial",
    "lwyy",
    "log_rank",
    "stratified_log_rank",
    "cox",
    "stratified_cox",
    "weighted_log_rank",
    "max_combo",
    "rmst",
    "adjusted_log_rank",
    "joint_rank",
]

ANALYSES_OF: dict[str, tuple[str, ...]] = {
    "score": (
        "unadjusted", "ancova", "mmrm", "mmrm_all_observed", "ancova_completers", "ancova_all_observed",
        "ancova_last_on_treatment", "ancova_composite", "jump_to_reference",
    ),
    "response": ("risk_difference", "g_computation", "log_odds_ratio"),
    "level": ("mean_score", "proportional_odds", "probabilistic_index"),
    "count": ("negative_binomial",),
    "recurrent": ("lwyy", "negative_binomial"),
    "time_to_event": (
        "log_rank", "stratified_log_rank", "cox", "stratified_cox", "weighted_log_rank", "max_combo", "rmst",
        "adjusted_log_rank",
    ),
    "joint": ("log_rank", "cox", "ancova", "mmrm", "joint_rank"),
}  # fmt: skip


BY_LEAST_SQUARES = ("unadjusted", "ancova", "mean_score")


class AnalysisDeclared(Strict):
    """One analysis that the trial is read with; each has its own name in the result.

    `adjust` names what is adjusted for beside a measured baseline: factors, covariates of the twins, all of
    them as ``covariates``, or the prognostic ``score``. `tau` is the horizon of ``rmst`` in months; `rho` and
    `gamma` are those of a Fleming–Harrington weight. Least squares have `slopes` (``common`` fits one of each
    covariate for both arms, ``interacted`` one for each arm) and a `variance`: HC3 (robust, the default), HC0
    to HC2, or ``model`` (ordinary least squares).
    """

    kind: AnalysisKind
    name: Slug | None = None
    adjust: tuple[Slug, ...] = ()
    tau: Positive | None = None
    rho: Annotated[float, Field(ge=0, le=10)] | None = None
    gamma: Annotated[float, Field(ge=0, le=10)] | None = None
    slopes: Literal["common", "interacted"] = "common"
    variance: Literal["hc0", "hc1", "hc2", "hc3", "model"] = "hc3"

    @property
    def label(self) -> str:
        """Name in the result."""
        return self.name or self.kind

    @model_validator(mode="after")
    def _check(self) -> AnalysisDeclared:
        if (self.tau is not None) != (self.kind == "rmst"):
            raise refuse("is needed by rmst, and by it alone", self.tau, field="tau")
        for field in ("rho", "gamma"):
            if (getattr(self, field) is not None) != (self.kind == "weighted_log_rank"):
                raise refuse(
                    "is needed by weighted_log_rank, and by it alone", getattr(self, field), field=field
                )
        for field, usual in (("slopes", "common"), ("variance", "hc3")):
            if getattr(self, field) != usual and self.kind not in BY_LEAST_SQUARES:
                raise refuse(
                    f"belongs to {', '.join(BY_LEAST_SQUARES)}", getattr(self, field), field=field,
                    mend="leave it out",
                )  # fmt: skip
        adjustable = (
            "unadjusted", "ancova", "g_computation", "log_odds_ratio", "mean_score", "proportional_odds",
            "negative_binomial", "lwyy", "mmrm", "cox", "stratified_cox", "adjusted_log_rank",
        )  # fmt: skip
        if self.adjust and self.kind not in adjustable:
            raise refuse(f"{self.kind} takes no covariates", self.adjust, field="adjust")
        if self.kind == "adjusted_log_rank" and not self.adjust:
            raise refuse("is needed by adjusted_log_rank, else log_rank is meant", field="adjust",
                         mend='name factors, covariates or "score", or use log_rank')  # fmt: skip
        if repeated := duplicates(self.adjust):
            raise refuse("a covariate is named twice", repeated, field="adjust", mend="name it once")
        return self

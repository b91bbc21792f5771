"""How the estimators of trialsim read simulated trials: the analyses that a declared trial may name."""

from __future__ import annotations

from trialsim.registry.block_reader import Reader, Setting

_ROOM = "trialsim.analysis.simulated"
_JOINT = "trialsim.study.designs.joint_trials"
_TAU = Setting("tau", 0.0, above=True)
_LEAST_SQUARES = (
    Setting("slopes", choices=("common", "interacted"), default="common"),
    Setting("variance", choices=("hc0", "hc1", "hc2", "hc3", "model"), default="hc3"),
)
_MMRM = (
    Setting(
        "covariance", default="us",
        choices=("us", "toep", "toeph", "ar1", "ar1h", "ad", "adh", "cs", "csh", "sp_exp", "sp_gau"),
    ),
    Setting("covariance_by", choices=("all", "arm"), default="all"),
    Setting(
        "errors", choices=("model", "empirical", "empirical-bias-reduced", "empirical-jackknife"),
        default="model",
    ),
)  # fmt: skip
_ONE_BY_ONE = ("fixed", "group_sequential")
_EACH_STRATUM = ("strata",)
_BLOCK_AT_ONCE = "would impute those who have not entered at a look"


def _visits(name: str, **facts: object) -> tuple[str, Reader]:
    return name, Reader("score", f"{_ROOM}.visits:{name}", "difference", **facts)  # type: ignore[arg-type]  # its own fields


def _times(name: str, truth: str | None, **facts: object) -> tuple[str, Reader]:
    facts = {"larger": "worse", "designs": _ONE_BY_ONE} | facts
    return name, Reader("time_to_event", f"{_ROOM}.times:{name}", truth, **facts)  # type: ignore[arg-type]  # its own fields


def _one(endpoint: str, name: str, truth: str, **facts: object) -> tuple[str, Reader]:
    where = f"{_ROOM}.one_number:{name}"
    return name, Reader(endpoint, where, truth, **facts)  # type: ignore[arg-type]  # its own fields


def _joint(name: str, truth: str, **facts: object) -> tuple[str, Reader]:
    return name, Reader("joint", f"{_JOINT}:{name}", truth, **facts)  # type: ignore[arg-type]  # its own fields


SIMULATED: tuple[tuple[str, Reader], ...] = (
    _visits("unadjusted", adjusts=True, settings=_LEAST_SQUARES),
    _visits("ancova", adjusts=True, settings=_LEAST_SQUARES),
    _visits("mmrm", adjusts=True, settings=_MMRM),
    _visits("aipw", adjusts=True),
    _visits("mmrm_all_observed"),
    _visits("ancova_completers"),
    _visits("ancova_all_observed"),
    _visits("ancova_last_on_treatment"),
    _visits("ancova_composite", needs=("failure",)),
    _visits("jump_to_reference", without=("gaps",), designs=("fixed",), because=_BLOCK_AT_ONCE),
    _one("response", "risk_difference", "risk_difference"),
    _one("response", "g_computation", "risk_difference", adjusts=True),
    _one("response", "aipw", "risk_difference", adjusts=True),
    _one("response", "log_odds_ratio", "log_odds_ratio", adjusts=True),
    _one("level", "mean_score", "mean_difference", adjusts=True, settings=_LEAST_SQUARES),
    _one("level", "proportional_odds", "log_odds_ratio", adjusts=True),
    _one("level", "probabilistic_index", "probability_of_more"),
    _one("count", "negative_binomial", "log_rate_ratio", adjusts=True),
    ("lwyy", Reader("recurrent", f"{_ROOM}.recurrences:lwyy", "log_rate_ratio", adjusts=True)),
    (
        "negative_binomial",
        Reader("recurrent", f"{_ROOM}.recurrences:negative_binomial", "log_rate_ratio", adjusts=True),
    ),
    _times("log_rank", "log_hazard_ratio", designs=(), looks=f"{_ROOM}.times:log_rank_at_looks"),
    _times(
        "stratified_log_rank", "log_hazard_ratio_within_strata", designs=(), needs=_EACH_STRATUM,
        looks=f"{_ROOM}.times:stratified_log_rank_at_looks",
    ),
    _times("cox", "log_hazard_ratio", adjusts=True),
    _times("stratified_cox", "log_hazard_ratio_within_strata", adjusts=True, needs=_EACH_STRATUM),
    _times("weighted_log_rank", None, settings=(Setting("rho", 0.0, 10.0), Setting("gamma", 0.0, 10.0))),
    _times("max_combo", None),
    _times("rmst", "restricted_mean_difference", larger="better", settings=(_TAU,)),
    _times("adjusted_log_rank", "log_hazard_ratio", adjusts=True, without_adjust="log_rank"),
    _joint("log_rank", "log_hazard_ratio", larger="worse"),
    _joint("cox", "log_hazard_ratio", larger="worse"),
    _joint("ancova", "marker_difference"),
    _joint("mmrm", "marker_difference"),
    _joint("joint_rank", "win_difference", larger="better"),
)  # fmt: skip

# Of those that read no data frame: what they read, what they estimate, and its scale.
WORDS: dict[str, tuple[str, str, str]] = {
    "mmrm_all_observed": ("a score at visits", "difference of means, whatever happened", "outcome"),
    "ancova_completers": ("a score at visits", "difference of means of those who stay", "outcome"),
    "ancova_all_observed": ("a score at visits", "difference of means of those seen", "outcome"),
    "ancova_last_on_treatment": ("a score at visits", "difference of means while on treatment", "outcome"),
    "ancova_composite": ("a score at visits", "difference of means, events as failures", "outcome"),
    "jump_to_reference": ("a score at visits", "difference of means, dropouts jump to reference", "outcome"),
    "risk_difference": ("a response", "difference of risks", "share"),
    "log_odds_ratio": ("a response", "marginal odds ratio", "log odds ratio"),
    "mean_score": ("an ordered level", "difference of mean levels", "level"),
    "stratified_log_rank": (
        "a time to an event",
        "one-step hazard ratio in strata",
        "log hazard ratio",
    ),
    "stratified_cox": ("a time to an event", "hazard ratio within strata", "log hazard ratio"),
    "weighted_log_rank": ("a time to an event", "whether weighted hazards differ", "log hazard ratio"),
    "joint_rank": ("a marker and an event", "wins minus losses", "share of pairs"),
}

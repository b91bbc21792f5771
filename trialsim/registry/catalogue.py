"""The estimators of trialsim: where each is, what it reads, and what it estimates."""

from __future__ import annotations

from trialsim.registry.block_reader import Reader
from trialsim.registry.interface import Estimator
from trialsim.registry.simulated import SIMULATED, WORDS

_ROOM = "trialsim.analysis"
_PERSON = "a row a participant with"
_NUMBER = f"{_PERSON} a number"
_VISITS = "a row a participant and visit with a number"
_TIME = f"{_PERSON} a time and whether the event happened then"
_CAUSE = f"{_PERSON} a time and the cause that ended it"
_EPISODES = "rows of start, stop and whether an event ended them, several a participant"
_LEVEL = f"{_PERSON} an ordered level"

_Y = "--outcome change --arm arm --control placebo"
_T = "--time months --event died --arm arm --control placebo"
_C = "--time months --event cause --arm arm --control placebo --cause 1"
_V = "--outcome change --arm arm --control placebo --visit week --participant id"
_R = "--participant id --start from --stop to --event event --arm arm --control placebo"


def _of(
    name: str, where: str, reads: str, estimand: str, scale: str, example: str, **renamed: str
) -> Estimator:
    return Estimator(
        name, f"{_ROOM}.{where}", reads, estimand, scale, example, tuple(renamed.items()), _readers(name)
    )


def _readers(name: str) -> tuple[Reader, ...]:
    return tuple(one for called, one in SIMULATED if called == name)


_MEANS = (
    _of("unadjusted", "linear:unadjusted", _NUMBER, "difference of means", "outcome", _Y),
    _of("ancova", "linear:ancova", _NUMBER, "difference of means, given covariates", "outcome",
        f"{_Y} --covariates baseline,age"),
    _of("prognostic_adjustment", "linear:prognostic_adjustment", _NUMBER,
        "difference of means, given a prognostic score", "outcome",
        f"{_Y} --score twin --covariates baseline"),
    _of("dose_response", "linear:dose_response", _NUMBER, "slope on the dose",
        "outcome per unit of dose",
        "--outcome change --dose dose --covariates baseline"),
    _of("dunnett", "linear.named:every_arm_with_control", _NUMBER,
        "difference of means of every arm with the control, jointly", "outcome",
        f"{_Y} --covariates baseline"),
    _of("joint_test", "linear.named:all_arms_at_once", _NUMBER, "whether any arm differs (F test)",
        "F statistic", f"{_Y} --covariates baseline"),
    _of("t_test", "linear:t_test", _NUMBER, "difference of means", "outcome", _Y),
    _of("paired_t_test", "linear:paired_t_test", f"{_PERSON} two numbers",
        "mean of second minus first", "outcome", "--first baseline --second change"),
    _of("crossover", "linear:crossover", "a row a participant and period with a number",
        "difference of treatments within participants", "outcome",
        "--outcome change --participant id --period period --arm arm --control placebo"),
    _of("aipw", "predictions:aipw", _NUMBER, "difference of means, with anybody's predictions", "outcome",
        f"{_Y} --score twin --covariates baseline"),
    _of("bayesian_adjustment", "bayesian:bayesian_adjustment", _NUMBER,
        "difference of means, given a score whose slope has a prior", "outcome", ""),
)  # fmt: skip

_VISIT_MODELS = (
    _of("mmrm", "repeated_measures:mmrm", _VISITS,
        "difference of means at each visit, had nobody stopped (hypothetical)", "outcome",
        f"{_V} --covariates baseline --score twin --df kenward-roger", likelihood="method"),
    _of("slopes", "repeated_measures:slopes", "a row a participant and time with a number",
        "difference of mean changes a unit of time", "outcome per unit of time",
        "--outcome change --arm arm --control placebo --time week --participant id"),
    _of("reference_based_imputation", "imputation.named:imputed", _VISITS,
        "difference of means at each visit, under a strategy for dropouts", "outcome",
        f"{_V} --covariates baseline --strategy CIR"),
    _of("mar", "imputation.named:missing_at_random", _VISITS,
        "difference of means, dropouts as those who stayed", "outcome", f"{_V} --covariates baseline"),
    _of("j2r", "imputation.named:jump_to_reference", _VISITS,
        "difference of means, dropouts jump to reference", "outcome", f"{_V} --covariates baseline"),
    _of("cr", "imputation.named:copy_reference", _VISITS, "difference of means, dropouts copy reference",
        "outcome", f"{_V} --covariates baseline"),
    _of("cir", "imputation.named:copy_increments", _VISITS,
        "difference of means, dropouts copy increments in reference", "outcome",
        f"{_V} --covariates baseline"),
    _of("lmcf", "imputation.named:last_mean_carried_forward", _VISITS,
        "difference of means, last mean carried forward", "outcome", f"{_V} --covariates baseline"),
    _of("tipping", "imputation.named:tipped", _VISITS,
        "shift of imputed outcomes that changes the conclusion",
        "outcome", f"{_V} --covariates baseline --alpha 0.05"),
)  # fmt: skip

_RESPONSES = (
    _of("g_computation", "marginal:g_computation", f"{_PERSON} a response, count or number",
        "marginal effect on the mean of everyone", "difference, ratio or odds ratio",
        "--outcome response --arm arm --control placebo --family binomial --covariates baseline"),
    _of("two_proportions", "proportions:two_proportions", f"{_PERSON} 0 or 1",
        "difference of proportions",
        "share", "--outcome response --arm arm --control placebo --test fisher", test="method"),
    _of("mantel_haenszel", "proportions:mantel_haenszel", f"{_PERSON} 0 or 1",
        "common risk difference, risk ratio or odds ratio over strata", "difference or ratio",
        "--outcome response --arm arm --control placebo --strata site"),
    _of("cochran_mantel_haenszel", "proportions:stratified_association", f"{_PERSON} one of several levels",
        "whether the levels go with the arm in any stratum", "chi-square",
        "--outcome level --arm arm --strata site --scores columns"),
)  # fmt: skip

_LEVELS = (
    _of("proportional_odds", "ordinal:proportional_odds", _LEVEL,
        "odds ratio of a higher level, given covariates", "log odds ratio",
        "--outcome level --arm arm --control placebo --covariates baseline"),
    _of("probabilistic_index", "ordinal:probabilistic_index", _LEVEL,
        "probability of a higher outcome on active, ties half", "probability",
        "--outcome level --arm arm --control placebo"),
    _of("win_ratio", "ordinal:win_ratio", f"{_PERSON} outcomes in order of importance",
        "win ratio, win odds and net benefit", "ratio, odds and difference",
        "--outcomes level,change --arm arm --control placebo"),
    _of("win_odds", "ordinal:win_ratio", f"{_PERSON} outcomes in order of importance",
        "win odds, beside win ratio and net benefit", "odds, ratio and difference",
        "--outcomes level,change --arm arm --control placebo --lower-is-better level"),
)  # fmt: skip

_COUNTS = (
    _of("negative_binomial", "counts:negative_binomial", f"{_PERSON} a count", "ratio of rates",
        "log rate ratio",
        "--outcome count --arm arm --control placebo --exposure months --covariates baseline"),
    _of("negative_binomial_events", "counts:negative_binomial_events", _EPISODES, "ratio of rates",
        "log rate ratio", _R),
    _of("lwyy", "recurrent_events:lwyy", _EPISODES, "ratio of mean cumulative rates",
        "log rate ratio", f"{_R} --covariates baseline"),
)  # fmt: skip

_EVENTS = (
    _of("kaplan_meier", "survival:kaplan_meier", _TIME, "survival curve of each arm",
        "probability", _T),
    _of("log_rank", "survival:log_rank", _TIME,
        "whether hazards differ (one-step hazard ratio)",
        "log hazard ratio", f"{_T} --strata site"),
    _of("adjusted_log_rank", "survival:adjusted_log_rank", _TIME,
        "whether hazards differ, given covariates; marginal hazard ratio", "log hazard ratio",
        f"{_T} --score twin"),
    _of("max_combo", "survival:max_combo", _TIME,
        "whether survival differs early, late or throughout", "largest of several z",
        f'{_T} --weights "0,0 0,1 1,0"'),
    _of("k_sample_log_rank", "survival:k_sample_log_rank", _TIME,
        "whether hazards of several arms differ", "chi-square", _T),
    _of("cox", "survival:cox", _TIME, "hazard ratio, given covariates", "log hazard ratio",
        f"{_T} --covariates age --score twin"),
    _of("cox_several_arms", "survival:cox_several_arms", _TIME,
        "hazard ratio of each arm with the control", "log hazard ratio", f"{_T} --covariates age"),
    _of("weibull", "survival:weibull", _TIME, "time ratio and hazard ratio", "log time ratio",
        f"{_T} --covariates age"),
    _of("concordance", "survival:concordance", _TIME,
        "how often a higher risk has the earlier event", "probability",
        "--time months --event died --risk age"),
    _of("rmst", "survival:restricted_mean_survival", _TIME,
        "difference of mean survival time up to tau", "time", f"{_T} --tau 12"),
    _of("milestone_survival", "survival:milestone_survival", _TIME,
        "difference of survival at one time",
        "probability", f"{_T} --at 12"),
)  # fmt: skip

_COMPETING = (
    _of("cumulative_incidence", "competing_risks:cumulative_incidence", _CAUSE,
        "cumulative incidence of one cause in each arm", "probability", _C),
    _of("gray", "competing_risks:gray_test", _CAUSE, "whether cumulative incidences differ", "z", _C),
    _of("k_sample_gray", "competing_risks:k_sample_gray_test", _CAUSE,
        "whether cumulative incidences of several arms differ", "chi-square", _C),
    _of("fine_gray", "competing_risks:fine_gray", _CAUSE,
        "subdistribution hazard ratio of one cause", "log subdistribution hazard ratio",
        f"{_C} --covariates age"),
)  # fmt: skip

_B = "--responders responders --participants participants"

_PAST = (
    _of("past_controls", "borrowing:past_controls",
        "a row a past trial with responders and participants, a mean and its error, or events and exposure",
        "parameter of the next control arm, and what its prior is worth", "probability, mean or rate",
        f"{_B} --robust 0.2"),
    _of("external_controls", "external_controls:external_controls",
        "a row a participant, of the trial and from outside, with a number",
        "difference of means in those treated, in all, or where groups overlap", "outcome",
        f"{_Y} --covariates baseline,age --weights overlap"),
    _of("external_controls_survival", "external_controls:external_controls_survival",
        "a row a participant, of the trial and from outside, with a time and whether it is an event",
        "hazard ratio and survival in those treated, in all, or where groups overlap", "log hazard ratio",
        f"{_T} --covariates age --weights overlap --tau 12"),
    _of("borrowed_controls", "borrowing:borrowed_controls",
        "a row an arm (past controls, control, active) with the same columns",
        "difference from controls that borrow, and from those that do not",
        "difference or log hazard ratio",
        f"{_B} --arm arm --control placebo --active drug --external past --borrowing commensurate"),
)  # fmt: skip

_SEVERAL = (
    _of("several_hypotheses", "multiplicity:several_hypotheses", "a row a hypothesis with a p value",
        "which hypotheses may be claimed, the family-wise error kept", "adjusted p value",
        "--p-value p --hypothesis name --procedure holm --alpha 0.05"),
)  # fmt: skip

_SIMULATED_ALONE = tuple(
    Estimator(name, None, *words, readers=_readers(name)) for name, words in WORDS.items()
)

CATALOGUE = (
    *_MEANS, *_VISIT_MODELS, *_RESPONSES, *_LEVELS, *_COUNTS, *_EVENTS, *_COMPETING, *_SEVERAL, *_PAST,
    *_SIMULATED_ALONE,
)  # fmt: skip

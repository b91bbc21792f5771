"""Every registered method runs and equals its own function; a name that is not known is refused."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

import trialsim as ts
from trialsim import offered
from trialsim.analysis import competing_risks, survival
from trialsim.analysis.bayesian import adjustment_prior, fit_history
from trialsim.analysis.by_name import listing_of, tables_of
from trialsim.analysis.survival import FlemingHarrington
from trialsim.cli.analyse.arguments import Words, value_of
from trialsim.errors import AnalysisError
from trialsim.registry import Estimator, estimator, estimators, register, registered

sys.path.insert(0, str(Path(__file__).parent))
from tests.registry.small_trials import trial_of

A = ts.analysis
Y = {"outcome": "change", "arm": "arm", "control": "placebo"}
T = {"time": "months", "event": "died", "arm": "arm", "control": "placebo"}
C = {"time": "months", "event": "cause", "arm": "arm", "control": "placebo", "cause": 1}
V = Y | {"visit": "week", "participant": "id"}
R = {"participant": "id", "start": "from", "stop": "to", "event": "event", "arm": "arm", "control": "placebo"}
B = {"covariates": ["baseline"]}
PRIOR = adjustment_prior(fit_history(np.array([1.0, 2, 3, 5]), np.array([1.0, 2, 4, 4])))


def imputed(strategy: str) -> Callable[[pd.DataFrame], Any]:
    return lambda d: A.reference_based_imputation(d, strategy=strategy, **V, **B)


# What each example of the catalogue asks for, written out by hand with the function itself.
BY_HAND: dict[str, Callable[[pd.DataFrame], Any]] = {
    "unadjusted": lambda d: A.unadjusted(d, **Y),
    "ancova": lambda d: A.ancova(d, covariates=["baseline", "age"], **Y),
    "prognostic_adjustment": lambda d: A.prognostic_adjustment(d, score=["twin"], **Y, **B),
    "dose_response": lambda d: A.dose_response(d, outcome="change", dose="dose", **B),
    "dunnett": lambda d: A.dunnett(A.ancova(d, variance="model", **Y, **B)),
    "joint_test": lambda d: pd.DataFrame(
        [A.joint_test(A.ancova(d, variance="model", **Y, **B))],
        columns=["statistic", "df_numerator", "df_denominator", "p_value"],
    ),
    "t_test": lambda d: A.t_test(d, **Y),
    "aipw": lambda d: A.predictions.aipw(d, score="twin", **Y, **B),
    "external_controls": lambda d: A.external_controls.external_controls(
        d, covariates=["baseline", "age"], weights="overlap", **Y
    ),
    "external_controls_survival": lambda d: A.external_controls.external_controls_survival(
        d, covariates="age", weights="overlap", tau=12.0, **T
    ),
    "paired_t_test": lambda d: A.paired_t_test(d, first="baseline", second="change"),
    "crossover": lambda d: A.crossover(d, participant="id", period="period", **Y),
    "bayesian_adjustment": lambda d: A.bayesian_adjustment(d, score="twin", prior=PRIOR, **Y),
    "mmrm": lambda d: A.mmrm(d, covariates=["baseline", "twin"], df="kenward-roger", **V),
    "reference_based_imputation": imputed("CIR"),
    "slopes": lambda d: ts.analysis.repeated_measures.slopes(d, time="week", participant="id", **Y),
    "mar": imputed("MAR"),
    "j2r": imputed("J2R"),
    "cr": imputed("CR"),
    "cir": imputed("CIR"),
    "lmcf": imputed("LMCF"),
    "tipping": lambda d: A.tipping_point(imputed("MAR")(d)),
    "g_computation": lambda d: A.g_computation(d, family="binomial", **(Y | {"outcome": "response"}), **B),
    "two_proportions": lambda d: A.two_proportions(d, method="fisher", **(Y | {"outcome": "response"})),
    "mantel_haenszel": lambda d: A.mantel_haenszel(d, strata="site", **(Y | {"outcome": "response"})),
    "proportional_odds": lambda d: A.proportional_odds(d, **(Y | {"outcome": "level"}), **B),
    "probabilistic_index": lambda d: A.probabilistic_index(d, **(Y | {"outcome": "level"})),
    "win_ratio": lambda d: A.win_ratio(d, outcomes=["level", "change"], arm="arm", control="placebo"),
    "win_odds": lambda d: A.win_ratio(
        d, outcomes=["level", "change"], lower_is_better=["level"], arm="arm", control="placebo"
    ),
    "negative_binomial": lambda d: A.negative_binomial(
        d, exposure="months", **(Y | {"outcome": "count"}), **B
    ),
    "negative_binomial_events": lambda d: A.negative_binomial_events(d, **R),
    "lwyy": lambda d: A.lwyy(d, **R, **B),
    "kaplan_meier": lambda d: A.kaplan_meier(d, **T),
    "log_rank": lambda d: A.log_rank(d, strata="site", **T),
    "adjusted_log_rank": lambda d: A.adjusted_log_rank(d, covariates="twin", **T),
    "max_combo": lambda d: A.max_combo(
        d, weights=[FlemingHarrington(*one) for one in ((0, 0), (0, 1), (1, 0))], **T
    ),
    "k_sample_log_rank": lambda d: survival.k_sample_log_rank(d, **T),
    "cox": lambda d: A.cox(d, covariates=["age", "twin"], **T),
    "cox_several_arms": lambda d: survival.cox_several_arms(d, covariates="age", **T),
    "weibull": lambda d: survival.weibull(d, covariates="age", **T),
    "concordance": lambda d: survival.concordance(d, time="months", event="died", risk="age"),
    "rmst": lambda d: A.restricted_mean_survival(d, tau=12.0, **T),
    "milestone_survival": lambda d: A.milestone_survival(d, at=12.0, **T),
    "cumulative_incidence": lambda d: A.cumulative_incidence(d, **C),
    "gray": lambda d: A.gray_test(d, **C),
    "k_sample_gray": lambda d: competing_risks.k_sample_gray_test(d, **C),
    "fine_gray": lambda d: A.fine_gray(d, covariates="age", **C),
    "cochran_mantel_haenszel": lambda d: A.proportions.stratified_association(
        d, outcome="level", arm="arm", strata="site", scores="columns"
    ),
    "several_hypotheses": lambda d: A.multiplicity.several_hypotheses(d, p_value="p", hypothesis="name"),
    "past_controls": lambda d: A.borrowing.past_controls(
        d, responders="responders", participants="participants", robust=0.2
    ),
    "borrowed_controls": lambda d: A.borrowing.borrowed_controls(
        d,
        arm="arm",
        control="placebo",
        active="drug",
        external="past",
        responders="responders",
        participants="participants",
        borrowing="commensurate",
    ),
}


def asked(one: Estimator, data: pd.DataFrame) -> dict[str, Any]:
    """The options of a method's example."""
    if one.name == "bayesian_adjustment":
        return {"score": "twin", "prior": PRIOR, **Y}
    words = Words.of(shlex.split(one.example)).named
    found = {
        name: value_of(one.options[name], said, list(data))
        for name, said in words.items()
        if name in one.options
    }
    if "cause" in found:
        found["cause"] = int(found["cause"])
    return found | ({"score": words["score"]} if "score" in words else {})


@pytest.mark.parametrize("name", [one.name for one in estimators()])
def test_a_registered_method_equals_its_own_function(name: str) -> None:
    data, one = trial_of(name), estimator(name)
    found, expected = ts.analyse(data, method=name, **asked(one, data)), BY_HAND[name](data)
    assert type(found) is type(expected)
    assert listing_of(found) == listing_of(expected)
    tables, again = tables_of(found), tables_of(expected)
    assert list(tables) == list(again)
    for title, table in tables.items():
        pd.testing.assert_frame_equal(table, again[title], check_exact=True)
        assert len(table)
    numbers = tables["estimates"].select_dtypes("number")
    assert np.isfinite(numbers.to_numpy()).any()


def test_every_analysis_of_a_data_frame_is_registered() -> None:
    """Whatever a door of trialsim.analysis offers that reads ``data`` has a name here."""
    from trialsim.lazy import offers

    rooms = [A.__name__] + [
        f"{A.__name__}.{n}" for n, (m, _) in offers(A.__name__).items() if m == A.__name__
    ]
    offered = set()
    for room in rooms:
        for name in dir(import_module(room)) if offers_of(room) else []:
            thing = getattr(import_module(room), name)
            if inspect.isfunction(thing) and next(iter(inspect.signature(thing).parameters), "") == "data":
                offered.add(thing)
    called = {one.call for one in estimators()} | {A.reference_based_imputation}
    assert {one.__qualname__ for one in offered - called} == {"analyse"}


def offers_of(room: str) -> bool:
    return isinstance(import_module(room), ModuleType) and hasattr(import_module(room), "__all__")


def test_every_method_says_what_it_is() -> None:
    for one in estimators():
        assert one.what.endswith("."), one.name
        assert one.example or one.name == "bayesian_adjustment", one.name
        assert one.options, one.name
        assert one.adjusts == bool({"covariates", "score"} & one.options.keys())


@pytest.mark.parametrize("method", ["", "rmts", "coxx", "MMRM", "ancova ", "log__rank"])
def test_an_unknown_method_is_refused_with_the_known_ones(method: str) -> None:
    with pytest.raises(AnalysisError, match="is not known") as refused:
        ts.analyse(trial_of("cox"), method=method, **T)
    assert refused.value.value == method
    assert all(name in str(refused.value) for name in ("mmrm", "cox", "rmst"))


@pytest.mark.parametrize(
    ("method", "options", "field", "words"),
    [
        ("cox", T | {"tau": 3}, "tau", "is no option of cox"),
        ("rmst", T, "tau", "is needed by rmst"),
        ("cox", T | {"ties": "excat"}, "ties", "efron, breslow, exact"),
        ("rmst", T | {"tau": "soon"}, "tau", "must be a number"),
        ("max_combo", T | {"score": "twin"}, "score", "takes no covariates"),
        ("mmrm", V | {"method": "ml"}, None, "multiple values"),
    ],
)
def test_wrong_options_are_refused(
    method: str, options: dict[str, Any], field: str | None, words: str
) -> None:
    if field is None:
        with pytest.raises(TypeError, match=words):
            ts.analyse(trial_of(method), method="mmrm", **options)
        return
    with pytest.raises(AnalysisError) as refused:
        ts.analyse(trial_of(method), method=method, **options)
    assert refused.value.field == field
    assert words in str(refused.value)


def test_a_renamed_option_reaches_the_function() -> None:
    data = trial_of("mmrm")
    found = ts.analyse(data, method="mmrm", likelihood="ml", **V)
    assert str(found) == str(A.mmrm(data, method="ml", **V))
    assert str(found) != str(A.mmrm(data, **V))


def test_a_score_is_one_more_covariate() -> None:
    data = trial_of("ancova")
    found = ts.analyse(data, method="ancova", score="twin", covariates="baseline", **Y)
    assert str(found) == str(A.ancova(data, covariates=["baseline", "twin"], **Y))


def test_bayesian_draws_of_an_imputation_come_from_the_seed() -> None:
    data = trial_of("j2r")
    asked_for = {"method": "j2r", "imputation": "bayes", "draws": 20, **V}
    one, same, other = (ts.analyse(data, seed=seed, **asked_for) for seed in (1, 1, 2))
    assert str(one) == str(same)
    assert str(one) != str(other)


def test_a_strategy_for_each_arm() -> None:
    data = trial_of("j2r")
    found = ts.analyse(data, method="reference-based-imputation", strategy="placebo=MAR, active=CR", **V)
    own = A.reference_based_imputation(data, strategy={"placebo": "MAR", "active": "CR"}, **V)
    assert str(found) == str(own)
    with pytest.raises(AnalysisError, match="is no strategy of an arm"):
        ts.analyse(data, method="reference_based_imputation", strategy="placebo=MAR,J2R", **V)


# Plug-ins


def medians(data: pd.DataFrame, *, outcome: str, arm: str, quantile: float = 0.5) -> pd.DataFrame:
    """Return a quantile of each arm."""
    found = data.groupby(arm)[outcome].quantile(quantile)
    return pd.DataFrame({"arm": found.index, "estimate": found.to_numpy()})


MEDIANS = Estimator(
    "medians", medians, "a row a participant with a number", "median of each arm", "outcome", ""
)


def fake(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    monkeypatch.setattr(offered, "entry_points", lambda group: [p for p in points if p.group == group])


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "trialsim.estimators")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Another package's module, importable."""
    (tmp_path / "other_package.py").write_text(
        "import pandas as pd\n"
        "from trialsim.registry import Estimator\n"
        "def top(data: pd.DataFrame, *, outcome: str, largest: int = 1) -> pd.DataFrame:\n"
        "    '''Return the largest outcomes.'''\n"
        "    return pd.DataFrame({'estimate': data[outcome].nlargest(largest).to_numpy()})\n"
        "TOP = Estimator('top', top, 'a row a participant', 'largest', 'outcome', '--outcome change')\n"
        "NOTHING = 3\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "other_package"
    sys.modules.pop("other_package", None)


def test_another_packages_estimator_is_found_by_its_entry_point(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AnalysisError, match="is not known"):
        estimator("top")
    fake(monkeypatch, point("top", f"{package}:TOP"))
    data = trial_of("ancova")
    found = ts.analyse(data, method="top", outcome="change", largest=3)
    assert found["estimate"].tolist() == sorted(data["change"])[:-4:-1]
    assert "top" in [one.name for one in estimators()]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("top", "no_such_package:TOP", "cannot be imported"),
        ("top", "other_package:MISSING", "cannot be imported"),
        ("top", "other_package:NOTHING", "is no Estimator"),
        ("best", "other_package:TOP", "names itself otherwise"),
        ("cox", "other_package:TOP", "is the name of two estimators"),
    ],
)
def test_an_entry_point_that_cannot_be_used_is_refused(
    package: str, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    fake(monkeypatch, point(name, value))
    with pytest.raises(AnalysisError, match=words):
        estimators()


def test_an_estimator_is_registered_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered, "_BY_HAND", {})
    assert register(MEDIANS) is register(MEDIANS)
    data = trial_of("ancova")
    found = ts.analyse(data, method="medians", outcome="change", arm="arm", quantile=0.25)
    assert found.equals(medians(data, outcome="change", arm="arm", quantile=0.25))
    with pytest.raises(AnalysisError, match="is the name of another estimator"):
        register(Estimator("cox", medians, "rows", "medians", "outcome", ""))


def test_an_estimator_says_what_it_is_or_is_refused() -> None:
    for changes in ({"name": "Two Words"}, {"estimand": " "}, {"scale": ""}):
        given = {
            "name": "x",
            "function": medians,
            "reads": "rows",
            "estimand": "m",
            "scale": "o",
            "example": "",
        }
        with pytest.raises(AnalysisError):
            Estimator(**(given | changes))  # type: ignore[arg-type]

    def clash(data: pd.DataFrame, *, method: str) -> pd.DataFrame:
        return data[[method]]

    with pytest.raises(AnalysisError, match="is the estimator's own name"):
        _ = Estimator("clash", clash, "rows", "m", "o", "").options
